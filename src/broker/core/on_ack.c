/* PUBACK, PUBREC, PUBREL and PUBCOMP: the rest of QoS 1 and 2, in both directions. */
#include "broker/core/handlers.h"

#include "broker/core/deliver.h"
#include "broker/core/reply.h"
#include "broker/core/request.h"
#include "broker/core/session.h"
#include "wire/ack.h"

static enum wilco_status
decode(struct conn *c, const struct frame *f, struct wire_ack *out)
{
    return wire_ack_decode(out, f->type, f->body, (enum wire_version)c->version);
}

/* The exchange that an answer of the client belongs to; NULL when there is none. */
static struct send_entry *
find(struct conn *c, uint16_t packet_id)
{
    struct send_entry *entry = send_window_find(&c->session->sent, packet_id);

    if (entry != NULL) {
        deliver_answered(c->session, entry);
    }
    return entry;
}

/* What the holder of a request says to it. */
static void
note_acked(struct send_entry *entry, uint8_t reason_code)
{
    struct delivery *d = entry->item;

    if (d != NULL && d->request != NULL) {
        request_acked(d->request, reason_code);
    }
}

/* The answer that completes an exchange in this stage, also when it refuses [MQTT-4.4.0-2]. One
 * that belongs to no exchange is of a session that is no more, or was sent twice. */
static enum wilco_status
complete(struct conn *c, const struct frame *f, enum send_stage stage)
{
    struct wire_ack p;
    struct send_entry *entry = NULL;
    enum wilco_status status = decode(c, f, &p);

    if (status != WILCO_OK) {
        return status;
    }
    entry = find(c, p.packet_id);
    if (entry != NULL && entry->stage != stage) {
        return WILCO_EPROTOCOL;
    }
    if (entry != NULL) {
        note_acked(entry, p.reason_code);
        deliver_finished(c->session, entry);
    }
    return WILCO_OK;
}

enum wilco_status
on_puback(struct conn *c, const struct frame *f)
{
    return complete(c, f, SEND_AWAITS_PUBACK);
}

/* From PUBREC on the message itself is no longer needed [MQTT-4.3.3-6], nor whether it has expired
 * [MQTT-4.3.3-13]. */
static void
release(struct conn *c, struct send_entry *entry)
{
    if (entry->stage == SEND_AWAITS_PUBREC) {
        deliver_released(c->session, entry);
    }
    reply_ack(c, WIRE_PUBREL, entry->packet_id, WIRE_REASON_SUCCESS); /* [MQTT-4.3.3-4] */
}

enum wilco_status
on_pubrec(struct conn *c, const struct frame *f)
{
    struct wire_ack p;
    struct send_entry *entry = NULL;
    enum wilco_status status = decode(c, f, &p);

    if (status != WILCO_OK) {
        return status;
    }
    entry = find(c, p.packet_id);
    if (entry == NULL) {
        if (!wire_reason_is_error(p.reason_code)) {
            reply_ack(c, WIRE_PUBREL, p.packet_id, WIRE_REASON_PACKET_IDENTIFIER_NOT_FOUND);
        }
    } else if (entry->stage == SEND_AWAITS_PUBACK) {
        return WILCO_EPROTOCOL;
    } else if (wire_reason_is_error(p.reason_code)) {
        note_acked(entry, p.reason_code);
        deliver_finished(c->session, entry);
    } else {
        note_acked(entry, p.reason_code);
        release(c, entry);
    }
    return WILCO_OK;
}

enum wilco_status
on_pubrel(struct conn *c, const struct frame *f)
{
    struct wire_ack p;
    enum wilco_status status = decode(c, f, &p);
    bool held = false;

    if (status != WILCO_OK) {
        return status;
    }
    held = c->session->received != NULL &&
           receive_window_remove(c->session->received, p.packet_id); /* [MQTT-4.3.3-12] */
    reply_ack(c, WIRE_PUBCOMP, p.packet_id,                          /* [MQTT-4.3.3-11] */
              held ? WIRE_REASON_SUCCESS : WIRE_REASON_PACKET_IDENTIFIER_NOT_FOUND);
    return WILCO_OK;
}

enum wilco_status
on_pubcomp(struct conn *c, const struct frame *f)
{
    return complete(c, f, SEND_AWAITS_PUBCOMP);
}
