#ifndef WILCO_BROKER_AUTH_JWT_KEY_H
#define WILCO_BROKER_AUTH_JWT_KEY_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/span.h"
#include "base/status.h"

/* The keys by which JSON Web Tokens (RFC 7519) are known to be genuine. What a key is says which
 * algorithm it is for, and there is no other for it: a token cannot choose. Immutable once it is
 * complete: threads may share it. */
struct jwt_keys;

enum jwt_algorithm {
    JWT_HS256, /* HMAC with SHA-256: a secret of at least JWT_SECRET_BYTES_MIN bytes */
    JWT_RS256, /* RSASSA-PKCS1-v1_5 with SHA-256: an RSA key of at least 2048 bits */
    JWT_ES256, /* ECDSA with SHA-256: a key on the curve P-256 */
    JWT_EDDSA, /* Ed25519 */
};

#define JWT_KEYS_MAX         16U
#define JWT_KEY_ID_BYTES_MAX 128U
#define JWT_KEY_FILE_BYTES   65536U
#define JWT_SECRET_BYTES_MIN 32U
#define JWT_SECRET_BYTES_MAX 1024U
#define JWT_KEY_WHY_BYTES    160U

struct jwt_keys *jwt_keys_new(const struct wilco_alloc *a); /* NULL: out of memory */
void jwt_keys_free(struct jwt_keys *k);                     /* NULL is allowed */
size_t jwt_keys_count(const struct jwt_keys *k);

/* Adds the public key that is in `pem`, alone. `id` is the `kid` of the tokens it is for; empty: it
 * is for those of any `kid` and of none. WILCO_EINVAL: it is none that we can use, and `why` says
 * in one line what is wrong; WILCO_ELIMIT (JWT_KEYS_MAX), WILCO_ENOMEM likewise. */
WILCO_MUST_CHECK enum wilco_status jwt_keys_add_public(struct jwt_keys *k, struct span id,
                                                       struct span pem,
                                                       char why[JWT_KEY_WHY_BYTES]);
/* The same with a secret: all of `secret` but a line break at its end. */
WILCO_MUST_CHECK enum wilco_status jwt_keys_add_secret(struct jwt_keys *k, struct span id,
                                                       struct span secret,
                                                       char why[JWT_KEY_WHY_BYTES]);

/* Whether one of the keys for `algorithm` and `id` (empty: the token names none, and all keys for
 * the algorithm may be meant) has made `signature`, as it stands in a token, of `text`. */
bool jwt_keys_verify(const struct jwt_keys *k, enum jwt_algorithm algorithm, struct span id,
                     struct span text, struct span signature);

#endif
