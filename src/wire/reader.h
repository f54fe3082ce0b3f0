#ifndef WILCO_WIRE_READER_H
#define WILCO_WIRE_READER_H

#include "base/span.h"
#include "base/status.h"
#include "wire/utf8.h"

/* Reads the data types of MQTT 5.0 section 1.5 from borrowed bytes, in the order of the standard.
 * The first failure sticks: later reads return zero or the empty span and move nothing. Ask
 * wire_reader_finish() once, at the end. */
struct wire_reader {
    const uint8_t *cur;
    const uint8_t *end;
    enum wilco_status status;
};

static inline struct wire_reader
wire_reader_init(struct span bytes)
{
    /* Never NULL, so that the arithmetic below is always defined. */
    const uint8_t *start = bytes.data == NULL ? (const uint8_t *)"" : bytes.data;

    return (struct wire_reader){.cur = start, .end = start + bytes.len, .status = WILCO_OK};
}

static inline size_t
wire_reader_left(const struct wire_reader *r)
{
    return (size_t)(r->end - r->cur);
}

/* Makes the reader fail with `status` unless it already has. A reader that failed has nothing left,
 * so every read needs but one comparison. */
static inline void
wire_reader_fail(struct wire_reader *r, enum wilco_status status)
{
    r->status = r->status == WILCO_OK ? status : r->status;
    r->cur = r->end;
}

/* What is borrowed lives as long as the bytes given at init. */
static inline struct span
wire_reader_bytes(struct wire_reader *r, size_t len)
{
    const uint8_t *at = r->cur;

    if (len > wire_reader_left(r)) {
        wire_reader_fail(r, WILCO_EMALFORMED);
        return SPAN_EMPTY;
    }
    r->cur += len;
    return span_of(at, len);
}

static inline uint8_t
wire_reader_u8(struct wire_reader *r)
{
    struct span b = wire_reader_bytes(r, 1);

    return b.len == 0 ? 0 : b.data[0];
}

static inline uint16_t
wire_reader_u16(struct wire_reader *r)
{
    struct span b = wire_reader_bytes(r, 2);

    return b.len == 0 ? 0 : (uint16_t)(b.data[0] << 8 | b.data[1]);
}

static inline uint32_t
wire_reader_u32(struct wire_reader *r)
{
    uint32_t high = wire_reader_u16(r);

    return high << 16 | wire_reader_u16(r);
}

/* Binary Data: two bytes of length, then anything. */
static inline struct span
wire_reader_binary(struct wire_reader *r)
{
    return wire_reader_bytes(r, wire_reader_u16(r));
}

/* A UTF-8 Encoded String: two bytes of length, well-formed UTF-8 without U+0000 [MQTT-1.5.4-1,
 * MQTT-1.5.4-2]. */
static inline struct span
wire_reader_string(struct wire_reader *r)
{
    struct span text = wire_reader_binary(r);

    if (!utf8_is_plain(text) && !utf8_is_valid(text)) { /* [U-1.5.4-1] */
        wire_reader_fail(r, WILCO_EMALFORMED);
        return SPAN_EMPTY;
    }
    return text;
}

/* A Packet Identifier: two bytes, Malformed when 0 [MQTT-2.2.1-3]. */
static inline uint16_t
wire_reader_packet_id(struct wire_reader *r)
{
    uint16_t id = wire_reader_u16(r);

    if (id == 0) { /* [U-2.2.1-1] */
        wire_reader_fail(r, WILCO_EMALFORMED);
    }
    return id;
}

/* A Variable Byte Integer, at most four bytes and minimal [MQTT-1.5.5-1]. */
static inline uint32_t
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

/* Everything left, possibly nothing. */
static inline struct span
wire_reader_rest(struct wire_reader *r)
{
    return wire_reader_bytes(r, wire_reader_left(r));
}

/* WILCO_OK when every read succeeded and nothing is left; WILCO_EMALFORMED for leftover bytes. */
static inline enum wilco_status
wire_reader_finish(struct wire_reader *r)
{
    if (wire_reader_left(r) > 0) {
        wire_reader_fail(r, WILCO_EMALFORMED);
    }
    return r->status;
}

#endif
