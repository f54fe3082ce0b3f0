#ifndef WILCO_BROKER_AUTH_PASSWORD_HASH_H
#define WILCO_BROKER_AUTH_PASSWORD_HASH_H

#include "base/compiler.h"
#include "base/random.h"
#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* What is kept of a password, as mosquitto writes it behind the colon:
 *   $argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt>$<key>   Argon2id (RFC 9106)
 *   $7$<iterations>$<salt>$<key>                               PBKDF2-HMAC-SHA-512
 *   $6$<salt>$<key>                                            SHA-512 of password and salt, once
 * The last is fast to guess and read for the sake of old files. All of it is Base64; Argon2 leaves
 * the padding out. */
enum password_scheme {
    PASSWORD_ARGON2ID,
    PASSWORD_PBKDF2,
    PASSWORD_SHA512,
};

#define PASSWORD_SALT_BYTES_MAX 64U
#define PASSWORD_KEY_BYTES_MAX  64U

/* How much work a guess is. */
struct password_cost {
    enum password_scheme scheme;
    uint32_t iterations; /* passes, for Argon2id; 1 for SHA-512 */
    uint32_t memory_kib; /* Argon2id only, as the next */
    uint32_t lanes;
};

struct password_hash {
    struct password_cost cost;
    uint8_t salt_bytes;
    uint8_t key_bytes;
    uint8_t salt[PASSWORD_SALT_BYTES_MAX];
    uint8_t key[PASSWORD_KEY_BYTES_MAX];
};

/* Bounds of what a file may ask for: a second or two of one core, and memory that a small machine
 * has. */
#define PASSWORD_PBKDF2_ITERATIONS_MAX 10000000U
#define PASSWORD_ARGON2_PASSES_MAX     1000U
#define PASSWORD_ARGON2_KIB_MAX        1048576U
#define PASSWORD_ARGON2_LANES_MAX      16U

/* What new passwords get: for Argon2id and PBKDF2 what OWASP recommends. */
struct password_cost password_cost_standard(enum password_scheme scheme);
/* "argon2id", "sha512-pbkdf2", "sha512": as mosquitto_passwd names them. WILCO_EINVAL: none. */
WILCO_MUST_CHECK enum wilco_status password_scheme_parse(enum password_scheme *out,
                                                         const char *name);
bool password_cost_equal(const struct password_cost *a, const struct password_cost *b);

/* WILCO_EMALFORMED: `text` is none of these, and *why says in a few words what is wrong, never what
 * is in it. */
WILCO_MUST_CHECK enum wilco_status password_hash_parse(struct password_hash *out, struct span text,
                                                       const char **why);
#define PASSWORD_TEXT_BYTES 320U
/* Always ends in zero. */
void password_hash_text(const struct password_hash *h, char out[PASSWORD_TEXT_BYTES]);

/* With a fresh salt. WILCO_EIO: no randomness; WILCO_ENOMEM: no memory for so much work. */
WILCO_MUST_CHECK enum wilco_status password_hash_make(struct password_hash *out,
                                                      const struct password_cost *cost,
                                                      struct span password,
                                                      const struct random_source *random);
/* Does the work, and says whether it was this password. The work is the same for every password of
 * the same length. WILCO_ENOMEM: it could not be done. */
WILCO_MUST_CHECK enum wilco_status password_hash_check(const struct password_hash *h,
                                                       struct span password, bool *is_right);

#endif
