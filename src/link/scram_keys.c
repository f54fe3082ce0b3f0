#include "link/scram_keys.h"

#include "base/secret.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

/* Longer passwords cannot stand in CONNECT either. */
#define LENGTH_MAX ((size_t)UINT16_MAX)

enum wilco_status
scram_salt_password(uint8_t out[SCRAM_KEY_BYTES], struct span password, struct span salt,
                    uint32_t iterations)
{
    const char *text = password.len == 0 ? "" : (const char *)password.data;

    if (password.len > LENGTH_MAX || salt.len > LENGTH_MAX || iterations > SCRAM_ITERATIONS_MAX) {
        return WILCO_ENOMEM;
    }
    return PKCS5_PBKDF2_HMAC(text, (int)password.len, salt.data, (int)salt.len, (int)iterations,
                             EVP_sha256(), SCRAM_KEY_BYTES, out) == 1
               ? WILCO_OK
               : WILCO_ENOMEM;
}

enum wilco_status
scram_hmac(uint8_t out[SCRAM_KEY_BYTES], const uint8_t key[SCRAM_KEY_BYTES], struct span message)
{
    unsigned len = 0;

    return HMAC(EVP_sha256(), key, SCRAM_KEY_BYTES, message.data, message.len, out, &len) != NULL &&
                   len == SCRAM_KEY_BYTES
               ? WILCO_OK
               : WILCO_ENOMEM;
}

/* H() */
static enum wilco_status
hash(uint8_t out[SCRAM_KEY_BYTES], const uint8_t in[SCRAM_KEY_BYTES])
{
    return EVP_Digest(in, SCRAM_KEY_BYTES, out, NULL, EVP_sha256(), NULL) == 1 ? WILCO_OK
                                                                               : WILCO_ENOMEM;
}

enum wilco_status
scram_derive(const uint8_t salted[SCRAM_KEY_BYTES], uint8_t client_key[SCRAM_KEY_BYTES],
             struct scram_keys *keys)
{
    enum wilco_status status = scram_hmac(client_key, salted, SPAN_LITERAL("Client Key"));

    if (status == WILCO_OK) {
        status = hash(keys->stored_key, client_key);
    }
    if (status == WILCO_OK) {
        status = scram_hmac(keys->server_key, salted, SPAN_LITERAL("Server Key"));
    }
    return status;
}

static void
mix(uint8_t out[SCRAM_KEY_BYTES], const uint8_t other[SCRAM_KEY_BYTES])
{
    for (size_t i = 0; i < SCRAM_KEY_BYTES; i++) {
        out[i] ^= other[i];
    }
}

enum wilco_status
scram_prove(uint8_t proof[SCRAM_KEY_BYTES], const uint8_t client_key[SCRAM_KEY_BYTES],
            const struct scram_keys *keys, struct span message)
{
    enum wilco_status status = scram_hmac(proof, keys->stored_key, message);

    mix(proof, client_key);
    return status;
}

enum wilco_status
scram_check(const struct scram_keys *keys, struct span message,
            const uint8_t proof[SCRAM_KEY_BYTES], bool *is_right)
{
    uint8_t client_key[SCRAM_KEY_BYTES];
    uint8_t stored_key[SCRAM_KEY_BYTES] = {0};
    enum wilco_status status = scram_hmac(client_key, keys->stored_key, message);

    mix(client_key, proof);
    if (status == WILCO_OK) {
        status = hash(stored_key, client_key);
    }
    *is_right = status == WILCO_OK && secret_equal(span_of(stored_key, SCRAM_KEY_BYTES),
                                                   span_of(keys->stored_key, SCRAM_KEY_BYTES));
    secret_wipe(client_key, sizeof(client_key));
    return status;
}
