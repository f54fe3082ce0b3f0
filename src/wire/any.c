#include "wire/any.h"

#include "wire/ping.h"

static enum wilco_status
decode_body(struct wire_any *out, uint8_t flags, struct span body, enum wire_version version)
{
    switch (out->type) {
    case WIRE_CONNECT: return wire_connect_decode(&out->as.connect, body);
    case WIRE_CONNACK: return wire_connack_decode(&out->as.connack, body, version);
    case WIRE_PUBLISH: return wire_publish_decode(&out->as.publish, flags, body, version);
    case WIRE_PUBACK:
    case WIRE_PUBREC:
    case WIRE_PUBREL:
    case WIRE_PUBCOMP: return wire_ack_decode(&out->as.ack, out->type, body, version);
    case WIRE_SUBSCRIBE: return wire_subscribe_decode(&out->as.subscribe, body, version);
    case WIRE_SUBACK:
    case WIRE_UNSUBACK: return wire_suback_decode(&out->as.suback, out->type, body, version);
    case WIRE_UNSUBSCRIBE: return wire_unsubscribe_decode(&out->as.unsubscribe, body, version);
    case WIRE_PINGREQ:
    case WIRE_PINGRESP: return wire_ping_decode(body);
    case WIRE_DISCONNECT:
    case WIRE_AUTH: return wire_disconnect_decode(&out->as.disconnect, out->type, body, version);
    }
    return WILCO_EMALFORMED;
}

enum wilco_status
wire_any_decode(struct wire_any *out, struct span bytes, enum wire_version version)
{
    struct wire_header header;
    enum wilco_status st = wire_header_decode(&header, bytes);

    if (st != WILCO_OK) {
        return st;
    }
    if (bytes.len != header.header_bytes + header.remaining) {
        return bytes.len < header.header_bytes + header.remaining ? WILCO_AGAIN : WILCO_EMALFORMED;
    }
    out->type = header.type;
    return decode_body(out, header.flags, span_skip(bytes, header.header_bytes), version);
}

void
wire_any_encode(struct wire_writer *w, const struct wire_any *p, enum wire_version version)
{
    switch (p->type) {
    case WIRE_CONNECT: wire_connect_encode(w, &p->as.connect); break;
    case WIRE_CONNACK: wire_connack_encode(w, &p->as.connack, version); break;
    case WIRE_PUBLISH: wire_publish_encode(w, &p->as.publish, version); break;
    case WIRE_PUBACK:
    case WIRE_PUBREC:
    case WIRE_PUBREL:
    case WIRE_PUBCOMP: wire_ack_encode(w, p->type, &p->as.ack, version); break;
    case WIRE_SUBSCRIBE: wire_subscribe_encode(w, &p->as.subscribe, version); break;
    case WIRE_SUBACK:
    case WIRE_UNSUBACK: wire_suback_encode(w, p->type, &p->as.suback, version); break;
    case WIRE_UNSUBSCRIBE: wire_unsubscribe_encode(w, &p->as.unsubscribe, version); break;
    case WIRE_PINGREQ:
    case WIRE_PINGRESP: wire_ping_encode(w, p->type); break;
    case WIRE_DISCONNECT:
    case WIRE_AUTH: wire_disconnect_encode(w, p->type, &p->as.disconnect, version); break;
    }
}
