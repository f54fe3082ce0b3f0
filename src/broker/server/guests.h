#ifndef WILCO_BROKER_SERVER_GUESTS_H
#define WILCO_BROKER_SERVER_GUESTS_H

#include "base/alloc.h"
#include "base/map.h"
#include "net/address.h"

#include <pthread.h>

/* How many connections there are from each address, so that no single one takes all places. Shared
 * by all drivers, safe from any thread, and nothing at all while there is no limit. An IPv6 client
 * usually has a whole /64 network to itself, so that counts as one address; an IPv4 address mapped
 * into IPv6 is what it is mapped from. Unix sockets are not counted. */
struct guest;

struct guests {
    pthread_mutex_t lock;
    struct map by_network;
    const struct wilco_alloc *alloc;
    uint64_t seed;
};

void guests_init(struct guests *g, const struct wilco_alloc *a, uint64_t seed);
void guests_fini(struct guests *g); /* all have left */

/* One more connection from `a`, of which there may be `max` (0: no limit). `*out` is for
 * guests_leave(), and NULL when it was not counted. WILCO_ELIMIT, WILCO_ENOMEM: it may not come in.
 */
WILCO_MUST_CHECK enum wilco_status guests_enter(struct guests *g, const struct address *a,
                                                uint64_t max, struct guest **out);
void guests_leave(struct guests *g, struct guest *guest); /* NULL is allowed */

#endif
