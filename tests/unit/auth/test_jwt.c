#include "broker/auth/jwt.h"

#include "jwt_maker.h"
#include "link/base64.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW    UINT64_C(1767225600)

#define BAD     "the token is not valid"
#define EXPIRED "the token has expired"
#define EARLY   "the token is not valid yet"
#define FOREIGN "the token is for somebody else"

/* One key of each kind, whose public parts the broker knows; and as many that it does not. */
enum which {
    HS256,
    RS256,
    ES256,
    EDDSA,
    KINDS,
};
static const char *const names[KINDS] = {"HS256", "RS256", "ES256", "EdDSA"};
static struct maker_key *ours[KINDS];
static struct maker_key *others[KINDS];
static struct jwt_keys *keys;

static const struct jwt_rules rules = {
    .user_claim = "sub", .leeway_s = 10, .bytes_max = 8192, .now_s = NOW};

static struct jwt_keys *
make_keys(struct maker_key *const from[KINDS], const char *id)
{
    struct jwt_keys *k = jwt_keys_new(alloc_system());
    char why[JWT_KEY_WHY_BYTES];

    assert_non_null(k);
    assert_int_equal(jwt_keys_add_secret(k, span_of_text(id), SPAN_LITERAL(SECRET), why), WILCO_OK);
    for (int i = RS256; i < KINDS; i++) {
        assert_int_equal(
            jwt_keys_add_public(k, span_of_text(id), maker_key_pem(from[i], false), why), WILCO_OK);
    }
    return k;
}

static int
make_all(void **state)
{
    static const enum maker_kind kinds[KINDS] = {MAKER_RSA, MAKER_RSA, MAKER_P256, MAKER_ED25519};

    (void)state;
    for (int i = RS256; i < KINDS; i++) {
        ours[i] = maker_key_new(kinds[i]);
        others[i] = maker_key_new(kinds[i]);
    }
    keys = make_keys(ours, "");
    return 0;
}

static int
free_all(void **state)
{
    (void)state;
    for (int i = RS256; i < KINDS; i++) {
        maker_key_free(ours[i]);
        maker_key_free(others[i]);
    }
    jwt_keys_free(keys);
    return 0;
}

static char token_text[MAKER_TOKEN_BYTES];

/* Signed by one of our keys. */
static struct span
token_with(enum which which, const char *header, const char *payload)
{
    return maker_sign(token_text, header, payload, ours[which], SPAN_LITERAL(SECRET));
}

static struct span
token_of(enum which which, const char *payload)
{
    char header[64];

    (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\",\"typ\":\"JWT\"}", names[which]);
    return token_with(which, header, payload);
}

/* From a block of just its size. NULL: it is good. */
static const char *
check_by(const struct jwt_rules *by, const struct jwt_keys *known, struct span token,
         struct jwt_claims *out)
{
    uint8_t *exact = malloc(token.len == 0 ? 1 : token.len);
    const char *why = NULL;
    enum wilco_status got = WILCO_OK;

    assert_non_null(exact);
    if (token.len > 0) {
        memcpy(exact, token.data, token.len);
    }
    got = jwt_check(out, known, by, span_of(exact, token.len), alloc_system(), &why);
    free(exact);
    assert_int_equal(got, why == NULL ? WILCO_OK : WILCO_EINVAL);
    return why;
}

static void
expect(const char *what, const char *got, const char *want)
{
    if (strcmp(got == NULL ? "good" : got, want == NULL ? "good" : want) != 0) {
        fail_msg("%s: %s, not %s", what, got == NULL ? "good" : got, want == NULL ? "good" : want);
    }
}

static void
takes_all_four_algorithms(void **state)
{
    (void)state;
    for (int i = HS256; i < KINDS; i++) {
        struct jwt_claims claims;
        struct span token = token_of((enum which)i, "{\"sub\":\"alice\",\"exp\":1767225700}");

        assert_true(jwt_is_likely(token));
        expect(names[i], check_by(&rules, keys, token, &claims), NULL);
        assert_int_equal(claims.user_bytes, 5);
        assert_memory_equal(claims.user, "alice", 5);
        assert_int_equal(claims.ends_s, NOW + 110);
    }
}

/* The examples of RFC 7515, A.3 (ES256), and of RFC 8037, A.4 (EdDSA): their signatures, for what
 * is in them are other things than we want. */
static void
verifies_the_examples_of_the_standards(void **state)
{
    static const struct {
        enum jwt_algorithm algorithm;
        const char *pem, *text, *signature;
    } rows[] = {
        {JWT_ES256,
         "-----BEGIN PUBLIC KEY-----\n"
         "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
         "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
         "-----END PUBLIC KEY-----\n",
         "eyJhbGciOiJFUzI1NiJ9."
         "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0"
         "cnVlfQ",
         "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
        {JWT_EDDSA,
         "-----BEGIN PUBLIC KEY-----\n"
         "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
         "-----END PUBLIC KEY-----\n",
         "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
         "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct jwt_keys *k = jwt_keys_new(alloc_system());
        char why[JWT_KEY_WHY_BYTES];
        uint8_t bytes[100];
        size_t len = 0;
        struct span text = span_of_text(rows[i].text);

        assert_int_equal(jwt_keys_add_public(k, SPAN_EMPTY, span_of_text(rows[i].pem), why),
                         WILCO_OK);
        assert_int_equal(
            base64_decode(bytes, sizeof(bytes), &len, span_of_text(rows[i].signature), BASE64_URL),
            WILCO_OK);
        assert_true(jwt_keys_verify(k, rows[i].algorithm, SPAN_EMPTY, text, span_of(bytes, len)));
        assert_false(jwt_keys_verify(k, rows[i].algorithm, SPAN_EMPTY, span_skip(text, 1),
                                     span_of(bytes, len)));
        bytes[7] ^= 1;
        assert_false(jwt_keys_verify(k, rows[i].algorithm, SPAN_EMPTY, text, span_of(bytes, len)));
        jwt_keys_free(k);
    }
}

/* Payloads, in the usual rules and at the usual time. */
static const struct {
    const char *payload, *why;
} payloads[] = {
    {"{\"sub\":\"a\",\"exp\":1767225601}", NULL},
    {"{\"sub\":\"a\",\"exp\":1767225591}", NULL}, /* the leeway */
    {"{\"sub\":\"a\",\"exp\":1767225590}", EXPIRED},
    {"{\"sub\":\"a\",\"exp\":1767225601.5}", NULL},
    {"{\"sub\":\"a\",\"exp\":1.7672257e9}", NULL},
    {"{\"sub\":\"a\",\"exp\":253402300799}", NULL},
    {"{\"sub\":\"a\",\"exp\":253402300800}", BAD},
    {"{\"sub\":\"a\",\"exp\":9223372036854775807}", BAD},
    {"{\"sub\":\"a\",\"exp\":9223372036854775808}", BAD}, /* no 64 bits hold it */
    {"{\"sub\":\"a\",\"exp\":18446744073709551616}", BAD},
    {"{\"sub\":\"a\",\"exp\":1e300}", BAD},
    {"{\"sub\":\"a\",\"exp\":1e999}", BAD},
    {"{\"sub\":\"a\",\"exp\":0}", EXPIRED},
    {"{\"sub\":\"a\",\"exp\":-1}", EXPIRED},
    {"{\"sub\":\"a\",\"exp\":-1e300}", EXPIRED},
    {"{\"sub\":\"a\",\"exp\":\"1767225700\"}", BAD},
    {"{\"sub\":\"a\",\"exp\":null}", BAD},
    {"{\"sub\":\"a\",\"exp\":true}", BAD},
    {"{\"sub\":\"a\",\"exp\":[1767225700]}", BAD},
    {"{\"sub\":\"a\",\"exp\":NaN}", BAD},
    {"{\"sub\":\"a\"}", BAD}, /* it would never end */
    {"{\"sub\":\"a\",\"exp\":1767225700,\"nbf\":1767225600}", NULL},
    {"{\"sub\":\"a\",\"exp\":1767225700,\"nbf\":1767225610}", NULL},
    {"{\"sub\":\"a\",\"exp\":1767225700,\"nbf\":1767225611}", EARLY},
    {"{\"sub\":\"a\",\"exp\":1767225700,\"nbf\":\"x\"}", BAD},
    {"{\"sub\":\"a\",\"exp\":1767225700,\"nbf\":-1}", NULL},
    {"{\"sub\":\"a\",\"sub\":\"b\",\"exp\":1767225700}", BAD},
    {"{\"sub\":\"a\",\"exp\":1,\"exp\":1767225700}", BAD},
    {"{\"sub\":\"\",\"exp\":1767225700}", BAD},
    {"{\"sub\":7,\"exp\":1767225700}", BAD},
    {"{\"sub\":null,\"exp\":1767225700}", BAD},
    {"{\"sub\":[\"a\"],\"exp\":1767225700}", BAD},
    {"{\"sub\":\"a\\u0000b\",\"exp\":1767225700}", BAD},
    {"{\"sub\":\"J\\u00fcrgen\",\"exp\":1767225700}", NULL},
    {"{\"sub\":\"a\xff\",\"exp\":1767225700}", BAD},
    {"{\"exp\":1767225700}", BAD},
    {"{\"sub\":\"a\",\"exp\":1767225700,\"x\":[[[[[[[]]]]]]]}", NULL},
    {"{\"sub\":\"a\",\"exp\":1767225700,\"x\":[[[[[[[[]]]]]]]]}", BAD},
    {"{\"sub\":\"[[[[[[[[[[\\\"[[[[\",\"exp\":1767225700}", NULL},
    {"{\"sub\":\"a\",\"exp\":1767225700", BAD},
    {"{\"sub\":\"a\",\"exp\":1767225700} x", BAD},
    {"[\"sub\",\"a\"]", BAD},
    {"\"sub\"", BAD},
    {"null", BAD},
    {" ", BAD},
    {"{\"sub\":\"a\",\"exp\":1767225700,\"aud\":\"them\"}", FOREIGN}, /* and we have no name */
    {"{\"sub\":\"a\",\"exp\":1767225700,\"aud\":[]}", FOREIGN},
};

static void
believes_what_may_be_believed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
        struct jwt_claims claims;

        expect(payloads[i].payload,
               check_by(&rules, keys, token_of(HS256, payloads[i].payload), &claims),
               payloads[i].why);
    }
}

#define GOOD "{\"sub\":\"a\",\"exp\":1767225700}"

static void
wants_the_right_issuer_and_audience(void **state)
{
    static const struct {
        const char *claims, *why;
    } rows[] = {
        {"\"iss\":\"me\",\"aud\":\"wilco\"", NULL},
        {"\"iss\":\"me\",\"aud\":[\"x\",\"wilco\",7]", NULL},
        {"\"iss\":\"me\",\"aud\":[\"x\",[\"wilco\"]]", FOREIGN},
        {"\"iss\":\"me\",\"aud\":\"wilco2\"", FOREIGN},
        {"\"iss\":\"me\",\"aud\":7", FOREIGN},
        {"\"iss\":\"me\"", FOREIGN},
        {"\"aud\":\"wilco\"", FOREIGN},
        {"\"iss\":\"Me\",\"aud\":\"wilco\"", FOREIGN},
        {"\"iss\":[\"me\"],\"aud\":\"wilco\"", FOREIGN},
        {"\"iss\":\"\",\"aud\":\"wilco\"", FOREIGN},
    };
    struct jwt_rules strict = rules;

    (void)state;
    strict.issuer = "me";
    strict.audience = "wilco";
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct jwt_claims claims;
        char payload[200];

        (void)snprintf(payload, sizeof(payload), "{\"sub\":\"a\",\"exp\":1767225700,%s}",
                       rows[i].claims);
        expect(rows[i].claims, check_by(&strict, keys, token_of(HS256, payload), &claims),
               rows[i].why);
    }
}

static void
takes_the_user_from_another_claim(void **state)
{
    struct jwt_rules other = rules;
    struct jwt_claims claims;

    (void)state;
    other.user_claim = "upn";
    expect("upn",
           check_by(&other, keys, token_of(HS256, "{\"upn\":\"bob\",\"exp\":1767225700}"), &claims),
           NULL);
    assert_int_equal(claims.user_bytes, 3);
    assert_memory_equal(claims.user, "bob", 3);
    expect("sub", check_by(&other, keys, token_of(HS256, GOOD), &claims), BAD);
}

/* Headers of tokens that are signed with the secret. */
static const struct {
    const char *header, *why;
} headers[] = {
    {"{\"alg\":\"HS256\"}", NULL},
    {"{\"alg\":\"HS256\",\"kid\":\"any\"}", NULL},
    {"{\"alg\":\"none\"}", BAD},
    {"{\"alg\":\"None\"}", BAD},
    {"{\"alg\":\"hs256\"}", BAD},
    {"{\"alg\":\"HS256\\u0000\"}", BAD},
    {"{\"alg\":\"HS384\"}", BAD},
    {"{\"alg\":\"RS256\"}", BAD},
    {"{\"alg\":\"\"}", BAD},
    {"{\"alg\":null}", BAD},
    {"{\"alg\":[\"HS256\"]}", BAD},
    {"{\"alg\":\"HS256\",\"alg\":\"none\"}", BAD},
    {"{\"alg\":\"none\",\"alg\":\"HS256\"}", BAD},
    {"{\"alg\":\"HS256\",\"crit\":[\"exp\"],\"exp\":1}", BAD},
    {"{\"alg\":\"HS256\",\"crit\":null}", BAD},
    {"{\"alg\":\"HS256\",\"kid\":7}", BAD},
    {"{\"alg\":\"HS256\",\"kid\":\"\"}", BAD},
    {"{\"typ\":\"JWT\"}", BAD},
    {"[]", BAD},
    {"{", BAD},
};

static void
looks_at_the_header(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        struct jwt_claims claims;

        expect(headers[i].header,
               check_by(&rules, keys, token_with(HS256, headers[i].header, GOOD), &claims),
               headers[i].why);
    }
}

/* Whatever a token says of its algorithm, a key is for one. */
static void
cannot_be_confused_about_algorithms(void **state)
{
    (void)state;
    for (int signer = HS256; signer < KINDS; signer++) {
        for (int claimed = HS256; claimed < KINDS; claimed++) {
            char header[64];
            struct jwt_claims claims;

            (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", names[claimed]);
            expect(names[claimed],
                   check_by(&rules, keys, token_with((enum which)signer, header, GOOD), &claims),
                   signer == claimed ? NULL : BAD);
        }
    }
}

/* The classic: HS256, with a public key, which everybody has, as the secret. */
static void
does_not_take_a_public_key_for_a_secret(void **state)
{
    (void)state;
    for (int i = RS256; i < KINDS; i++) {
        struct jwt_claims claims;
        struct span pem = maker_key_pem(ours[i], false);

        expect(names[i],
               check_by(&rules, keys,
                        maker_sign(token_text, "{\"alg\":\"HS256\"}", GOOD, NULL, pem), &claims),
               BAD);
    }
}

static void
refuses_what_strangers_have_signed(void **state)
{
    (void)state;
    for (int i = HS256; i < KINDS; i++) {
        struct jwt_claims claims;
        char header[64];

        (void)snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", names[i]);
        expect(names[i],
               check_by(&rules, keys,
                        maker_sign(token_text, header, GOOD, others[i],
                                   SPAN_LITERAL("fedcba9876543210fedcba9876543210")),
                        &claims),
               BAD);
    }
}

/* Each character is part of what makes it good. */
static void
notices_any_change(void **state)
{
    (void)state;
    for (int i = HS256; i < KINDS; i++) {
        struct span token = token_of((enum which)i, GOOD);
        size_t step = i == HS256 ? 1 : 17;

        for (size_t at = 0; at < token.len; at += step) {
            char was = token_text[at];
            struct jwt_claims claims;

            token_text[at] = was == 'A' ? 'B' : 'A';
            expect(names[i], check_by(&rules, keys, token, &claims), BAD);
            token_text[at] = was;
            expect("cut", check_by(&rules, keys, span_first(token, at), &claims), BAD);
        }
        token_text[token.len] = 'A';
        expect("longer",
               check_by(&rules, keys, span_of(token_text, token.len + 1),
                        &(struct jwt_claims){.ends_s = 0}),
               BAD);
    }
}

static void
refuses_other_shapes(void **state)
{
    static const char *const rows[] = {
        "",           ".",        "..",           "...",       "a.b.c",    "ey.ey.ey",
        "eyJ9.eyJ9.", "e30.e30.", "e30.e30.AAAA", "e30..AAAA", ".e30.AAAA"};
    char unsigned_token[200];
    size_t len = maker_base64url(unsigned_token, SPAN_LITERAL("{\"alg\":\"HS256\"}"));
    struct jwt_claims claims;
    struct span token = SPAN_EMPTY;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        expect(rows[i], check_by(&rules, keys, span_of_text(rows[i]), &claims), BAD);
    }
    unsigned_token[len++] = '.';
    len += maker_base64url(unsigned_token + len, SPAN_LITERAL(GOOD));
    expect("two parts", check_by(&rules, keys, span_of(unsigned_token, len), &claims), BAD);
    unsigned_token[len++] = '.';
    expect("no signature", check_by(&rules, keys, span_of(unsigned_token, len), &claims), BAD);
    token = token_of(HS256, GOOD);
    token_text[token.len] = '.';
    token_text[token.len + 1] = 'A';
    expect("four parts", check_by(&rules, keys, span_of(token_text, token.len + 2), &claims), BAD);
}

static void
knows_what_looks_like_a_token(void **state)
{
    static const struct {
        const char *text;
        bool is_likely;
    } rows[] = {
        {"", false},          {"ey", false},       {"password", false},  {"a.b.c", false},
        {"ey.b", false},      {"eyJh.b.", true},   {"eyJh.eyJ.x", true}, {"eyJh..x", false},
        {"eye.to.eye", true}, {"ey.a.b.c", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(jwt_is_likely(span_of_text(rows[i].text)), rows[i].is_likely);
    }
}

static void
reads_no_more_than_the_rules_allow(void **state)
{
    static char payload[20000];
    struct jwt_rules small = rules;
    struct jwt_claims claims;
    struct span token = SPAN_EMPTY;

    (void)state;
    (void)snprintf(payload, sizeof(payload),
                   "{\"sub\":\"a\",\"exp\":1767225700,\"x\":\"%015000d\"}", 0);
    token = token_of(HS256, payload);
    small.bytes_max = token.len;
    expect("as large as allowed", check_by(&small, keys, token, &claims), NULL);
    small.bytes_max--;
    expect("larger", check_by(&small, keys, token, &claims), BAD);
}

static void
wants_a_user_that_fits(void **state)
{
    (void)state;
    for (int len = JWT_USER_BYTES_MAX; len <= (int)JWT_USER_BYTES_MAX + 1; len++) {
        struct jwt_claims claims;
        char payload[JWT_USER_BYTES_MAX + 100];

        (void)snprintf(payload, sizeof(payload), "{\"sub\":\"%0*d\",\"exp\":1767225700}", len, 0);
        expect("a long name", check_by(&rules, keys, token_of(HS256, payload), &claims),
               len <= (int)JWT_USER_BYTES_MAX ? NULL : BAD);
    }
}

static void
finds_the_key_that_is_named(void **state)
{
    static const struct {
        const char *header, *why;
    } rows[] = {
        {"{\"alg\":\"ES256\",\"kid\":\"2026\"}", NULL},
        {"{\"alg\":\"ES256\",\"kid\":\"2025\"}", BAD}, /* there is such a key, but another one */
        {"{\"alg\":\"ES256\",\"kid\":\"2024\"}", BAD},
        {"{\"alg\":\"ES256\",\"kid\":\"202\"}", BAD},
        {"{\"alg\":\"ES256\"}", NULL}, /* any that fits */
    };
    struct jwt_keys *k = make_keys(others, "2025");
    char why[JWT_KEY_WHY_BYTES];

    (void)state;
    assert_int_equal(
        jwt_keys_add_public(k, SPAN_LITERAL("2026"), maker_key_pem(ours[ES256], false), why),
        WILCO_OK);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct jwt_claims claims;

        expect(rows[i].header,
               check_by(&rules, k, token_with(ES256, rows[i].header, GOOD), &claims), rows[i].why);
    }
    jwt_keys_free(k);
}

static void
survives_a_failing_allocation(void **state)
{
    struct failing_alloc f;
    struct jwt_claims claims;
    const char *why = NULL;

    (void)state;
    failing_alloc_init(&f, 1);
    assert_int_equal(jwt_check(&claims, keys, &rules, token_of(HS256, GOOD), &f.alloc, &why),
                     WILCO_ENOMEM);
    assert_string_equal(why, "there is no memory for the token");
    assert_int_equal(f.live, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_all_four_algorithms),
        cmocka_unit_test(verifies_the_examples_of_the_standards),
        cmocka_unit_test(believes_what_may_be_believed),
        cmocka_unit_test(wants_the_right_issuer_and_audience),
        cmocka_unit_test(takes_the_user_from_another_claim),
        cmocka_unit_test(looks_at_the_header),
        cmocka_unit_test(cannot_be_confused_about_algorithms),
        cmocka_unit_test(does_not_take_a_public_key_for_a_secret),
        cmocka_unit_test(refuses_what_strangers_have_signed),
        cmocka_unit_test(notices_any_change),
        cmocka_unit_test(refuses_other_shapes),
        cmocka_unit_test(knows_what_looks_like_a_token),
        cmocka_unit_test(reads_no_more_than_the_rules_allow),
        cmocka_unit_test(wants_a_user_that_fits),
        cmocka_unit_test(finds_the_key_that_is_named),
        cmocka_unit_test(survives_a_failing_allocation),
    };

    return cmocka_run_group_tests(tests, make_all, free_all);
}
