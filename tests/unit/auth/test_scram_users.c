#include "broker/auth/scram_users.h"

#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define KEYS                                                                                       \
    "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
#define SECRET  "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==" KEYS
#define ANOTHER "SCRAM-SHA-256$5000:c2FsdHNhbHQ=" KEYS

static struct scram_users *
read_users(const char *text)
{
    struct scram_users *u = NULL;
    char why[SCRAM_USERS_WHY_BYTES];

    if (scram_users_read(&u, alloc_system(), span_of_text(text), why) != WILCO_OK) {
        fail_msg("%s", why);
    }
    return u;
}

static bool
knows(const struct scram_users *u, const char *name)
{
    struct scram_secret secret;
    bool is_known = false;

    assert_int_equal(scram_users_find(u, span_of_text(name), &secret, &is_known), WILCO_OK);
    return is_known;
}

static void
finds_those_who_are_there(void **state)
{
    struct scram_users *u = read_users("# who may come\n\nbob:" SECRET "\r\nalice:" ANOTHER
                                       "\nJ\xc3\xbcrgen =,:" SECRET);
    struct scram_secret secret;
    bool is_known = false;

    (void)state;
    assert_int_equal(scram_users_count(u), 3);
    assert_true(knows(u, "bob"));
    assert_true(knows(u, "J\xc3\xbcrgen =,"));
    assert_false(knows(u, "bo"));
    assert_false(knows(u, "bobb"));
    assert_false(knows(u, "Bob"));
    assert_false(knows(u, ""));
    assert_false(knows(u, "# who may come"));
    assert_int_equal(scram_users_find(u, SPAN_LITERAL("alice"), &secret, &is_known), WILCO_OK);
    assert_true(is_known);
    assert_int_equal(secret.iterations, 5000);
    scram_users_free(u);
}

static const struct {
    const char *text;
    size_t len; /* 0: up to its zero */
    const char *why;
} wrong[] = {
    {"bob", 0, "line 1: there is no colon behind the user"},
    {"\n# x\n bob\n", 0, "line 3: there is no colon behind the user"},
    {":" SECRET, 0, "line 1: the user is not 1 to 512 bytes of UTF-8"},
    {"\xff:" SECRET, 0, "line 1: the user is not 1 to 512 bytes of UTF-8"},
    {"bob:", 0, "line 1: it does not begin with SCRAM-SHA-256$"},
    {"bob: " SECRET, 0, "line 1: it does not begin with SCRAM-SHA-256$"},
    {"bob:" SECRET " ", 0, "line 1: its keys are not 32 bytes in base64 each"},
    {"bob:" SECRET "\r\r\n", 0, "line 1: its keys are not 32 bytes in base64 each"},
    {"bob:" SECRET "\nbob:" ANOTHER, 0, "line 2: an earlier line has this user already"},
    {"bob:" SECRET "\nalice:" SECRET "\n\nbob:" SECRET "\n", 0,
     "line 4: an earlier line has this user already"},
    {"bob\0:" SECRET, 8, "line 1: there is a zero byte in it"},
};

static void
refuses_a_file_with_a_wrong_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct scram_users *u = NULL;
        char why[SCRAM_USERS_WHY_BYTES];
        size_t len = wrong[i].len == 0 ? strlen(wrong[i].text) : wrong[i].len;

        assert_int_equal(scram_users_read(&u, alloc_system(), span_of(wrong[i].text, len), why),
                         WILCO_EMALFORMED);
        assert_string_equal(why, wrong[i].why);
        assert_null(u);
    }
}

/* Who asks for somebody who is not there gets what could be a real user's: the same each time, and
 * after a restart, but another one for each name. */
static void
invents_those_who_are_not(void **state)
{
    struct scram_users *u = read_users("bob:" SECRET);
    struct scram_users *again = read_users("bob:" SECRET "\ncarol:" SECRET);
    struct scram_users *others = read_users("bob:" ANOTHER);
    struct scram_secret a;
    struct scram_secret b;
    bool is_known = true;

    (void)state;
    assert_int_equal(scram_users_find(u, SPAN_LITERAL("eve"), &a, &is_known), WILCO_OK);
    assert_false(is_known);
    assert_int_equal(a.iterations, 4096);
    assert_int_equal(a.salt_bytes, 16);
    assert_int_equal(scram_users_find(again, SPAN_LITERAL("eve"), &b, &is_known), WILCO_OK);
    assert_false(is_known);
    assert_memory_equal(&a, &b, sizeof(a));
    assert_int_equal(scram_users_find(u, SPAN_LITERAL("eva"), &b, &is_known), WILCO_OK);
    assert_memory_not_equal(a.salt, b.salt, a.salt_bytes);
    assert_int_equal(scram_users_find(others, SPAN_LITERAL("eve"), &b, &is_known), WILCO_OK);
    assert_int_equal(b.iterations, 5000);
    assert_int_equal(b.salt_bytes, 8);
    scram_users_free(u);
    scram_users_free(again);
    scram_users_free(others);
}

static void
invents_without_a_model(void **state)
{
    struct scram_users *u = read_users("");
    struct scram_secret secret;
    bool is_known = true;

    (void)state;
    assert_int_equal(scram_users_count(u), 0);
    assert_int_equal(scram_users_find(u, SPAN_LITERAL("eve"), &secret, &is_known), WILCO_OK);
    assert_false(is_known);
    assert_int_equal(secret.iterations, SCRAM_ITERATIONS_STANDARD);
    assert_int_equal(secret.salt_bytes, SCRAM_SECRET_SALT_BYTES);
    scram_users_free(u);
}

static void
holds_many(void **state)
{
    static char text[1000 * (sizeof(SECRET) + 8)];
    struct scram_users *u = NULL;
    size_t len = 0;

    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "u%u:" SECRET "\n", i * 7 % 1000);
    }
    u = read_users(text);
    assert_int_equal(scram_users_count(u), 1000);
    for (unsigned i = 0; i < 1000; i++) {
        char name[8];

        (void)snprintf(name, sizeof(name), "u%u", i);
        assert_true(knows(u, name));
    }
    assert_false(knows(u, "u1000"));
    scram_users_free(u);
}

static void
survives_every_failing_allocation(void **state)
{
    struct failing_alloc f;
    size_t fail_at = 0;

    (void)state;
    do {
        struct scram_users *u = NULL;
        char why[SCRAM_USERS_WHY_BYTES];
        enum wilco_status got = WILCO_OK;

        failing_alloc_init(&f, ++fail_at);
        got = scram_users_read(&u, &f.alloc, SPAN_LITERAL("bob:" SECRET), why);
        assert_int_equal(got, fail_at > f.attempts ? WILCO_OK : WILCO_ENOMEM);
        scram_users_free(u);
        assert_int_equal(f.live, 0);
    } while (fail_at <= f.attempts);
    scram_users_free(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_those_who_are_there),
        cmocka_unit_test(refuses_a_file_with_a_wrong_line),
        cmocka_unit_test(invents_those_who_are_not),
        cmocka_unit_test(invents_without_a_model),
        cmocka_unit_test(holds_many),
        cmocka_unit_test(survives_every_failing_allocation),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
