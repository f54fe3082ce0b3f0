#include "wire/packet.h"

uint8_t
wire_type_flags(enum wire_type type)
{
    /* [MQTT-3.6.1-1], [MQTT-3.8.1-1], [MQTT-3.10.1-1] */
    return type == WIRE_PUBREL || type == WIRE_SUBSCRIBE || type == WIRE_UNSUBSCRIBE ? 0x02 : 0x00;
}

/* Reads the Remaining Length behind the first byte. */
static enum wilco_status
decode_remaining(struct wire_header *out, struct span bytes)
{
    uint32_t value = 0;

    for (size_t i = 1; i <= 4; i++) {
        if (i >= bytes.len) {
            return WILCO_AGAIN;
        }
        value |= (uint32_t)(bytes.data[i] & 0x7F) << (7 * (i - 1));
        if ((bytes.data[i] & 0x80) == 0) {
            out->remaining = value;
            out->header_bytes = i + 1;
            /* [MQTT-1.5.5-1] */
            return bytes.data[i] == 0 && i > 1 ? WILCO_EMALFORMED : WILCO_OK;
        }
    }
    return WILCO_EMALFORMED; /* [U-1.5.5-1] */
}

enum wilco_status
wire_header_decode(struct wire_header *out, struct span bytes)
{
    unsigned type;

    if (bytes.len == 0) {
        return WILCO_AGAIN;
    }
    type = bytes.data[0] >> 4;
    out->flags = bytes.data[0] & 0x0F;
    if (type == 0) { /* [U-2.1.2-1] */
        return WILCO_EMALFORMED;
    }
    out->type = (enum wire_type)type;
    /* [MQTT-3.14.1-1], [MQTT-3.15.1-1] and their like */
    if (out->type != WIRE_PUBLISH && out->flags != wire_type_flags(out->type)) {
        return WILCO_EMALFORMED; /* [MQTT-2.1.3-1], [U-2.1.3-1] */
    }
    return decode_remaining(out, bytes);
}

void
wire_header_encode(struct wire_writer *w, enum wire_type type, uint8_t flags, size_t remaining)
{
    wire_writer_u8(w, (uint8_t)((unsigned)type << 4 | flags));
    wire_writer_length(w, remaining);
}

const char *
wire_type_name(enum wire_type type)
{
    switch (type) {
    case WIRE_CONNECT: return "CONNECT";
    case WIRE_CONNACK: return "CONNACK";
    case WIRE_PUBLISH: return "PUBLISH";
    case WIRE_PUBACK: return "PUBACK";
    case WIRE_PUBREC: return "PUBREC";
    case WIRE_PUBREL: return "PUBREL";
    case WIRE_PUBCOMP: return "PUBCOMP";
    case WIRE_SUBSCRIBE: return "SUBSCRIBE";
    case WIRE_SUBACK: return "SUBACK";
    case WIRE_UNSUBSCRIBE: return "UNSUBSCRIBE";
    case WIRE_UNSUBACK: return "UNSUBACK";
    case WIRE_PINGREQ: return "PINGREQ";
    case WIRE_PINGRESP: return "PINGRESP";
    case WIRE_DISCONNECT: return "DISCONNECT";
    case WIRE_AUTH: return "AUTH";
    }
    return "RESERVED";
}
