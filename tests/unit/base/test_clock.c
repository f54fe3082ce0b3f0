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

static void
times_are_written_as_in_iso_8601(void **state)
{
    static const struct {
        uint64_t unix_ms;
        const char *want;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {UINT64_C(951782400007), "2000-02-29T00:00:00.007Z"},
        {UINT64_C(1767225599999), "2025-12-31T23:59:59.999Z"},
    };
    char text[CLOCK_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        clock_write_time(rows[i].unix_ms, text);
        assert_string_equal(text, rows[i].want);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(monotonic_never_goes_back),
        cmocka_unit_test(unix_time_is_in_milliseconds),
        cmocka_unit_test(times_are_written_as_in_iso_8601),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
