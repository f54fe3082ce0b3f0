#ifndef WILCO_BASE_HASH_H
#define WILCO_BASE_HASH_H

#include "base/span.h"

#include <stdint.h>

/* XXH3 of `bytes`. The seed comes from the operating system once per process, so that a peer cannot
 * choose keys that collide. */
uint64_t hash_bytes(struct span bytes, uint64_t seed);

#endif
