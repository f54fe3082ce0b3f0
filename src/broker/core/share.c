#include "broker/core/share.h"

#include "broker/core/deliver.h"
#include "broker/core/rcu.h"
#include "broker/core/request.h"
#include "broker/core/session.h"

/* QoS 0 needs no quota, and does not wait. */
static enum session_presence
presence_for(const struct session_slot *slot, uint8_t qos)
{
    enum session_presence presence = session_slot_presence(slot);

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

/* How well a member suits, the first field that differs deciding. */
struct rank {
    enum session_presence presence;
    bool is_in;          /* not left out for letting deadlines pass */
    uint64_t preference; /* of one key; the same for all without one */
    uint32_t load;       /* less is better */
    uint32_t latency_us; /* likewise */
};

static bool
is_better(const struct rank *a, const struct rank *b)
{
    if (a->presence != b->presence) {
        return a->presence > b->presence;
    }
    if (a->is_in != b->is_in) {
        return a->is_in;
    }
    if (a->preference != b->preference) {
        return a->preference > b->preference;
    }
    return a->load != b->load ? a->load < b->load : a->latency_us < b->latency_us;
}

/* What keeps requests together; 0: nothing. */
static uint64_t
key_of(const struct settings *settings, const struct message *m)
{
    if (!message_is_request(m) || settings->group_strategy == SHARE_LEAST) {
        return 0;
    }
    return settings->group_strategy == SHARE_PARTITION ? m->request.partition : m->publisher;
}

/* Highest random weight: who joins or leaves takes or gives his own part only. */
static uint64_t
weight(uint64_t key, uint64_t session_id)
{
    uint64_t x = (key ^ session_id) * UINT64_C(0x9E3779B97F4A7C15);

    x = (x ^ x >> 29) * UINT64_C(0xBF58476D1CE4E5B9);
    return x ^ x >> 32;
}

static void
rank_request(struct rank *rank, const struct shard *s, const struct session_slot *slot,
             uint64_t key, uint64_t session_id)
{
    const struct standing *standing = &slot->standing;

    rank->is_in = !standing_is_out(standing, &s->broker->settings, s->now_ms);
    rank->load = standing_load(standing);
    rank->latency_us = standing_latency_us(standing, s->now_ms);
    if (key != 0) { /* the same one while he is connected, whatever else */
        rank->preference = weight(key, session_id);
        rank->presence = rank->presence >= SESSION_FULL ? SESSION_READY : rank->presence;
        rank->is_in = true;
    }
}

static bool
rank_member(struct rank *out, const struct shard *s, const struct topic_match *member,
            const struct message *m, uint64_t key)
{
    const struct shard *owner = s->broker->shards[session_id_shard(member->session_id)];
    const struct session_slot *slot = session_table_slot(&owner->sessions, member->session_id);

    if (slot == NULL) {
        return false;
    }
    *out = (struct rank){.presence = presence_for(slot, lower_qos(m->qos, member->how.qos)),
                         .is_in = true};
    if (message_is_request(m)) {
        rank_request(out, s, slot, key, member->session_id);
    }
    return true;
}

/* Whether to look on: a message goes to the first who can take it; for a request some more are
 * compared, and all where it is always to be the same one. */
static bool
is_good_enough(const struct rank *best, const struct message *m, uint64_t key, unsigned looks)
{
    if (best->presence != SESSION_READY || key != 0) {
        return false;
    }
    return !message_is_request(m) || looks >= SHARE_LOOKS_MAX;
}

static void
note_coming(const struct shard *s, uint64_t session_id)
{
    const struct shard *owner = s->broker->shards[session_id_shard(session_id)];
    struct session_slot *slot =
        owner == s ? NULL : session_table_slot(&owner->sessions, session_id);

    if (slot != NULL) {
        (void)atomic_fetch_add_explicit(&slot->standing.coming, 1, memory_order_relaxed);
    }
}

static void
uncount_coming(const struct shard *owner, uint64_t session_id)
{
    struct session_slot *slot = session_table_slot(&owner->sessions, session_id);
    uint32_t coming = 0;

    if (slot == NULL) {
        return;
    }
    coming = atomic_load_explicit(&slot->standing.coming, memory_order_relaxed);
    while (coming > 0 &&
           !atomic_compare_exchange_weak_explicit(&slot->standing.coming, &coming, coming - 1,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

void
share_arrived(struct shard *s, uint64_t session_id)
{
    uncount_coming(s, session_id);
}

void
share_take_back(struct shard *s, uint64_t session_id)
{
    const struct shard *owner = s->broker->shards[session_id_shard(session_id)];

    if (owner != s) {
        uncount_coming(owner, session_id);
    }
}

/* What a member may not receive is for another one. */
static bool
may_receive(const struct shard *s, uint64_t session_id, const struct message *m)
{
    const struct shard *owner = s->broker->shards[session_id_shard(session_id)];
    const struct access_names *names = NULL;
    struct access_subject who;

    if (WILCO_LIKELY(s->broker->access == NULL)) {
        return true;
    }
    names = session_table_names(&owner->sessions, session_id);
    if (names == NULL) {
        return false;
    }
    who = access_names_subject(names);
    return access_may(s->broker->access, &who, ACCESS_RECEIVE, message_topic(m));
}

bool
share_choose(struct shard *s, struct topic_group *g, const struct message *m,
             const struct share_wish *wish, struct topic_match *out)
{
    uint64_t key = key_of(&s->broker->settings, m);
    uint32_t start = topic_group_turn(g);
    struct topic_group_cursor cursor = {0};
    struct rank best = {.presence = SESSION_GONE};
    struct topic_match member;
    struct rank rank;

    for (unsigned looks = 0;
         !is_good_enough(&best, m, key, looks) && topic_group_next(g, start, &cursor, &member);
         looks++) {
        if (member.session_id != wish->except && rank_member(&rank, s, &member, m, key) &&
            rank.presence >= wish->at_least && is_better(&rank, &best) &&
            may_receive(s, member.session_id, m)) {
            best = rank;
            *out = member;
        }
    }
    if (best.presence == SESSION_GONE) {
        return false;
    }
    if (wish->opens_request) {
        note_coming(s, out->session_id);
    }
    return true;
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
find_member(struct shard *s, const struct share_load *load, const struct share_wish *wish,
            struct topic_match *out, uint32_t *service)
{
    const struct message *m = load->message;
    struct topic_group *g = NULL;
    bool found = false;

    rcu_read_begin();
    if (topic_index_match(s->broker->index, message_topic(m), &s->matches) == WILCO_OK) {
        g = group_of(&s->matches, load->group);
        found = g != NULL && share_choose(s, g, m, wish, out);
    }
    if (found) {
        *service = topic_group_service(g);
    }
    rcu_read_end();
    return found;
}

bool
share_pass_on(struct shard *s, const struct share_load *load, const struct share_wish *wish)
{
    const struct share_wish whole = {
        .except = wish->except, .at_least = wish->at_least, .opens_request = load->is_request};
    struct message *m = load->message;
    struct topic_match member;
    struct target target;
    uint32_t words[3] = {load->group, 0, 0};

    if (!find_member(s, load, &whole, &member, &words[1])) {
        return false;
    }
    words[1 + load->is_request] = member.how.identifier;
    target = (struct target){
        .session_id = member.session_id,
        .identifier_count = member.how.identifier != 0,
        .qos = lower_qos(m->qos, member.how.qos),
        .retain = m->retain && member.how.retain_as_published,
        .is_shared = true,
        .is_request = load->is_request,
        .was_sent = load->was_sent,
    };
    if (!target_send(s, m, &target, words)) {
        if (load->is_request) {
            share_take_back(s, target.session_id);
        }
        return false;
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
    const struct share_load load = {
        .message = d->message,
        .group = d->group,
        .is_request = d->request != NULL,
        .was_sent =
            d->request != NULL && (d->request->was_sent || d->request->stage != REQUEST_QUEUED),
    };

    if (d->group == 0 || d->group == v->exhausted || d->is_cancelled) {
        return false;
    }
    if (!share_pass_on(v->session->shard, &load, &v->wish)) {
        v->exhausted = d->group;
        return false;
    }
    if (d->request != NULL) {
        request_moved(d->request);
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
            delivery_free(v->session->shard, deliver_land(v->session, entry));
        }
        entry = next;
    }
}

static void
move_waiting(struct moving *v)
{
    struct delivery_queue all = *v->session->waiting;
    struct delivery *d = NULL;

    if (all.shared_count == 0) {
        return;
    }
    *v->session->waiting = (struct delivery_queue){0};
    d = delivery_queue_pop(&all);
    while (d != NULL) {
        if (move(v, d)) {
            delivery_free(v->session->shard, d);
        } else {
            delivery_queue_push(v->session->waiting, d);
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
share_redirect(struct shard *s, struct message *m, const struct target *t, uint32_t group)
{
    const struct session *session = session_table_get(&s->sessions, t->session_id);
    const struct share_load load = {
        .message = m, .group = group, .is_request = t->is_request, .was_sent = t->was_sent};
    const struct share_wish wish = {
        .except = t->session_id,
        .at_least = session == NULL ? SESSION_OFFLINE : SESSION_STUCK,
    };

    if (session != NULL && session->presence != SESSION_OFFLINE) {
        return false;
    }
    return share_pass_on(s, &load, &wish);
}
