/* What is said when there is nothing to measure. */
#include "liar.h"
#include "load/load.h"
#include "load/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
test_options_that_do_not_fit(void **state)
{
    static const struct load_options rows[] = {
        {.mode = NULL},
        {.mode = "dance"},
        {.mode = "request", .dialect = "latin"},
        {.mode = "request", .qos = 2},
        {.mode = "request", .url = "ftp://localhost"},
        {.mode = "request", .dialect = "frames", .qos = 1},
        {.mode = "request", .dialect = "nats", .inbox = true},
        {.mode = "request", .dialect = "frames", .group = true},
        {.mode = "idle", .dialect = "frames"},
        {.mode = "publish", .payload_bytes = 7},
        {.mode = "retained", .payload_bytes = 0},
        {.mode = "publish", .payload_bytes = 8, .topic = "a"},
        {.mode = "request", .topic = "a", .dialect = "frames"},
        {.mode = "request", .topic = "a", .responders = 1},
        {.mode = "request", .topic = "a", .group = true},
        {.mode = "request", .topic = ""},
        {.mode = "request", .topic = "a/+"},
        {.mode = "request",
         .topic = "a-topic-of-more-than-a-hundred-and-twenty-seven-bytes/"
                  "which-is-longer-than-places-are/"
                  "and-would-be-cut-to-another-topic-that-nobody-serves"},
        {.mode = "request", .window = 65536},
        {.mode = "request", .payload_bytes = SIZE_MAX},
        {.mode = "idle", .connections = UINT32_MAX},
        {.mode = "idle", .connections = 1000, .subscriptions = UINT32_MAX},
        {.mode = "subscribe", .wildcard = "jolly"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct load_result r;
        char reason[LOAD_REASON_BYTES] = "";

        if (load_run(&r, &rows[i], reason) != WILCO_EINVAL) {
            fail_msg("row %zu is accepted, or fails otherwise: %s", i, reason);
        }
        assert_true(strlen(reason) > 0);
    }
}

static void
test_modes_have_names(void **state)
{
    (void)state;
    assert_string_equal(load_mode_name(0), "request");
    assert_string_equal(load_mode_name(1), "publish");
    assert_null(load_mode_name(100));
}

static void
test_nobody_listens(void **state)
{
    struct liar l = {.lie = LIE_NONE};
    struct load_options o = {.mode = "request", .dialect = "frames"};
    struct load_result r;
    char reason[LOAD_REASON_BYTES] = "";

    (void)state;
    liar_start(&l);
    liar_stop(&l);
    o.url = l.url;
    assert_int_equal(load_run(&r, &o, reason), WILCO_ECONNECT);
    assert_non_null(strstr(reason, "cannot connect"));
}

static void
test_server_goes(void **state)
{
    static const struct {
        enum lie lie;
        enum wilco_status status;
    } rows[] = {
        {LIE_NO_WELCOME, WILCO_ECLOSED},
        {LIE_CLOSE, WILCO_ECLOSED},
        {LIE_NONSENSE, WILCO_EMALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct liar l = {.lie = rows[i].lie, .kind = PLACE_ANSWER, .at = 3};
        struct load_options o = {.mode = "request", .dialect = "frames"};
        struct load_result r;
        char reason[LOAD_REASON_BYTES] = "";

        liar_start(&l);
        o.url = l.url;
        assert_int_equal(load_run(&r, &o, reason), rows[i].status);
        assert_true(strlen(reason) > 0);
        liar_stop(&l);
    }
}

static void
test_percentiles_rise(void **state)
{
    struct liar l = {.lie = LIE_NONE};
    struct load_options o = {.mode = "request", .seconds = 0.1};
    struct load_result r;

    (void)state;
    liar_run(&l, &o, &r);
    assert_true(r.latency.percentile_count > 30);
    for (size_t i = 1; i < r.latency.percentile_count; i++) {
        assert_true(r.latency.percentiles[i].percent > r.latency.percentiles[i - 1].percent);
        assert_true(r.latency.percentiles[i].us >= r.latency.percentiles[i - 1].us);
    }
    assert_true(r.latency.max_us >= r.latency.p999_us && r.latency.p999_us >= r.latency.p99_us);
    assert_true(r.generator_load > 0 && r.generator_load < 1.1);
    assert_false(r.has_server);
}

/* Moments follow each other without a gap, are as long as was asked for but for what is left at the
 * end, and add up to the whole. */
#define MOMENT_SECONDS 0.02

struct sum {
    double seconds;
    uint64_t count;
    double last_seconds; /* of the moment before; 0: there was none */
};

static void
add_up(void *context, const struct load_moment *m)
{
    struct sum *sum = context;

    assert_true(sum->last_seconds == 0 || sum->last_seconds > MOMENT_SECONDS - 1e-6);
    assert_true(m->seconds > 0);
    sum->seconds += m->seconds;
    assert_true(m->at < sum->seconds + 1e-6 && m->at > sum->seconds - 1e-6);
    sum->count += m->count;
    sum->last_seconds = m->seconds;
}

static void
test_moments_add_up(void **state)
{
    struct liar l = {.lie = LIE_NONE};
    struct load_result r;
    struct sum sum = {.count = 0};
    struct load_options o = {.mode = "request",
                             .seconds = 0.2,
                             .watch = add_up,
                             .context = &sum,
                             .moment = MOMENT_SECONDS};

    (void)state;
    liar_run(&l, &o, &r);
    assert_int_equal(sum.count, r.count);
    assert_true(sum.seconds > 0.199 && sum.seconds < r.seconds + 1e-6);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_that_do_not_fit), cmocka_unit_test(test_modes_have_names),
        cmocka_unit_test(test_nobody_listens),          cmocka_unit_test(test_server_goes),
        cmocka_unit_test(test_percentiles_rise),        cmocka_unit_test(test_moments_add_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
