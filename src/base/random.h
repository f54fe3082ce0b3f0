#ifndef WILCO_BASE_RANDOM_H
#define WILCO_BASE_RANDOM_H

#include "base/compiler.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* Where randomness comes from, given at birth like the allocator: the operating system in
 * production, a seed in simulations. */
struct random_source {
    enum wilco_status (*fill)(void *context, void *out, size_t len); /* WILCO_OK or WILCO_EIO */
    void *context;
};

/* getrandom(2), or /dev/urandom where it is missing; safe from any thread and across fork. */
const struct random_source *random_system(void);

/* The same sequence for the same seed (splitmix64); for tests and simulations, not for secrets. */
struct random_seeded {
    struct random_source source; /* hand out &source */
    uint64_t state;
};
void random_seeded_init(struct random_seeded *r, uint64_t seed);

WILCO_MUST_CHECK enum wilco_status random_bytes(const struct random_source *r, void *out,
                                                size_t len);
WILCO_MUST_CHECK enum wilco_status random_u64(const struct random_source *r, uint64_t *out);

/* RFC 9562 version 7: 48 bits of Unix milliseconds, the rest random. `out` gets 16 bytes, not to be
 * used after a failure. */
WILCO_MUST_CHECK enum wilco_status random_uuid7(const struct random_source *r, uint64_t unix_ms,
                                                uint8_t out[16]);
#define RANDOM_TOKEN_MAX 64
/* `chars` characters (at most RANDOM_TOKEN_MAX) of the base64url alphabet, 6 random bits each, and
 * a zero byte. `out` is empty after a failure. */
WILCO_MUST_CHECK enum wilco_status random_token(const struct random_source *r, char *out,
                                                size_t chars);

#endif
