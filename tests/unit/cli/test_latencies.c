#include "cli/latencies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void
percentiles_are_within_a_bucket(void **state)
{
    static const struct {
        uint64_t first, last;
        unsigned percent;
        uint64_t at_least, at_most;
    } rows[] = {
        {7, 7, 50, 7, 7},
        {0, 0, 99, 0, 0},
        {1, 100, 50, 50, 50},
        {1, 100, 99, 99, 99},
        {1, 100, 100, 100, 100},
        {1, 10000, 50, 5000, 5079},
        {1, 10000, 99, 9900, 9999},
        {1000000, 1000100, 50, 1000050, 1000100}, /* all in one bucket: never above the highest */
        {UINT64_MAX - 1, UINT64_MAX - 1, 50, UINT64_MAX - 1, UINT64_MAX - 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct latencies *l = calloc(1, sizeof(*l));
        uint64_t got;

        assert_non_null(l);
        assert_int_equal(latencies_percentile(l, 50), 0); /* of none */
        for (uint64_t us = rows[i].first; us <= rows[i].last; us++) {
            latencies_add(l, us);
        }
        got = latencies_percentile(l, rows[i].percent);
        if (got < rows[i].at_least || got > rows[i].at_most) {
            fail_msg("row %zu: %llu", i, (unsigned long long)got);
        }
        assert_int_equal(l->max_us, rows[i].last);
        assert_int_equal(l->count, rows[i].last - rows[i].first + 1);
        free(l);
    }
}

/* Each time is in a bucket that ends at or above it, by a 64th of it at most. */
static void
no_time_is_far_from_its_bucket(void **state)
{
    struct latencies *l = calloc(1, sizeof(*l));

    (void)state;
    assert_non_null(l);
    for (uint64_t us = 1; us < UINT64_C(1) << 38; us += us / 7 + 1) {
        uint64_t got;

        *l = (struct latencies){0};
        latencies_add(l, us);
        latencies_add(l, us * 2); /* so that the highest is no bound */
        got = latencies_percentile(l, 50);
        if (got < us || got - us > us / 64) {
            fail_msg("%llu us became %llu", (unsigned long long)us, (unsigned long long)got);
        }
    }
    free(l);
}

static void
times_for_people(void **state)
{
    static const struct {
        uint64_t us;
        const char *text;
    } rows[] = {
        {0, "0 us"},
        {999, "999 us"},
        {1000, "1.0 ms"},
        {1234, "1.2 ms"},
        {999949, "999.9 ms"},
        {1500000, "1.5 s"},
        {UINT64_C(123456000000), "123456.0 s"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(latency_text(rows[i].us).text, rows[i].text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_within_a_bucket),
        cmocka_unit_test(no_time_is_far_from_its_bucket),
        cmocka_unit_test(times_for_people),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
