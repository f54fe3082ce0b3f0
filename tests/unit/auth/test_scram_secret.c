#include "broker/auth/scram_secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Of the password "pencil", with the salt of RFC 7677's example. */
#define SALT   "W22ZaJ0SNY7soEsUEjb6gQ=="
#define STORED "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
#define SERVER "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
#define KEYS   STORED ":" SERVER

static const struct {
    const char *text;
    const char *why; /* NULL: it is right */
} rows[] = {
    {"SCRAM-SHA-256$4096:" SALT "$" KEYS, NULL},
    {"SCRAM-SHA-256$1000000:" SALT "$" KEYS, NULL},
    {"SCRAM-SHA-256$4096:c2FsdHNhbHQ=$" KEYS, NULL},
    {"", "it does not begin with SCRAM-SHA-256$"},
    {"SCRAM-SHA-1$4096:" SALT "$" KEYS, "it does not begin with SCRAM-SHA-256$"},
    {"scram-sha-256$4096:" SALT "$" KEYS, "it does not begin with SCRAM-SHA-256$"},
    {"$7$101$c2FsdA==$aGFzaA==", "it does not begin with SCRAM-SHA-256$"},
    {"SCRAM-SHA-256$", "it is not ITERATIONS:SALT$STOREDKEY:SERVERKEY"},
    {"SCRAM-SHA-256$4096:" SALT, "it is not ITERATIONS:SALT$STOREDKEY:SERVERKEY"},
    {"SCRAM-SHA-256$4096:" SALT "$" STORED, "it is not ITERATIONS:SALT$STOREDKEY:SERVERKEY"},
    {"SCRAM-SHA-256$:" SALT "$" KEYS, "its iterations are not 4096 to 1000000"},
    {"SCRAM-SHA-256$4095:" SALT "$" KEYS, "its iterations are not 4096 to 1000000"},
    {"SCRAM-SHA-256$1000001:" SALT "$" KEYS, "its iterations are not 4096 to 1000000"},
    {"SCRAM-SHA-256$04096:" SALT "$" KEYS, "its iterations are not 4096 to 1000000"},
    {"SCRAM-SHA-256$-4096:" SALT "$" KEYS, "its iterations are not 4096 to 1000000"},
    {"SCRAM-SHA-256$4294971392:" SALT "$" KEYS, "its iterations are not 4096 to 1000000"},
    {"SCRAM-SHA-256$4096:$" KEYS, "its salt is not 8 to 64 bytes in base64"},
    {"SCRAM-SHA-256$4096:c2FsdA==$" KEYS, "its salt is not 8 to 64 bytes in base64"},
    {"SCRAM-SHA-256$4096:saltsalt!$" KEYS, "its salt is not 8 to 64 bytes in base64"},
    {"SCRAM-SHA-256$4096:" SALT "$" KEYS "=", "its keys are not 32 bytes in base64 each"},
    {"SCRAM-SHA-256$4096:" SALT "$:" SERVER, "its keys are not 32 bytes in base64 each"},
    {"SCRAM-SHA-256$4096:" SALT "$" STORED ":", "its keys are not 32 bytes in base64 each"},
    {"SCRAM-SHA-256$4096:" SALT "$" STORED ":c2FsdHNhbHQ=",
     "its keys are not 32 bytes in base64 each"},
};

static void
reads_what_it_writes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scram_secret secret;
        const char *why = NULL;
        char text[SCRAM_SECRET_TEXT_BYTES];
        enum wilco_status got = scram_secret_read(&secret, span_of_text(rows[i].text), &why);

        if (rows[i].why != NULL) {
            assert_int_equal(got, WILCO_EMALFORMED);
            assert_string_equal(why, rows[i].why);
            continue;
        }
        assert_int_equal(got, WILCO_OK);
        assert_int_equal(scram_secret_write(text, &secret), strlen(rows[i].text));
        assert_string_equal(text, rows[i].text);
    }
}

static void
holds_the_longest(void **state)
{
    struct scram_secret secret = {.iterations = SCRAM_ITERATIONS_MAX,
                                  .salt_bytes = SCRAM_SALT_BYTES_MAX};
    char text[SCRAM_SECRET_TEXT_BYTES];

    (void)state;
    assert_true(scram_secret_write(text, &secret) < sizeof(text));
}

static void
knows_the_password_of_the_standard(void **state)
{
    struct scram_secret secret;
    const char *why = NULL;
    uint8_t salted[SCRAM_KEY_BYTES];
    uint8_t client_key[SCRAM_KEY_BYTES];
    struct scram_keys keys;

    (void)state;
    assert_int_equal(scram_secret_read(&secret, span_of_text(rows[0].text), &why), WILCO_OK);
    assert_int_equal(scram_salt_password(salted, SPAN_LITERAL("pencil"),
                                         span_of(secret.salt, secret.salt_bytes),
                                         secret.iterations),
                     WILCO_OK);
    assert_int_equal(scram_derive(salted, client_key, &keys), WILCO_OK);
    assert_memory_equal(&keys, &secret.keys, sizeof(keys));
}

static void
makes_another_one_each_time(void **state)
{
    struct random_seeded random;
    struct scram_secret a;
    struct scram_secret b;

    (void)state;
    random_seeded_init(&random, 1);
    assert_int_equal(scram_secret_make(&a, SPAN_LITERAL("pencil"), 4096, &random.source), WILCO_OK);
    assert_int_equal(scram_secret_make(&b, SPAN_LITERAL("pencil"), 4096, &random.source), WILCO_OK);
    assert_int_equal(a.salt_bytes, SCRAM_SECRET_SALT_BYTES);
    assert_int_equal(a.iterations, 4096);
    assert_memory_not_equal(a.salt, b.salt, SCRAM_SECRET_SALT_BYTES);
    assert_memory_not_equal(&a.keys, &b.keys, sizeof(a.keys));
}

static enum wilco_status
no_randomness(void *context, void *out, size_t len)
{
    (void)context;
    (void)out;
    (void)len;
    return WILCO_EIO;
}

static void
makes_none_without_randomness(void **state)
{
    const struct random_source none = {.fill = no_randomness};
    struct scram_secret secret;

    (void)state;
    assert_int_equal(scram_secret_make(&secret, SPAN_LITERAL("pencil"), 4096, &none), WILCO_EIO);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_it_writes),
        cmocka_unit_test(holds_the_longest),
        cmocka_unit_test(knows_the_password_of_the_standard),
        cmocka_unit_test(makes_another_one_each_time),
        cmocka_unit_test(makes_none_without_randomness),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
