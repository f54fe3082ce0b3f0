#include "broker/auth/password_hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Written by mosquitto_passwd 2.0.11; the last one by the reference library, as mosquitto 2.1 has
 * them. */
static const struct {
    const char *text, *password;
    struct password_cost cost;
} good[] = {
    {"$7$101$Qgze0Y/RxWuLONfW$Rd4BjJ2BYj7uZ6SvyhhOLNCCtcPsBExZN6z2U8a1vEy6i5qyPp9Gca+"
     "vacucBySJgErm9+0KwJSLfSgiEB12/Q==",
     "secret",
     {.scheme = PASSWORD_PBKDF2, .iterations = 101}},
    {"$6$US5rFMYL/UaSgg8/$V4eSE/WLOHJASnGODlYl59fSb1f5hiwyXPTKxFdOZ//"
     "FpaY/OxAmiupJC8hXi+V6NCGG7WMjdIZXnj7swE7t/g==",
     "hunter",
     {.scheme = PASSWORD_SHA512, .iterations = 1}},
    {"$argon2id$v=19$m=64,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$dPtrHTEawLtMiR9+/"
     "XloAkXZ+EtyrY+bvmHIbiufhk0",
     "correct horse",
     {.scheme = PASSWORD_ARGON2ID, .iterations = 2, .memory_kib = 64, .lanes = 1}},
};

static bool
is_right(const struct password_hash *h, const char *password)
{
    bool right = false;

    assert_int_equal(password_hash_check(h, span_of_text(password), &right), WILCO_OK);
    return right;
}

static void
reads_what_others_write(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct password_hash h;
        const char *why = NULL;
        char text[PASSWORD_TEXT_BYTES];

        assert_int_equal(password_hash_parse(&h, span_of_text(good[i].text), &why), WILCO_OK);
        assert_true(password_cost_equal(&h.cost, &good[i].cost));
        assert_true(is_right(&h, good[i].password));
        assert_false(is_right(&h, "wrong"));
        assert_false(is_right(&h, ""));
        password_hash_text(&h, text);
        assert_string_equal(text, good[i].text);
    }
}

static void
writes_what_it_reads(void **state)
{
    static const struct password_cost costs[] = {
        {.scheme = PASSWORD_ARGON2ID, .iterations = 1, .memory_kib = 16, .lanes = 2},
        {.scheme = PASSWORD_PBKDF2, .iterations = 3},
        {.scheme = PASSWORD_SHA512, .iterations = 1},
    };
    static const char *const passwords[] = {"p", "", "pass word", "\xc3\xa4:$"};

    (void)state;
    for (size_t i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
        for (size_t k = 0; k < sizeof(passwords) / sizeof(passwords[0]); k++) {
            struct password_hash a;
            struct password_hash b;
            const char *why = NULL;
            char text[2][PASSWORD_TEXT_BYTES];

            assert_int_equal(
                password_hash_make(&a, &costs[i], span_of_text(passwords[k]), random_system()),
                WILCO_OK);
            password_hash_text(&a, text[0]);
            assert_int_equal(password_hash_parse(&b, span_of_text(text[0]), &why), WILCO_OK);
            assert_true(is_right(&b, passwords[k]));
            assert_false(is_right(&b, "other"));
            password_hash_text(&b, text[1]);
            assert_string_equal(text[0], text[1]);
            /* Nobody has the same salt. */
            assert_int_equal(
                password_hash_make(&b, &costs[i], span_of_text(passwords[k]), random_system()),
                WILCO_OK);
            assert_memory_not_equal(a.key, b.key, a.key_bytes);
        }
    }
}

/* A change to any one character is either refused or another password. */
static void
every_character_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        char text[PASSWORD_TEXT_BYTES];

        for (size_t at = 0; good[i].text[at] != '\0'; at++) {
            struct password_hash h;
            const char *why = NULL;

            (void)snprintf(text, sizeof(text), "%s", good[i].text);
            text[at] = text[at] == 'A' ? 'B' : 'A';
            if (password_hash_parse(&h, span_of_text(text), &why) == WILCO_OK) {
                assert_false(is_right(&h, good[i].password));
            } else {
                assert_non_null(why);
            }
        }
    }
}

#define KEY64                                                                                      \
    "Rd4BjJ2BYj7uZ6SvyhhOLNCCtcPsBExZN6z2U8a1vEy6i5qyPp9Gca+vacucBySJgErm9+0KwJSLfSgiEB12/Q=="

static void
refuses_what_is_broken(void **state)
{
    static const char *const rows[] = {
        "",
        "plain",
        "$",
        "$1$abc$def",
        "$5$rounds=5000$saltsalt$hash",
        "$2b$12$abcdefghijklmnopqrstuv",
        "$argon2i$v=19$m=64,t=2,p=1$c2FsdHNhbHQ$YWJjZGVmZ2hpamtsbW5vcA",
        "$7$",
        "$7$101",
        "$7$101$",
        "$7$101$Qgze0Y/RxWuLONfW",
        "$7$101$Qgze0Y/RxWuLONfW$",
        "$7$0$Qgze0Y/RxWuLONfW$" KEY64,
        "$7$-1$Qgze0Y/RxWuLONfW$" KEY64,
        "$7$ 101$Qgze0Y/RxWuLONfW$" KEY64,
        "$7$10000001$Qgze0Y/RxWuLONfW$" KEY64,
        "$7$99999999999999999999$Qgze0Y/RxWuLONfW$" KEY64,
        "$7$101$$" KEY64,
        "$7$101$Qgze0Y/RxWuLONfW$" KEY64 "\r",
        "$7$101$Qgze0Y/RxWuLONfW$" KEY64 "$",
        "$7$101$Qgze0Y/RxWuLONfW$" KEY64 KEY64,
        "$7$101$Qgze0Y/RxWuLONfW$c2hvcnQ=",
        "$6$Qgze0Y/RxWuLONfW",
        "$6$Qgze0Y/RxWuLONfW$c2hvcnQ=",
        "$6$Qgze0Y/RxWuLONfW$" KEY64 " ",
        "$argon2id$",
        "$argon2id$v=16$m=64,t=2,p=1$c2FsdHNhbHQ$YWJjZGVmZ2hpamtsbW5vcA",
        "$argon2id$v=19$m=64,t=2$c2FsdHNhbHQ$YWJjZGVmZ2hpamtsbW5vcA",
        "$argon2id$v=19$m=7,t=2,p=1$c2FsdHNhbHQ$YWJjZGVmZ2hpamtsbW5vcA",
        "$argon2id$v=19$m=64,t=0,p=1$c2FsdHNhbHQ$YWJjZGVmZ2hpamtsbW5vcA",
        "$argon2id$v=19$m=64,t=2,p=0$c2FsdHNhbHQ$YWJjZGVmZ2hpamtsbW5vcA",
        "$argon2id$v=19$m=64,t=2,p=17$c2FsdHNhbHQ$YWJjZGVmZ2hpamtsbW5vcA",
        "$argon2id$v=19$m=4294967295,t=2,p=1$c2FsdHNhbHQ$YWJjZGVmZ2hpamtsbW5vcA",
        "$argon2id$v=19$m=64,t=2,p=1$c2FsdA$YWJjZGVmZ2hpamtsbW5vcA",
        "$argon2id$v=19$m=64,t=2,p=1$c2FsdHNhbHQ=$YWJjZGVmZ2hpamtsbW5vcA==",
        "$argon2id$v=19$m=64,t=2,p=1$c2FsdHNhbHQ$YQ",
        "$argon2id$v=19$m=64,t=2,p=1$c2FsdHNhbHQ$",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct password_hash h;
        const char *why = NULL;

        if (password_hash_parse(&h, span_of_text(rows[i]), &why) != WILCO_EMALFORMED) {
            fail_msg("taken: %s", rows[i]);
        }
        assert_non_null(why);
    }
}

static void
schemes_have_the_names_that_mosquitto_passwd_uses(void **state)
{
    enum password_scheme scheme = PASSWORD_SHA512;

    (void)state;
    assert_int_equal(password_scheme_parse(&scheme, "argon2id"), WILCO_OK);
    assert_int_equal(scheme, PASSWORD_ARGON2ID);
    assert_int_equal(password_scheme_parse(&scheme, "sha512-pbkdf2"), WILCO_OK);
    assert_int_equal(scheme, PASSWORD_PBKDF2);
    assert_int_equal(password_scheme_parse(&scheme, "sha512"), WILCO_OK);
    assert_int_equal(scheme, PASSWORD_SHA512);
    assert_int_equal(password_scheme_parse(&scheme, "md5"), WILCO_EINVAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_others_write),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(every_character_counts),
        cmocka_unit_test(refuses_what_is_broken),
        cmocka_unit_test(schemes_have_the_names_that_mosquitto_passwd_uses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
