#ifndef WILCO_TEST_AUTH_JWT_MAKER_H
#define WILCO_TEST_AUTH_JWT_MAKER_H

#include "broker/auth/jwt_key.h"

#include <stdbool.h>

/* Makes keys, and tokens that are signed with them. Any failure fails the test. */

enum maker_kind {
    MAKER_RSA, /* 2048 bits */
    MAKER_RSA_SHORT,
    MAKER_P256,
    MAKER_P384,
    MAKER_ED25519,
    MAKER_X25519, /* signs nothing */
};

struct maker_key; /* a private key */

struct maker_key *maker_key_new(enum maker_kind kind);
void maker_key_free(struct maker_key *k);
/* The public key, or the private one, in PEM; lives as long as the key. */
struct span maker_key_pem(const struct maker_key *k, bool is_private);

#define MAKER_TOKEN_BYTES 65536U

/* header.payload.signature; `key` NULL: HMAC with `secret`. What stands in the header has no
 * influence on how it is signed. */
struct span maker_sign(char out[MAKER_TOKEN_BYTES], const char *header, const char *payload,
                       const struct maker_key *key, struct span secret);

/* base64url without padding, with a zero behind it; the characters. */
size_t maker_base64url(char *out, struct span bytes);

#endif
