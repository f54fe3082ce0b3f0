#include "broker/auth/jwt_key.h"

#include "jwt_maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define SECRET "0123456789abcdef0123456789abcdef"

static struct jwt_keys *
make_keys(void)
{
    struct jwt_keys *k = jwt_keys_new(alloc_system());

    assert_non_null(k);
    return k;
}

static const struct {
    enum maker_kind kind;
    bool is_private;
    const char *why; /* NULL: it is taken */
} kinds[] = {
    {MAKER_RSA, false, NULL},
    {MAKER_P256, false, NULL},
    {MAKER_ED25519, false, NULL},
    {MAKER_RSA_SHORT, false, "an RSA key needs 2048 to 16384 bits"},
    {MAKER_P384, false, "an EC key needs the curve P-256 (prime256v1)"},
    {MAKER_X25519, false, "it is neither RSA, nor EC, nor Ed25519"},
    {MAKER_RSA, true,
     "it is a private key; the broker needs the public one only: openssl pkey -pubout"},
    {MAKER_ED25519, true,
     "it is a private key; the broker needs the public one only: openssl pkey -pubout"},
};

static void
takes_public_keys_that_are_good_for_something(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct maker_key *key = maker_key_new(kinds[i].kind);
        struct jwt_keys *k = make_keys();
        char why[JWT_KEY_WHY_BYTES];
        enum wilco_status got =
            jwt_keys_add_public(k, SPAN_EMPTY, maker_key_pem(key, kinds[i].is_private), why);

        assert_string_equal(why, kinds[i].why == NULL ? "" : kinds[i].why);
        assert_int_equal(got, kinds[i].why == NULL ? WILCO_OK : WILCO_EINVAL);
        assert_int_equal(jwt_keys_count(k), got == WILCO_OK);
        jwt_keys_free(k);
        maker_key_free(key);
    }
}

static const struct {
    const char *text, *why;
} not_public[] = {
    {"", "there is no public key in PEM (-----BEGIN PUBLIC KEY-----) in it"},
    {"hello", "there is no public key in PEM (-----BEGIN PUBLIC KEY-----) in it"},
    {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
     "there is no public key in PEM (-----BEGIN PUBLIC KEY-----) in it"},
    {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
     "it is a certificate; take its public key: openssl x509 -pubkey -noout"},
    {"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
     "AES-128-CBC,00000000000000000000000000000000\n\nAAAA\n-----END RSA PRIVATE KEY-----\n",
     "it is a private key; the broker needs the public one only: openssl pkey -pubout"},
};

static void
says_why_a_file_is_no_public_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(not_public) / sizeof(not_public[0]); i++) {
        struct jwt_keys *k = make_keys();
        char why[JWT_KEY_WHY_BYTES];

        assert_int_equal(jwt_keys_add_public(k, SPAN_EMPTY, span_of_text(not_public[i].text), why),
                         WILCO_EINVAL);
        assert_string_equal(why, not_public[i].why);
        assert_int_equal(jwt_keys_count(k), 0);
        jwt_keys_free(k);
    }
}

static void
wants_one_key_in_a_file(void **state)
{
    struct maker_key *key = maker_key_new(MAKER_ED25519);
    struct span pem = maker_key_pem(key, false);
    struct jwt_keys *k = make_keys();
    uint8_t *twice = malloc(2 * pem.len);
    char why[JWT_KEY_WHY_BYTES];

    (void)state;
    assert_non_null(twice);
    memcpy(twice, pem.data, pem.len);
    memcpy(twice + pem.len, pem.data, pem.len);
    assert_int_equal(jwt_keys_add_public(k, SPAN_EMPTY, span_of(twice, 2 * pem.len), why),
                     WILCO_EINVAL);
    assert_string_equal(why, "there is more than one key in it: one file for each");
    free(twice);
    jwt_keys_free(k);
    maker_key_free(key);
}

static void
takes_secrets_that_nobody_guesses(void **state)
{
    static const struct {
        const char *text;
        const char *why;
    } rows[] = {
        {SECRET, ""},
        {SECRET "\n", ""},
        {SECRET "\r\n", ""},
        {"0123456789abcdef0123456789abcde",
         "a secret needs 32 to 1024 bytes: openssl rand -hex 32"},
        {"0123456789abcdef0123456789abcde\n",
         "a secret needs 32 to 1024 bytes: openssl rand -hex 32"},
        {"", "a secret needs 32 to 1024 bytes: openssl rand -hex 32"},
        {"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n",
         "it is a key in PEM, which is no secret: jwt_key_file"},
    };
    static uint8_t large[JWT_SECRET_BYTES_MAX + 1];
    char why[JWT_KEY_WHY_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct jwt_keys *k = make_keys();
        enum wilco_status got = jwt_keys_add_secret(k, SPAN_EMPTY, span_of_text(rows[i].text), why);

        assert_string_equal(why, rows[i].why);
        assert_int_equal(got, rows[i].why[0] == '\0' ? WILCO_OK : WILCO_EINVAL);
        jwt_keys_free(k);
    }
    for (size_t len = sizeof(large) - 1; len <= sizeof(large); len++) {
        struct jwt_keys *k = make_keys();

        assert_int_equal(jwt_keys_add_secret(k, SPAN_EMPTY, span_of(large, len), why),
                         len < sizeof(large) ? WILCO_OK : WILCO_EINVAL);
        jwt_keys_free(k);
    }
}

static void
holds_so_many_and_no_more(void **state)
{
    static char id[JWT_KEY_ID_BYTES_MAX + 1];
    struct jwt_keys *k = make_keys();
    char why[JWT_KEY_WHY_BYTES];

    (void)state;
    memset(id, 'k', sizeof(id));
    assert_int_equal(jwt_keys_add_secret(k, span_of(id, sizeof(id)), SPAN_LITERAL(SECRET), why),
                     WILCO_EINVAL);
    assert_string_equal(why, "its kid is longer than 128 bytes");
    for (size_t i = 0; i < JWT_KEYS_MAX; i++) {
        assert_int_equal(
            jwt_keys_add_secret(k, span_of(id, sizeof(id) - 1), SPAN_LITERAL(SECRET), why),
            WILCO_OK);
    }
    assert_int_equal(jwt_keys_add_secret(k, SPAN_EMPTY, SPAN_LITERAL(SECRET), why), WILCO_ELIMIT);
    assert_string_equal(why, "there are 16 keys already, and no more can be");
    jwt_keys_free(k);
    jwt_keys_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_public_keys_that_are_good_for_something),
        cmocka_unit_test(says_why_a_file_is_no_public_key),
        cmocka_unit_test(wants_one_key_in_a_file),
        cmocka_unit_test(takes_secrets_that_nobody_guesses),
        cmocka_unit_test(holds_so_many_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
