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

/* The same identifier again, before we have let it go. */
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

static enum wilco_status
hold_id(struct core *c, const struct wire_publish *p)
{
    enum wilco_status st = receive_window_add(&c->received, p->packet_id);

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
    core_match_response(c, m);
    core_push_event(c, &m->event, false);
    return WILCO_OK;
}

static enum wilco_status
acknowledge(struct core *c, const struct wilco_message *m)
{
    (void)receive_window_remove(&c->unacknowledged, m->packet_id);
    if (m->qos == 1) {
        (void)receive_window_remove(&c->received, m->packet_id);
        return core_send_ack(c, WIRE_PUBACK, m->packet_id, WIRE_REASON_SUCCESS);
    }
    return core_send_ack(c, WIRE_PUBREC, m->packet_id, WIRE_REASON_SUCCESS);
}

void
core_finish_message(struct core *c, struct wilco_message *m)
{
    c->messages_unmatched += !m->is_wanted;
    if (m->qos > 0 && c->state == CORE_OPEN) { /* [MQTT-4.5.0-2]: wanted or not */
        enum wilco_status st = acknowledge(c, m);

        if (st != WILCO_OK) {
            core_fail(c, st);
        }
    }
    wilco_message_unref(m);
}
