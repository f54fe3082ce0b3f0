#include "wire/suback.h"

#include "wire/reason.h"

#define FAILURE_311 0x80 /* MQTT 3.1.1, 3.9.3: beside the granted QoS the only code */

static bool
code_is_valid(uint8_t code, enum wire_type type, enum wire_version version)
{
    if (version == WIRE_V5) {
        return wire_reason_is_valid(code, type); /* [MQTT-3.9.3-2], [MQTT-3.11.3-2] */
    }
    return code <= 2 || code == FAILURE_311;
}

static void
decode_codes(struct wire_suback *out, struct wire_reader *r, enum wire_type type,
             enum wire_version version)
{
    out->reason_codes = wire_reader_rest(r);
    if (out->reason_codes.len == 0) {
        wire_reader_fail(r, WILCO_EPROTOCOL);
    }
    for (size_t i = 0; i < out->reason_codes.len; i++) {
        if (!code_is_valid(out->reason_codes.data[i], type, version)) {
            wire_reader_fail(r, WILCO_EPROTOCOL);
            return;
        }
    }
}

enum wilco_status
wire_suback_decode(struct wire_suback *out, enum wire_type type, struct span body,
                   enum wire_version version)
{
    struct wire_reader r = wire_reader_init(body);

    *out = (struct wire_suback){.packet_id = wire_reader_packet_id(&r)};
    if (version == WIRE_V5) {
        wire_properties_decode(&out->properties, &r, type);
    }
    if (version == WIRE_V5 || type == WIRE_SUBACK) {
        decode_codes(out, &r, type, version);
    }
    return wire_reader_finish(&r);
}

static void
encode_body(struct wire_writer *w, enum wire_type type, const struct wire_suback *p,
            enum wire_version version)
{
    wire_writer_u16(w, p->packet_id);
    if (version == WIRE_V5) {
        wire_properties_encode(w, &p->properties);
    }
    if (version == WIRE_V5 || type == WIRE_SUBACK) {
        wire_writer_bytes(w, p->reason_codes);
    }
}

void
wire_suback_encode(struct wire_writer *w, enum wire_type type, const struct wire_suback *p,
                   enum wire_version version)
{
    struct wire_writer measured = wire_writer_measure();

    encode_body(&measured, type, p, version);
    wire_header_encode(w, type, 0, measured.len);
    encode_body(w, type, p, version);
}
