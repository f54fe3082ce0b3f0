#include "base/nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const offered[] = {"timeout", "topic", "qos", "host", "help", "version"};

static const struct {
    const char *wrong, *want;
} rows[] = {
    {"timout", "timeout"},   {"time-out", "timeout"},
    {"timeoutt", "timeout"}, {"tpoic", "topic"},
    {"hots", "host"},        {"hoost", "host"},
    {"qs", "qos"},           {"hlep", "help"},
    {"vresion", "version"},  {"x", NULL},
    {"completely", NULL},    {"a-name-that-is-much-longer-than-any-option-of-ours", NULL},
};

static void
finds_what_was_meant(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct nearest n = nearest_init(rows[i].wrong);

        for (size_t j = 0; j < sizeof(offered) / sizeof(offered[0]); j++) {
            nearest_offer(&n, offered[j]);
        }
        if (n.name != rows[i].want && (n.name == NULL || rows[i].want == NULL)) {
            fail_msg("%s: %s", rows[i].wrong, n.name == NULL ? "nothing" : n.name);
        }
        if (n.name != NULL) {
            assert_string_equal(n.name, rows[i].want);
        }
    }
}

static void
the_first_of_equals_wins(void **state)
{
    struct nearest n = nearest_init("pub");

    (void)state;
    nearest_offer(&n, "hub");
    nearest_offer(&n, "sub");
    assert_string_equal(n.name, "hub");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_was_meant),
        cmocka_unit_test(the_first_of_equals_wins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
