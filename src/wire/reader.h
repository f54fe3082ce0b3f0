#ifndef WILCO_WIRE_READER_H
#define WILCO_WIRE_READER_H

#include "base/span.h"
#include "base/status.h"

/* Reads the data types of MQTT 5.0 section 1.5 from borrowed bytes, in the order of the standard. The
 * first failure sticks: later reads return zero or the empty span and move nothing. Ask
 * wire_reader_finish() once, at the end. */
struct wire_reader {
    const uint8_t *cur;
    const uint8_t *end;
    enum wilco_status status;
};

struct wire_reader wire_reader_init(struct span bytes);

uint8_t wire_reader_u8(struct wire_reader *r);
uint16_t wire_reader_u16(struct wire_reader *r);
uint32_t wire_reader_u32(struct wire_reader *r);
/* A Variable Byte Integer, at most four bytes and minimal [MQTT-1.5.5-1]. */
uint32_t wire_reader_varint(struct wire_reader *r);
/* A UTF-8 Encoded String: two bytes of length, well-formed UTF-8 without U+0000 [MQTT-1.5.4-1,2].
 * What is borrowed lives as long as the bytes given at init. */
struct span wire_reader_string(struct wire_reader *r);
struct span wire_reader_binary(struct wire_reader *r); /* Binary Data: two bytes of length, anything */
struct span wire_reader_bytes(struct wire_reader *r, size_t len);
struct span wire_reader_rest(struct wire_reader *r); /* everything left, possibly nothing */

static inline size_t
wire_reader_left(const struct wire_reader *r)
{
    return (size_t)(r->end - r->cur);
}

/* Makes the reader fail with `status` unless it already has. */
void wire_reader_fail(struct wire_reader *r, enum wilco_status status);
/* WILCO_OK when every read succeeded and nothing is left; WILCO_EMALFORMED for leftover bytes. */
enum wilco_status wire_reader_finish(struct wire_reader *r);

#endif
