#ifndef WILCO_WIRE_WRITER_H
#define WILCO_WIRE_WRITER_H

#include "base/span.h"
#include "base/status.h"

/* Writes the data types of MQTT 5.0 section 1.5 into a caller's array. Writing past the end stores
 * nothing more but keeps counting, so the same encoder first measures (capacity 0) and then writes.
 * The first failure (a string above 65 535 bytes, an integer above 268 435 455) sticks. */
struct wire_writer {
    uint8_t *data;
    size_t capacity;
    size_t len; /* bytes wanted so far, whether or not they fit */
    enum wilco_status status;
};

struct wire_writer wire_writer_init(void *data, size_t capacity);
static inline struct wire_writer
wire_writer_measure(void)
{
    return (struct wire_writer){.data = NULL, .capacity = 0, .len = 0, .status = WILCO_OK};
}

/* Counts `n` more bytes; says where they go, or NULL when they do not fit. */
static inline uint8_t *
wire_writer_claim(struct wire_writer *w, size_t n)
{
    size_t at = w->len;

    w->len += n;
    return at <= w->capacity && n <= w->capacity - at ? w->data + at : NULL;
}

static inline void
wire_writer_u8(struct wire_writer *w, uint8_t value)
{
    uint8_t *to = wire_writer_claim(w, 1);

    if (to != NULL) {
        to[0] = value;
    }
}

static inline void
wire_writer_u16(struct wire_writer *w, uint16_t value)
{
    uint8_t *to = wire_writer_claim(w, 2);

    if (to != NULL) {
        to[0] = (uint8_t)(value >> 8);
        to[1] = (uint8_t)(value & 0xFF);
    }
}

void wire_writer_u32(struct wire_writer *w, uint32_t value);
/* Makes the writer fail with `status` unless it already has; WILCO_OK changes nothing. */
void wire_writer_fail(struct wire_writer *w, enum wilco_status status);

#define WIRE_VARINT_MAX 268435455U

/* A length as a Variable Byte Integer. */
static inline void
wire_writer_length(struct wire_writer *w, size_t len)
{
    if (len > WIRE_VARINT_MAX) {
        wire_writer_fail(w, WILCO_ELIMIT);
        return;
    }
    while (len > 0x7F) {
        wire_writer_u8(w, (uint8_t)(len & 0x7F) | 0x80);
        len >>= 7;
    }
    wire_writer_u8(w, (uint8_t)len);
}

static inline void
wire_writer_varint(struct wire_writer *w, uint32_t value)
{
    wire_writer_length(w, value);
}

/* Two bytes of length, then the bytes; does not look at them. WILCO_ELIMIT above 65 535 bytes. */
void wire_writer_string(struct wire_writer *w, struct span text);
void wire_writer_binary(struct wire_writer *w, struct span bytes);
void wire_writer_bytes(struct wire_writer *w, struct span bytes);
/* Puts the number of bytes written into `*len`. WILCO_AGAIN: the array was too small, `*len` says
 * what is needed. Or the first failure: WILCO_ELIMIT when something is too long for MQTT,
 * WILCO_EINVAL when the packet cannot be said in the version of MQTT asked for. */
enum wilco_status wire_writer_finish(const struct wire_writer *w, size_t *len);

/* How many bytes a Variable Byte Integer takes: 1 to 4. */
static inline size_t
wire_varint_size(uint32_t value)
{
    return value < 128 ? 1 : value < 16384 ? 2 : value < 2097152 ? 3 : 4;
}

#endif
