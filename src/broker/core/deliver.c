#include "broker/core/deliver.h"

#include "broker/core/account.h"
#include "broker/core/conn.h"
#include "broker/core/forward.h"
#include "broker/core/reply.h"
#include "broker/core/request.h"
#include "broker/core/request_op.h"
#include "broker/core/response.h"

/* In send_entry.detail: the client's Receive Maximum left no room to send this one again yet. */
#define DETAIL_UNSENT 1U

static bool
is_online(const struct session *s)
{
    return s->conn != NULL && s->conn->state == CONN_CONNECTED;
}

static bool
has_room(const struct session *s)
{
    return is_online(s) && !conn_is_full(s->conn);
}

static bool
can_send_now(const struct session *s, const struct message *m, uint8_t qos)
{
    if (qos == 0) {
        return s->waiting->qos_0_count == 0 && has_room(s);
    }
    return s->waiting->count == 0 && s->unsent == 0 && s->sent.quota > 0 && has_room(s) &&
           account_lets_send(s, m->packet_bytes);
}

/* It will not get the message. If that was a request, it has ended; if it was a response, or a
 * piece of a request, the requester must hear of it. */
static void
lose(struct session *s, const struct message *m, struct request *r, enum request_failure why)
{
    if (r != NULL) {
        request_fail(r, why);
    }
    if (m->responds_to == s->id) {
        response_lost(s, m, why);
    }
    if (m->request.op != REQUEST_OP_NONE) {
        request_op_lost(s, m, why);
    }
}

/* Likewise of one that was kept or under way; takes it over. */
static void
discard(struct session *s, struct delivery *d, enum request_failure why)
{
    lose(s, d->message, d->request, why);
    delivery_free(s->shard, d);
}

/* It is in the output, or the connection broke on the way there. */
static void
note_sent(struct session *s, const struct message *m, struct request *r)
{
    if (r != NULL) {
        request_sent(r);
    }
    if (m->responds_to == s->id) {
        response_sent(s->shard, m);
    }
}

static bool
may_get(struct session *s, const struct message *m)
{
    return WILCO_LIKELY(s->shard->broker->access == NULL) || permission_to_get(s, m);
}

/* The policy has changed since it was kept, and forbids it now. */
static bool
is_forbidden(struct session *s, const struct delivery *d)
{
    const struct broker *b = s->shard->broker;

    return WILCO_UNLIKELY(d->access_changes != b->access_changes) &&
           !(may_get(s, d->message) && (!d->retain || permission_lasts(b, d->message)));
}

/* Who asked hears that there is no responder. */
static void
withhold(struct session *s, const struct message *m, struct request *r)
{
    s->shard->stats.deliveries_denied++;
    lose(s, m, r, REQUEST_NO_RESPONDER);
}

static void
send_qos_0(struct session *s, struct message *m, const struct delivery_terms *t)
{
    if (forward_publish(s->conn, m, t, 0, false /* [MQTT-4.3.1-1] */) == WILCO_ELIMIT) {
        s->shard->stats.dropped_too_large++; /* [MQTT-3.1.2-25] */
        lose(s, m, t->request, REQUEST_TOO_LARGE);
    } else {
        note_sent(s, m, t->request);
    }
}

void
deliver_released(struct session *s, struct send_entry *entry)
{
    struct delivery *d = entry->item;

    s->held_bytes -= d->message->packet_bytes;
    delivery_free(s->shard, d);
    entry->item = NULL;
    entry->stage = SEND_AWAITS_PUBCOMP;
}

struct delivery *
deliver_land(struct session *s, struct send_entry *entry)
{
    struct delivery *d = entry->item;

    if (d != NULL) {
        s->held_bytes -= d->message->packet_bytes;
    }
    s->shard->stats.inflight--;
    send_window_remove(&s->sent, entry);
    return d;
}

static void
discard_too_large(struct session *s, struct send_entry *entry)
{
    s->shard->stats.dropped_too_large++;
    discard(s, deliver_land(s, entry), REQUEST_TOO_LARGE);
}

/* One that waited or was under way. Takes it over. */
static void
discard_forbidden(struct session *s, struct delivery *d)
{
    withhold(s, d->message, d->request);
    delivery_free(s->shard, d);
}

/* Takes `d` over. WILCO_AGAIN (no packet identifier or quota) and WILCO_ENOMEM: it is still the
 * caller's. */
static enum wilco_status
send_tracked(struct session *s, struct delivery *d)
{
    const struct delivery_terms t = delivery_terms_of(d);
    enum send_stage stage = d->qos == 1 ? SEND_AWAITS_PUBACK : SEND_AWAITS_PUBREC;
    struct send_entry *entry = NULL;
    enum wilco_status status = send_window_add(&s->sent, stage, d, &entry);

    if (status != WILCO_OK) {
        return status;
    }
    s->shard->stats.inflight++;
    s->held_bytes += d->message->packet_bytes;
    /* [MQTT-4.3.2-2], [MQTT-4.3.3-2] */
    if (forward_publish(s->conn, d->message, &t, entry->packet_id, false) == WILCO_ELIMIT) {
        discard_too_large(s, entry);
    } else {
        note_sent(s, d->message, d->request);
    }
    if (s->sent.quota == 0) {
        deliver_update_presence(s);
    }
    return WILCO_OK;
}

/* Whether who sent it is told in an acknowledgement that it is on its way, and in nothing else. */
static bool
is_promised(const struct message *m, const struct delivery_terms *t)
{
    return t->qos > 0 && t->request == NULL && !message_is_request(m) &&
           m->responds_to == SESSION_ID_NONE && m->request.op == REQUEST_OP_NONE;
}

/* It cannot be kept. What has to do with requests ends in the words for that. */
static enum wilco_status
run_out_of_memory(struct session *s, const struct message *m, const struct delivery_terms *t)
{
    if (is_promised(m, t)) {
        return WILCO_ENOMEM;
    }
    s->shard->stats.dropped_no_memory++;
    lose(s, m, t->request, REQUEST_NO_MEMORY);
    return WILCO_OK;
}

static bool
is_within_bounds(const struct session *s, uint64_t more_bytes)
{
    const struct settings *limits = &s->shard->broker->settings;

    return s->waiting->count < limits->queued_messages_max &&
           s->waiting->bytes + more_bytes <= limits->queued_bytes_max;
}

static enum session_presence
presence_of(const struct session *s)
{
    if (!is_online(s)) {
        return SESSION_OFFLINE;
    }
    if (!is_within_bounds(s, 0)) {
        return SESSION_FULL;
    }
    if (conn_is_full(s->conn)) {
        return SESSION_STUCK;
    }
    return s->sent.quota == 0 || s->unsent > 0 ? SESSION_NO_QUOTA : SESSION_READY;
}

void
deliver_update_presence(struct session *s)
{
    enum session_presence presence = presence_of(s);

    if (presence != s->presence) {
        s->presence = (uint8_t)presence;
        session_table_set_presence(&s->shard->sessions, s->id, presence);
    }
}

/* It has expired [MQTT-3.3.2-5], or the requester was told that it will never be executed. */
static bool
is_void(const struct session *s, const struct delivery *d)
{
    return d->is_cancelled || message_is_expired(d->message, s->shard->now_ms);
}

static void
discard_void(struct session *s, struct delivery *d)
{
    s->shard->stats.dropped_expired += !d->is_cancelled;
    discard(s, d, REQUEST_DEADLINE);
}

/* Makes room by dropping the messages at the front that have expired. */
static bool
has_queue_room(struct session *s, uint64_t more_bytes)
{
    while (!is_within_bounds(s, more_bytes) || !account_has_room(s, more_bytes)) {
        if (s->waiting->first == NULL || !is_void(s, s->waiting->first)) {
            return false;
        }
        discard_void(s, delivery_queue_pop(s->waiting));
    }
    return true;
}

bool
deliver_has_room(struct session *s)
{
    return has_queue_room(s, 0);
}

/* Keeps it behind all that waits, and sends what can go. Takes `d` over; NULL: there was no memory
 * for that. */
static enum wilco_status
enqueue(struct session *s, struct message *m, const struct delivery_terms *t, struct delivery *d)
{
    if (d == NULL || !delivery_queue_own(&s->waiting, s->shard->broker->alloc)) {
        delivery_free(s->shard, d);
        return run_out_of_memory(s, m, t);
    }
    delivery_queue_push(s->waiting, d);
    deliver_waiting(s);
    return WILCO_OK;
}

static enum wilco_status
keep(struct session *s, struct message *m, const struct delivery_terms *t)
{
    return enqueue(s, m, t, delivery_new(s->shard, m, t));
}

/* QoS 1 or 2, and nothing is in its way. */
static enum wilco_status
send_new(struct session *s, struct message *m, const struct delivery_terms *t)
{
    struct delivery *d = delivery_new(s->shard, m, t);

    if (d == NULL || send_tracked(s, d) != WILCO_OK) {
        return enqueue(s, m, t, d); /* deliver_waiting() has its own ways with what is amiss */
    }
    return WILCO_OK;
}

/* It cannot go at once. */
static enum wilco_status
keep_or_drop(struct session *s, struct message *m, const struct delivery_terms *t)
{
    struct stats *stats = &s->shard->stats;

    if (t->qos == 0 && (!is_online(s) || s->waiting->qos_0_count == 0)) {
        stats->dropped_output_full += is_online(s);
        lose(s, m, t->request, is_online(s) ? REQUEST_NO_ROOM : REQUEST_OFFLINE);
    } else if (!has_queue_room(s, m->packet_bytes)) {
        stats->dropped_queue_full++;
        lose(s, m, t->request, REQUEST_NO_ROOM);
    } else {
        return keep(s, m, t);
    }
    return WILCO_OK;
}

enum wilco_status
deliver(struct session *s, struct message *m, const struct delivery_terms *t)
{
    if (message_is_expired(m, s->shard->now_ms)) { /* [MQTT-3.3.2-5] */
        s->shard->stats.dropped_expired++;
        lose(s, m, t->request, REQUEST_DEADLINE);
    } else if (WILCO_UNLIKELY(!may_get(s, m))) {
        withhold(s, m, t->request);
    } else if (WILCO_UNLIKELY(!can_send_now(s, m, t->qos))) {
        return keep_or_drop(s, m, t);
    } else if (t->qos == 0) {
        send_qos_0(s, m, t);
    } else {
        return send_new(s, m, t);
    }
    return WILCO_OK;
}

void
deliver_behind(struct session *s, struct message *m, const struct delivery_terms *t)
{
    enum wilco_status status = WILCO_OK;

    if (s->waiting->count == 0) {
        status = deliver(s, m, t);
    } else if (!may_get(s, m)) {
        withhold(s, m, NULL);
    } else if (!has_queue_room(s, m->packet_bytes)) {
        s->shard->stats.dropped_queue_full++;
        lose(s, m, NULL, REQUEST_NO_ROOM);
    } else {
        status = keep(s, m, t);
    }
    s->shard->stats.dropped_no_memory += status != WILCO_OK;
}

void
deliver_retained(struct session *s, struct message *m, const struct delivery_terms *t)
{
    if (!is_online(s)) {
        return;
    }
    if (!may_get(s, m)) {
        withhold(s, m, NULL);
    } else if (t->qos == 0 && can_send_now(s, m, 0)) {
        send_qos_0(s, m, t);
    } else if (keep(s, m, t) != WILCO_OK) {
        s->shard->stats.dropped_no_memory++;
    }
}

/* Sends one that has waited, and takes it over. false: it cannot go yet and is still the caller's.
 */
static bool
send_waited(struct session *s, struct delivery *d)
{
    const struct delivery_terms t = delivery_terms_of(d);
    enum wilco_status status = WILCO_OK;

    if (is_void(s, d)) {
        discard_void(s, d);
        return true;
    }
    if (is_forbidden(s, d)) {
        discard_forbidden(s, d);
        return true;
    }
    if (d->qos == 0) {
        send_qos_0(s, d->message, &t);
        delivery_free(s->shard, d);
        return true;
    }
    status = send_tracked(s, d);
    if (status == WILCO_ENOMEM) {
        conn_break(s->conn);
    }
    return status == WILCO_OK;
}

/* There is quota for it. What may not be sent any more is forgotten with its identifier. */
static void
resend(struct session *s, struct send_entry *entry)
{
    struct delivery *d = entry->item;
    const struct delivery_terms t = delivery_terms_of(d);

    if (is_forbidden(s, d)) {
        discard_forbidden(s, deliver_land(s, entry));
        return;
    }
    /* [MQTT-3.3.1-1] */
    if (forward_publish(s->conn, d->message, &t, entry->packet_id, true) == WILCO_ELIMIT) {
        discard_too_large(s, entry);
    } else if (d->request != NULL) {
        request_sent(d->request);
    }
}

/* Packets that the last connection had under way and that this one's quota did not yet let out
 * again. */
static void
send_again(struct session *s)
{
    struct send_entry *entry = s->unsent == 0 ? NULL : send_window_first(&s->sent);

    while (entry != NULL && s->unsent > 0 && has_room(s)) {
        struct send_entry *next = send_window_next(&s->sent, entry);

        if (entry->detail == DETAIL_UNSENT) {
            if (!send_window_resend(&s->sent)) {
                return;
            }
            entry->detail = 0;
            s->unsent--;
            resend(s, entry);
        }
        entry = next;
    }
}

static void
send_waiting(struct session *s)
{
    while (s->waiting->first != NULL && s->unsent == 0 && has_room(s)) {
        struct delivery *d = s->waiting->first;

        if (d->qos > 0 && (s->sent.quota == 0 || !account_lets_send(s, d->message->packet_bytes))) {
            return;
        }
        d = delivery_queue_pop(s->waiting);
        if (!send_waited(s, d)) {
            delivery_queue_push_front(s->waiting, d);
            return;
        }
    }
}

void
deliver_waiting(struct session *s)
{
    send_again(s);
    send_waiting(s);
    deliver_update_presence(s);
}

/* Takes quota for an exchange of an earlier connection that goes on without its PUBLISH being sent
 * again. It counts against Receive Maximum [MQTT-3.3.4-9], but it cannot be held back. */
static void
charge(struct session *s)
{
    if (!send_window_resend(&s->sent)) {
        s->overdrawn++;
    }
}

void
deliver_answered(struct session *s, struct send_entry *entry)
{
    if (entry->detail == DETAIL_UNSENT) {
        entry->detail = 0;
        s->unsent--;
        charge(s);
    }
}

void
deliver_finished(struct session *s, struct send_entry *entry)
{
    delivery_free(s->shard, deliver_land(s, entry));
    if (s->overdrawn > 0) {
        s->overdrawn--;
        (void)send_window_resend(&s->sent); /* what this one gives back is owed */
    }
    deliver_waiting(s);
}

void
deliver_resume(struct session *s, uint16_t receive_maximum)
{
    send_window_connect(&s->sent, receive_maximum);
    s->unsent = 0;
    s->overdrawn = 0;
    for (struct send_entry *e = send_window_first(&s->sent); e != NULL;
         e = send_window_next(&s->sent, e)) {
        if (e->stage == SEND_AWAITS_PUBCOMP) {
            charge(s);
            reply_ack(s->conn, WIRE_PUBREL, e->packet_id, WIRE_REASON_SUCCESS);
        } else {
            e->detail = DETAIL_UNSENT;
            s->unsent++;
        }
    }
    deliver_waiting(s);
}
