#include "client/core_private.h"

enum wilco_status
core_send_ack(struct core *c, enum wire_type type, uint16_t packet_id, uint8_t reason_code)
{
    struct wire_any packet = {.type = type};

    packet.as.ack.packet_id = packet_id;
    packet.as.ack.reason_code = reason_code;
    return core_send(c, &packet);
}

/* The end of a publication of ours: makes room for another one. */
static enum wilco_status
finish(struct core *c, struct send_entry *entry, const struct wire_ack *ack, uint8_t reason_code)
{
    struct outgoing *o = entry->item;

    send_window_remove(&c->sent, entry);
    core_judge_request(c, o, ack);
    core_settle(c, o, wire_reason_is_error(reason_code) ? WILCO_EREFUSED : WILCO_OK, reason_code);
    return core_pump(c);
}

static enum wilco_status
on_puback(struct core *c, const struct wire_ack *ack)
{
    struct send_entry *entry = send_window_find(&c->sent, ack->packet_id);

    if (entry == NULL || entry->stage != SEND_AWAITS_PUBACK) {
        return core_fault(c, WILCO_EPROTOCOL, 0, "the server sent a PUBACK for nothing");
    }
    return finish(c, entry, ack, ack->reason_code);
}

static enum wilco_status
on_pubrec(struct core *c, const struct wire_ack *ack)
{
    struct send_entry *entry = send_window_find(&c->sent, ack->packet_id);
    struct outgoing *o = NULL;

    if (entry == NULL) { /* of a session from before our time */
        return core_send_ack(c, WIRE_PUBREL, ack->packet_id,
                             WIRE_REASON_PACKET_IDENTIFIER_NOT_FOUND);
    }
    if (entry->stage != SEND_AWAITS_PUBREC) {
        return core_fault(c, WILCO_EPROTOCOL, 0, "the server sent a PUBREC for nothing");
    }
    if (wire_reason_is_error(ack->reason_code)) { /* [MQTT-4.3.3-4] */
        return finish(c, entry, ack, ack->reason_code);
    }
    o = entry->item;
    o->reason_code = ack->reason_code;
    core_judge_request(c, o, ack);
    entry->stage = SEND_AWAITS_PUBCOMP;
    return core_send_ack(c, WIRE_PUBREL, ack->packet_id, WIRE_REASON_SUCCESS);
}

static enum wilco_status
on_pubcomp(struct core *c, const struct wire_ack *ack)
{
    struct send_entry *entry = send_window_find(&c->sent, ack->packet_id);
    const struct outgoing *o = NULL;

    if (entry == NULL) { /* the answer to a PUBREL with 0x92 */
        return WILCO_OK;
    }
    if (entry->stage != SEND_AWAITS_PUBCOMP) {
        return core_fault(c, WILCO_EPROTOCOL, 0, "the server sent a PUBCOMP for nothing");
    }
    o = entry->item;
    return finish(c, entry, ack, o->reason_code);
}

static enum wilco_status
on_pubrel(struct core *c, const struct wire_ack *ack)
{
    uint8_t reason_code = WIRE_REASON_SUCCESS;

    if (receive_window_has(&c->unacknowledged, ack->packet_id)) {
        return core_fault(c, WILCO_EPROTOCOL, 0, "the server sent a PUBREL before our PUBREC");
    }
    if (!receive_window_remove(&c->received, ack->packet_id)) {
        reason_code = WIRE_REASON_PACKET_IDENTIFIER_NOT_FOUND;
    }
    return core_send_ack(c, WIRE_PUBCOMP, ack->packet_id, reason_code); /* [MQTT-4.3.3-11] */
}

enum wilco_status
core_on_ack(struct core *c, enum wire_type type, struct span body)
{
    struct wire_ack ack;
    enum wilco_status st = wire_ack_decode(&ack, type, body, WIRE_V5);

    if (st != WILCO_OK) {
        return st;
    }
    if (type == WIRE_PUBACK) {
        return on_puback(c, &ack);
    }
    if (type == WIRE_PUBREC) {
        return on_pubrec(c, &ack);
    }
    return type == WIRE_PUBREL ? on_pubrel(c, &ack) : on_pubcomp(c, &ack);
}
