#ifndef WILCO_LOAD_STENCIL_H
#define WILCO_LOAD_STENCIL_H

#include "load/outbox.h"
#include "load/place.h"

#include <stdbool.h>

/* A message as it goes on the wire, made once and stamped for each time it is sent: only its word
 * and its packet identifier differ. */
#define WORD_BYTES 8U

struct wording {
    struct place to;
    struct place reply_to; /* of a request; PLACE_NONE: a plain message, whose payload begins with
                              the word */
    size_t payload_bytes;
    uint8_t qos;
    bool retain;
};

struct stencil {
    uint8_t *bytes;
    size_t len;
    size_t word_at;
    size_t packet_id_at; /* 0: has none */
};

/* Room for a message of `len` bytes, all zero. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status stencil_init(struct stencil *s, size_t len);
void stencil_fini(struct stencil *s);

/* A word is whatever its sender likes; everybody else passes it on as it is. */
static inline uint64_t
word_read(const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

static inline void
stencil_stamp(const struct stencil *s, struct outbox *out, uint64_t word, uint16_t packet_id)
{
    uint8_t *at = outbox_claim(out, s->len);

    if (at == NULL) {
        return;
    }
    memcpy(at, s->bytes, s->len);
    memcpy(at + s->word_at, &word, sizeof(word));
    if (s->packet_id_at != 0) {
        at[s->packet_id_at] = (uint8_t)(packet_id >> 8);
        at[s->packet_id_at + 1] = (uint8_t)(packet_id & 0xFF);
    }
}

#endif
