#include "wire/reader.h"

#include "wire/utf8.h"

void
wire_reader_fail(struct wire_reader *r, enum wilco_status status)
{
    if (r->status == WILCO_OK) {
        r->status = status;
        r->cur = r->end;
    }
}

struct span
wire_reader_string(struct wire_reader *r)
{
    struct span text = wire_reader_binary(r);

    if (!utf8_is_valid(text)) { /* [U-1.5.4-1] */
        wire_reader_fail(r, WILCO_EMALFORMED);
        return SPAN_EMPTY;
    }
    return text;
}

uint16_t
wire_reader_packet_id(struct wire_reader *r)
{
    uint16_t id = wire_reader_u16(r);

    if (id == 0) { /* [U-2.2.1-1] */
        wire_reader_fail(r, WILCO_EMALFORMED);
    }
    return id;
}

uint32_t
wire_reader_varint(struct wire_reader *r)
{
    uint32_t value = 0;
    unsigned shift = 0;
    uint8_t byte;

    do {
        byte = wire_reader_u8(r);
        value |= (uint32_t)(byte & 0x7F) << shift;
        shift += 7;
    } while ((byte & 0x80) != 0 && shift < 28);
    if ((byte & 0x80) != 0 || (byte == 0 && shift > 7)) { /* [U-1.5.5-1], [MQTT-1.5.5-1] */
        wire_reader_fail(r, WILCO_EMALFORMED);
        return 0;
    }
    return value;
}

struct span
wire_reader_rest(struct wire_reader *r)
{
    return wire_reader_bytes(r, wire_reader_left(r));
}

enum wilco_status
wire_reader_finish(struct wire_reader *r)
{
    if (wire_reader_left(r) > 0) {
        wire_reader_fail(r, WILCO_EMALFORMED);
    }
    return r->status;
}
