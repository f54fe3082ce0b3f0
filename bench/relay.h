#ifndef WILCO_BENCH_RELAY_H
#define WILCO_BENCH_RELAY_H

#include "base/buffer.h"
#include "base/status.h"

#include <stdbool.h>

/* A relay that does as little as it can, as the limit of the machine: one thread, one read for a
 * readable socket, one write for a connection and turn. What it reads is understood by one of two
 * protocols, which copy it to the output of others. */
struct guest {
    int fd;
    bool is_dirty; /* has output that this turn has yet to write */
    bool is_full;  /* its socket took less than there was */
    bool has_said_hello;
    uint16_t packet_id;
    uint32_t room;
    struct buffer kept_in; /* an incomplete packet */
    struct buffer out;
    size_t written; /* of `out` */
};

struct relay_protocol {
    /* Takes one whole packet off the front of `*in`. WILCO_AGAIN: it is not complete. Anything else
     * ends the connection. */
    enum wilco_status (*take)(struct guest *from, struct span *in);
    void (*leave)(struct guest *g); /* forgets it */
};

extern const struct relay_protocol relay_frames;
extern const struct relay_protocol relay_mqtt;

/* Room for `n` more bytes of output, to be written at the end of the turn. */
uint8_t *relay_claim(struct guest *to, size_t n);
void relay_copy(struct guest *to, struct span bytes);

/* Some guests: who listens to a room or a topic. */
struct guests {
    struct guest **list;
    size_t count;
};
void guests_add(struct guests *g, struct guest *one);
void guests_remove(struct guests *g, const struct guest *one);

#endif
