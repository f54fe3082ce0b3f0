#ifndef WILCO_BROKER_AUTH_TOKENS_H
#define WILCO_BROKER_AUTH_TOKENS_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "broker/auth/jwt.h"
#include "broker/core/authenticator.h"

#include <stdbool.h>

/* What is accepted of JSON Web Tokens in the place of a password: keys read from files, and rules.
 * Immutable once made, and then safe from any thread. */
struct tokens;

#define TOKENS_PATH_BYTES_MAX 511U
#define TOKENS_TEXT_BYTES_MAX 255U
#define TOKENS_REASON_BYTES   700U

/* A file with a key, and the `kid` of the tokens it is for (empty: of any). */
struct tokens_key_file {
    char path[TOKENS_PATH_BYTES_MAX + 1];
    char id[JWT_KEY_ID_BYTES_MAX + 1];
    bool is_secret; /* HS256; otherwise a public key in PEM */
};

struct tokens_config {
    struct tokens_key_file files[JWT_KEYS_MAX];
    size_t file_count;                          /* 0: there are no tokens */
    char issuer[TOKENS_TEXT_BYTES_MAX + 1];     /* empty: anybody */
    char audience[TOKENS_TEXT_BYTES_MAX + 1];   /* empty: tokens for nobody in particular */
    char user_claim[TOKENS_TEXT_BYTES_MAX + 1]; /* empty: "sub" */
};

bool tokens_config_equal(const struct tokens_config *a, const struct tokens_config *b);

/* WILCO_EINVAL, WILCO_EIO, WILCO_ELIMIT, WILCO_ENOMEM: `reason` says in one line which file and
 * what to do. */
WILCO_MUST_CHECK enum wilco_status tokens_new(struct tokens **out,
                                              const struct tokens_config *config,
                                              const struct wilco_alloc *a,
                                              char reason[TOKENS_REASON_BYTES]);
void tokens_free(struct tokens *t); /* NULL is allowed */

/* Whether a password is a token, or pretends to be. */
bool tokens_include(const struct tokens *t, struct span password);

/* The verdict about a client that shows this token, with the bounds that hold at the moment: whose
 * user is in `claims` then, and which ends with the token. A User Name in CONNECT must be that
 * user's. It takes some 50 to 200 microseconds. */
struct tokens_bounds {
    uint64_t leeway_s;
    uint64_t bytes_max;
};
struct login_verdict tokens_judge(const struct tokens *t, const struct tokens_bounds *bounds,
                                  struct span user_name, struct span token, uint64_t unix_ms,
                                  struct jwt_claims *claims);

#endif
