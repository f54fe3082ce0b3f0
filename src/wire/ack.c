#include "wire/ack.h"

#include "wire/reason.h"

enum wilco_status
wire_ack_decode(struct wire_ack *out, enum wire_type type, struct span body,
                enum wire_version version)
{
    struct wire_reader r = wire_reader_init(body);

    out->packet_id = wire_reader_packet_id(&r);
    out->reason_code = 0;
    wire_properties_clear(&out->properties);
    if (version != WIRE_V5 || wire_reader_left(&r) == 0) { /* [U-3.4.2-1]: the reason is 0x00 */
        return wire_reader_finish(&r);
    }
    out->reason_code = wire_reader_u8(&r);
    if (!wire_reason_is_valid(out->reason_code, type)) {
        /* [MQTT-3.4.2-1], [MQTT-3.5.2-1], [MQTT-3.6.2-1], [MQTT-3.7.2-1] */
        wire_reader_fail(&r, WILCO_EPROTOCOL);
    }
    if (wire_reader_left(&r) > 0) { /* [U-3.4.2-1] */
        wire_properties_decode(&out->properties, &r, type);
    }
    return wire_reader_finish(&r);
}

static void
encode_body(struct wire_writer *w, const struct wire_ack *p, enum wire_version version)
{
    bool has_properties = wire_properties_to_write(&p->properties);

    wire_writer_u16(w, p->packet_id);
    if (version != WIRE_V5 || (p->reason_code == 0 && !has_properties)) {
        return;
    }
    wire_writer_u8(w, p->reason_code);
    if (has_properties) {
        wire_properties_encode(w, &p->properties);
    }
}

void
wire_ack_encode_bare(struct wire_writer *w, enum wire_type type, uint16_t packet_id)
{
    wire_writer_u8(w, (uint8_t)((unsigned)type << 4 | wire_type_flags(type)));
    wire_writer_u8(w, 2); /* Remaining Length */
    wire_writer_u16(w, packet_id);
}

void
wire_ack_encode(struct wire_writer *w, enum wire_type type, const struct wire_ack *p,
                enum wire_version version)
{
    struct wire_writer measured = wire_writer_measure();

    encode_body(&measured, p, version);
    wire_header_encode(w, type, wire_type_flags(type), measured.len);
    encode_body(w, p, version);
}
