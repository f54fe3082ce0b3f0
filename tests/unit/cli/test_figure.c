#include "cli/bench/figure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
figures(void **state)
{
    const struct {
        struct figure is;
        const char *should;
    } rows[] = {
        {figure_us(0), "0.00 us"},
        {figure_us(1.234), "1.23 us"},
        {figure_us(52.34), "52.3 us"},
        {figure_us(999.4), "999 us"},
        {figure_us(999.6), "1.00 ms"},
        {figure_us(52340), "52.3 ms"},
        {figure_us(999600), "1.00 s"},
        {figure_us(12e6), "12.0 s"},
        {figure_count(0), "0"},
        {figure_count(999), "999"},
        {figure_count(1000), "1 000"},
        {figure_count(1234567), "1 234 567"},
        {figure_count(UINT64_MAX), "18 446 744 073 709 551 615"},
        {figure_rough(0), "0"},
        {figure_rough(42.123), "42.1"},
        {figure_rough(999.6), "1.00 k"},
        {figure_rough(267173), "267 k"},
        {figure_rough(1234567), "1.23 M"},
        {figure_percent(99.999), "99.999 %"},
        {figure_percent(50), "50 %"},
        {figure_seconds(2.04), "2.0 s"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(rows[i].is.text, rows[i].should);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
