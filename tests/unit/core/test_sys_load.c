#include "broker/core/sys_load.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define INTERVAL_MS 10000

/* Totals at the end of each interval, one a row; -1 ends it. */
static const struct {
    const char *name;
    int totals[16];
} rows[] = {
    {"nothing", {0, 0, 0, -1}},
    {"a steady flow", {100, 200, 300, 400, 500, 600, 700, 800, -1}},
    {"once, then nothing", {1000, 1000, 1000, 1000, 1000, 1000, -1}},
    {"nothing, then much", {0, 0, 0, 0, 5000, -1}},
    {"up and down", {10, 500, 510, 3000, 3000, 3001, -1}},
};

/* The definition, written down again: the new rate weighs what is left of the old average. */
static double
reference(const int *totals, double span_s)
{
    double value = 0.0;
    int before = 0;

    for (; *totals >= 0; totals++) {
        double rate = (*totals - before) * 60.0 / (INTERVAL_MS / 1000.0);
        double keep = exp(-(INTERVAL_MS / 1000.0) / span_s);

        value = value * keep + rate * (1.0 - keep);
        before = *totals;
    }
    return value;
}

static void
assert_near(double got, double want)
{
    if (fabs(got - want) > 1e-6 * (1.0 + fabs(want))) {
        fail_msg("%f instead of %f", got, want);
    }
}

static void
assert_loads(const struct sys_load *l, const int *totals)
{
    assert_near(l->per_minute[0], reference(totals, 60.0));
    assert_near(l->per_minute[1], reference(totals, 300.0));
    assert_near(l->per_minute[2], reference(totals, 900.0));
}

static void
test_against_the_definition(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sys_load l = {.total = 0};

        for (const int *t = rows[i].totals; *t >= 0; t++) {
            sys_load_sample(&l, (uint64_t)*t, INTERVAL_MS, INTERVAL_MS);
        }
        assert_loads(&l, rows[i].totals);
    }
}

/* One sample after a long silence says the same as one at each interval. */
static void
test_silence(void **state)
{
    static const int totals[] = {70, 900, 900, 900, 900, 900, 900, -1};
    struct sys_load l = {.total = 0};

    (void)state;
    sys_load_sample(&l, 70, INTERVAL_MS, INTERVAL_MS);
    sys_load_sample(&l, 900, INTERVAL_MS, INTERVAL_MS * 6);
    assert_loads(&l, totals);
}

static void
test_known_values(void **state)
{
    struct sys_load l = {.total = 0};

    (void)state;
    sys_load_sample(&l, 100, INTERVAL_MS, INTERVAL_MS); /* 600 a minute */
    assert_near(l.per_minute[0], 600.0 * 0.15351827510938587);
    assert_near(l.per_minute[1], 600.0 * 0.03278389951792);
    for (int i = 0; i < 1000; i++) {
        sys_load_sample(&l, l.total + 100, INTERVAL_MS, INTERVAL_MS);
    }
    assert_near(l.per_minute[0], 600.0);
    assert_near(l.per_minute[1], 600.0);
    assert_near(l.per_minute[2], 600.0 * (1.0 - exp(-1001.0 * 10.0 / 900.0)));
}

/* Counters of different shards are not read at one moment; a sum that seems to fall is no load. */
static void
test_a_sum_that_falls(void **state)
{
    struct sys_load l = {.total = 0};

    (void)state;
    sys_load_sample(&l, 100, INTERVAL_MS, INTERVAL_MS);
    sys_load_sample(&l, 99, INTERVAL_MS, INTERVAL_MS);
    assert_true(l.per_minute[0] > 0.0 && l.per_minute[0] < 100.0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_the_definition),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_a_sum_that_falls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
