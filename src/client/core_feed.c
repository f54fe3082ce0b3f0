#include "client/core_private.h"
#include "wire/ping.h"

static enum wilco_status
on_pingresp(struct core *c, struct span body)
{
    if (c->pong_deadline_ms == UINT64_MAX) {
        return core_fault(c, WILCO_EPROTOCOL, 0, "the server sent PINGRESP unasked");
    }
    c->pong_deadline_ms = UINT64_MAX;
    return wire_ping_decode(body);
}

static enum wilco_status
on_disconnect(struct core *c, struct span body)
{
    struct wire_disconnect p;
    enum wilco_status st = wire_disconnect_decode(&p, WIRE_DISCONNECT, body, WIRE_V5);

    if (st == WILCO_OK && wire_properties_has(&p.properties, WIRE_SESSION_EXPIRY_INTERVAL)) {
        st = WILCO_EPROTOCOL; /* [MQTT-3.14.2-2] */
    }
    if (st == WILCO_OK && p.reason_code == WIRE_REASON_DISCONNECT_WITH_WILL) {
        st = WILCO_EPROTOCOL; /* only clients say so [MQTT-3.14.2-1] */
    }
    if (st == WILCO_OK) {
        core_break(c, WILCO_ECLOSED, p.reason_code, "the server ended the connection",
                   p.properties.reason_string);
    }
    return st;
}

static enum wilco_status
on_packet(struct core *c, const struct frame *f)
{
    switch (f->type) {
    case WIRE_CONNACK: return core_on_connack(c, f->body);
    case WIRE_PUBLISH: return core_on_publish(c, f);
    case WIRE_PUBACK:
    case WIRE_PUBREC:
    case WIRE_PUBREL:
    case WIRE_PUBCOMP: return core_on_ack(c, f->type, f->body);
    case WIRE_SUBACK:
    case WIRE_UNSUBACK: return core_on_suback(c, f->type, f->body);
    case WIRE_PINGRESP: return on_pingresp(c, f->body);
    case WIRE_DISCONNECT: return on_disconnect(c, f->body);
    case WIRE_CONNECT:
    case WIRE_SUBSCRIBE:
    case WIRE_UNSUBSCRIBE:
    case WIRE_PINGREQ: break;
    case WIRE_AUTH: return core_on_auth(c, f->body);
    }
    return core_fault(c, WILCO_EPROTOCOL, 0, "the server sent a packet that only clients send");
}

/* Before CONNACK there is only AUTH, for those who named a method. */
static bool
may_come(const struct core *c, enum wire_type type)
{
    return c->state != CORE_CONNECTING || type == WIRE_CONNACK ||
           (type == WIRE_AUTH && c->authentication.is_named);
}

void
core_feed(struct core *c, struct span in, uint64_t now_ms)
{
    struct frame frame;
    enum wilco_status st = WILCO_OK;

    c->now_ms = now_ms;
    while (st == WILCO_OK && core_is_connected(c)) {
        st = framer_next(&c->framer, &in, &frame);
        if (st == WILCO_OK && !may_come(c, frame.type)) {
            st = core_fault(c, WILCO_EPROTOCOL, 0, "the server does not begin with CONNACK");
        }
        if (st == WILCO_OK) {
            st = on_packet(c, &frame);
        }
    }
    if (st != WILCO_OK && st != WILCO_AGAIN) {
        core_fail(c, st);
    }
}
