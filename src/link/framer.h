#ifndef WILCO_LINK_FRAMER_H
#define WILCO_LINK_FRAMER_H

#include "base/buffer.h"
#include "wire/packet.h"

/* Cuts MQTT Control Packets out of a byte stream. Whole packets are handed out where they lie in
 * the input; only the incomplete tail of a packet is kept, in memory that grows with what has
 * arrived and never with what a Remaining Length announces, and that is given back when the packet
 * is complete. An idle framer owns nothing, and is small, because every connection has one. */
struct framer {
    struct buffer *tail; /* owned; NULL: nothing is kept */
    const struct wilco_alloc *alloc;
    uint32_t packet_bytes_max; /* Maximum Packet Size that we announced, header included */
    bool is_handed_out;        /* the tail is a whole packet, to be dropped at the next call */
    bool ignores_dup; /* MQTT 3.1: PUBREL, SUBSCRIBE and UNSUBSCRIBE have it when sent again */
};

struct frame {
    enum wire_type type;
    uint8_t flags;
    struct span body;    /* dies at the next call with this framer, or with the input */
    size_t packet_bytes; /* header included */
};

void framer_init(struct framer *f, const struct wilco_alloc *a, size_t packet_bytes_max);
void framer_fini(struct framer *f);
/* Another maximum from the next packet on; no packet is partial. */
void framer_limit(struct framer *f, size_t packet_bytes_max);

/* Takes the next packet off the front of `*in`. WILCO_AGAIN: `*in` is used up and no packet is
 * complete (what was left is kept). WILCO_EMALFORMED: a fixed header that cannot be. WILCO_ELIMIT:
 * a packet above the maximum, said as soon as its header is known (reason code 0x95) [U-3.2.2-4].
 * WILCO_ENOMEM.
 * After an error the stream is useless. */
WILCO_MUST_CHECK enum wilco_status framer_next(struct framer *f, struct span *in,
                                               struct frame *out);
/* Whether part of a packet has arrived and the rest has not. */
bool framer_is_partial(const struct framer *f);

#endif
