#ifndef WILCO_BROKER_AUTH_SCRAM_SECRET_H
#define WILCO_BROKER_AUTH_SCRAM_SECRET_H

#include "base/compiler.h"
#include "base/random.h"
#include "link/scram_keys.h"
#include "link/scram_message.h"

/* What the broker keeps of one user's password for SCRAM-SHA-256, and how that is written:
 *
 *     SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>
 *
 * with all three in base64; PostgreSQL writes it in the same way. */
struct scram_secret {
    struct scram_keys keys;
    uint8_t salt[SCRAM_SALT_BYTES_MAX];
    size_t salt_bytes; /* at least SCRAM_SALT_BYTES_MIN */
    uint32_t iterations;
};

#define SCRAM_SECRET_TEXT_BYTES   256U /* of the longest, and a zero */
#define SCRAM_SECRET_SALT_BYTES   16U  /* of those we make */
#define SCRAM_ITERATIONS_STANDARD 100000U

/* WILCO_EMALFORMED: it is none, and *why says in a few words what is wrong, without any of it. */
WILCO_MUST_CHECK enum wilco_status scram_secret_read(struct scram_secret *out, struct span text,
                                                     const char **why);
/* With a zero behind it; the characters without that. */
size_t scram_secret_write(char out[SCRAM_SECRET_TEXT_BYTES], const struct scram_secret *s);

/* Of a password, with a salt of its own. As slow as `iterations` says, which are
 * SCRAM_ITERATIONS_MIN to SCRAM_ITERATIONS_MAX. WILCO_EIO (no randomness), WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status scram_secret_make(struct scram_secret *out, struct span password,
                                                     uint32_t iterations,
                                                     const struct random_source *random);

#endif
