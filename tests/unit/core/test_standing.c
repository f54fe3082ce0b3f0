#include "broker/core/standing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct settings
limits_of(uint64_t deadlines, uint64_t pause_ms)
{
    struct settings settings = settings_default();

    settings.outlier_deadlines = deadlines;
    settings.outlier_pause_ms = pause_ms;
    return settings;
}

/* Left out by the last of so many deadlines, and for how long. */
static void
test_left_out(void **state)
{
    static const struct {
        uint64_t deadlines, pause_ms;
        unsigned missed;
        uint64_t after_ms; /* the last one */
        bool is_out;
    } rows[] = {
        {3, 100, 0, 0, false}, {3, 100, 2, 0, false},   {3, 100, 3, 0, true},
        {3, 100, 3, 99, true}, {3, 100, 3, 100, false}, {3, 100, 9, 99, true},
        {1, 100, 1, 0, true},  {1, 1, 1, 1, false},     {0, 100, 1000, 0, false}, /* never */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct settings limits = limits_of(rows[i].deadlines, rows[i].pause_ms);
        struct standing s = {.held = 0};

        for (unsigned n = 1; n <= rows[i].missed; n++) {
            assert_int_equal(standing_missed(&s, &limits, 5000),
                             rows[i].deadlines != 0 && n >= rows[i].deadlines);
        }
        assert_int_equal(standing_is_out(&s, &limits, 5000 + rows[i].after_ms), rows[i].is_out);
    }
}

/* After the pause one request at a time, whatever shard it comes from, until it answers one. */
static void
test_probing(void **state)
{
    const struct settings limits = limits_of(1, 100);
    struct standing s = {.held = 0};

    (void)state;
    assert_true(standing_missed(&s, &limits, 0));
    assert_false(standing_is_out(&s, &limits, 100));
    standing_set_held(&s, 1);
    assert_true(standing_is_out(&s, &limits, 100));
    standing_set_held(&s, 0);
    assert_true(standing_missed(&s, &limits, 150)); /* the probe was lost as well */
    assert_true(standing_is_out(&s, &limits, 249));
    assert_false(standing_is_out(&s, &limits, 250));
    standing_set_held(&s, 5);
    standing_answered(&s, 10, 250);
    assert_false(standing_is_out(&s, &limits, 250));
    assert_int_equal(standing_load(&s), 5);
}

/* An answer in between starts the count anew. */
static void
test_deadlines_in_a_row(void **state)
{
    const struct settings limits = limits_of(3, 100);
    struct standing s = {.held = 0};

    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_false(standing_missed(&s, &limits, 0));
        assert_false(standing_missed(&s, &limits, 0));
        standing_answered(&s, 1, 0);
    }
    assert_false(standing_missed(&s, &limits, 0));
    assert_false(standing_missed(&s, &limits, 0));
    assert_true(standing_missed(&s, &limits, 0));
    standing_reset(&s); /* somebody else has the slot now */
    assert_false(standing_is_out(&s, &limits, 0));
    assert_int_equal(standing_latency_us(&s, 0), 0);
}

static void
test_latency(void **state)
{
    struct standing s = {.held = 0};

    (void)state;
    assert_int_equal(standing_latency_us(&s, 0), 0);
    standing_answered(&s, 0, 1000);
    assert_true(standing_latency_us(&s, 1000) > 0); /* known, and not the same as unknown */
    for (int i = 0; i < 100; i++) {
        standing_answered(&s, 8000, 1000);
    }
    assert_in_range(standing_latency_us(&s, 1000), 7900, 8100);
    standing_answered(&s, 80000, 1000); /* one of eight */
    assert_in_range(standing_latency_us(&s, 1000), 16900, 17100);
    assert_int_equal(standing_latency_us(&s, 999), standing_latency_us(&s, 1000));
    assert_int_equal(standing_latency_us(&s, 1000 + STANDING_HALF_MS - 1),
                     standing_latency_us(&s, 1000));
    assert_int_equal(standing_latency_us(&s, 1000 + STANDING_HALF_MS),
                     standing_latency_us(&s, 1000) / 2);
    assert_int_equal(standing_latency_us(&s, 1000 + 40ULL * STANDING_HALF_MS), 0);
    standing_answered(&s, UINT64_MAX / 16, 1000); /* what no clock says is no reason to wrap */
    assert_int_equal(standing_latency_us(&s, 1000), UINT32_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_left_out),
        cmocka_unit_test(test_probing),
        cmocka_unit_test(test_deadlines_in_a_row),
        cmocka_unit_test(test_latency),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
