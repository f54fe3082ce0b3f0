#ifndef WILCO_LINK_SCRAM_MESSAGE_H
#define WILCO_LINK_SCRAM_MESSAGE_H

#include "base/compiler.h"
#include "base/span.h"
#include "base/status.h"
#include "link/scram_keys.h"

#include <stdbool.h>

/* The four messages of SCRAM (RFC 5802, section 7): read here, and what is written of them that
 * has rules. All spans that come out are parts of the text that went in. Every read function
 * returns WILCO_OK, WILCO_EMALFORMED (not the grammar), WILCO_EPROTOCOL (the grammar, but something
 * we must not go along with: channel binding, mandatory extensions, a bound below) or WILCO_ELIMIT
 * (longer than SCRAM_MESSAGE_BYTES_MAX). */
#define SCRAM_MESSAGE_BYTES_MAX 2048U
#define SCRAM_NAME_BYTES_MAX    512U /* of a user, as it is and as it is written */
#define SCRAM_NONCE_BYTES_MIN   8U
#define SCRAM_NONCE_BYTES_MAX   256U
#define SCRAM_SALT_BYTES_MIN    8U
#define SCRAM_SALT_BYTES_MAX    64U

struct scram_client_first {
    struct span gs2_header; /* "n,," with what is in it */
    struct span bare;       /* the rest */
    struct span name;       /* written: scram_name_read() */
    struct span other_name; /* likewise: whom it wants to act as (a=); empty: itself */
    struct span nonce;
};
WILCO_MUST_CHECK enum wilco_status scram_client_first_read(struct scram_client_first *out,
                                                           struct span text);

struct scram_server_first {
    struct span nonce; /* both ends', one behind the other */
    uint8_t salt[SCRAM_SALT_BYTES_MAX];
    size_t salt_bytes;
    uint32_t iterations; /* SCRAM_ITERATIONS_MIN to _MAX */
};
WILCO_MUST_CHECK enum wilco_status scram_server_first_read(struct scram_server_first *out,
                                                           struct span text);

struct scram_client_final {
    struct span binding; /* base64 of the gs2 header */
    struct span nonce;
    struct span without_proof;
    uint8_t proof[SCRAM_KEY_BYTES];
};
WILCO_MUST_CHECK enum wilco_status scram_client_final_read(struct scram_client_final *out,
                                                           struct span text);

/* "v=" alone: with "e=" the server says that it refuses us, which is WILCO_EPROTOCOL. */
WILCO_MUST_CHECK enum wilco_status scram_server_final_read(uint8_t signature[SCRAM_KEY_BYTES],
                                                           struct span text);

/* A name as it is, from what stands for it in a message (=2C and =3D). WILCO_EMALFORMED also when
 * it is empty, no UTF-8, or has a zero in it. *len bytes of `out` are filled. */
WILCO_MUST_CHECK enum wilco_status scram_name_read(char out[SCRAM_NAME_BYTES_MAX], size_t *len,
                                                   struct span written);
/* The other way. WILCO_EMALFORMED: such a name cannot be. WILCO_ELIMIT: it is too long. */
WILCO_MUST_CHECK enum wilco_status scram_name_write(char out[SCRAM_NAME_BYTES_MAX], size_t *len,
                                                    struct span name);

/* What both ends prove and sign: the three parts with commas between them. `out` has room for
 * SCRAM_AUTH_MESSAGE_BYTES_MAX; the bytes used. */
#define SCRAM_AUTH_MESSAGE_BYTES_MAX (3 * SCRAM_MESSAGE_BYTES_MAX + 2)
size_t scram_auth_message(uint8_t out[SCRAM_AUTH_MESSAGE_BYTES_MAX], struct span client_first_bare,
                          struct span server_first, struct span client_final_without_proof);

#endif
