#ifndef WILCO_LOAD_OUTBOX_H
#define WILCO_LOAD_OUTBOX_H

#include "base/buffer.h"
#include "wire/any.h"

/* What the peer that is being served will be sent: one memory for all peers, so that it stays in
 * the cache. Running out of memory sticks. */
struct outbox {
    struct buffer bytes;
    enum wilco_status status;
};

void outbox_init(struct outbox *o);
void outbox_fini(struct outbox *o);

uint8_t *outbox_grow(struct outbox *o, size_t n);

/* Room for `n` more bytes, which the caller fills. NULL: out of memory. */
static inline uint8_t *
outbox_claim(struct outbox *o, size_t n)
{
    uint8_t *at = o->bytes.data + o->bytes.len;

    if (n > o->bytes.capacity - o->bytes.len) {
        return outbox_grow(o, n);
    }
    o->bytes.len += n;
    return at;
}

void outbox_text(struct outbox *o, const char *text);
/* Any packet of MQTT 5.0; not for the hot path. */
void outbox_packet(struct outbox *o, const struct wire_any *packet);

#endif
