#include "client/scram_client.h"

#include "base/secret.h"
#include "link/base64.h"
#include "link/scram_message.h"

#include <assert.h>
#include <stdio.h>

#define GS2_HEADER  "n,,"
#define BINDING     "biws" /* the same in base64 */
#define NONCE_CHARS 24U    /* 144 random bits */
#define FIRST_BYTES (sizeof(GS2_HEADER) + SCRAM_NAME_BYTES_MAX + sizeof("n=,r=") + NONCE_CHARS)
#define FINAL_BYTES                                                                                \
    (sizeof("c=" BINDING ",r=,p=") + SCRAM_NONCE_BYTES_MAX + BASE64_CHARS(SCRAM_KEY_BYTES))

enum step {
    EXPECTS_FIRST, /* the server's first message */
    EXPECTS_FINAL, /* and its final one, with CONNACK */
    IS_OVER,
};

struct scram_client {
    const struct wilco_alloc *alloc;
    const struct random_source *random;
    enum step step;
    const char *why;
    char first[FIRST_BYTES];
    size_t first_bytes;
    char final[FINAL_BYTES];
    uint8_t signature[SCRAM_KEY_BYTES]; /* that the server is to show */
    /* Derived from the password with this salt; iterations 0: not yet. */
    uint8_t salt[SCRAM_SALT_BYTES_MAX];
    size_t salt_bytes;
    uint32_t iterations;
    uint8_t client_key[SCRAM_KEY_BYTES];
    struct scram_keys keys;
    size_t password_bytes;
    uint8_t password[];
};

enum wilco_status
scram_client_new(struct scram_client **out, const struct wilco_alloc *alloc,
                 const struct random_source *random, struct span user, struct span password)
{
    char name[SCRAM_NAME_BYTES_MAX];
    size_t len = 0;
    struct scram_client *s = NULL;

    if (scram_name_write(name, &len, user) != WILCO_OK) {
        return WILCO_EINVAL;
    }
    s = mem_zalloc(alloc, sizeof(*s) + password.len);
    if (s == NULL) {
        return WILCO_ENOMEM;
    }
    s->alloc = alloc;
    s->random = random;
    s->step = IS_OVER;
    s->why = "";
    s->first_bytes =
        (size_t)snprintf(s->first, sizeof(s->first), GS2_HEADER "n=%.*s,r=", (int)len, name);
    s->password_bytes = password.len;
    if (password.len > 0) {
        memcpy(s->password, password.data, password.len);
    }
    *out = s;
    return WILCO_OK;
}

void
scram_client_free(struct scram_client *s)
{
    if (s != NULL) {
        const struct wilco_alloc *alloc = s->alloc;

        secret_wipe(s, sizeof(*s) + s->password_bytes);
        mem_free(alloc, s);
    }
}

enum wilco_status
scram_client_begin(struct scram_client *s, struct span *first)
{
    enum wilco_status status = random_token(s->random, s->first + s->first_bytes, NONCE_CHARS);

    *first = span_of(s->first, s->first_bytes + NONCE_CHARS);
    s->step = status == WILCO_OK ? EXPECTS_FIRST : IS_OVER;
    return status;
}

const char *
scram_client_why(const struct scram_client *s)
{
    return s->why;
}

static bool
give_up(struct scram_client *s, const char *why)
{
    s->why = why;
    s->step = IS_OVER;
    return false;
}

/* Slow, where the server asks for something else than the last time. */
static enum wilco_status
derive(struct scram_client *s, const struct scram_server_first *first)
{
    uint8_t salted[SCRAM_KEY_BYTES];
    struct span salt = span_of(first->salt, first->salt_bytes);
    enum wilco_status status = WILCO_OK;

    if (s->iterations == first->iterations && span_equal(salt, span_of(s->salt, s->salt_bytes))) {
        return WILCO_OK;
    }
    s->iterations = 0;
    status = scram_salt_password(salted, span_of(s->password, s->password_bytes), salt,
                                 first->iterations);
    if (status == WILCO_OK) {
        status = scram_derive(salted, s->client_key, &s->keys);
    }
    secret_wipe(salted, sizeof(salted));
    if (status == WILCO_OK) {
        memcpy(s->salt, salt.data, salt.len);
        s->salt_bytes = salt.len;
        s->iterations = first->iterations;
    }
    return status;
}

/* "c=biws,r=" both nonces ",p=" the proof; and what the server is to show for it. */
static enum wilco_status
write_final(struct scram_client *s, struct span server_first, struct span nonce)
{
    static const size_t header_bytes = sizeof(GS2_HEADER) - 1;
    uint8_t message[SCRAM_AUTH_MESSAGE_BYTES_MAX];
    uint8_t proof[SCRAM_KEY_BYTES];
    char text[BASE64_CHARS(SCRAM_KEY_BYTES) + 1];
    size_t len = (size_t)snprintf(s->final, sizeof(s->final), "c=" BINDING ",r=%.*s",
                                  (int)nonce.len, (const char *)nonce.data);
    struct span bare =
        span_of(s->first + header_bytes, s->first_bytes + NONCE_CHARS - header_bytes);
    struct span whole =
        span_of(message, scram_auth_message(message, bare, server_first, span_of(s->final, len)));
    enum wilco_status status = scram_prove(proof, s->client_key, &s->keys, whole);

    if (status == WILCO_OK) {
        status = scram_hmac(s->signature, s->keys.server_key, whole);
    }
    (void)base64_encode(text, span_of(proof, sizeof(proof)));
    len += (size_t)snprintf(s->final + len, sizeof(s->final) - len, ",p=%s", text);
    assert(len < sizeof(s->final));
    return status;
}

/* The nonce of the server is ours and something of its own behind it, without which one answer
 * would be as good on the next connection. */
static bool
extends(struct span nonce, struct span ours)
{
    return nonce.len > ours.len && span_equal(span_first(nonce, ours.len), ours);
}

static bool
answer_first(struct scram_client *s, struct span text, struct wilco_bytes *answer)
{
    struct scram_server_first first;
    enum wilco_status status = scram_server_first_read(&first, text);

    if (status == WILCO_EPROTOCOL) {
        return give_up(s, "the server wants a SCRAM-SHA-256 that is not safe, or not known");
    }
    if (status != WILCO_OK) {
        return give_up(s, "the server does not speak SCRAM-SHA-256");
    }
    if (!extends(first.nonce, span_of(s->first + s->first_bytes, NONCE_CHARS))) {
        return give_up(s, "the server's SCRAM-SHA-256 is about somebody else");
    }
    if (derive(s, &first) != WILCO_OK || write_final(s, text, first.nonce) != WILCO_OK) {
        return give_up(s, "there is no memory for SCRAM-SHA-256");
    }
    s->step = EXPECTS_FINAL;
    *answer = (struct wilco_bytes){s->final, strlen(s->final)};
    return true;
}

static bool
check_final(struct scram_client *s, struct span text)
{
    uint8_t signature[SCRAM_KEY_BYTES];

    if (scram_server_final_read(signature, text) != WILCO_OK ||
        !secret_equal(span_of(signature, sizeof(signature)),
                      span_of(s->signature, sizeof(s->signature)))) {
        return give_up(s, "the server does not know the password: it is not to be trusted");
    }
    s->step = IS_OVER;
    return true;
}

bool
scram_client_answer(void *context, const struct wilco_challenge *challenge,
                    struct wilco_bytes *answer)
{
    struct scram_client *s = context;
    struct span text = span_of(challenge->data.data, challenge->data.len);

    if (s->step == EXPECTS_FIRST && !challenge->is_last) {
        return answer_first(s, text, answer);
    }
    if (s->step == EXPECTS_FINAL && challenge->is_last) {
        return check_final(s, text);
    }
    return give_up(s, challenge->is_last
                          ? "the server has not proved that it knows the password: it is not to be "
                            "trusted"
                          : "the server does not speak SCRAM-SHA-256");
}
