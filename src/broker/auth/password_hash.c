#include "broker/auth/password_hash.h"

#include "base/secret.h"
#include "link/base64.h"

#include <argon2.h>
#include <assert.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define NEW_SALT_BYTES    12U /* mosquitto takes no other from $6$ and $7$ */
#define ARGON2_SALT_BYTES 16U
#define NEW_KEY_BYTES     64U /* SHA-512; Argon2id has less */
#define ARGON2_KEY_BYTES  32U
/* Base64 of a salt or key. */
#define ENCODED_BYTES_MAX BASE64_CHARS((size_t)PASSWORD_KEY_BYTES_MAX)

#define ARGON2_VERSION 19U

struct password_cost
password_cost_standard(enum password_scheme scheme)
{
    switch (scheme) {
    case PASSWORD_ARGON2ID:
        return (struct password_cost){
            .scheme = scheme, .iterations = 2, .memory_kib = 19456, .lanes = 1};
    case PASSWORD_PBKDF2: return (struct password_cost){.scheme = scheme, .iterations = 210000};
    case PASSWORD_SHA512: break;
    }
    return (struct password_cost){.scheme = PASSWORD_SHA512, .iterations = 1};
}

static const struct {
    enum password_scheme scheme;
    const char *name;
} names[] = {
    {PASSWORD_ARGON2ID, "argon2id"},
    {PASSWORD_PBKDF2, "sha512-pbkdf2"},
    {PASSWORD_SHA512, "sha512"},
};

enum wilco_status
password_scheme_parse(enum password_scheme *out, const char *name)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i].name, name) == 0) {
            *out = names[i].scheme;
            return WILCO_OK;
        }
    }
    return WILCO_EINVAL;
}

bool
password_cost_equal(const struct password_cost *a, const struct password_cost *b)
{
    return a->scheme == b->scheme && a->iterations == b->iterations &&
           a->memory_kib == b->memory_kib && a->lanes == b->lanes;
}

/* Reading. */

/* Takes what comes before the next `end` off the front; false: there is no such character. */
static bool
take_field(struct span *text, char end, struct span *out)
{
    const uint8_t *at = text->len == 0 ? NULL : memchr(text->data, end, text->len);

    if (at == NULL) {
        return false;
    }
    *out = span_first(*text, (size_t)(at - text->data));
    *text = span_skip(*text, out->len + 1);
    return true;
}

/* "<name>=<number>", or the number alone where the name is empty; at least `min`. */
static bool
parse_number(struct span text, const char *name, uint32_t min, uint32_t max, uint32_t *out)
{
    size_t name_len = strlen(name);
    uint64_t sum = 0;

    if (text.len <= name_len || text.len > name_len + 10 ||
        memcmp(text.data, name, name_len) != 0) {
        return false;
    }
    for (size_t i = name_len; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        sum = sum * 10 + (uint64_t)(text.data[i] - '0');
    }
    *out = (uint32_t)sum;
    return sum >= min && sum <= max;
}

/* Standard Base64; the padding may be missing if `is_bare`, and is there otherwise. */
static bool
parse_bytes(struct span text, bool is_bare, size_t max, uint8_t *out, uint8_t *out_bytes)
{
    char padded[ENCODED_BYTES_MAX + 4];
    size_t len = text.len;
    size_t bytes = 0;

    if (len == 0 || len > ENCODED_BYTES_MAX) {
        return false;
    }
    memcpy(padded, text.data, len);
    if (is_bare && padded[len - 1] == '=') {
        return false;
    }
    while (is_bare && len % 4 != 0) {
        padded[len++] = '=';
    }
    if (base64_decode(out, max, &bytes, span_of(padded, len), BASE64_STANDARD) != WILCO_OK ||
        bytes == 0) {
        return false;
    }
    *out_bytes = (uint8_t)bytes;
    return true;
}

static bool
parse_salt_and_key(struct password_hash *out, struct span text, bool is_bare, size_t key_bytes)
{
    struct span salt = SPAN_EMPTY;

    return take_field(&text, '$', &salt) &&
           parse_bytes(salt, is_bare, sizeof(out->salt), out->salt, &out->salt_bytes) &&
           parse_bytes(text, is_bare, sizeof(out->key), out->key, &out->key_bytes) &&
           (key_bytes == 0 || out->key_bytes == key_bytes);
}

static const char *
parse_argon2id(struct password_hash *out, struct span text)
{
    struct password_cost *c = &out->cost;
    struct span version = SPAN_EMPTY;
    struct span memory = SPAN_EMPTY;
    struct span passes = SPAN_EMPTY;
    struct span lanes = SPAN_EMPTY;
    uint32_t number = 0;

    c->scheme = PASSWORD_ARGON2ID;
    if (!take_field(&text, '$', &version) || !take_field(&text, ',', &memory) ||
        !take_field(&text, ',', &passes) || !take_field(&text, '$', &lanes)) {
        return "a part of the Argon2id hash is missing";
    }
    if (!parse_number(version, "v=", ARGON2_VERSION, ARGON2_VERSION, &number)) {
        return "this version of Argon2id is not known, only v=19 is";
    }
    if (!parse_number(lanes, "p=", 1, PASSWORD_ARGON2_LANES_MAX, &c->lanes) ||
        !parse_number(passes, "t=", 1, PASSWORD_ARGON2_PASSES_MAX, &c->iterations) ||
        !parse_number(memory, "m=", 8 * c->lanes, PASSWORD_ARGON2_KIB_MAX, &c->memory_kib)) {
        return "m, t or p of the Argon2id hash is no number that can be";
    }
    return parse_salt_and_key(out, text, true, 0) && out->salt_bytes >= ARGON2_MIN_SALT_LENGTH &&
                   out->key_bytes >= ARGON2_MIN_OUTLEN
               ? NULL
               : "salt or key of the Argon2id hash is broken";
}

static const char *
parse_pbkdf2(struct password_hash *out, struct span text)
{
    struct span iterations = SPAN_EMPTY;

    out->cost.scheme = PASSWORD_PBKDF2;
    if (!take_field(&text, '$', &iterations) ||
        !parse_number(iterations, "", 1, PASSWORD_PBKDF2_ITERATIONS_MAX, &out->cost.iterations)) {
        return "the number of iterations is missing, or above 10000000";
    }
    return parse_salt_and_key(out, text, false, NEW_KEY_BYTES) ? NULL
                                                               : "salt or key of the $7$ hash is "
                                                                 "broken";
}

static const char *
parse_sha512(struct password_hash *out, struct span text)
{
    out->cost = password_cost_standard(PASSWORD_SHA512);
    return parse_salt_and_key(out, text, false, NEW_KEY_BYTES) ? NULL
                                                               : "salt or key of the $6$ hash is "
                                                                 "broken";
}

enum wilco_status
password_hash_parse(struct password_hash *out, struct span text, const char **why)
{
    static const struct {
        const char *prefix;
        const char *(*parse)(struct password_hash *out, struct span text);
    } rows[] = {
        {"$argon2id$", parse_argon2id},
        {"$7$", parse_pbkdf2},
        {"$6$", parse_sha512},
    };

    *out = (struct password_hash){.salt_bytes = 0};
    *why = "behind the colon is no hash that is known here ($argon2id$, $7$ or $6$)";
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t len = strlen(rows[i].prefix);

        if (text.len > len && memcmp(text.data, rows[i].prefix, len) == 0) {
            *why = rows[i].parse(out, span_skip(text, len));
            break;
        }
    }
    return *why == NULL ? WILCO_OK : WILCO_EMALFORMED;
}

/* Writing. */

static void
encode(char out[ENCODED_BYTES_MAX + 1], struct span bytes, bool is_bare)
{
    size_t len = base64_encode(out, bytes);

    while (is_bare && len > 0 && out[len - 1] == '=') {
        out[--len] = '\0';
    }
}

void
password_hash_text(const struct password_hash *h, char out[PASSWORD_TEXT_BYTES])
{
    char salt[ENCODED_BYTES_MAX + 1];
    char key[ENCODED_BYTES_MAX + 1];
    const struct password_cost *c = &h->cost;
    bool is_bare = c->scheme == PASSWORD_ARGON2ID;

    encode(salt, span_of(h->salt, h->salt_bytes), is_bare);
    encode(key, span_of(h->key, h->key_bytes), is_bare);
    switch (c->scheme) {
    case PASSWORD_ARGON2ID:
        (void)snprintf(out, PASSWORD_TEXT_BYTES,
                       "$argon2id$v=%u$m=%" PRIu32 ",t=%" PRIu32 ",p=%" PRIu32 "$%s$%s",
                       ARGON2_VERSION, c->memory_kib, c->iterations, c->lanes, salt, key);
        return;
    case PASSWORD_PBKDF2:
        (void)snprintf(out, PASSWORD_TEXT_BYTES, "$7$%" PRIu32 "$%s$%s", c->iterations, salt, key);
        return;
    case PASSWORD_SHA512: break;
    }
    (void)snprintf(out, PASSWORD_TEXT_BYTES, "$6$%s$%s", salt, key);
}

/* Work. */

static bool
derive_sha512(const struct password_hash *h, struct span password, uint8_t *out)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_done = context != NULL && EVP_DigestInit_ex(context, EVP_sha512(), NULL) == 1 &&
                   EVP_DigestUpdate(context, password.data, password.len) == 1 &&
                   EVP_DigestUpdate(context, h->salt, h->salt_bytes) == 1 &&
                   EVP_DigestFinal_ex(context, out, NULL) == 1;

    EVP_MD_CTX_free(context);
    return is_done;
}

static bool
derive_argon2id(const struct password_hash *h, struct span password, uint8_t *out)
{
    return argon2id_hash_raw(h->cost.iterations, h->cost.memory_kib, h->cost.lanes, password.data,
                             password.len, h->salt, h->salt_bytes, out, h->key_bytes) == ARGON2_OK;
}

static bool
derive_pbkdf2(const struct password_hash *h, struct span password, uint8_t *out)
{
    return PKCS5_PBKDF2_HMAC((const char *)password.data, (int)password.len, h->salt, h->salt_bytes,
                             (int)h->cost.iterations, EVP_sha512(), h->key_bytes, out) == 1;
}

static enum wilco_status
derive(const struct password_hash *h, struct span password, uint8_t out[PASSWORD_KEY_BYTES_MAX])
{
    bool is_done = false;

    if (password.len == 0) {
        password = SPAN_LITERAL(""); /* not NULL, which means something to these libraries */
    }
    switch (h->cost.scheme) {
    case PASSWORD_ARGON2ID: is_done = derive_argon2id(h, password, out); break;
    case PASSWORD_PBKDF2: is_done = derive_pbkdf2(h, password, out); break;
    case PASSWORD_SHA512: is_done = derive_sha512(h, password, out); break;
    }
    return is_done ? WILCO_OK : WILCO_ENOMEM;
}

enum wilco_status
password_hash_make(struct password_hash *out, const struct password_cost *cost,
                   struct span password, const struct random_source *random)
{
    *out = (struct password_hash){
        .cost = *cost,
        .salt_bytes = cost->scheme == PASSWORD_ARGON2ID ? ARGON2_SALT_BYTES : NEW_SALT_BYTES,
        .key_bytes = cost->scheme == PASSWORD_ARGON2ID ? ARGON2_KEY_BYTES : NEW_KEY_BYTES,
    };
    if (random_bytes(random, out->salt, out->salt_bytes) != WILCO_OK) {
        return WILCO_EIO;
    }
    return derive(out, password, out->key);
}

enum wilco_status
password_hash_check(const struct password_hash *h, struct span password, bool *is_right)
{
    uint8_t key[PASSWORD_KEY_BYTES_MAX] = {0};
    enum wilco_status status = derive(h, password, key);

    *is_right = status == WILCO_OK &&
                secret_equal(span_of(key, h->key_bytes), span_of(h->key, h->key_bytes));
    secret_wipe(key, sizeof(key));
    return status;
}
