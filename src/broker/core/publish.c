/* Three steps. Gather: every matching subscription, and one member of every matching group, inside
 * one read section of the topic index. Collapse: the subscriptions of one session become one
 * target. Distribute: targets of this shard are delivered to, those of others are copied into one
 * mail for each shard.
 *
 * When a single filter matched, which is nearly always, no session can be named twice, and
 * collapsing copies and nothing else. When a single subscription matched, which is nearly always
 * for requests, responses and what devices say of themselves, that is kept as a route: the next
 * message to the topic goes there without asking the index. */
#include "broker/core/publish.h"

#include "broker/core/audience.h"
#include "broker/core/inbox.h"
#include "broker/core/mail.h"
#include "broker/core/rcu.h"
#include "broker/core/request.h"
#include "broker/core/route_cache.h"
#include "broker/core/share.h"

#include <assert.h>
#include <stdlib.h>

struct publish_scratch {
    const struct wilco_alloc *alloc;
    struct target *targets;
    size_t target_count;
    size_t target_capacity;
    bool is_request;    /* what is published opens requests */
    uint32_t service;   /* of the filter of all subscriptions that are not shared */
    size_t passed_over; /* sessions and groups that must not have it, as they are offline */
    size_t watchers;    /* targets that only watch a request */
    uint32_t *words;    /* of the targets (mail.h) */
    size_t word_count;
    size_t word_capacity;
    uint32_t targets_of[SHARDS_MAX]; /* for another shard */
    uint32_t words_of[SHARDS_MAX];   /* likewise */
    struct mail *mail_for[SHARDS_MAX];
    struct route_cache routes;
};

struct publish_scratch *
publish_scratch_new(const struct wilco_alloc *a)
{
    struct publish_scratch *p = mem_zalloc(a, sizeof(*p));

    if (p != NULL) {
        p->alloc = a;
    }
    return p;
}

void
publish_scratch_free(struct publish_scratch *p)
{
    if (p != NULL) {
        mem_free(p->alloc, p->targets);
        mem_free(p->alloc, p->words);
        mem_free(p->alloc, p);
    }
}

/* Room for one more item of `size` bytes behind `count`. */
static enum wilco_status
make_room(const struct wilco_alloc *a, void **items, size_t count, size_t *capacity, size_t size)
{
    size_t wanted = *capacity == 0 ? 16 : *capacity * 2;
    void *moved = NULL;

    if (count < *capacity) {
        return WILCO_OK;
    }
    moved = mem_realloc(a, *items, wanted * size);
    if (moved == NULL) {
        return WILCO_ENOMEM;
    }
    *items = moved;
    *capacity = wanted;
    return WILCO_OK;
}

static enum wilco_status
add_word(struct publish_scratch *p, uint32_t word)
{
    void *items = p->words;
    enum wilco_status status =
        make_room(p->alloc, &items, p->word_count, &p->word_capacity, sizeof(*p->words));

    p->words = items;
    if (status == WILCO_OK) {
        p->words[p->word_count++] = word;
    }
    return status;
}

static uint8_t
lower_qos(uint8_t published, uint8_t granted) /* [MQTT-3.8.4-8] */
{
    return published < granted ? published : granted;
}

/* Where a subscription was found. */
struct origin {
    uint32_t group;   /* the number of the group that shares it; 0: none */
    uint32_t service; /* what it is called in figures; looked at for requests only */
};

/* A target with what one subscription says. */
static struct target
target_of(const struct message *m, const struct topic_match *match, bool is_request)
{
    return (struct target){
        .session_id = match->session_id,
        .identifier_count = match->how.identifier != 0,
        .qos = lower_qos(m->qos, match->how.qos), /* [MQTT-4.8.2-3] */
        /* [MQTT-3.3.1-12], [MQTT-3.3.1-13] */
        .retain = m->retain && match->how.retain_as_published,
        .is_request = is_request,
    };
}

/* One more of these; none, if there is no memory. */
static enum wilco_status
add_target(struct publish_scratch *p, const struct message *m, const struct topic_match *match,
           const struct origin *from)
{
    void *items = p->targets;
    enum wilco_status status =
        make_room(p->alloc, &items, p->target_count, &p->target_capacity, sizeof(*p->targets));
    struct target *t = NULL;

    p->targets = items;
    if (status != WILCO_OK) {
        return status;
    }
    t = &p->targets[p->target_count];
    *t = target_of(m, match, p->is_request && !match->how.is_observer);
    t->word_at = (uint32_t)p->word_count;
    t->is_shared = from->group != 0;
    if (from->group != 0) {
        status = add_word(p, from->group);
    }
    if (t->is_request && status == WILCO_OK) {
        status = add_word(p, from->service);
    }
    if (match->how.identifier != 0 && status == WILCO_OK) {
        status = add_word(p, match->how.identifier);
    }
    if (status == WILCO_OK) {
        p->target_count++;
        p->watchers += p->is_request && !t->is_request;
    }
    return status;
}

/* One more subscription of the session whose target was added last. */
static enum wilco_status
widen_target(struct publish_scratch *p, const struct message *m, const struct topic_match *match)
{
    struct target *t = &p->targets[p->target_count - 1];
    uint8_t qos = lower_qos(m->qos, match->how.qos);

    t->qos = t->qos > qos ? t->qos : qos; /* [MQTT-3.3.4-2] */
    t->retain = t->retain || (m->retain && match->how.retain_as_published);
    if (match->how.identifier == 0 || t->identifier_count == UINT16_MAX) {
        return WILCO_OK;
    }
    t->identifier_count++;
    return add_word(p, match->how.identifier);
}

/* Of one session those first that are asked, if any is. */
static int
by_session(const void *a, const void *b)
{
    const struct topic_match *left = a;
    const struct topic_match *right = b;

    if (left->session_id != right->session_id) {
        return left->session_id > right->session_id ? 1 : -1;
    }
    return left->how.is_observer - right->how.is_observer;
}

static bool
is_own(const struct message *m, const struct topic_match *match) /* [MQTT-3.8.3-3] */
{
    return match->how.no_local && match->session_id == m->publisher;
}

/* Of several filters the first one that has subscriptions stands for all: one whose subscribers are
 * asked, if there is any. */
static uint32_t
service_of_plain(const struct topic_matches *matches)
{
    size_t i = 0;
    size_t item = 0;

    while (item + 1 < matches->count && matches->items[item].how.is_observer) {
        item++;
    }
    while (i + 1 < matches->filters && matches->found[i + 1].first <= item) {
        i++;
    }
    return audience_service(matches->found[i].audience);
}

static enum session_presence
presence_of(const struct broker *b, uint64_t session_id)
{
    return session_table_presence(&b->shards[session_id_shard(session_id)]->sessions, session_id);
}

/* A request may say that it does not wait for those who are offline. Who only watches may have it
 * later. */
static bool
is_passed_over(struct publish_scratch *p, const struct broker *b, const struct message *m,
               const struct topic_match *match)
{
    if (!p->is_request || !m->request.fails_if_offline || match->how.is_observer ||
        presence_of(b, match->session_id) > SESSION_OFFLINE) {
        return false;
    }
    p->passed_over++;
    return true;
}

static enum wilco_status
collapse(struct shard *s, const struct message *m)
{
    struct publish_scratch *p = s->scratch;
    struct topic_matches *matches = &s->matches;
    struct origin from = {.group = 0};
    uint64_t last = SESSION_ID_NONE;
    enum wilco_status status = WILCO_OK;

    p->service = matches->count > 0 ? service_of_plain(matches) : SERVICE_NONE;
    from.service = p->service;
    if (matches->filters > 1 && matches->count > 1) {
        qsort(matches->items, matches->count, sizeof(*matches->items), by_session);
    }
    for (size_t i = 0; i < matches->count && status == WILCO_OK; i++) {
        const struct topic_match *match = &matches->items[i];

        if (is_own(m, match) || is_passed_over(p, s->broker, m, match)) {
            continue;
        }
        status =
            match->session_id == last ? widen_target(p, m, match) : add_target(p, m, match, &from);
        last = match->session_id;
    }
    return status;
}

static enum wilco_status
add_member(struct shard *s, const struct message *m, struct topic_group *g)
{
    struct publish_scratch *p = s->scratch;
    bool must_be_online = p->is_request && m->request.fails_if_offline;
    const struct share_wish wish = {
        .at_least = must_be_online ? SESSION_FULL : SESSION_OFFLINE,
        .opens_request = p->is_request,
    };
    const struct origin from = {.group = g->number, .service = topic_group_service(g)};
    struct topic_match chosen;

    enum wilco_status status = WILCO_OK;

    if (!share_choose(s, g, m, &wish, &chosen)) {
        p->passed_over += must_be_online;
        return WILCO_OK;
    }
    status = add_target(p, m, &chosen, &from);
    if (status != WILCO_OK && p->is_request) {
        share_take_back(s, chosen.session_id);
    }
    return status;
}

/* Whether all that matches has its number among the services. */
static bool
are_numbered(const struct topic_matches *m)
{
    for (size_t i = 0; i < m->group_count; i++) {
        if (topic_group_service(m->groups[i]) == SERVICE_NONE) {
            return false;
        }
    }
    for (size_t i = 0; i < m->filters; i++) {
        if (topic_matches_of(m, i) > 0 && audience_service(m->found[i].audience) == SERVICE_NONE) {
            return false;
        }
    }
    return true;
}

static enum wilco_status
gather(struct shard *s, const struct message *m)
{
    struct publish_scratch *p = s->scratch;
    enum wilco_status status = WILCO_OK;

    p->target_count = 0;
    p->word_count = 0;
    p->passed_over = 0;
    p->watchers = 0;
    p->is_request = message_is_request(m);
    rcu_read_begin();
    status = topic_index_match(s->broker->index, message_topic(m), &s->matches);
    if (p->is_request && status == WILCO_OK && !are_numbered(&s->matches)) {
        topic_index_number(s->broker->index, message_topic(m), &s->matches, s->broker->services);
    }
    for (size_t i = 0; i < s->matches.group_count && status == WILCO_OK; i++) {
        status = add_member(s, m, s->matches.groups[i]);
    }
    if (status == WILCO_OK) {
        status = collapse(s, m);
    }
    rcu_read_end();
    return status;
}

/* Delivers what is here, and says if there was no memory for some of it; the result has a bit for
 * each other shard with targets, which are counted. */
static uint64_t
deliver_here(struct shard *s, struct message *m, enum wilco_status *status)
{
    struct publish_scratch *p = s->scratch;
    uint64_t others = 0;

    if (WILCO_UNLIKELY(p->target_count >= SHARD_CROWD)) {
        shard_open_lane(s);
    }
    for (size_t i = 0; i < p->target_count; i++) {
        const struct target *t = &p->targets[i];
        unsigned shard = session_id_shard(t->session_id);

        if (shard == s->index) {
            if (target_deliver(s, m, t, p->words) != WILCO_OK) {
                s->stats.dropped_no_memory++;
                *status = WILCO_ENOMEM;
            }
            continue;
        }
        others |= UINT64_C(1) << shard;
        p->targets_of[shard]++;
        p->words_of[shard] += target_words(t);
    }
    return others;
}

/* Makes the mails; those that were counted but could not be made stay NULL. */
static enum wilco_status
make_mails(struct shard *s, struct message *m, uint64_t others)
{
    struct publish_scratch *p = s->scratch;
    enum wilco_status status = WILCO_OK;

    for (unsigned i = 0; i < s->broker->shard_count; i++) {
        if ((others >> i & 1U) == 0) {
            continue;
        }
        p->mail_for[i] = mail_new(s->broker->alloc, m, p->targets_of[i], p->words_of[i]);
        if (p->mail_for[i] == NULL) {
            s->stats.dropped_no_memory += p->targets_of[i];
            status = WILCO_ENOMEM;
        }
        p->targets_of[i] = 0;
        p->words_of[i] = 0;
    }
    return status;
}

/* Copies a target into its mail; the counts of the shard now say how much of it is filled. */
static void
fill_mail(struct publish_scratch *p, const struct target *t, unsigned shard)
{
    struct mail *mail = p->mail_for[shard];
    struct target *copy = NULL;

    copy = &mail->targets[p->targets_of[shard]++];
    *copy = *t;
    copy->word_at = p->words_of[shard];
    if (target_words(t) > 0) {
        memcpy(mail_words(mail) + copy->word_at, p->words + t->word_at,
               target_words(t) * sizeof(*p->words));
    }
    p->words_of[shard] += target_words(t);
}

static void
push_mails(struct shard *s, uint64_t others)
{
    struct publish_scratch *p = s->scratch;

    for (unsigned i = 0; i < s->broker->shard_count; i++) {
        if ((others >> i & 1U) != 0 && p->mail_for[i] != NULL) {
            mailbox_push(&s->broker->shards[i]->inbox, &p->mail_for[i]->node);
            s->kicks |= UINT64_C(1) << i;
        }
        p->mail_for[i] = NULL;
        p->targets_of[i] = 0;
        p->words_of[i] = 0;
    }
}

/* There was no memory for the mail. */
static void
lose_request(struct shard *s, struct message *m, const struct target *t)
{
    if (t->is_shared) {
        share_take_back(s, t->session_id);
    }
    request_not_opened(s, m, REQUEST_NO_MEMORY, false);
}

static enum wilco_status
send_elsewhere(struct shard *s, struct message *m, uint64_t others)
{
    struct publish_scratch *p = s->scratch;
    enum wilco_status status = make_mails(s, m, others);

    for (size_t i = 0; i < p->target_count; i++) {
        const struct target *t = &p->targets[i];
        unsigned shard = session_id_shard(t->session_id);

        if (shard == s->index) {
            continue;
        }
        if (p->mail_for[shard] != NULL) {
            fill_mail(p, t, shard);
        } else if (t->is_request) {
            lose_request(s, m, t);
        }
    }
    push_mails(s, others);
    return status;
}

/* Out of memory before anybody was sent anything. */
static void
give_up_request(struct shard *s, struct message *m)
{
    const struct publish_scratch *p = s->scratch;

    for (size_t i = 0; i < p->target_count; i++) {
        if (p->targets[i].is_shared) {
            share_take_back(s, p->targets[i].session_id);
        }
    }
    request_unserved(s, m, REQUEST_NO_MEMORY);
}

/* There are so many who get it, beside those who watch: counts, and lets a request begin or fail.
 */
static void
set_out(struct shard *s, struct message *m, size_t receivers)
{
    const struct publish_scratch *p = s->scratch;

    s->stats.publish_unmatched +=
        receivers == 0 && p->watchers == 0 && m->publisher != SESSION_ID_NONE;
    if (p->is_request && receivers > 0) {
        request_starts(s, m, receivers);
    } else if (p->is_request) {
        request_unserved(s, m, p->passed_over > 0 ? REQUEST_OFFLINE : REQUEST_NO_RESPONDER);
    }
}

/* The one subscription that a route leads to. */
static enum wilco_status
send_along(struct shard *s, struct message *m, const struct topic_match *match, uint32_t service)
{
    bool is_request = s->scratch->is_request && !match->how.is_observer;
    const struct target t = target_of(m, match, is_request);
    const uint32_t words[2] = {t.is_request ? service : match->how.identifier,
                               match->how.identifier};

    if (WILCO_LIKELY(target_send(s, m, &t, words))) {
        return WILCO_OK;
    }
    s->stats.dropped_no_memory++;
    if (t.is_request) {
        lose_request(s, m, &t);
    }
    return WILCO_ENOMEM;
}

/* Publishes along a route. */
static enum wilco_status
follow(struct shard *s, struct message *m, const struct route *r, size_t *receivers)
{
    const struct topic_match match = {.session_id = r->session_id, .how = r->how};
    struct publish_scratch *p = s->scratch;
    bool has_target = false;

    p->is_request = message_is_request(m);
    p->passed_over = 0;
    has_target = r->session_id != SESSION_ID_NONE && !is_own(m, &match) &&
                 !is_passed_over(p, s->broker, m, &match);
    p->watchers = has_target && p->is_request && match.how.is_observer;
    *receivers = has_target - p->watchers;
    set_out(s, m, *receivers);
    return has_target ? send_along(s, m, &match, r->service) : WILCO_OK;
}

static bool
leads_on(const struct route *r, const struct message *m, uint64_t hash, uint64_t changes)
{
    bool is_numbered = r->service != SERVICE_NONE || r->session_id == SESSION_ID_NONE;

    return route_is_for(r, message_topic(m), hash, changes) &&
           (is_numbered || !message_is_request(m));
}

/* What gather() has just found, if it can be a route. */
static void
keep_route(struct shard *s, struct route *r, const struct message *m, uint64_t hash,
           uint64_t changes)
{
    const struct topic_matches *found = &s->matches;

    if (found->group_count == 0 && found->count <= 1) {
        route_keep(r, message_topic(m), hash, changes, found->count == 0 ? NULL : found->items,
                   s->scratch->service);
    }
}

/* To all whom gather() has found. */
static enum wilco_status
distribute(struct shard *s, struct message *m, size_t *receivers)
{
    enum wilco_status status = WILCO_OK;
    enum wilco_status elsewhere = WILCO_OK;
    uint64_t others = 0;

    *receivers = s->scratch->target_count - s->scratch->watchers;
    set_out(s, m, *receivers);
    others = deliver_here(s, m, &status);
    elsewhere = others == 0 ? WILCO_OK : send_elsewhere(s, m, others);
    return elsewhere == WILCO_OK ? status : elsewhere;
}

enum wilco_status
publish_message(struct shard *s, struct message *m, size_t *receivers)
{
    struct publish_scratch *p = s->scratch;
    uint64_t hash = topic_index_hash(s->broker->index, message_topic(m));
    uint64_t changes = topic_index_changes(s->broker->index);
    struct route *r = route_cache_place(&p->routes, hash);

    if (WILCO_LIKELY(leads_on(r, m, hash, changes))) {
        return follow(s, m, r, receivers);
    }
    if (WILCO_LIKELY(gather(s, m) == WILCO_OK)) {
        keep_route(s, r, m, hash, changes);
        return distribute(s, m, receivers);
    }
    *receivers = 0;
    s->stats.dropped_no_memory++;
    if (p->is_request) {
        give_up_request(s, m);
    }
    return WILCO_ENOMEM;
}

enum wilco_status
publish_and_retain(struct shard *s, struct message *m, size_t *receivers)
{
    enum wilco_status status = retained_set(s->broker->retained, m, s->now_ms);

    *receivers = 0;
    s->stats.refused_retained_full += status == WILCO_ELIMIT;
    s->stats.dropped_no_memory += status == WILCO_ENOMEM;
    return status == WILCO_OK ? publish_message(s, m, receivers) : status;
}

size_t
publish_to_session(struct shard *s, struct message *m, uint64_t session_id)
{
    struct publish_scratch *p = s->scratch;
    size_t receivers = 0;

    if (inbox_holds(message_topic(m))) {
        return inbox_send(s, m, session_id, &receivers) == WILCO_OK ? receivers : 0;
    }
    if (gather(s, m) != WILCO_OK) {
        s->stats.dropped_no_memory++;
        return 0;
    }
    for (size_t i = 0; i < p->target_count; i++) {
        if (p->targets[i].session_id == session_id && !p->targets[i].is_shared) {
            return target_send(s, m, &p->targets[i], p->words);
        }
    }
    return 0;
}
