#ifndef WILCO_BROKER_SERVER_LANE_H
#define WILCO_BROKER_SERVER_LANE_H

#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>

struct driver;
struct peer;

/* Keeps bulk out of the way of requests and responses, and of everybody while a message goes to a
 * crowd (shard_has_lane()). Bulk is the input of peers whose conn says
 * so (conn_is_bulk()), and the output of conns that wait to write nothing else. A turn looks after
 * everybody else first; then bulk is served for settings.bulk_turn_us, in small steps. What is left
 * goes on in the next turn, before which the driver looks at its loop without sleeping.
 *
 * It decides who is served when; what one peer has sent and what one peer gets keeps its order. */
struct lane {
    struct list reading; /* peers with input, by their rare; they leave it when they are closed */
    struct list writing; /* conns that this round writes, by dirty_link; likewise */
    size_t round_bytes;  /* read in this round */
};

void lane_init(struct lane *l);

/* Its input is read when its turn comes; harmless when it waits already. False: out of memory. */
bool lane_add(struct driver *d, struct peer *p);
/* How much to read of a peer at first, in order to see whether it is bulk. */
size_t lane_first_read_bytes(const struct driver *d, const struct peer *p);

/* Writes what is urgent, all of it. */
void lane_settle_urgent(struct driver *d);
/* Serves bulk: one step, if there is something to do, and more until the time is over. */
void lane_serve(struct driver *d);
bool lane_has_work(const struct driver *d);

#endif
