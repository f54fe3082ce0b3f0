#include "wire/writer.h"

struct wire_writer
wire_writer_init(void *data, size_t capacity)
{
    return (struct wire_writer){.data = data, .capacity = capacity};
}

void
wire_writer_u32(struct wire_writer *w, uint32_t value)
{
    wire_writer_u16(w, (uint16_t)(value >> 16));
    wire_writer_u16(w, (uint16_t)(value & 0xFFFF));
}

void
wire_writer_bytes(struct wire_writer *w, struct span bytes)
{
    uint8_t *to;

    if (bytes.len == 0) {
        return;
    }
    to = wire_writer_claim(w, bytes.len);
    if (to != NULL) {
        memcpy(to, bytes.data, bytes.len);
    }
}

void
wire_writer_binary(struct wire_writer *w, struct span bytes)
{
    if (bytes.len > UINT16_MAX) {
        wire_writer_fail(w, WILCO_ELIMIT);
        return;
    }
    wire_writer_u16(w, (uint16_t)bytes.len);
    wire_writer_bytes(w, bytes);
}

void
wire_writer_string(struct wire_writer *w, struct span text)
{
    wire_writer_binary(w, text); /* the same on the wire; whoever made the text saw to UTF-8 */
}

void
wire_writer_fail(struct wire_writer *w, enum wilco_status status)
{
    if (w->status == WILCO_OK) {
        w->status = status;
    }
}

enum wilco_status
wire_writer_finish(const struct wire_writer *w, size_t *len)
{
    *len = w->len;
    if (w->status != WILCO_OK) {
        return w->status;
    }
    return w->len > w->capacity ? WILCO_AGAIN : WILCO_OK;
}
