#include "broker/auth/tokens.h"

#include "broker/auth/secret_file.h"
#include "wire/reason.h"

#include <stdio.h>

#define USER_CLAIM "sub" /* if the configuration names none */
#define ANOTHER    "the token is about another user than the one in CONNECT"

struct tokens {
    const struct wilco_alloc *alloc;
    struct jwt_keys *keys;
    char issuer[TOKENS_TEXT_BYTES_MAX + 1];
    char audience[TOKENS_TEXT_BYTES_MAX + 1];
    char user_claim[TOKENS_TEXT_BYTES_MAX + 1];
};

static bool
is_same_file(const struct tokens_key_file *a, const struct tokens_key_file *b)
{
    return a->is_secret == b->is_secret && strcmp(a->path, b->path) == 0 &&
           strcmp(a->id, b->id) == 0;
}

bool
tokens_config_equal(const struct tokens_config *a, const struct tokens_config *b)
{
    bool is_equal = a->file_count == b->file_count && strcmp(a->issuer, b->issuer) == 0 &&
                    strcmp(a->audience, b->audience) == 0 &&
                    strcmp(a->user_claim, b->user_claim) == 0;

    for (size_t i = 0; i < a->file_count && is_equal; i++) {
        is_equal = is_same_file(&a->files[i], &b->files[i]);
    }
    return is_equal;
}

static enum wilco_status
add_file(struct tokens *t, const struct tokens_key_file *file, char reason[TOKENS_REASON_BYTES])
{
    const char *directive = file->is_secret ? "jwt_secret_file" : "jwt_key_file";
    char why[SECRET_FILE_WHY_BYTES];
    char key_why[JWT_KEY_WHY_BYTES];
    struct buffer text;
    enum wilco_status status =
        secret_file_read(&text, t->alloc, file->path, file->is_secret, JWT_KEY_FILE_BYTES, why);

    if (status != WILCO_OK) {
        (void)snprintf(reason, TOKENS_REASON_BYTES, "%s: %s", directive, why);
        return status;
    }
    status =
        file->is_secret
            ? jwt_keys_add_secret(t->keys, span_of_text(file->id), buffer_span(&text), key_why)
            : jwt_keys_add_public(t->keys, span_of_text(file->id), buffer_span(&text), key_why);
    if (status != WILCO_OK) {
        (void)snprintf(reason, TOKENS_REASON_BYTES, "%s: %s: %s", directive, file->path, key_why);
    }
    secret_file_wipe(&text);
    return status;
}

enum wilco_status
tokens_new(struct tokens **out, const struct tokens_config *config, const struct wilco_alloc *a,
           char reason[TOKENS_REASON_BYTES])
{
    struct tokens *t = mem_zalloc(a, sizeof(*t));
    enum wilco_status status = WILCO_ENOMEM;

    (void)snprintf(reason, TOKENS_REASON_BYTES, "there is no memory for the keys of tokens");
    if (t == NULL) {
        return status;
    }
    t->alloc = a;
    (void)snprintf(t->issuer, sizeof(t->issuer), "%s", config->issuer);
    (void)snprintf(t->audience, sizeof(t->audience), "%s", config->audience);
    (void)snprintf(t->user_claim, sizeof(t->user_claim), "%s",
                   config->user_claim[0] == '\0' ? USER_CLAIM : config->user_claim);
    t->keys = jwt_keys_new(a);
    status = t->keys == NULL ? WILCO_ENOMEM : WILCO_OK;
    for (size_t i = 0; i < config->file_count && status == WILCO_OK; i++) {
        status = add_file(t, &config->files[i], reason);
    }
    if (status != WILCO_OK) {
        tokens_free(t);
        return status;
    }
    *out = t;
    return WILCO_OK;
}

void
tokens_free(struct tokens *t)
{
    if (t != NULL) {
        jwt_keys_free(t->keys);
        mem_free(t->alloc, t);
    }
}

bool
tokens_include(const struct tokens *t, struct span password)
{
    return t != NULL && jwt_is_likely(password);
}

static struct login_verdict
refusal(uint8_t reason_code, const char *why)
{
    return (struct login_verdict){.reason_code = reason_code, .why = why};
}

struct login_verdict
tokens_judge(const struct tokens *t, const struct tokens_bounds *bounds, struct span user_name,
             struct span token, uint64_t unix_ms, struct jwt_claims *claims)
{
    const struct jwt_rules rules = {
        .issuer = t->issuer[0] == '\0' ? NULL : t->issuer,
        .audience = t->audience[0] == '\0' ? NULL : t->audience,
        .user_claim = t->user_claim,
        .leeway_s = bounds->leeway_s,
        .bytes_max = (size_t)bounds->bytes_max,
        .now_s = unix_ms / 1000,
    };
    const char *why = NULL;
    struct span user;
    enum wilco_status status = jwt_check(claims, t->keys, &rules, token, t->alloc, &why);

    if (status == WILCO_ENOMEM) {
        return refusal(WIRE_REASON_SERVER_UNAVAILABLE, why);
    }
    if (status != WILCO_OK) {
        return refusal(WIRE_REASON_BAD_USER_NAME_OR_PASSWORD, why);
    }
    user = span_of(claims->user, claims->user_bytes);
    if (user_name.len > 0 && !span_equal(user_name, user)) {
        return refusal(WIRE_REASON_BAD_USER_NAME_OR_PASSWORD, ANOTHER);
    }
    return (struct login_verdict){
        .reason_code = WIRE_REASON_SUCCESS,
        .user = user,
        .valid_ms = claims->ends_s * 1000 - unix_ms, /* which is at least 1 */
    };
}
