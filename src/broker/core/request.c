/* A request is opened with request_open() and closed with close(), and in between belongs to its
 * holder's session. Every copy of a message that was announced with request_starts() comes to its
 * end exactly once, in copy_ends(): because its request was answered or failed, or because none
 * could be opened. A copy that moves from a lost holder to another one is still the same copy. */
#include "broker/core/request.h"

#include "broker/core/request_log.h"
#include "broker/core/request_table.h"
#include "broker/core/request_trace.h"
#include "broker/core/service_figures.h"
#include "broker/core/share.h"
#include "broker/core/status_response.h"
#include "wire/reason.h"

#include <assert.h>

/* message_request.copies: a number, and what has become of those that have ended. */
#define COPIES    0x0FFFFFFFU
#define MAYBE     0x20000000U /* some holder may have executed it */
#define UNWATCHED 0x40000000U /* some holder has it of whom nothing will be known */
#define ANSWERED  0x80000000U

static uint64_t
now_us_of(const struct request *r)
{
    return r->holder->shard->now_us;
}

static uint64_t
since_us(uint64_t now_us, uint64_t then_us)
{
    return now_us > then_us ? now_us - then_us : 0;
}

/* One of the requester's requests is over. The requester may live in another shard. */
static void
give_back_ask(struct shard *s, uint64_t requester)
{
    unsigned shard = session_id_shard(requester);

    if (shard == s->index) {
        struct session *session = session_table_get(&s->sessions, requester);

        if (session != NULL) {
            session->asks_ended++;
        }
    } else {
        struct session_slot *slot =
            session_table_slot(&s->broker->shards[shard]->sessions, requester);

        if (slot != NULL) {
            (void)atomic_fetch_add_explicit(&slot->asks_ended, 1, memory_order_relaxed);
        }
    }
}

void
request_starts(struct shard *s, struct message *m, size_t copies)
{
    struct session *requester = NULL;

    assert(copies > 0 && copies <= COPIES);
    atomic_store_explicit(&m->request.copies, (unsigned)copies, memory_order_relaxed);
    if (s->broker->settings.requests_in_flight_max != 0) {
        requester = session_table_get(&s->sessions, m->publisher);
        m->request.is_counted = requester != NULL;
    }
    if (requester != NULL) {
        requester->asks_started++;
    }
}

static void
tell_failure(struct shard *s, const struct message *m, const struct status_facts *facts)
{
    request_failure_count(&s->stats, facts->why);
    status_respond(s, m, facts);
}

void
request_unserved(struct shard *s, struct message *m, enum request_failure why)
{
    const struct status_facts facts = {.why = why, .stage = REQUEST_REJECTED};

    request_log_failure(s, m, NULL, &facts);
    tell_failure(s, m, &facts);
    request_trace_failure(s, m, NULL, &facts);
}

size_t
request_copies_left(const struct message *m)
{
    return atomic_load_explicit(&m->request.copies, memory_order_relaxed) & COPIES;
}

/* The copies that were left before, with `flags` added; this one is the caller's alone if it was
 * the last, so that nearly all requests need no locked instruction. */
static unsigned
take_copy_off(struct message *m, unsigned flags)
{
    unsigned before = atomic_load_explicit(&m->request.copies, memory_order_acquire);

    assert((before & COPIES) > 0);
    if ((before & COPIES) == 1) {
        atomic_store_explicit(&m->request.copies, (before | flags) - 1, memory_order_relaxed);
        return before | flags;
    }
    (void)atomic_fetch_or_explicit(&m->request.copies, flags, memory_order_relaxed);
    return atomic_fetch_sub_explicit(&m->request.copies, 1, memory_order_acq_rel);
}

/* One of several holders that the requester counts has failed. */
static void
tell_one(struct shard *s, const struct message *m, const struct status_facts *facts)
{
    struct status_facts one = *facts;

    one.is_of_fan = true;
    tell_failure(s, m, &one);
}

/* `facts` NULL: the copy was answered, or is no longer watched. */
static void
copy_ends(struct shard *s, struct message *m, unsigned flags, const struct status_facts *facts)
{
    unsigned copies = take_copy_off(m, flags);
    struct status_facts last;

    if (facts != NULL && m->request.is_fan) {
        tell_one(s, m, facts);
        facts = NULL;
    }
    if ((copies & COPIES) > 1) {
        return;
    }
    if (m->request.is_counted) {
        give_back_ask(s, m->publisher);
    }
    s->stats.rr_answered += (copies & ANSWERED) != 0;
    if (facts != NULL && (copies & (ANSWERED | UNWATCHED)) == 0) {
        last = *facts;
        last.maybe = (copies & MAYBE) != 0;
        tell_failure(s, m, &last);
    }
}

void
request_not_opened(struct shard *s, struct message *m, enum request_failure why, bool was_sent)
{
    const struct status_facts facts = {
        .why = why,
        .stage = was_sent ? REQUEST_DELIVERED : REQUEST_QUEUED,
        .maybe = was_sent,
    };

    request_log_failure(s, m, NULL, &facts);
    copy_ends(s, m, was_sent ? MAYBE : 0, &facts);
    request_trace_failure(s, m, NULL, &facts);
}

static bool
has_room(const struct session *holder, const struct message *m)
{
    const struct shard *s = holder->shard;
    const struct settings *limits = &s->broker->settings;
    unsigned shards = s->broker->shard_count;

    return holder->request_count < limits->requests_held_max &&
           holder->request_bytes + m->packet_bytes <= limits->requests_held_bytes_max &&
           s->stats.rr_in_flight * shards < limits->requests_max &&
           (s->stats.rr_in_flight_bytes + m->packet_bytes) * shards <= limits->requests_bytes_max;
}

/* A request with all that is known of it; NULL: no memory. */
static struct request *
make(struct session *holder, struct message *m, const struct request_way *way,
     struct request_stats *stats)
{
    struct request *r = request_table_take(&holder->shard->requests);

    if (r != NULL) {
        r->holder = holder;
        r->message = message_ref(m);
        r->delivery = NULL;
        r->stats = stats;
        r->sent_us = 0;
        r->acked_us = 0;
        r->service = way->service;
        r->group = way->group;
        r->more = m->request.more;
        r->qos = way->qos;
        r->stage = REQUEST_QUEUED;
        r->was_sent = way->was_sent;
        r->is_filed = false;
        r->is_by_key = false;
        r->is_with_asker = false;
        r->timer.kind = SHARD_TIMER_REQUEST;
    }
    return r;
}

static void
join_holder(struct request *r)
{
    struct session *holder = r->holder;
    struct shard *s = holder->shard;

    list_push_back(&holder->requests, &r->of_holder);
    holder->request_count++;
    holder->request_bytes += r->message->packet_bytes;
    s->stats.rr_in_flight++;
    s->stats.rr_in_flight_bytes += r->message->packet_bytes;
    standing_set_held(holder->standing, holder->request_count);
    request_asked_add(&s->asked, r);
    request_deadlines_add(s, r);
}

static void
refuse_copy(struct shard *s, struct message *m, const struct request_way *way,
            enum request_failure why)
{
    struct request_stats *stats = request_stats_of(&s->request_stats, way->service);

    if (stats != NULL) {
        request_stats_increment(&stats->failed);
    }
    request_not_opened(s, m, why, way->was_sent);
}

/* Without a request nobody may answer into an inbox, so the copy ends; and so it does where the
 * requester counts on hearing of it. Elsewhere it goes on, and nothing will be known of it. */
static bool
go_untracked(struct shard *s, struct message *m, const struct request_way *way)
{
    if (m->request.is_to_inbox || m->request.is_fan) {
        refuse_copy(s, m, way, REQUEST_NOT_TRACKED);
        return false;
    }
    s->stats.rr_untracked++;
    copy_ends(s, m, UNWATCHED, NULL);
    return true;
}

/* Its requester has left meanwhile, and wanted it to end with him. */
static bool
is_abandoned(const struct broker *b, const struct message *m)
{
    const struct shard *home = b->shards[session_id_shard(m->publisher)];

    return session_table_presence(&home->sessions, m->publisher) == SESSION_GONE;
}

bool
request_open(struct session *holder, struct message *m, const struct request_way *way,
             struct request **out)
{
    struct shard *s = holder->shard;
    struct request_stats *stats = request_stats_of(&s->request_stats, way->service);

    *out = NULL;
    if (stats != NULL) {
        request_stats_increment(&stats->requests);
    }
    if (m->request.fails_if_offline && holder->presence == SESSION_OFFLINE) {
        refuse_copy(s, m, way, REQUEST_OFFLINE);
        return false;
    }
    if (WILCO_UNLIKELY(m->request.is_head) && !holder->wants_status) {
        refuse_copy(s, m, way, REQUEST_TOO_LARGE);
        return false;
    }
    if (WILCO_UNLIKELY(m->request.ends_with_asker) && is_abandoned(s->broker, m)) {
        refuse_copy(s, m, way, REQUEST_CANCELLED);
        return false;
    }
    *out = has_room(holder, m) ? make(holder, m, way, stats) : NULL;
    if (*out == NULL) {
        return go_untracked(s, m, way);
    }
    join_holder(*out);
    return true;
}

/* Forgets the request; its message may be gone afterwards. */
static void
close(struct request *r, bool was_answered)
{
    struct session *holder = r->holder;
    struct shard *s = holder->shard;

    request_table_remove(&s->requests, r, was_answered);
    request_asked_remove(&s->asked, r);
    request_deadlines_remove(s, r);
    list_remove(&r->of_holder);
    holder->request_count--;
    holder->request_bytes -= r->message->packet_bytes;
    s->stats.rr_in_flight--;
    s->stats.rr_in_flight_bytes -= r->message->packet_bytes;
    standing_set_held(holder->standing, holder->request_count);
    if (r->delivery != NULL) {
        r->delivery->request = NULL;
    }
    message_unref(r->message);
    request_table_give_back(&s->requests, r);
}

void
request_sent(struct request *r)
{
    if (r->stage != REQUEST_QUEUED) {
        return; /* sent again */
    }
    r->stage = REQUEST_DELIVERED;
    r->sent_us = now_us_of(r);
    if (r->stats != NULL) {
        histogram_record(&r->stats->queue, since_us(r->sent_us, r->message->received_us));
    }
}

void
request_acked(struct request *r, uint8_t reason_code)
{
    if (wire_reason_is_error(reason_code)) { /* [MQTT-4.8.2-6]: nobody else gets it either */
        request_fail(r, REQUEST_DECLINED);
        return;
    }
    r->stage = REQUEST_ACKED;
    r->acked_us = now_us_of(r);
}

/* Where it is certain that the holder has not been sent the request it is made sure that he never
 * will be. One without a deadline of its own goes on waiting for him, whatever the requester hears.
 */
static bool
may_be_executed(struct request *r, enum request_failure why)
{
    if (r->stage != REQUEST_QUEUED) {
        return true;
    }
    if (r->delivery == NULL) {
        return r->was_sent;
    }
    if (why == REQUEST_DEADLINE && r->message->life_ms == UINT64_MAX) {
        return true;
    }
    r->delivery->is_cancelled = true;
    return r->was_sent;
}

void
request_fail(struct request *r, enum request_failure why)
{
    struct shard *s = r->holder->shard;
    const struct status_facts facts = {
        .why = why,
        .stage = (enum request_stage)r->stage,
        .maybe = may_be_executed(r, why),
    };

    if (r->stats != NULL) {
        request_stats_increment(&r->stats->failed);
    }
    if (r->holder->services != NULL) {
        service_figures_failed(r, why);
    }
    request_log_failure(s, r->message, r, &facts);
    copy_ends(s, r->message, facts.maybe ? MAYBE : 0, &facts);
    request_trace_failure(s, r->message, r, &facts);
    close(r, false);
}

void
request_cancel(struct request *r)
{
    if (r->delivery != NULL) { /* though it has been sent: no other member gets it either */
        r->delivery->is_cancelled = true;
    }
    request_fail(r, REQUEST_CANCELLED);
}

void
request_moved(struct request *r)
{
    close(r, false);
}

struct request *
request_find(const struct session *holder, struct span topic, struct span correlation)
{
    return holder->request_count == 0
               ? NULL
               : request_table_find(&holder->shard->requests, holder, topic, correlation);
}

void
request_count_stray(struct session *holder, struct span topic, struct span correlation)
{
    struct stats *stats = &holder->shard->stats;

    switch (request_table_recall(&holder->shard->requests, holder, topic, correlation)) {
    case REQUEST_UNKNOWN: stats->rr_responses_unknown++; break;
    case REQUEST_ENDED_UNANSWERED: stats->rr_responses_late++; break;
    case REQUEST_ENDED_ANSWERED: stats->rr_responses_second++; break;
    }
}

void
request_mark_response(const struct request *r, struct message *response, bool more)
{
    response->responds_to = r->message->publisher;
    response->service = r->service;
    response->is_part = more && r->more > 0;
    response->is_of_fan = r->message->request.is_fan;
}

static void
count_answer(struct request *r, uint64_t took_us, bool is_error)
{
    if (r->stats != NULL) {
        request_stats_increment(&r->stats->answered);
        histogram_record(&r->stats->service, took_us);
        if (is_error) {
            request_stats_increment(&r->stats->errors);
        }
    }
}

void
request_answered(struct request *r, const struct response_terms *t, bool was_forwarded)
{
    struct shard *s = r->holder->shard;
    uint64_t took_us = since_us(s->now_us, r->sent_us);

    if (t->has_more && r->more > 0) {
        r->more--;
        return;
    }
    count_answer(r, took_us, t->status >= RESPONSE_ERROR);
    if (WILCO_UNLIKELY(r->holder->services != NULL)) {
        service_figures_answered(r, took_us);
    }
    standing_answered(r->holder->standing, took_us, s->now_ms);
    request_log_answer(s, r);
    if (r->delivery != NULL) { /* not acknowledged yet, but no other member needs it any more */
        r->delivery->is_cancelled = true;
    }
    copy_ends(s, r->message, ANSWERED, NULL);
    request_trace_answer(s, r, t, was_forwarded);
    close(r, true);
}

void
request_timer_fired(struct request *r)
{
    struct session *holder = r->holder;
    struct shard *s = holder->shard;
    bool is_members = r->group != 0 && r->stage != REQUEST_QUEUED;

    request_fail(r, REQUEST_DEADLINE);
    if (is_members && standing_missed(holder->standing, &s->broker->settings, s->now_ms)) {
        s->stats.rr_left_out++;
        log_event(s->broker->log, LOG_WARNING, "member_left_out", "client=%s pause_ms=%llu",
                  LOG_TEXT(session_client_id(holder)),
                  (unsigned long long)s->broker->settings.outlier_pause_ms);
    }
}

/* Gives an idempotent request to another member of the group. What is still in a delivery was
 * offered to the others already (share.c), and QoS 2 goes to nobody else [MQTT-4.8.2-4],
 * [MQTT-4.8.2-5]. */
static bool
pass_on(struct request *r, enum session_presence at_least)
{
    struct shard *s = r->holder->shard;
    const struct share_wish wish = {.except = r->holder->id, .at_least = at_least};
    const struct share_load load = {
        .message = r->message, .group = r->group, .is_request = true, .was_sent = true};

    if (r->group == 0 || r->delivery != NULL || r->qos == 2 || !r->message->request.is_idempotent ||
        !share_pass_on(s, &load, &wish)) {
        return false;
    }
    s->stats.rr_passed_on++;
    request_moved(r);
    return true;
}

void
request_holder_left(struct session *holder)
{
    struct list *next = NULL;

    for (struct list *i = holder->requests.next; i != &holder->requests; i = next) {
        struct request *r = CONTAINER_OF(i, struct request, of_holder);

        next = i->next;
        if (!pass_on(r, SESSION_STUCK) && r->message->request.fails_if_left) {
            request_fail(r, r->stage == REQUEST_QUEUED ? REQUEST_OFFLINE : REQUEST_LOST);
        }
    }
}

void
request_holder_ends(struct session *holder)
{
    struct list *next = NULL;

    for (struct list *i = holder->requests.next;
         i != &holder->requests && !holder->shard->is_stopping; i = next) {
        struct request *r = CONTAINER_OF(i, struct request, of_holder);

        next = i->next;
        if (!pass_on(r, SESSION_OFFLINE)) {
            request_fail(r, REQUEST_LOST);
        }
    }
}

void
request_drop_all(struct session *holder)
{
    while (!list_is_empty(&holder->requests)) {
        close(CONTAINER_OF(holder->requests.next, struct request, of_holder), false);
    }
}
