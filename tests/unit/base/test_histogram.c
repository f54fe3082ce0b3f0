#include "base/histogram.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TWO_TO(n) (UINT64_C(1) << (n))
#define HUGE      TWO_TO(60)

/* Where a value is counted: the upper end of its bucket, seen beside a value far above it. */
static uint64_t
upper_end_for(uint64_t value)
{
    struct histogram h = {.count = 0};

    histogram_record(&h, value);
    histogram_record(&h, HUGE);
    return histogram_percentile(&h, 500);
}

static void
test_buckets(void **state)
{
    static const struct {
        uint64_t value;
        uint64_t upper_end;
    } rows[] = {
        {0, 0},
        {1, 1},
        {7, 7},
        {8, 8},
        {15, 15},
        {16, 17},
        {17, 17},
        {18, 19},
        {31, 31},
        {32, 35},
        {35, 35},
        {36, 39},
        {1000, 1023},
        {1023, 1023},
        {1024, 1151},
        {1000000, 1048575},
        {TWO_TO(37) - TWO_TO(33) - 1, TWO_TO(37) - TWO_TO(33) - 1},
        {TWO_TO(37) - TWO_TO(33), TWO_TO(37) - 1},
        {TWO_TO(37) - 1, TWO_TO(37) - 1},
        {TWO_TO(37), TWO_TO(37) - 1}, /* the last one has all that is above */
        {TWO_TO(59), TWO_TO(37) - 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (upper_end_for(rows[i].value) != rows[i].upper_end) {
            fail_msg("%llu is counted up to %llu, not %llu", (unsigned long long)rows[i].value,
                     (unsigned long long)upper_end_for(rows[i].value),
                     (unsigned long long)rows[i].upper_end);
        }
    }
}

/* Never below the value, and never more than an eighth above. */
static void
test_precision(void **state)
{
    struct random_seeded random;
    uint64_t value = 0;

    (void)state;
    random_seeded_init(&random, 1);
    for (int i = 0; i < 20000; i++) {
        uint64_t upper_end = 0;

        assert_int_equal(random_u64(&random.source, &value), WILCO_OK);
        value >>= 27 + i % 37;
        upper_end = upper_end_for(value);
        assert_true(upper_end >= value);
        assert_true(upper_end <= value + value / HISTOGRAM_STEPS);
    }
}

static void
test_percentiles(void **state)
{
    static const struct {
        uint64_t from, to; /* each of these once */
        unsigned permille;
        uint64_t want;
    } rows[] = {
        {5, 5, 0, 5},         {5, 5, 500, 5},
        {5, 5, 1000, 5},      {1000, 1000, 999, 1000}, /* not above the highest there was */
        {1, 7, 0, 1},         {1, 7, 142, 1},
        {1, 7, 143, 2},       {1, 7, 500, 4},
        {1, 7, 858, 7},       {1, 7, 1000, 7},
        {1, 1000, 500, 511},  {1, 1000, 900, 959},
        {1, 1000, 990, 1000}, {1, 1000, 1000, 1000},
        {1, 0, 500, 0}, /* nothing at all */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct histogram h = {.count = 0};

        for (uint64_t value = rows[i].from; value <= rows[i].to; value++) {
            histogram_record(&h, value);
        }
        assert_int_equal(histogram_percentile(&h, rows[i].permille), rows[i].want);
    }
}

/* Two that are added up are like one that got everything. */
static void
test_adding(void **state)
{
    static const uint64_t values[2][5] = {{3, 3, 70, 4000, 9}, {0, 5000000, 3, HUGE, 1}};
    struct histogram parts[2] = {{.count = 0}};
    struct histogram sum = {.count = 0};
    struct histogram all = {.count = 0};

    (void)state;
    for (size_t part = 0; part < 2; part++) {
        for (size_t i = 0; i < 5; i++) {
            histogram_record(&parts[part], values[part][i]);
            histogram_record(&all, values[part][i]);
        }
        histogram_add(&sum, &parts[part]);
    }
    assert_memory_equal(&sum, &all, sizeof(sum));
    assert_int_equal(sum.count, 10);
    assert_int_equal(sum.sum, 3 + 3 + 70 + 4000 + 9 + 5000000 + 3 + HUGE + 1);
    assert_int_equal(sum.max, HUGE);
    histogram_add(&sum, &parts[0]); /* whose highest value is lower */
    assert_int_equal(sum.max, HUGE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buckets),
        cmocka_unit_test(test_precision),
        cmocka_unit_test(test_percentiles),
        cmocka_unit_test(test_adding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
