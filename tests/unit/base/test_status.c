#include "base/status.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LAST WILCO_ELOST

static void
every_status_has_a_text_of_its_own(void **state)
{
    (void)state;
    for (int a = LAST; a <= 0; a++) {
        const char *text = status_text((enum wilco_status)a);

        assert_true(strlen(text) > 0);
        assert_int_not_equal(text[strlen(text) - 1], '.');
        assert_string_not_equal(text, "unknown status");
        for (int b = LAST; b < a; b++) {
            assert_string_not_equal(text, status_text((enum wilco_status)b));
        }
    }
}

static void
a_number_that_is_none_is_said_so(void **state)
{
    (void)state;
    assert_string_equal(status_text((enum wilco_status)(LAST - 1)), "unknown status");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_a_text_of_its_own),
        cmocka_unit_test(a_number_that_is_none_is_said_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
