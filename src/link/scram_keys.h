#ifndef WILCO_LINK_SCRAM_KEYS_H
#define WILCO_LINK_SCRAM_KEYS_H

#include "base/compiler.h"
#include "base/span.h"
#include "base/status.h"

/* The cryptography of SCRAM-SHA-256 (RFC 5802, RFC 7677), which both ends do. Everything here that
 * returns a status returns WILCO_OK or WILCO_ENOMEM; outputs are complete or not to be used. */

#define SCRAM_METHOD    "SCRAM-SHA-256" /* Authentication Method, as on the wire */
#define SCRAM_KEY_BYTES 32U             /* SHA-256 */

/* Iterations that either end takes part in: RFC 7677 wants 4096 at least, and a peer shall not make
 * us calculate for more than about a second. */
#define SCRAM_ITERATIONS_MIN 4096U
#define SCRAM_ITERATIONS_MAX 1000000U

/* What a server keeps of a password: enough to know it again, not enough to log in with. */
struct scram_keys {
    uint8_t stored_key[SCRAM_KEY_BYTES];
    uint8_t server_key[SCRAM_KEY_BYTES];
};

/* Hi(): as slow as `iterations` says. */
WILCO_MUST_CHECK enum wilco_status scram_salt_password(uint8_t out[SCRAM_KEY_BYTES],
                                                       struct span password, struct span salt,
                                                       uint32_t iterations);
/* From a salted password: the client's key, and what the server would keep. */
WILCO_MUST_CHECK enum wilco_status scram_derive(const uint8_t salted[SCRAM_KEY_BYTES],
                                                uint8_t client_key[SCRAM_KEY_BYTES],
                                                struct scram_keys *keys);
WILCO_MUST_CHECK enum wilco_status
scram_hmac(uint8_t out[SCRAM_KEY_BYTES], const uint8_t key[SCRAM_KEY_BYTES], struct span message);

/* The client's proof over the AuthMessage. */
WILCO_MUST_CHECK enum wilco_status scram_prove(uint8_t proof[SCRAM_KEY_BYTES],
                                               const uint8_t client_key[SCRAM_KEY_BYTES],
                                               const struct scram_keys *keys, struct span message);
/* Whether `proof` comes from somebody who knows the client's key; takes the same time for all. */
WILCO_MUST_CHECK enum wilco_status scram_check(const struct scram_keys *keys, struct span message,
                                               const uint8_t proof[SCRAM_KEY_BYTES],
                                               bool *is_right);

#endif
