#include "wire/disconnect.h"

#include "wire/reason.h"

static void
decode_content(struct wire_disconnect *out, enum wire_type type, struct wire_reader *r)
{
    out->reason_code = wire_reader_u8(r);
    if (!wire_reason_is_valid(out->reason_code, type)) { /* [MQTT-3.14.2-1], [MQTT-3.15.2-1] */
        wire_reader_fail(r, WILCO_EPROTOCOL);
        return;
    }
    if (type == WIRE_DISCONNECT && wire_reader_left(r) == 0) { /* [U-3.14.2-1] */
        return;
    }
    wire_properties_decode(&out->properties, r, type);
    if (type == WIRE_AUTH && !wire_properties_has(&out->properties, WIRE_AUTHENTICATION_METHOD)) {
        wire_reader_fail(r, WILCO_EPROTOCOL); /* [U-3.15.2-1] */
    }
}

enum wilco_status
wire_disconnect_decode(struct wire_disconnect *out, enum wire_type type, struct span body,
                       enum wire_version version)
{
    struct wire_reader r = wire_reader_init(body);

    *out = (struct wire_disconnect){.reason_code = 0};
    if (version != WIRE_V5 && type == WIRE_AUTH) {
        return WILCO_EMALFORMED; /* MQTT 3.1.1, 2.2.1: type 15 is forbidden */
    }
    if (version == WIRE_V5 && body.len > 0) { /* [U-3.14.2-1], [U-3.15.2-1]: empty says 0x00 */
        decode_content(out, type, &r);
    }
    return wire_reader_finish(&r);
}

static void
encode_body(struct wire_writer *w, const struct wire_disconnect *p, enum wire_version version)
{
    bool has_properties = wire_properties_to_write(&p->properties);

    if (version != WIRE_V5 || (p->reason_code == 0 && !has_properties)) {
        return;
    }
    wire_writer_u8(w, p->reason_code);
    if (has_properties) {
        wire_properties_encode(w, &p->properties);
    }
}

void
wire_disconnect_encode(struct wire_writer *w, enum wire_type type, const struct wire_disconnect *p,
                       enum wire_version version)
{
    struct wire_writer measured = wire_writer_measure();

    if (version != WIRE_V5 && type == WIRE_AUTH) {
        wire_writer_fail(w, WILCO_EINVAL);
        return;
    }
    encode_body(&measured, p, version);
    wire_header_encode(w, type, wire_type_flags(type), measured.len);
    encode_body(w, p, version);
}
