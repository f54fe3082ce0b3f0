#include "link/scram_keys.h"

#include "link/base64.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The example of RFC 7677, section 3: user "user", password "pencil". */
#define NONCE   "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define SALT    "W22ZaJ0SNY7soEsUEjb6gQ=="
#define PROOF   "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define SIGNED  "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
#define MESSAGE "n=user,r=rOprNGfwEbeRWgbNEkqO,r=" NONCE ",s=" SALT ",i=4096,c=biws,r=" NONCE

struct example {
    uint8_t client_key[SCRAM_KEY_BYTES];
    struct scram_keys keys;
};

static struct span
decoded(uint8_t *out, size_t size, const char *text)
{
    size_t len = 0;

    assert_int_equal(base64_decode(out, size, &len, span_of_text(text), BASE64_STANDARD), WILCO_OK);
    return span_of(out, len);
}

static struct example
example(const char *password)
{
    struct example e;
    uint8_t salted[SCRAM_KEY_BYTES];
    uint8_t salt[16];

    assert_int_equal(scram_salt_password(salted, span_of_text(password),
                                         decoded(salt, sizeof(salt), SALT), 4096),
                     WILCO_OK);
    assert_int_equal(scram_derive(salted, e.client_key, &e.keys), WILCO_OK);
    return e;
}

static void
proves_as_the_standard_does(void **state)
{
    struct example e = example("pencil");
    uint8_t proof[SCRAM_KEY_BYTES];
    uint8_t want[SCRAM_KEY_BYTES];

    (void)state;
    assert_int_equal(scram_prove(proof, e.client_key, &e.keys, SPAN_LITERAL(MESSAGE)), WILCO_OK);
    (void)decoded(want, sizeof(want), PROOF);
    assert_memory_equal(proof, want, sizeof(want));
}

static void
signs_as_the_standard_does(void **state)
{
    struct example e = example("pencil");
    uint8_t signature[SCRAM_KEY_BYTES];
    uint8_t want[SCRAM_KEY_BYTES];

    (void)state;
    assert_int_equal(scram_hmac(signature, e.keys.server_key, SPAN_LITERAL(MESSAGE)), WILCO_OK);
    (void)decoded(want, sizeof(want), SIGNED);
    assert_memory_equal(signature, want, sizeof(want));
}

static void
knows_a_right_proof_from_others(void **state)
{
    static const char *const passwords[] = {"pencil", "pencil ", "Pencil", ""};
    struct example e = example("pencil");

    (void)state;
    for (size_t i = 0; i < sizeof(passwords) / sizeof(passwords[0]); i++) {
        struct example other = example(passwords[i]);
        uint8_t proof[SCRAM_KEY_BYTES];
        bool is_right = true;

        assert_int_equal(scram_prove(proof, other.client_key, &other.keys, SPAN_LITERAL(MESSAGE)),
                         WILCO_OK);
        assert_int_equal(scram_check(&e.keys, SPAN_LITERAL(MESSAGE), proof, &is_right), WILCO_OK);
        assert_int_equal(is_right, i == 0);
        assert_int_equal(scram_check(&e.keys, SPAN_LITERAL(MESSAGE "x"), proof, &is_right),
                         WILCO_OK);
        assert_false(is_right);
    }
}

/* Whoever steals the file of the server cannot log in with what is in it. */
static void
does_not_take_a_stored_key_for_the_clients(void **state)
{
    struct example e = example("pencil");
    uint8_t proof[SCRAM_KEY_BYTES];
    bool is_right = true;

    (void)state;
    assert_int_equal(scram_prove(proof, e.keys.stored_key, &e.keys, SPAN_LITERAL(MESSAGE)),
                     WILCO_OK);
    assert_int_equal(scram_check(&e.keys, SPAN_LITERAL(MESSAGE), proof, &is_right), WILCO_OK);
    assert_false(is_right);
}

static void
refuses_more_iterations_than_a_peer_may_ask_for(void **state)
{
    uint8_t salted[SCRAM_KEY_BYTES];

    (void)state;
    assert_int_equal(scram_salt_password(salted, SPAN_LITERAL("x"), SPAN_LITERAL("saltsalt"),
                                         SCRAM_ITERATIONS_MAX + 1),
                     WILCO_ENOMEM);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proves_as_the_standard_does),
        cmocka_unit_test(signs_as_the_standard_does),
        cmocka_unit_test(knows_a_right_proof_from_others),
        cmocka_unit_test(does_not_take_a_stored_key_for_the_clients),
        cmocka_unit_test(refuses_more_iterations_than_a_peer_may_ask_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
