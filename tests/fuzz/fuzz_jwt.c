#include "fuzz.h"

#include "broker/auth/jwt.h"
#include "link/base64.h"
#include "wire/utf8.h"

#include <assert.h>
#include <openssl/hmac.h>
#include <stdlib.h>

#define SECRET   "0123456789abcdef0123456789abcdef"
#define NOW_S    UINT64_C(1767225600)
#define PART_MAX 16384U

static struct jwt_keys *
make_keys(void)
{
    static const char pem[] = "-----BEGIN PUBLIC KEY-----\n"
                              "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
                              "-----END PUBLIC KEY-----\n";
    struct jwt_keys *k = jwt_keys_new(alloc_system());
    char why[JWT_KEY_WHY_BYTES];
    enum wilco_status st = WILCO_ENOMEM;

    assert(k != NULL);
    st = jwt_keys_add_secret(k, SPAN_LITERAL("s"), SPAN_LITERAL(SECRET), why);
    assert(st == WILCO_OK);
    st = jwt_keys_add_public(k, SPAN_EMPTY, span_of_text(pem), why);
    assert(st == WILCO_OK);
    (void)st;
    return k;
}

/* What is accepted has a user and ends in the future; what is not says why. */
static void
check(const struct jwt_keys *keys, struct span token)
{
    const struct jwt_rules rules = {
        .user_claim = "sub", .leeway_s = 10, .bytes_max = 65535, .now_s = NOW_S};
    struct jwt_claims claims;
    const char *why = NULL;
    enum wilco_status st = jwt_check(&claims, keys, &rules, token, alloc_system(), &why);

    (void)jwt_is_likely(token);
    if (st == WILCO_OK) {
        struct span user = span_of(claims.user, claims.user_bytes);

        assert(why == NULL && claims.ends_s > NOW_S && claims.ends_s <= JWT_TIME_MAX_S + 10);
        assert(user.len > 0 && user.len <= JWT_USER_BYTES_MAX && utf8_is_valid(user));
    } else {
        assert(st == WILCO_EINVAL && why != NULL);
    }
}

static size_t
encode(char *out, struct span part)
{
    size_t len = base64_encode(out, part);

    while (len > 0 && out[len - 1] == '=') {
        len--;
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = out[i] == '+' ? '-' : out[i] == '/' ? '_' : out[i];
    }
    return len;
}

/* A token with these parts that is signed as it should be. */
static void
check_signed(const struct jwt_keys *keys, struct span header, struct span payload)
{
    static char token[2 * BASE64_CHARS(PART_MAX) + 100];
    uint8_t signature[32];
    unsigned signature_len = 0;
    size_t len = encode(token, header);

    token[len++] = '.';
    len += encode(token + len, payload);
    (void)HMAC(EVP_sha256(), SECRET, sizeof(SECRET) - 1, (const uint8_t *)token, len, signature,
               &signature_len);
    token[len++] = '.';
    len += encode(token + len, span_of(signature, sizeof(signature)));
    check(keys, span_of(token, len));
}

static void
check_key(struct span pem)
{
    struct jwt_keys *k = jwt_keys_new(alloc_system());
    char why[JWT_KEY_WHY_BYTES];

    assert(k != NULL);
    if (jwt_keys_add_public(k, SPAN_EMPTY, pem, why) == WILCO_OK) {
        assert(jwt_keys_count(k) == 1 && why[0] == '\0');
    } else {
        assert(jwt_keys_count(k) == 0 && why[0] != '\0');
    }
    jwt_keys_free(k);
}

/* A token as it is; with a line break in it, its two parts before they are encoded; and a file with
 * a key. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct jwt_keys *keys;
    const uint8_t *end = size == 0 ? NULL : memchr(data, '\n', size);

    if (keys == NULL) {
        keys = make_keys();
    }
    check(keys, span_of(data, size));
    if (end != NULL && size <= PART_MAX) {
        struct span header = span_of(data, (size_t)(end - data));

        check_signed(keys, header, span_skip(span_of(data, size), header.len + 1));
    }
    if (size > 10 && memcmp(data, "-----BEGIN", 10) == 0) { /* the others take as long */
        check_key(span_of(data, size));
    }
    return 0;
}
