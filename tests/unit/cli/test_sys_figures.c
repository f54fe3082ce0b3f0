#include "cli/sys_figures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND UINT64_C(1000000)

static void
put(struct sys_figures *f, const char *topic, const char *value, uint64_t now_us)
{
    sys_figures_put(f, (struct wilco_bytes){topic, strlen(topic)},
                    (struct wilco_bytes){value, strlen(value)}, now_us);
}

static void
the_last_value_counts(void **state)
{
    struct sys_figures *f = sys_figures_new();
    char *text;

    (void)state;
    assert_null(sys_figures_text(f, "$SYS/broker/version"));
    assert_false(sys_figures_number(f, "$SYS/rr/requests", 0).is_known);
    put(f, "$SYS/broker/version", "wilco 0.1", SECOND);
    put(f, "$SYS/broker/version", "wilco 0.2", 2 * SECOND);
    text = sys_figures_text(f, "$SYS/broker/version");
    assert_string_equal(text, "wilco 0.2");
    free(text);
    put(f, "$SYS/rr/requests", "17", SECOND);
    assert_int_equal(sys_figures_number(f, "$SYS/rr/requests", SECOND).value, 17);
    sys_figures_free(f);
}

static void
numbers_rise_between_two_times(void **state)
{
    static const struct {
        const char *first, *second;
        uint64_t second_us, now_us;
        double want;
    } rows[] = {
        {"10", NULL, 0, 2 * SECOND, -1},
        {"10", "30", 11 * SECOND, 12 * SECOND, 2},
        {"10", "30", 11 * SECOND, 31 * SECOND, 2},
        {"10", "30", 11 * SECOND, 32 * SECOND, 0}, /* it would have been said again */
        {"10", "5", 11 * SECOND, 11 * SECOND, 0},  /* the broker began anew */
        {"10", "30", 1 * SECOND, 2 * SECOND, -1},  /* in no time */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sys_figures *f = sys_figures_new();
        double got;

        put(f, "t", rows[i].first, SECOND);
        if (rows[i].second != NULL) {
            put(f, "t", rows[i].second, rows[i].second_us);
        }
        got = sys_figures_number(f, "t", rows[i].now_us).per_second;
        if (got < rows[i].want - 0.001 || got > rows[i].want + 0.001) {
            fail_msg("row %zu: %f", i, got);
        }
        sys_figures_free(f);
    }
}

static void
latencies_of_filters_and_groups(void **state)
{
    static const char json[] = "{\"service_us\":{\"count\":3,\"p50\":7,\"p99\":70}}";
    static const struct {
        const char *filter, *group, *topic;
    } rows[] = {
        {"a/b", "", "$SYS/rr/filters/a/b"},
        {"a/+/#", "", "$SYS/rr/filters/a/%2B/%23"},
        {"50%", "g", "$SYS/rr/groups/g/50%25"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sys_figures *f = sys_figures_new();
        struct sys_latency latency;

        assert_false(sys_figures_latency(f, rows[i].filter, rows[i].group).is_known);
        put(f, rows[i].topic, "no JSON", 1);
        assert_false(sys_figures_latency(f, rows[i].filter, rows[i].group).is_known);
        put(f, rows[i].topic, "{\"service_us\":{\"count\":0,\"p50\":0,\"p99\":0}}", 1);
        assert_false(sys_figures_latency(f, rows[i].filter, rows[i].group).is_known);
        put(f, rows[i].topic, json, 1);
        latency = sys_figures_latency(f, rows[i].filter, rows[i].group);
        assert_true(latency.is_known);
        assert_int_equal(latency.p50_us, 7);
        assert_int_equal(latency.p99_us, 70);
        sys_figures_free(f);
    }
}

static void
no_more_topics_than_so_many(void **state)
{
    struct sys_figures *f = sys_figures_new();
    char name[16];

    (void)state;
    for (unsigned i = 0; i <= SYS_FIGURES_MAX; i++) {
        (void)snprintf(name, sizeof(name), "%u", i);
        put(f, name, "1", SECOND);
    }
    (void)snprintf(name, sizeof(name), "%u", SYS_FIGURES_MAX - 1);
    assert_true(sys_figures_number(f, name, SECOND).is_known);
    (void)snprintf(name, sizeof(name), "%u", SYS_FIGURES_MAX);
    assert_false(sys_figures_number(f, name, SECOND).is_known);
    sys_figures_free(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_value_counts),
        cmocka_unit_test(numbers_rise_between_two_times),
        cmocka_unit_test(latencies_of_filters_and_groups),
        cmocka_unit_test(no_more_topics_than_so_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
