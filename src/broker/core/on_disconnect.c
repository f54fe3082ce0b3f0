#include "broker/core/handlers.h"

#include "broker/core/session.h"
#include "wire/disconnect.h"

/* The Session Expiry Interval may be changed at the end, but not from 0 (MQTT 5.0, 3.14.2.2.2). */
static enum wilco_status
change_expiry(struct conn *c, const struct wire_properties *v)
{
    struct session *s = c->session;
    uint64_t expiry_max_s = s->shard->broker->settings.session_expiry_max_s;
    uint32_t expiry_s = v->session_expiry_interval;

    if (!wire_properties_has(v, WIRE_SESSION_EXPIRY_INTERVAL)) {
        return WILCO_OK;
    }
    if (s->expiry_s == 0 && expiry_s != 0 && expiry_max_s != 0) { /* [U-3.14.2-2] */
        conn_refuse_because(c, WIRE_REASON_PROTOCOL_ERROR,
                            "a Session Expiry Interval of 0 cannot be changed in DISCONNECT");
        return WILCO_EPROTOCOL;
    }
    s->expiry_s = expiry_s < expiry_max_s ? expiry_s : (uint32_t)expiry_max_s;
    return WILCO_OK;
}

/* The reason codes that only servers send (MQTT 5.0, 3.14.2.1) are protocol errors from a client
 * [MQTT-3.14.2-1]. */
static bool
is_for_clients(uint8_t reason_code)
{
    switch (reason_code) {
    case WIRE_REASON_SUCCESS:
    case WIRE_REASON_DISCONNECT_WITH_WILL:
    case WIRE_REASON_UNSPECIFIED_ERROR:
    case WIRE_REASON_MALFORMED_PACKET:
    case WIRE_REASON_PROTOCOL_ERROR:
    case WIRE_REASON_IMPLEMENTATION_SPECIFIC_ERROR:
    case WIRE_REASON_TOPIC_NAME_INVALID:
    case WIRE_REASON_RECEIVE_MAXIMUM_EXCEEDED:
    case WIRE_REASON_TOPIC_ALIAS_INVALID:
    case WIRE_REASON_PACKET_TOO_LARGE:
    case WIRE_REASON_MESSAGE_RATE_TOO_HIGH:
    case WIRE_REASON_QUOTA_EXCEEDED:
    case WIRE_REASON_ADMINISTRATIVE_ACTION:
    case WIRE_REASON_PAYLOAD_FORMAT_INVALID: return true;
    default: return false;
    }
}

enum wilco_status
on_disconnect(struct conn *c, const struct frame *f)
{
    struct wire_disconnect p;
    enum wilco_status status =
        wire_disconnect_decode(&p, WIRE_DISCONNECT, f->body, (enum wire_version)c->version);

    if (status == WILCO_OK && !is_for_clients(p.reason_code)) {
        conn_refuse_because(c, WIRE_REASON_PROTOCOL_ERROR,
                            "only a server may send this reason code");
        return WILCO_OK;
    }
    if (status == WILCO_OK) {
        status = change_expiry(c, &p.properties);
    }
    if (status != WILCO_OK) {
        return status;
    }
    c->will_is_due = p.reason_code != WIRE_REASON_SUCCESS; /* [MQTT-3.14.4-3] */
    c->has_left = true;
    conn_break(c); /* [U-3.14.4-1]; [MQTT-3.14.4-2] is the client's part */
    return WILCO_OK;
}
