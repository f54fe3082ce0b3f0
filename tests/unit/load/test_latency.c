#include "load/latency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct latency l;

static int
empty(void **state)
{
    (void)state;
    memset(&l, 0, sizeof(l));
    return 0;
}

/* Every value comes back as itself or less than a thousandth above. */
static void
test_three_figures(void **state)
{
    static const uint64_t values[] = {0,       1,         1023,       1024,          2047,
                                      2048,    2049,      33333,      1000000,       123456789,
                                      9999999, 999999999, 5000000000, 1000000000000, 3};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        uint64_t found = 0;

        (void)empty(NULL);
        latency_record(&l, values[i]);
        latency_record(&l, UINT64_C(1) << 41); /* beside a high one, whose value it is not */
        found = latency_percentile(&l, 50);
        assert_true(found >= values[i]);
        assert_true(found - values[i] <= values[i] / 1000);
    }
}

static void
test_percentiles(void **state)
{
    (void)state;
    for (uint64_t us = 1; us <= 1000; us++) {
        latency_record(&l, us * 1000);
    }
    assert_in_range(latency_percentile(&l, 50), 500000, 500500);
    assert_in_range(latency_percentile(&l, 99), 990000, 990990);
    assert_in_range(latency_percentile(&l, 99.9), 999000, 999999);
    assert_in_range(latency_percentile(&l, 0), 1000, 1001);
    assert_int_equal(latency_percentile(&l, 100), 1000000);
    assert_int_equal(l.max_ns, 1000000);
    assert_int_equal(l.count, 1000);
    assert_int_equal(l.sum_ns, 500500000);
}

static void
test_nothing_and_too_much(void **state)
{
    (void)state;
    assert_int_equal(latency_percentile(&l, 99), 0);
    latency_record(&l, UINT64_MAX);
    assert_int_equal(l.max_ns, UINT64_MAX);
    assert_true(latency_percentile(&l, 50) > UINT64_C(1) << 39);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_three_figures, empty),
        cmocka_unit_test_setup(test_percentiles, empty),
        cmocka_unit_test_setup(test_nothing_and_too_much, empty),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
