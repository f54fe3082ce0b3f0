#include "cli/bench/series.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* `n` moments of 0.1 s with 3 each. */
static void
fill(struct series *s, unsigned n)
{
    *s = (struct series){.count = 0};
    for (unsigned i = 1; i <= n; i++) {
        const struct load_moment m = {
            .at = i * 0.1, .seconds = 0.1, .count = 3, .p50_us = 1, .p99_us = i, .max_us = 2.0 * i};

        series_add(s, &m);
    }
}

static void
few_are_kept_as_they_are(void **state)
{
    static struct series s;

    (void)state;
    fill(&s, SERIES_POINTS_MAX);
    assert_int_equal(s.count, SERIES_POINTS_MAX);
    assert_int_equal(s.points[7].count, 3);
    assert_true(s.points[7].p99_us > 7.9 && s.points[7].p99_us < 8.1);
}

static void
a_short_rest_is_no_point(void **state)
{
    static struct series s;

    (void)state;
    fill(&s, 3);
    series_add(&s, &(struct load_moment){.at = 0.34, .seconds = 0.04, .count = 5, .max_us = 9});
    assert_int_equal(s.count, 3);
    assert_int_equal(s.points[2].count, 8);
    fill(&s, 3);
    series_add(&s, &(struct load_moment){.at = 0.36, .seconds = 0.06, .count = 5, .max_us = 9});
    assert_int_equal(s.count, 4);
}

static void
many_are_joined_and_none_is_lost(void **state)
{
    static const struct {
        unsigned moments;
        size_t points;
    } rows[] = {
        {SERIES_POINTS_MAX + 1, SERIES_POINTS_MAX / 2 + 1},
        {SERIES_POINTS_MAX + 2, SERIES_POINTS_MAX / 2 + 1},
        {2 * SERIES_POINTS_MAX, SERIES_POINTS_MAX},
        {5 * SERIES_POINTS_MAX + 3, SERIES_POINTS_MAX * 5 / 8 + 1},
    };
    static struct series s;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct load_moment *last = NULL;
        double seconds = 0;
        uint64_t count = 0;

        fill(&s, rows[i].moments);
        assert_int_equal(s.count, rows[i].points);
        for (size_t p = 0; p < s.count; p++) {
            seconds += s.points[p].seconds;
            count += s.points[p].count;
            assert_true(s.points[p].at > seconds - 0.001 && s.points[p].at < seconds + 0.001);
        }
        last = &s.points[s.count - 1];
        assert_int_equal(count, 3 * rows[i].moments);
        assert_true(last->max_us > 2 * rows[i].moments - 0.1); /* the higher one */
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_are_kept_as_they_are),
        cmocka_unit_test(a_short_rest_is_no_point),
        cmocka_unit_test(many_are_joined_and_none_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
