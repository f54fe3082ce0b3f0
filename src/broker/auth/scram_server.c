#include "broker/auth/scram_server.h"

#include "base/secret.h"
#include "link/base64.h"
#include "wire/reason.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define NONCE_CHARS 24U /* 144 random bits */

#define SERVER_FIRST_BYTES                                                                         \
    (SCRAM_NONCE_BYTES_MAX + NONCE_CHARS + BASE64_CHARS(SCRAM_SALT_BYTES_MAX) +                    \
     sizeof("r=,s=,i=") + 10)
#define SERVER_FINAL_BYTES (BASE64_CHARS(SCRAM_KEY_BYTES) + sizeof("v="))

struct exchange {
    const struct wilco_alloc *alloc;
    const struct scram_server *server;
    struct conn_origin origin;
    uint64_t now_ms; /* when it began */
    struct scram_secret secret;
    bool is_known;
    bool is_due; /* the client's final message is */
    size_t user_bytes;
    size_t first_bytes;
    size_t gs2_bytes;
    size_t nonce_bytes;
    char user[SCRAM_NAME_BYTES_MAX];
    char server_first[SERVER_FIRST_BYTES]; /* "r=" and the nonce come first in it */
    char server_final[SERVER_FINAL_BYTES];
    uint8_t client_first[]; /* a copy */
};

static void
fail_for(struct auth_verdict *verdict, uint8_t reason_code)
{
    *verdict = (struct auth_verdict){.outcome = AUTH_FAILED, .reason_code = reason_code};
}

static void
fail(const struct exchange *x, struct auth_verdict *verdict)
{
    const struct scram_watch *watch = &x->server->watch;

    if (watch->note_failure != NULL) {
        watch->note_failure(watch->context, &x->origin, x->now_ms);
    }
    fail_for(verdict, WIRE_REASON_NOT_AUTHORIZED);
}

/* Whom the client says it is: in all places the same. */
static bool
take_name(struct exchange *x, const struct scram_client_first *first, struct span user_name)
{
    char other[SCRAM_NAME_BYTES_MAX];
    size_t other_bytes = 0;
    struct span user;

    if (scram_name_read(x->user, &x->user_bytes, first->name) != WILCO_OK) {
        return false;
    }
    user = span_of(x->user, x->user_bytes);
    if (first->other_name.len > 0 &&
        (scram_name_read(other, &other_bytes, first->other_name) != WILCO_OK ||
         !span_equal(span_of(other, other_bytes), user))) {
        return false;
    }
    return user_name.len == 0 || span_equal(user_name, user);
}

/* "r=" both nonces ",s=" salt ",i=" iterations */
static enum wilco_status
write_server_first(struct exchange *x, const struct scram_server *s, struct span client_nonce)
{
    char nonce[NONCE_CHARS + 1];
    char salt[BASE64_CHARS(SCRAM_SALT_BYTES_MAX) + 1];
    int len = 0;
    enum wilco_status status = random_token(s->random, nonce, NONCE_CHARS);

    if (status != WILCO_OK) {
        return status;
    }
    (void)base64_encode(salt, span_of(x->secret.salt, x->secret.salt_bytes));
    x->nonce_bytes = client_nonce.len + NONCE_CHARS;
    len = snprintf(x->server_first, sizeof(x->server_first), "r=%.*s%s,s=%s,i=%" PRIu32,
                   (int)client_nonce.len, (const char *)client_nonce.data, nonce, salt,
                   x->secret.iterations);
    assert(len > 0 && (size_t)len < sizeof(x->server_first));
    return WILCO_OK;
}

static enum wilco_status
answer_first(struct exchange *x, const struct scram_server *s, struct span user_name,
             struct auth_verdict *verdict)
{
    struct scram_client_first first;
    enum wilco_status status = WILCO_OK;

    if (scram_client_first_read(&first, span_of(x->client_first, x->first_bytes)) != WILCO_OK ||
        !take_name(x, &first, user_name)) {
        fail(x, verdict);
        return WILCO_OK;
    }
    x->gs2_bytes = first.gs2_header.len;
    status = scram_users_find(s->users, span_of(x->user, x->user_bytes), &x->secret, &x->is_known);
    if (status == WILCO_OK) {
        status = write_server_first(x, s, first.nonce);
    }
    if (status == WILCO_OK) {
        x->is_due = true;
        *verdict = (struct auth_verdict){
            .outcome = AUTH_CONTINUES,
            .data = {.is_there = true, .bytes = span_of_text(x->server_first)},
        };
    }
    return status;
}

static void
finish(void *exchange)
{
    struct exchange *x = exchange;

    secret_wipe(&x->secret, sizeof(x->secret));
    mem_free(x->alloc, x);
}

static bool
may_try(const struct scram_server *s, const struct exchange *x)
{
    return s->watch.may_try == NULL || s->watch.may_try(s->watch.context, &x->origin, x->now_ms);
}

static enum wilco_status
start(void *context, const struct auth_claim *claim, void **exchange, struct auth_verdict *verdict)
{
    const struct scram_server *s = context;
    struct span first = claim->data.bytes;
    struct exchange *x = NULL;
    enum wilco_status status = WILCO_OK;

    if (first.len > SCRAM_MESSAGE_BYTES_MAX) {
        first = SPAN_EMPTY; /* which is refused as well */
    }
    x = mem_zalloc(s->alloc, sizeof(*x) + first.len);
    if (x == NULL) {
        return WILCO_ENOMEM;
    }
    x->alloc = s->alloc;
    x->server = s;
    x->now_ms = claim->now_ms;
    if (claim->origin != NULL) {
        x->origin = *claim->origin;
    }
    x->first_bytes = first.len;
    if (first.len > 0) {
        memcpy(x->client_first, first.data, first.len);
    }
    if (s->users == NULL) {
        fail_for(verdict, WIRE_REASON_NOT_AUTHORIZED);
    } else if (!may_try(s, x)) {
        fail_for(verdict, WIRE_REASON_CONNECTION_RATE_EXCEEDED);
    } else {
        status = answer_first(x, s, claim->user_name, verdict);
    }
    if (status != WILCO_OK) {
        finish(x);
        return status;
    }
    *exchange = x;
    return WILCO_OK;
}

/* Whether it belongs to what has been said before. */
static bool
continues(const struct exchange *x, const struct scram_client_final *final)
{
    uint8_t header[SCRAM_MESSAGE_BYTES_MAX];
    size_t len = 0;

    return span_equal(final->nonce, span_of(x->server_first + 2, x->nonce_bytes)) &&
           base64_decode(header, sizeof(header), &len, final->binding, BASE64_STANDARD) ==
               WILCO_OK &&
           span_equal(span_of(header, len), span_of(x->client_first, x->gs2_bytes));
}

/* "v=" and the signature. */
static bool
sign(struct exchange *x, struct span message)
{
    uint8_t signature[SCRAM_KEY_BYTES];

    if (scram_hmac(signature, x->secret.keys.server_key, message) != WILCO_OK) {
        return false;
    }
    memcpy(x->server_final, "v=", 2);
    (void)base64_encode(x->server_final + 2, span_of(signature, sizeof(signature)));
    return true;
}

static bool
is_right(struct exchange *x, struct span text)
{
    uint8_t message[SCRAM_AUTH_MESSAGE_BYTES_MAX];
    struct scram_client_final final;
    bool is_proved = false;
    size_t len = 0;

    if (scram_client_final_read(&final, text) != WILCO_OK || !continues(x, &final)) {
        return false;
    }
    len = scram_auth_message(message,
                             span_of(x->client_first + x->gs2_bytes, x->first_bytes - x->gs2_bytes),
                             span_of_text(x->server_first), final.without_proof);
    return scram_check(&x->secret.keys, span_of(message, len), final.proof, &is_proved) ==
               WILCO_OK &&
           sign(x, span_of(message, len)) && is_proved && x->is_known;
}

static void
step(void *exchange, struct auth_data answer, struct auth_verdict *verdict)
{
    struct exchange *x = exchange;

    if (!x->is_due || !is_right(x, answer.is_there ? answer.bytes : SPAN_EMPTY)) {
        fail(x, verdict);
    } else {
        *verdict = (struct auth_verdict){
            .outcome = AUTH_SUCCEEDED,
            .user = span_of(x->user, x->user_bytes),
            .data = {.is_there = true, .bytes = span_of_text(x->server_final)},
        };
    }
    x->is_due = false;
}

struct auth_method
scram_server_method(struct scram_server *s)
{
    return (struct auth_method){
        .name = SCRAM_METHOD,
        .context = s,
        .start = start,
        .step = step,
        .finish = finish,
    };
}
