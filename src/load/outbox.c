#include "load/outbox.h"

#define FIRST_BYTES 262144U

void
outbox_init(struct outbox *o)
{
    *o = (struct outbox){.status = WILCO_OK};
    buffer_init(&o->bytes, alloc_system(), SIZE_MAX);
    o->status = buffer_reserve(&o->bytes, FIRST_BYTES);
}

void
outbox_fini(struct outbox *o)
{
    buffer_fini(&o->bytes);
}

uint8_t *
outbox_grow(struct outbox *o, size_t n)
{
    enum wilco_status status = buffer_reserve(&o->bytes, n);

    if (status != WILCO_OK) {
        o->status = status;
        return NULL;
    }
    o->bytes.len += n;
    return o->bytes.data + o->bytes.len - n;
}

void
outbox_text(struct outbox *o, const char *text)
{
    struct span bytes = span_of_text(text);
    uint8_t *at = outbox_claim(o, bytes.len);

    if (at != NULL && bytes.len > 0) {
        memcpy(at, bytes.data, bytes.len);
    }
}

void
outbox_packet(struct outbox *o, const struct wire_any *packet)
{
    struct wire_writer w = wire_writer_measure();
    uint8_t *at = NULL;

    wire_any_encode(&w, packet, WIRE_V5);
    at = outbox_claim(o, w.len);
    if (at != NULL) {
        w = wire_writer_init(at, w.len);
        wire_any_encode(&w, packet, WIRE_V5);
    }
}
