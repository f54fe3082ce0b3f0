#include "broker/core/share.h"

#include "broker/core/deliver.h"
#include "broker/core/rcu.h"
#include "broker/core/session.h"

/* QoS 0 needs no quota, and does not wait. */
static enum session_presence
presence_for(const struct broker *b, uint64_t session_id, uint8_t qos)
{
    const struct shard *owner = b->shards[session_id_shard(session_id)];
    enum session_presence presence = session_table_presence(&owner->sessions, session_id);

    if (qos == 0 && presence == SESSION_NO_QUOTA) {
        return SESSION_READY;
    }
    return qos == 0 && presence == SESSION_STUCK ? SESSION_FULL : presence;
}

static uint8_t
lower_qos(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

bool
share_choose(const struct broker *b, struct topic_group *g, const struct message *m,
             const struct share_wish *wish, struct topic_match *out)
{
    uint32_t start = topic_group_turn(g);
    struct topic_group_cursor cursor = {0};
    enum session_presence best = SESSION_GONE;
    struct topic_match member;

    while (best != SESSION_READY && topic_group_next(g, start, &cursor, &member)) {
        uint8_t qos = lower_qos(m->qos, member.how.qos);
        enum session_presence presence = presence_for(b, member.session_id, qos);

        if (presence > best && presence >= wish->at_least && member.session_id != wish->except) {
            best = presence;
            *out = member;
        }
    }
    return best != SESSION_GONE;
}

static struct topic_group *
group_of(const struct topic_matches *matches, uint32_t number)
{
    for (size_t i = 0; i < matches->group_count; i++) {
        if (matches->groups[i]->number == number) {
            return matches->groups[i];
        }
    }
    return NULL;
}

/* Groups are looked up by the message's topic: a delivery needs to carry no more than a number. */
static bool
find_member(struct shard *s, const struct message *m, uint32_t group, const struct share_wish *wish,
            struct topic_match *out)
{
    struct topic_group *g = NULL;
    bool found = false;

    rcu_read_begin();
    if (topic_index_match(s->broker->index, message_topic(m), &s->matches) == WILCO_OK) {
        g = group_of(&s->matches, group);
        found = g != NULL && share_choose(s->broker, g, m, wish, out);
    }
    rcu_read_end();
    return found;
}

static bool
send_mail(struct shard *s, struct message *m, const struct target *t, const uint32_t *words)
{
    unsigned shard = session_id_shard(t->session_id);
    struct mail *mail = mail_new(s->broker->alloc, m, 1, target_words(t));

    if (mail == NULL) {
        return false;
    }
    mail->targets[0] = *t;
    memcpy(mail_words(mail), words, target_words(t) * sizeof(*words));
    mailbox_push(&s->broker->shards[shard]->inbox, &mail->node);
    s->kicks |= UINT64_C(1) << shard;
    return true;
}

bool
share_pass_on(struct shard *s, struct message *m, uint32_t group, const struct share_wish *wish)
{
    struct topic_match member;
    struct target target;
    uint32_t words[2] = {group, 0};

    if (!find_member(s, m, group, wish, &member)) {
        return false;
    }
    words[1] = member.how.identifier;
    target = (struct target){
        .session_id = member.session_id,
        .identifier_count = member.how.identifier != 0,
        .qos = lower_qos(m->qos, member.how.qos),
        .retain = m->retain && member.how.retain_as_published,
        .is_shared = true,
    };
    if (session_id_shard(target.session_id) != s->index) {
        if (!send_mail(s, m, &target, words)) {
            return false;
        }
    } else {
        target_deliver(s, m, &target, words);
    }
    s->stats.passed_on++;
    return true;
}

/* While one session's messages are gone through: a group that had nobody for one message is not
 * asked for the next. */
struct moving {
    struct session *session;
    struct share_wish wish;
    uint32_t exhausted; /* a group's number; 0: none */
};

static bool
move(struct moving *v, const struct delivery *d)
{
    if (d->group == 0 || d->group == v->exhausted) {
        return false;
    }
    if (!share_pass_on(v->session->shard, d->message, d->group, &v->wish)) {
        v->exhausted = d->group;
        return false;
    }
    return true;
}

/* Only QoS 1: what was sent as QoS 2 is never sent to anybody else. */
static void
move_sent(struct moving *v)
{
    struct send_window *sent = &v->session->sent;
    struct send_entry *entry = send_window_first(sent);

    while (entry != NULL) {
        struct send_entry *next = send_window_next(sent, entry);
        struct delivery *d = entry->item;

        if (entry->stage == SEND_AWAITS_PUBACK && move(v, d)) {
            send_window_remove(sent, entry);
            v->session->shard->stats.inflight--;
            delivery_free(v->session->shard, d);
        }
        entry = next;
    }
}

static void
move_waiting(struct moving *v)
{
    struct delivery_queue all = v->session->waiting;
    struct delivery *d = NULL;

    if (all.shared_count == 0) {
        return;
    }
    v->session->waiting = (struct delivery_queue){0};
    d = delivery_queue_pop(&all);
    while (d != NULL) {
        if (move(v, d)) {
            delivery_free(v->session->shard, d);
        } else {
            delivery_queue_push(&v->session->waiting, d);
        }
        d = delivery_queue_pop(&all);
    }
}

static void
move_all(struct session *s, enum session_presence at_least)
{
    struct moving v = {.session = s, .wish = {.except = s->id, .at_least = at_least}};

    if (!s->shard->is_stopping) {
        move_sent(&v);
        move_waiting(&v);
    }
}

void
share_member_left(struct session *s)
{
    move_all(s, SESSION_STUCK);
}

void
share_member_ends(struct session *s)
{
    move_all(s, SESSION_OFFLINE);
}

bool
share_redirect(struct shard *s, struct message *m, uint32_t group, uint64_t session_id)
{
    const struct session *session = session_table_get(&s->sessions, session_id);
    const struct share_wish wish = {
        .except = session_id,
        .at_least = session == NULL ? SESSION_OFFLINE : SESSION_STUCK,
    };

    if (session != NULL && session->presence != SESSION_OFFLINE) {
        return false;
    }
    return share_pass_on(s, m, group, &wish);
}
