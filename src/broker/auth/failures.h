#ifndef WILCO_BROKER_AUTH_FAILURES_H
#define WILCO_BROKER_AUTH_FAILURES_H

#include "base/alloc.h"
#include "broker/core/host.h"

#include <stdbool.h>
#include <stdint.h>

/* Which addresses have guessed wrong of late, so that nobody guesses for long. An IPv6 client
 * usually has a whole /64 network to itself, so that counts as one address; what comes by a Unix
 * socket is not counted. There is room for FAILURES_ADDRESSES of them; when an attack comes from
 * more, those that have failed longest ago are forgotten, and the table grows no further. Safe from
 * any thread. */
struct failures;

#define FAILURES_ADDRESSES 4096U

struct failures *failures_new(const struct wilco_alloc *a, uint64_t seed); /* NULL: out of memory */
void failures_free(struct failures *f);                                    /* NULL is allowed */

/* So many failures (0: any number) in so many seconds are suffered; the time begins with the first
 * one. */
struct failures_bounds {
    uint64_t max;
    uint64_t window_s;
};

/* Whether the address has had its share. */
bool failures_are_too_many(struct failures *f, const struct conn_origin *from,
                           const struct failures_bounds *bounds, uint64_t now_ms);
/* One more. */
void failures_add(struct failures *f, const struct conn_origin *from,
                  const struct failures_bounds *bounds, uint64_t now_ms);

#endif
