#include "client/core_private.h"
#include "wire/topic.h"

/* Publications in. A message is copied, queued as an event, and acknowledged only when everybody it
 * is for has had it, in the order of arrival [MQTT-4.6.0-2, 4.6.0-3]. Responses are matched as they
 * arrive, so that neither a PUBACK nor a deadline that comes later can take the answer away again.
 */

static enum wilco_status
resolve_alias(struct core *c, struct wire_publish *p)
{
    enum wilco_status st = WILCO_OK;

    if (wire_properties_has(&p->properties, WIRE_TOPIC_ALIAS)) {
        st = alias_in_apply(&c->aliases, p->properties.topic_alias, &p->topic);
    }
    if (st == WILCO_EPROTOCOL) { /* [MQTT-3.3.2-8, 3.3.2-11] */
        return core_fault(c, st, WIRE_REASON_TOPIC_ALIAS_INVALID,
                          "the server used a Topic Alias that stands for nothing");
    }
    if (st == WILCO_OK && !topic_name_is_valid(p->topic)) { /* [MQTT-3.3.2-2] */
        return core_fault(c, WILCO_EMALFORMED, WIRE_REASON_TOPIC_NAME_INVALID,
                          "the server published to something that is no Topic Name");
    }
    return st;
}

/* The same identifier again on the same connection, before we have let it go. */
static enum wilco_status
on_repeated(struct core *c, const struct wire_publish *p)
{
    if (p->qos == 1) {
        return core_fault(c, WILCO_EPROTOCOL, 0, "the server uses a packet identifier twice");
    }
    if (receive_window_has(&c->unacknowledged, p->packet_id)) { /* its PUBREC is still to come */
        return WILCO_OK;
    }
    return core_send_ack(c, WIRE_PUBREC, p->packet_id, WIRE_REASON_SUCCESS); /* [MQTT-4.3.3-10] */
}

/* What came on an earlier connection comes again [MQTT-4.4.0-1]: it is acknowledged, now or when it
 * has been handed out, and not handed out again. */
static enum wilco_status
on_resent(struct core *c, const struct wire_publish *p)
{
    if (receive_window_has(&c->unacknowledged, p->packet_id)) {
        return WILCO_OK;
    }
    if (p->qos == 2) {
        return core_send_ack(c, WIRE_PUBREC, p->packet_id, WIRE_REASON_SUCCESS);
    }
    (void)receive_window_remove(&c->received, p->packet_id);
    return core_send_ack(c, WIRE_PUBACK, p->packet_id, WIRE_REASON_SUCCESS);
}

static bool
carries_id(const struct core *c, const struct wilco_message *m, uint16_t packet_id)
{
    return m->qos > 0 && m->packet_id == packet_id && m->session == c->session;
}

static void
disown_in(const struct core *c, struct list *events, uint16_t packet_id)
{
    LIST_EACH(node, events)
    {
        struct event_node *event = CONTAINER_OF(node, struct event_node, link);

        if (event->kind == EVENT_MESSAGE) {
            struct wilco_message *m = CONTAINER_OF(event, struct wilco_message, event);

            m->packet_id = carries_id(c, m, packet_id) ? 0 : m->packet_id;
        }
    }
}

/* The message that holds `packet_id` is not to be acknowledged any more. */
static void
disown(struct core *c, uint16_t packet_id)
{
    if (c->handing_out != NULL && carries_id(c, c->handing_out, packet_id)) {
        c->handing_out->packet_id = 0;
    }
    disown_in(c, &c->events, packet_id);
    disown_in(c, &c->calls.held, packet_id);
    disown_in(c, &c->calls.parked, packet_id);
}

/* Whether `p` is what came on an earlier connection. A QoS 1 message without DUP is another one:
 * the server has given up the one that had its identifier [MQTT-3.3.1-1]. */
static bool
is_resent(struct core *c, const struct wire_publish *p)
{
    if (!receive_window_remove(&c->unrepeated, p->packet_id)) {
        return false;
    }
    if (p->qos == 1 && !p->dup) {
        disown(c, p->packet_id);
        (void)receive_window_remove(&c->received, p->packet_id);
        (void)receive_window_remove(&c->unacknowledged, p->packet_id);
        return false;
    }
    return true;
}

/* What has come on this connection counts against our Receive Maximum; what it has not seen does
 * not. */
static enum wilco_status
hold_id(struct core *c, const struct wire_publish *p)
{
    bool is_full = c->received.count - c->unrepeated.count >= c->receive_maximum;
    enum wilco_status st = WILCO_ELIMIT;

    if (!is_full || receive_window_has(&c->received, p->packet_id)) {
        st = receive_window_add(&c->received, p->packet_id);
    }
    if (st == WILCO_ELIMIT) { /* [MQTT-3.3.4-9] */
        return core_fault(c, WILCO_EPROTOCOL, WIRE_REASON_RECEIVE_MAXIMUM_EXCEEDED,
                          "the server sent more at once than our Receive Maximum");
    }
    return st == WILCO_OK ? receive_window_add(&c->unacknowledged, p->packet_id) : st;
}

enum wilco_status
core_on_publish(struct core *c, const struct frame *frame)
{
    struct wire_publish p;
    struct wilco_message *m = NULL;
    enum wilco_status st = wire_publish_decode(&p, frame->flags, frame->body, WIRE_V5);

    if (st == WILCO_OK) {
        st = resolve_alias(c, &p);
    }
    if (st == WILCO_OK && p.qos > 0 && is_resent(c, &p)) {
        return on_resent(c, &p);
    }
    if (st == WILCO_OK && p.qos > 0) {
        st = hold_id(c, &p);
        if (st == WILCO_AGAIN) {
            return on_repeated(c, &p);
        }
    }
    if (st != WILCO_OK) {
        return st;
    }
    m = message_new(c->alloc, &p, c->now_ms);
    if (m == NULL) {
        return WILCO_ENOMEM;
    }
    c->message_count++;
    m->number = c->message_count;
    m->session = c->session;
    core_match_response(c, m);
    core_push_event(c, &m->event, false);
    return WILCO_OK;
}

/* Until the server has sent again what came on an earlier connection there is nothing to
 * acknowledge: on_resent() does it then. */
static enum wilco_status
acknowledge(struct core *c, const struct wilco_message *m)
{
    (void)receive_window_remove(&c->unacknowledged, m->packet_id);
    if (!core_is_ready(c) || receive_window_has(&c->unrepeated, m->packet_id)) {
        return WILCO_OK;
    }
    if (m->qos == 1) {
        (void)receive_window_remove(&c->received, m->packet_id);
        return core_send_ack(c, WIRE_PUBACK, m->packet_id, WIRE_REASON_SUCCESS);
    }
    return core_send_ack(c, WIRE_PUBREC, m->packet_id, WIRE_REASON_SUCCESS);
}

void
core_finish_message(struct core *c, struct wilco_message *m)
{
    bool is_due = m->qos > 0 && m->packet_id != 0 && m->session == c->session;

    c->messages_unmatched += !m->is_wanted;
    if (is_due && c->state != CORE_CLOSED) { /* [MQTT-4.5.0-2]: wanted or not */
        enum wilco_status st = acknowledge(c, m);

        if (st != WILCO_OK) {
            core_fail(c, st);
        }
    }
    wilco_message_unref(m);
}

enum wilco_status
core_expect_repetitions(struct core *c)
{
    enum wilco_status st = WILCO_OK;

    receive_window_fini(&c->unrepeated);
    for (uint16_t i = 0; st == WILCO_OK && i < c->received.count; i++) {
        st = receive_window_add(&c->unrepeated, c->received.ids[i]);
    }
    return st;
}

void
core_forget_received(struct core *c)
{
    receive_window_fini(&c->received);
    receive_window_fini(&c->unacknowledged);
    receive_window_fini(&c->unrepeated);
}
