/* Every mode of the load generator, for a moment, against a broker: all comes back right. */
#include "load/load.h"
#include "scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

static const struct load_options rows[] = {
    {.mode = "request", .requesters = 4, .window = 16, .responders = 2, .payload_bytes = 64},
    {.mode = "request", .requesters = 4, .window = 16, .responders = 2, .qos = 1},
    {.mode = "request", .requesters = 4, .window = 4, .responders = 2, .inbox = true, .qos = 1},
    {.mode = "request", .requesters = 4, .window = 4, .responders = 3, .group = true},
    {.mode = "request", .requesters = 3, .window = 8, .payload_bytes = 16384},
    {.mode = "request", .requesters = 4, .window = 16, .rate = 1000},
    {.mode = "publish", .publishers = 4, .subscribers = 3, .payload_bytes = 64},
    {.mode = "publish", .publishers = 4, .subscribers = 3, .payload_bytes = 8, .qos = 1},
    {.mode = "publish", .publishers = 2, .subscribers = 20, .payload_bytes = 64, .fan = true},
    {.mode = "publish", .payload_bytes = 64, .rate = 500},
    {.mode = "idle", .connections = 100, .subscriptions = 150, .sources = 3},
    {.mode = "idle", .connections = 100},
    {.mode = "subscribe", .connections = 5, .subscriptions = 250},
    {.mode = "subscribe", .connections = 5, .subscriptions = 20, .wildcard = "plus"},
    {.mode = "subscribe", .connections = 5, .subscriptions = 20, .wildcard = "hash"},
    {.mode = "churn", .connections = 4},
    {.mode = "connect", .connections = 200},
    {.mode = "retained", .messages = 1500, .payload_bytes = 64},
    {.mode = "retained", .messages = 100, .payload_bytes = 8, .qos = 1},
};

static void
run_all(const struct scenario *s)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct load_options o = rows[i];
        struct load_result r;
        char reason[LOAD_REASON_BYTES] = "";

        o.url = s->url;
        o.seconds = 0.1;
        o.warmup = 0.02;
        o.timeout = 30;
        o.pid = getpid();
        if (load_run(&r, &o, reason) != WILCO_OK) {
            fail_msg("row %zu: %s", i, reason);
        }
        if (!load_is_right(&r) || r.count == 0) {
            fail_msg("row %zu: %u right, %u wrong, %u missing, %u late, %u twice", i,
                     (unsigned)r.count, (unsigned)r.wrong, (unsigned)r.missing, (unsigned)r.late,
                     (unsigned)r.repeated);
        }
        assert_true(r.has_server && r.server_rss_bytes > 0);
    }
}

static void
test_all_modes(void **state)
{
    struct scenario s;

    (void)state;
    for (unsigned shards = 1; shards <= 2; shards++) {
        scenario_open(&s, shards);
        run_all(&s);
        scenario_close(&s);
    }
}

/* More in flight than the broker takes of one client without acknowledging it (its Receive
 * Maximum): what is too much waits. */
static void
test_receive_maximum(void **state)
{
    struct load_options o = {
        .mode = "request", .requesters = 8, .window = 500, .qos = 1, .seconds = 0.2};
    struct scenario s;
    struct load_result r;
    char reason[LOAD_REASON_BYTES] = "";

    (void)state;
    scenario_open(&s, 1);
    o.url = s.url;
    if (load_run(&r, &o, reason) != WILCO_OK || !load_is_right(&r)) {
        fail_msg("%s: %u wrong, %u missing", reason, (unsigned)r.wrong, (unsigned)r.missing);
    }
    scenario_close(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_modes),
        cmocka_unit_test(test_receive_maximum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
