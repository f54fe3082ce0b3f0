/* A token is HEADER.PAYLOAD.SIGNATURE, each in base64url. Header and payload are JSON. Jansson's
 * parser calls itself for each level of it, so how deep it goes is counted before. */
#include "broker/auth/jwt.h"

#include "base/secret.h"
#include "link/base64.h"
#include "wire/utf8.h"

#include <jansson.h>

#define SIGNATURE_BYTES_MAX 2048U /* RSA with 16384 bits */

#define BAD     "the token is not valid"
#define EXPIRED "the token has expired"
#define EARLY   "the token is not valid yet"
#define FOREIGN "the token is for somebody else"

/* The parts of a token as they are written. */
struct parts {
    struct span header;
    struct span payload;
    struct span signature;
    struct span text; /* what is signed: header, dot, payload */
};

static bool
split(struct parts *out, struct span token)
{
    const uint8_t *first = token.len == 0 ? NULL : memchr(token.data, '.', token.len);
    const uint8_t *end = token.data + token.len;
    const uint8_t *second = NULL;

    if (first == NULL) {
        return false;
    }
    second = memchr(first + 1, '.', (size_t)(end - first - 1));
    if (second == NULL) {
        return false;
    }
    *out = (struct parts){
        .header = span_of(token.data, (size_t)(first - token.data)),
        .payload = span_of(first + 1, (size_t)(second - first - 1)),
        .signature = span_of(second + 1, (size_t)(end - second - 1)),
        .text = span_of(token.data, (size_t)(second - token.data)),
    };
    return out->header.len > 0 && out->payload.len > 0 &&
           memchr(out->signature.data, '.', out->signature.len) == NULL;
}

bool
jwt_is_likely(struct span password)
{
    struct parts parts;

    return password.len > 2 && memcmp(password.data, "ey", 2) == 0 && split(&parts, password);
}

/* False: deeper than JWT_DEPTH_MAX. Brackets in strings do not count. */
static bool
is_shallow(struct span json)
{
    size_t depth = 0;
    bool is_text = false;

    for (size_t i = 0; i < json.len; i++) {
        uint8_t c = json.data[i];

        if (is_text && c == '\\') {
            i++;
        } else if (c == '"') {
            is_text = !is_text;
        } else if (!is_text && (c == '{' || c == '[')) {
            depth++;
        } else if (!is_text && (c == '}' || c == ']') && depth > 0) {
            depth--;
        }
        if (depth > JWT_DEPTH_MAX) {
            return false;
        }
    }
    return true;
}

/* An object in base64url; NULL: it is none. `scratch` has room for what it decodes to. */
static json_t *
read_object(uint8_t *scratch, size_t size, struct span text)
{
    size_t len = 0;
    json_t *object = NULL;

    if (base64_decode(scratch, size, &len, text, BASE64_URL) != WILCO_OK ||
        !is_shallow(span_of(scratch, len))) {
        return NULL;
    }
    object = json_loadb((const char *)scratch, len, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(object)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static struct span
text_of(const json_t *value)
{
    return json_is_string(value) ? span_of(json_string_value(value), json_string_length(value))
                                 : SPAN_EMPTY;
}

static bool
read_algorithm(enum jwt_algorithm *out, struct span name)
{
    static const struct {
        struct span name;
        enum jwt_algorithm algorithm;
    } rows[] = {
        {SPAN_INIT("HS256"), JWT_HS256},
        {SPAN_INIT("RS256"), JWT_RS256},
        {SPAN_INIT("ES256"), JWT_ES256},
        {SPAN_INIT("EdDSA"), JWT_EDDSA},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (span_equal(rows[i].name, name)) {
            *out = rows[i].algorithm;
            return true;
        }
    }
    return false;
}

/* Whether a key of ours has signed it. */
static bool
is_genuine(const json_t *header, const struct jwt_keys *keys, const struct parts *parts)
{
    const json_t *id = json_object_get(header, "kid");
    uint8_t signature[SIGNATURE_BYTES_MAX];
    size_t len = 0;
    enum jwt_algorithm algorithm;

    if (!read_algorithm(&algorithm, text_of(json_object_get(header, "alg"))) ||
        json_object_get(header, "crit") != NULL || /* there is nothing that we understand of it */
        (id != NULL && text_of(id).len == 0)) {
        return false;
    }
    return base64_decode(signature, sizeof(signature), &len, parts->signature, BASE64_URL) ==
               WILCO_OK &&
           jwt_keys_verify(keys, algorithm, text_of(id), parts->text, span_of(signature, len));
}

/* NumericDate: seconds, perhaps with a fraction. False: it is none. What lies before 1970 is 0. */
static bool
read_time(uint64_t *out, const json_t *value)
{
    double seconds = json_number_value(value); /* 0: it is no number */

    if (!json_is_number(value) || seconds > (double)JWT_TIME_MAX_S) {
        return false;
    }
    *out = seconds <= 0 ? 0 : (uint64_t)seconds;
    return true;
}

/* NULL, or why not now. */
static const char *
check_times(const json_t *payload, const struct jwt_rules *rules, uint64_t *ends_s)
{
    const json_t *not_before = json_object_get(payload, "nbf");
    uint64_t expires_s = 0;
    uint64_t begins_s = 0;

    if (!read_time(&expires_s, json_object_get(payload, "exp")) ||
        (not_before != NULL && !read_time(&begins_s, not_before))) {
        return BAD;
    }
    *ends_s = expires_s + rules->leeway_s;
    if (rules->now_s >= *ends_s) {
        return EXPIRED;
    }
    return rules->now_s + rules->leeway_s < begins_s ? EARLY : NULL;
}

static bool
is_for(const json_t *audience, struct span us)
{
    size_t count = json_is_array(audience) ? json_array_size(audience) : 0;

    for (size_t i = 0; i < count; i++) {
        if (span_equal(text_of(json_array_get(audience, i)), us)) {
            return true;
        }
    }
    return json_is_string(audience) && span_equal(text_of(audience), us);
}

static bool
is_for_us(const json_t *payload, const struct jwt_rules *rules)
{
    const json_t *issuer = json_object_get(payload, "iss");
    const json_t *audience = json_object_get(payload, "aud");

    if (rules->issuer != NULL &&
        (issuer == NULL || !span_equal(text_of(issuer), span_of_text(rules->issuer)))) {
        return false;
    }
    return rules->audience == NULL ? audience == NULL
                                   : is_for(audience, span_of_text(rules->audience));
}

static bool
read_user(struct jwt_claims *out, const json_t *payload, const struct jwt_rules *rules)
{
    struct span user = text_of(json_object_get(payload, rules->user_claim));

    if (user.len == 0 || user.len > JWT_USER_BYTES_MAX || !utf8_is_valid(user) ||
        memchr(user.data, '\0', user.len) != NULL) {
        return false;
    }
    memcpy(out->user, user.data, user.len);
    out->user_bytes = user.len;
    return true;
}

/* NULL, or what is wrong with what it says. */
static const char *
check_payload(struct jwt_claims *out, const json_t *payload, const struct jwt_rules *rules)
{
    const char *why = check_times(payload, rules, &out->ends_s);

    if (why != NULL) {
        return why;
    }
    if (!is_for_us(payload, rules)) {
        return FOREIGN;
    }
    return read_user(out, payload, rules) ? NULL : BAD;
}

/* The same for the whole. */
static const char *
check_parts(struct jwt_claims *out, const struct jwt_keys *keys, const struct jwt_rules *rules,
            const struct parts *parts, struct span scratch)
{
    uint8_t *room = (uint8_t *)(uintptr_t)scratch.data;
    json_t *header = read_object(room, scratch.len, parts->header);
    json_t *payload = NULL;
    const char *why = BAD;

    if (header != NULL && is_genuine(header, keys, parts)) {
        payload = read_object(room, scratch.len, parts->payload);
    }
    if (payload != NULL) {
        why = check_payload(out, payload, rules);
    }
    json_decref(payload);
    json_decref(header);
    return why;
}

enum wilco_status
jwt_check(struct jwt_claims *out, const struct jwt_keys *keys, const struct jwt_rules *rules,
          struct span token, const struct wilco_alloc *alloc, const char **why)
{
    struct parts parts;
    uint8_t *scratch = NULL;

    *out = (struct jwt_claims){.user_bytes = 0};
    *why = BAD;
    if (token.len > rules->bytes_max || token.len > JWT_TOKEN_BYTES_MAX || !split(&parts, token)) {
        return WILCO_EINVAL;
    }
    scratch = mem_alloc(alloc, token.len);
    if (scratch == NULL) {
        *why = "there is no memory for the token";
        return WILCO_ENOMEM;
    }
    *why = check_parts(out, keys, rules, &parts, span_of(scratch, token.len));
    secret_wipe(scratch, token.len);
    mem_free(alloc, scratch);
    return *why == NULL ? WILCO_OK : WILCO_EINVAL;
}
