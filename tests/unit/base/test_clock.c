#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
monotonic_never_goes_back(void **state)
{
    uint64_t before = clock_monotonic_ns();

    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t now = clock_monotonic_ns();

        assert_true(now >= before);
        before = now;
    }
    assert_true(clock_monotonic_ms() >= before / 1000000);
}

static void
unix_time_is_in_milliseconds(void **state)
{
    uint64_t year_2020 = UINT64_C(1577836800) * 1000;
    uint64_t year_2200 = UINT64_C(7258118400) * 1000;

    (void)state;
    assert_in_range(clock_unix_ms(), year_2020, year_2200);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monotonic_never_goes_back),
        cmocka_unit_test(unix_time_is_in_milliseconds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
