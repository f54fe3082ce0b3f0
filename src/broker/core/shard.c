#include "broker/core/shard.h"

#include "broker/core/conn.h"
#include "broker/core/login.h"
#include "broker/core/mail.h"
#include "broker/core/publish.h"
#include "broker/core/request.h"
#include "broker/core/session.h"
#include "broker/core/sys.h"

#include <assert.h>

#define FREE_OUTPUT_BYTES 4194304U /* of chunks kept for reuse, for each of their two sizes */
#define LATE_MS           20U      /* until mail is tried again that there was no memory for */

enum wilco_status
shard_init(struct shard *s, struct broker *b, unsigned index, uint64_t now_ms)
{
    *s = (struct shard){.broker = b, .index = index, .now_ms = now_ms, .now_us = now_ms * 1000};
    s->scratch = publish_scratch_new(b->alloc);
    if (s->scratch == NULL) {
        return WILCO_ENOMEM;
    }
    if (!request_stats_table_init(&s->request_stats, b->alloc,
                                  service_table_capacity(b->services))) {
        publish_scratch_free(s->scratch);
        return WILCO_ENOMEM;
    }
    request_table_init(&s->requests, b->alloc, b->hash_seed);
    request_asked_init(&s->asked, b->alloc, b->hash_seed);
    request_deadlines_init(&s->request_deadlines);
    wheel_init(&s->wheel, now_ms);
    session_table_init(&s->sessions, b->alloc, b->hash_seed, index);
    output_pool_init(&s->output_pool, b->alloc, FREE_OUTPUT_BYTES);
    s->sys_timer.kind = SHARD_TIMER_SYS;
    s->late_timer.kind = SHARD_TIMER_LATE;
    log_gate_init(&s->log_gate);
    list_init(&s->dirty);
    list_init(&s->dirty_bulk);
    mailbox_init(&s->inbox);
    mailbox_init(&s->login_answers);
    map_init(&s->logins, b->alloc);
    topic_matches_init(&s->matches, b->alloc);
    buffer_init(&s->reply, b->alloc, SIZE_MAX);
    return WILCO_OK;
}

static void
drop_mail(struct shard *s)
{
    struct mailbox_node *node = mailbox_take(&s->inbox);

    if (s->late != NULL) {
        s->late_last->next = node;
        node = s->late;
        s->late = NULL;
    }
    while (node != NULL) {
        struct mailbox_node *next = node->next;

        mail_free(CONTAINER_OF(node, struct mail, node));
        node = next;
    }
}

void
shard_fini(struct shard *s)
{
    struct map_node *node = map_any(&s->sessions.by_client_id);

    while (node != NULL) {
        session_free(CONTAINER_OF(node, struct session, by_client_id));
        node = map_any(&s->sessions.by_client_id);
    }
    drop_mail(s);
    login_drop_answers(s);
    map_fini(&s->logins);
    assert(s->deferred_count == 0); /* shard_settle() ends everything that can add one */
    mem_free(s->broker->alloc, s->deferred);
    request_asked_fini(&s->asked);
    request_table_fini(&s->requests);
    request_stats_table_fini(&s->request_stats);
    session_table_fini(&s->sessions);
    topic_matches_fini(&s->matches);
    buffer_fini(&s->reply);
    publish_scratch_free(s->scratch);
    output_pool_fini(&s->output_pool);
}

static void
keep_late(struct shard *s, struct mailbox_node *node)
{
    if (s->late == NULL) {
        s->late = node;
    } else {
        s->late_last->next = node;
    }
    while (node->next != NULL) {
        node = node->next;
    }
    s->late_last = node;
}

/* What there is no memory for was promised by another shard already: it waits, and all behind it,
 * so that the order stays. */
static void
deliver_all(struct shard *s, struct mailbox_node *node)
{
    while (node != NULL) {
        struct mail *mail = CONTAINER_OF(node, struct mail, node);

        if (WILCO_UNLIKELY(!mail_deliver(s, mail))) {
            keep_late(s, node);
            wheel_start(&s->wheel, &s->late_timer, s->now_ms + LATE_MS);
            return;
        }
        node = node->next;
        mail_free(mail);
    }
}

static void
deliver_late(struct shard *s)
{
    struct mailbox_node *node = s->late;

    s->late = NULL;
    deliver_all(s, node);
}

static void
fire(struct timer *t)
{
    switch ((enum shard_timer)t->kind) {
    case SHARD_TIMER_CONN: conn_timer_fired(CONTAINER_OF(t, struct conn, timer)); break;
    case SHARD_TIMER_SESSION:
        session_timer_fired(CONTAINER_OF(t, struct session_absence, timer));
        break;
    case SHARD_TIMER_SYS: sys_timer_fired(CONTAINER_OF(t, struct shard, sys_timer)); break;
    case SHARD_TIMER_LOG_GATE:
        log_gate_timer_fired(CONTAINER_OF(t, struct shard, log_gate.timer));
        break;
    case SHARD_TIMER_LATE: deliver_late(CONTAINER_OF(t, struct shard, late_timer)); break;
    case SHARD_TIMER_REQUEST: request_timer_fired(CONTAINER_OF(t, struct request, timer)); break;
    case SHARD_TIMER_REQUESTS:
        request_deadlines_timer_fired(CONTAINER_OF(t, struct shard, request_deadlines.timer));
        break;
    }
}

void
shard_advance(struct shard *s, uint64_t now_us)
{
    struct timer *t = NULL;

    if (now_us > s->now_us) {
        s->now_us = now_us;
        s->now_ms = now_us / 1000;
    }
    wheel_advance(&s->wheel, s->now_ms);
    t = wheel_pop(&s->wheel);
    while (t != NULL) {
        fire(t);
        t = wheel_pop(&s->wheel);
    }
    sys_turn(s);
    shard_settle(s);
}

void
shard_run_inbox(struct shard *s)
{
    struct mailbox_node *node = mailbox_take(&s->inbox);

    if (WILCO_LIKELY(s->late == NULL)) {
        deliver_all(s, node);
    } else if (node != NULL) {
        keep_late(s, node);
    }
    if (WILCO_UNLIKELY(!mailbox_is_empty(&s->login_answers))) {
        login_take_answers(s);
    }
    if (WILCO_UNLIKELY(s->has_login_review)) {
        login_review(s);
    }
    sys_answer(s);
    shard_settle(s);
}

uint64_t
shard_deadline_ms(const struct shard *s)
{
    return wheel_next_ms(&s->wheel);
}

struct conn *
shard_next_urgent(struct shard *s)
{
    struct list *link = list_pop_front(&s->dirty);

    return link == NULL ? NULL : CONTAINER_OF(link, struct conn, dirty_link);
}

struct conn *
shard_next_dirty(struct shard *s)
{
    list_append(&s->dirty, &s->dirty_bulk);
    return shard_next_urgent(s);
}

uint64_t
shard_take_kicks(struct shard *s)
{
    uint64_t kicks = s->kicks;

    s->kicks = 0;
    return kicks;
}

void
shard_shut_down(struct shard *s, uint8_t reason_code)
{
    struct map *sessions = &s->sessions.by_client_id;

    s->is_stopping = true;
    for (size_t i = 0; i < sessions->bucket_count; i++) {
        for (struct map_node *n = sessions->buckets[i]; n != NULL; n = n->next) {
            struct session *session = CONTAINER_OF(n, struct session, by_client_id);

            session_set_will(session, NULL, 0);
            if (session->conn != NULL && session->conn->state == CONN_CONNECTED) {
                conn_end(session->conn, reason_code);
            }
        }
    }
}

void
shard_defer(struct shard *s, struct message *m, uint64_t session_id)
{
    if (s->deferred_count == s->deferred_capacity) {
        size_t capacity = s->deferred_capacity == 0 ? 4 : s->deferred_capacity * 2;
        struct shard_deferred *moved =
            mem_realloc(s->broker->alloc, s->deferred, capacity * sizeof(*moved));

        if (moved == NULL) {
            s->stats.dropped_no_memory++;
            message_unref(m);
            return;
        }
        s->deferred = moved;
        s->deferred_capacity = capacity;
    }
    s->deferred[s->deferred_count++] =
        (struct shard_deferred){.message = m, .session_id = session_id};
}

static void
publish_to_all(struct shard *s, struct message *m)
{
    size_t receivers = 0;

    m->received_ms = s->now_ms; /* nobody else has a reference yet; its expiry starts now */
    m->received_us = s->now_us;
    if ((m->retain ? publish_and_retain(s, m, &receivers) : publish_message(s, m, &receivers)) ==
        WILCO_ELIMIT) {
        (void)!publish_message(s, m, &receivers);
    }
}

/* Publishing one may break connections, whose wills and requests then join the array: hence the
 * index. */
void
shard_settle(struct shard *s)
{
    for (size_t i = 0; i < s->deferred_count; i++) {
        struct shard_deferred d = s->deferred[i];

        if (d.session_id == SESSION_ID_NONE) {
            publish_to_all(s, d.message);
        } else {
            (void)publish_to_session(s, d.message, d.session_id);
        }
        message_unref(d.message);
    }
    s->deferred_count = 0;
}
