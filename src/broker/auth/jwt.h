#ifndef WILCO_BROKER_AUTH_JWT_H
#define WILCO_BROKER_AUTH_JWT_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "broker/auth/jwt_key.h"

/* Checks JSON Web Tokens in the compact form (RFC 7515, RFC 7519), with the advice of RFC 8725:
 * the signature first, by a key of ours and no other, then what the token says. */

#define JWT_USER_BYTES_MAX  512U
#define JWT_DEPTH_MAX       8U            /* of objects and arrays in its two parts */
#define JWT_TOKEN_BYTES_MAX 65535U        /* of what CONNECT can hold; rules may want less */
#define JWT_TIME_MAX_S      253402300799U /* the end of the year 9999 */

/* What a token must be. Borrowed. */
struct jwt_rules {
    const char *issuer;     /* `iss`; NULL: anybody may have made it */
    const char *audience;   /* one of `aud`; NULL: there must be no `aud` */
    const char *user_claim; /* which says who it is about; "sub", usually */
    uint64_t leeway_s;      /* that clocks may differ */
    size_t bytes_max;       /* of the whole token */
    uint64_t now_s;         /* Unix time */
};

struct jwt_claims {
    char user[JWT_USER_BYTES_MAX]; /* UTF-8, without zeros */
    size_t user_bytes;             /* 1 to JWT_USER_BYTES_MAX */
    uint64_t ends_s;               /* Unix time: `exp` and the leeway. In the future */
};

/* WILCO_OK: `*out` is filled. WILCO_EINVAL: it is no good, and *why says so in a few static words,
 * that tell a stranger nothing about us. WILCO_ENOMEM likewise. */
WILCO_MUST_CHECK enum wilco_status jwt_check(struct jwt_claims *out, const struct jwt_keys *keys,
                                             const struct jwt_rules *rules, struct span token,
                                             const struct wilco_alloc *alloc, const char **why);

/* Whether a password looks like a token, so that it is one or wrong. */
bool jwt_is_likely(struct span password);

#endif
