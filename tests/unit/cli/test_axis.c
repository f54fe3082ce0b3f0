#include "cli/bench/axis.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
assert_near(double is, double should)
{
    if (fabs(is - should) > 1e-6 * fmax(1, fabs(should))) {
        fail_msg("%f, not %f", is, should);
    }
}

static void
ticks(void **state)
{
    const struct {
        struct axis axis;
        double max;
        size_t count;
        double last;
    } rows[] = {
        {axis_linear(360e3, figure_rough), 400e3, 5, 400e3},
        {axis_linear(400e3, figure_rough), 400e3, 5, 400e3},
        {axis_linear(1, figure_rough), 1, 6, 1},
        {axis_linear(0, figure_rough), 1, 6, 1},
        {axis_span(2.1, figure_seconds), 2.1, 5, 2},
        {axis_span(2, figure_seconds), 2, 5, 2},
        {axis_log(150, 9000, figure_us), 10000, 3, 10000},
        {axis_log(150, 150, figure_us), 1000, 2, 1000},
        {axis_log(0, 0, figure_us), 10, 2, 10},
        {axis_log(1e-20, 1e20, figure_us), 1e20, AXIS_TICKS_MAX,
         1e-5}, /* no more than there is room */
        {axis_rarity(99.95), 99.95, 5, 99.9},
        {axis_rarity(99.999), 99.999, 7, 99.999},
        {axis_rarity(20), 90, 3, 90},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_near(rows[i].axis.max, rows[i].max);
        assert_int_equal(rows[i].axis.tick_count, rows[i].count);
        assert_near(rows[i].axis.ticks[rows[i].count - 1], rows[i].last);
    }
}

static void
places(void **state)
{
    const struct axis linear = axis_linear(100, figure_rough);
    const struct axis decades = axis_log(10, 1000, figure_us);
    const struct axis rarity = axis_rarity(99.99);

    (void)state;
    assert_near(axis_place(&linear, 0), 0);
    assert_near(axis_place(&linear, 25), 0.25);
    assert_near(axis_place(&linear, 1000), 1);
    assert_near(axis_place(&linear, -5), 0);
    assert_near(axis_place(&decades, 100), 0.5);
    assert_near(axis_place(&decades, 0), 0);
    assert_near(axis_place(&rarity, 90), 0.25);
    assert_near(axis_place(&rarity, 99), 0.5);
    assert_near(axis_place(&rarity, 100), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks),
        cmocka_unit_test(places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
