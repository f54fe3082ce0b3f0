#ifndef WILCO_BASE_HASH_H
#define WILCO_BASE_HASH_H

#include "base/span.h"

#include <stdint.h>

/* XXH3 of `bytes`. The seed comes from the operating system once per process, so that a peer cannot
 * choose keys that collide. */
uint64_t hash_bytes(struct span bytes, uint64_t seed);

/* The XXH3 of 128 bits without a seed, as 32 hexadecimal digits: tells whether what was put
 * together again is what was taken apart. */
#define HASH_CHECK_CHARS 32U
struct span hash_check(struct span bytes, char out[HASH_CHECK_CHARS]);

#endif
