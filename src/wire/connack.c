#include "wire/connack.h"

#include "wire/reason.h"

#define RETURN_CODE_MAX 5 /* MQTT 3.1.1, 3.2.2.3 */

static bool
code_is_valid(uint8_t code, enum wire_version version)
{
    if (version == WIRE_V5) {
        return wire_reason_is_valid(code, WIRE_CONNACK); /* [MQTT-3.2.2-8] */
    }
    return code <= RETURN_CODE_MAX;
}

enum wilco_status
wire_connack_decode(struct wire_connack *out, struct span body, enum wire_version version)
{
    struct wire_reader r = wire_reader_init(body);
    uint8_t flags = wire_reader_u8(&r);

    *out = (struct wire_connack){.session_present = (flags & 0x01) != 0};
    out->reason_code = wire_reader_u8(&r);
    if ((flags & 0xFE) != 0) { /* [MQTT-3.2.2-1] */
        wire_reader_fail(&r, WILCO_EMALFORMED);
    }
    if (!code_is_valid(out->reason_code, version) ||
        (out->session_present && out->reason_code != 0)) { /* [MQTT-3.2.2-6] */
        wire_reader_fail(&r, WILCO_EPROTOCOL);
    }
    if (version == WIRE_V5) {
        wire_properties_decode(&out->properties, &r, WIRE_CONNACK);
    }
    return wire_reader_finish(&r);
}

static void
encode_body(struct wire_writer *w, const struct wire_connack *p, enum wire_version version)
{
    wire_writer_u8(w, p->session_present ? 1 : 0);
    wire_writer_u8(w, p->reason_code);
    if (version == WIRE_V5) {
        wire_properties_encode(w, &p->properties);
    }
}

void
wire_connack_encode(struct wire_writer *w, const struct wire_connack *p, enum wire_version version)
{
    struct wire_writer measured = wire_writer_measure();

    encode_body(&measured, p, version);
    wire_header_encode(w, WIRE_CONNACK, 0, measured.len);
    encode_body(w, p, version);
}

uint8_t
wire_connack_return_code(uint8_t reason_code)
{
    switch (reason_code) {
    case WIRE_REASON_UNSUPPORTED_PROTOCOL_VERSION: return 1;
    case WIRE_REASON_CLIENT_IDENTIFIER_NOT_VALID: return 2;
    case WIRE_REASON_BAD_USER_NAME_OR_PASSWORD: return 4;
    case WIRE_REASON_NOT_AUTHORIZED:
    case WIRE_REASON_BANNED:
    case WIRE_REASON_BAD_AUTHENTICATION_METHOD: return 5;
    default: return 3; /* server unavailable: try later, or elsewhere */
    }
}
