#include "broker/auth/scram_secret.h"

#include "base/secret.h"
#include "link/base64.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define PREFIX SCRAM_METHOD "$"

/* Cuts what is before `end` off the front of *text. False: there is no such character. */
static bool
cut(struct span *text, char end, struct span *part)
{
    const uint8_t *at = text->len == 0 ? NULL : memchr(text->data, end, text->len);

    if (at == NULL) {
        return false;
    }
    *part = span_first(*text, (size_t)(at - text->data));
    *text = span_skip(*text, part->len + 1);
    return true;
}

static uint32_t
read_iterations(struct span text)
{
    uint64_t number = 0;

    if (text.len == 0 || text.len > 7 || text.data[0] == '0') {
        return 0;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return 0;
        }
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    }
    return number < SCRAM_ITERATIONS_MIN || number > SCRAM_ITERATIONS_MAX ? 0 : (uint32_t)number;
}

static bool
read_key(uint8_t out[SCRAM_KEY_BYTES], struct span text)
{
    size_t len = 0;

    return base64_decode(out, SCRAM_KEY_BYTES, &len, text, BASE64_STANDARD) == WILCO_OK &&
           len == SCRAM_KEY_BYTES;
}

/* NULL, or what is wrong. */
static const char *
read_parts(struct scram_secret *out, struct span text)
{
    struct span prefix = SPAN_LITERAL(PREFIX);
    struct span iterations = SPAN_EMPTY;
    struct span salt = SPAN_EMPTY;
    struct span stored_key = SPAN_EMPTY;

    if (text.len < prefix.len || !span_equal(span_first(text, prefix.len), prefix)) {
        return "it does not begin with " PREFIX;
    }
    text = span_skip(text, prefix.len);
    if (!cut(&text, ':', &iterations) || !cut(&text, '$', &salt) || !cut(&text, ':', &stored_key)) {
        return "it is not ITERATIONS:SALT$STOREDKEY:SERVERKEY";
    }
    out->iterations = read_iterations(iterations);
    if (out->iterations == 0) {
        return "its iterations are not 4096 to 1000000";
    }
    if (base64_decode(out->salt, sizeof(out->salt), &out->salt_bytes, salt, BASE64_STANDARD) !=
            WILCO_OK ||
        out->salt_bytes < SCRAM_SALT_BYTES_MIN) {
        return "its salt is not 8 to 64 bytes in base64";
    }
    return read_key(out->keys.stored_key, stored_key) && read_key(out->keys.server_key, text)
               ? NULL
               : "its keys are not 32 bytes in base64 each";
}

enum wilco_status
scram_secret_read(struct scram_secret *out, struct span text, const char **why)
{
    *out = (struct scram_secret){.iterations = 0};
    *why = read_parts(out, text);
    return *why == NULL ? WILCO_OK : WILCO_EMALFORMED;
}

size_t
scram_secret_write(char out[SCRAM_SECRET_TEXT_BYTES], const struct scram_secret *s)
{
    char salt[BASE64_CHARS(SCRAM_SALT_BYTES_MAX) + 1];
    char stored_key[BASE64_CHARS(SCRAM_KEY_BYTES) + 1];
    char server_key[BASE64_CHARS(SCRAM_KEY_BYTES) + 1];
    int len = 0;

    (void)base64_encode(salt, span_of(s->salt, s->salt_bytes));
    (void)base64_encode(stored_key, span_of(s->keys.stored_key, SCRAM_KEY_BYTES));
    (void)base64_encode(server_key, span_of(s->keys.server_key, SCRAM_KEY_BYTES));
    len = snprintf(out, SCRAM_SECRET_TEXT_BYTES, PREFIX "%" PRIu32 ":%s$%s:%s", s->iterations, salt,
                   stored_key, server_key);
    assert(len > 0 && (size_t)len < SCRAM_SECRET_TEXT_BYTES);
    return (size_t)len;
}

enum wilco_status
scram_secret_make(struct scram_secret *out, struct span password, uint32_t iterations,
                  const struct random_source *random)
{
    uint8_t salted[SCRAM_KEY_BYTES];
    uint8_t client_key[SCRAM_KEY_BYTES];
    enum wilco_status status = WILCO_OK;

    assert(iterations >= SCRAM_ITERATIONS_MIN && iterations <= SCRAM_ITERATIONS_MAX);
    *out = (struct scram_secret){.iterations = iterations, .salt_bytes = SCRAM_SECRET_SALT_BYTES};
    status = random_bytes(random, out->salt, out->salt_bytes);
    if (status == WILCO_OK) {
        status =
            scram_salt_password(salted, password, span_of(out->salt, out->salt_bytes), iterations);
    }
    if (status == WILCO_OK) {
        status = scram_derive(salted, client_key, &out->keys);
    }
    secret_wipe(salted, sizeof(salted));
    secret_wipe(client_key, sizeof(client_key));
    return status;
}
