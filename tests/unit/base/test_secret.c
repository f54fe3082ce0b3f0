#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void
compares(void **state)
{
    static const struct {
        const char *a, *b;
        bool want;
    } rows[] = {
        {"", "", true},
        {"a", "", false},
        {"secret", "secret", true},
        {"secret", "Secret", false},
        {"secret", "secreT", false},
        {"secret", "secrets", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(secret_equal(span_of_text(rows[i].a), span_of_text(rows[i].b)),
                         rows[i].want);
    }
}

static void
wipes(void **state)
{
    char text[] = "secret";

    (void)state;
    secret_wipe(text, 3);
    assert_memory_equal(text, "\0\0\0ret", 7);
    secret_wipe(NULL, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(compares), cmocka_unit_test(wipes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
