/* Events: whoever subscribes hears of instances that come and go. */
#include "broker/core/service_event.h"

#include "support/offering.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const unsigned shard_counts[] = {1, 4};
#define EACH_SHARD_COUNT(i)                                                                        \
    size_t i = 0;                                                                                  \
    (i) < sizeof shard_counts / sizeof shard_counts[0];                                            \
    (i)++

#define EVENT(event, name, metadata)                                                               \
    "$SRV/EVENT/" name "/@",                                                                       \
        "{\"type\":\"io.wilco.rr.v1.event\",\"event\":\"" event "\",\"name\":\"" name              \
        "\",\"id\":\"@\",\"version\":\"1\",\"client_id\":\"c\",\"metadata\":{" metadata "}}"

struct watch {
    struct rig r;
    struct rig_client watcher;
    struct rig_client c;
};

static void
watch_open(struct watch *w, unsigned shards)
{
    rig_open(&w->r, shards, NULL);
    rig_client_connect(&w->r, &w->watcher, "watcher");
    rig_subscribe(&w->watcher, "$SRV/EVENT/#", 1);
    rig_resume(&w->r, &w->c, "c", false);
}

static void
watch_close(struct watch *w)
{
    rig_expect_nothing(&w->watcher);
    rig_client_close(&w->c);
    rig_client_close(&w->watcher);
    rig_close(&w->r);
}

/* C39. */
static void
subscribing_and_unsubscribing_is_told(void **state)
{
    struct watch w;

    (void)state;
    for (EACH_SHARD_COUNT(s)) {
        watch_open(&w, shard_counts[s]);
        offer(&w.c, &(struct offer){.filter = "x",
                                    USERS(USER("rr-service", "a"), USER("rr-version", "1"),
                                          USER("rr-meta", "k=v"))});
        expect_event(&w.watcher, EVENT("up", "a", "\"k\":\"v\""));
        offer(&w.c, &(struct offer){.filter = "y", OFFERS("a", "1")});
        withdraw(&w.c, "x");
        rig_expect_nothing(&w.watcher); /* it is as available as before */
        offer(&w.c, &(struct offer){.filter = "y", OFFERS("b", "1")});
        expect_event(&w.watcher, EVENT("down", "a", "\"k\":\"v\""));
        expect_event(&w.watcher, EVENT("up", "b", ""));
        withdraw(&w.c, "y");
        expect_event(&w.watcher, EVENT("down", "b", ""));
        watch_close(&w);
    }
}

static void
connections_and_sessions_are_told(void **state)
{
    struct watch w;

    (void)state;
    for (EACH_SHARD_COUNT(s)) {
        watch_open(&w, shard_counts[s]);
        offer(&w.c, &(struct offer){.filter = "x", OFFERS("a", "1")});
        expect_event(&w.watcher, EVENT("up", "a", ""));
        rig_client_drop(&w.c);
        rig_client_close(&w.c);
        expect_event(&w.watcher, EVENT("down", "a", ""));
        rig_resume(&w.r, &w.c, "c", true);
        expect_event(&w.watcher, EVENT("up", "a", ""));
        rig_disconnect(&w.c, 0);
        rig_client_close(&w.c);
        expect_event(&w.watcher, EVENT("down", "a", ""));
        rig_client_connect(&w.r, &w.c, "c"); /* Clean Start: it was down already */
        rig_expect_nothing(&w.watcher);
        offer(&w.c, &(struct offer){.filter = "x", OFFERS("a", "1")});
        expect_event(&w.watcher, EVENT("up", "a", ""));
        rig_client_drop(&w.c); /* Session Expiry Interval 0: once, though both end */
        expect_event(&w.watcher, EVENT("down", "a", ""));
        watch_close(&w);
    }
}

/* They are not retained, and those who offer nothing make none. */
static void
nothing_is_told_to_who_comes_later(void **state)
{
    struct watch w;

    (void)state;
    watch_open(&w, 1);
    rig_subscribe(&w.c, "y", 0);
    rig_expect_nothing(&w.watcher);
    offer(&w.c, &(struct offer){.filter = "x", OFFERS("a", "1")});
    expect_event(&w.watcher, EVENT("up", "a", ""));
    rig_subscribe(&w.watcher, "$SRV/EVENT/a/+", 1);
    watch_close(&w);
}

static void
a_broker_that_stops_tells_nobody(void **state)
{
    struct watch w;
    struct wire_any packet;

    (void)state;
    watch_open(&w, 1);
    offer(&w.c, &(struct offer){.filter = "x", OFFERS("a", "1")});
    expect_event(&w.watcher, EVENT("up", "a", ""));
    shard_shut_down(w.r.broker.shards[0], 0x8B);
    rig_client_cut(&w.c);
    rig_settle(&w.r);
    rig_expect(&w.watcher, WIRE_DISCONNECT, &packet);
    watch_close(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subscribing_and_unsubscribing_is_told),
        cmocka_unit_test(connections_and_sessions_are_told),
        cmocka_unit_test(nothing_is_told_to_who_comes_later),
        cmocka_unit_test(a_broker_that_stops_tells_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
