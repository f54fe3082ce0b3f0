/* Clients of MQTT 3.1.1 and 3.1 respond to the topic of the request with "/response" behind it
 * (C46). */
#include "broker/core/v3_response.h"

#include "broker/core/entrance.h"
#include "support/asking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const unsigned shard_counts[] = {1, 4};
#define EACH_SHARD_COUNT(i)                                                                        \
    size_t i = 0;                                                                                  \
    (i) < sizeof shard_counts / sizeof shard_counts[0];                                            \
    (i)++

struct pair {
    struct rig r;
    struct rig_client asker;
    struct rig_client old;     /* the responder, which subscribes to "do/+" */
    struct rig_client watcher; /* subscribes to what is published behind the suffix */
    char inbox[INBOX_TEXT_BYTES];
};

static void
pair_open_with(struct pair *p, unsigned shards, enum wire_version version,
               const struct settings *settings)
{
    const struct wire_connect how = {
        .version = version, .clean_start = true, .client_id = SPAN_LITERAL("old")};
    struct wire_any connack;

    rig_open(&p->r, shards, settings);
    asker_connect(&p->r, &p->asker, "asker", ASKER_FULL, p->inbox);
    rig_client_connect(&p->r, &p->watcher, "watcher");
    rig_subscribe(&p->watcher, "do/+/response", 2);
    rig_connect(&p->r, &p->old, &how, &connack);
    rig_subscribe(&p->old, "do/+", 1);
}

static void
pair_open(struct pair *p, unsigned shards, enum wire_version version)
{
    pair_open_with(p, shards, version, NULL);
}

static void
pair_close(struct pair *p)
{
    rig_expect_nothing(&p->asker);
    rig_expect_nothing(&p->old);
    rig_expect_nothing(&p->watcher);
    rig_client_close(&p->asker);
    rig_client_close(&p->old);
    rig_client_close(&p->watcher);
    rig_close(&p->r);
}

/* Asks; the old client gets it. */
static void
ask_old(struct pair *p, const char *topic, const char *correlation, uint8_t qos)
{
    struct wire_any request;

    ask(&p->asker, &(struct ask){.topic = topic,
                                 .response_topic = p->inbox,
                                 .correlation = correlation,
                                 .payload = correlation,
                                 .qos = qos,
                                 .packet_id = 3});
    if (qos == 1) {
        rig_expect_ack(&p->asker, WIRE_PUBACK, 3, 0);
    }
    rig_expect_publish(&p->old, correlation, &request);
    if (request.as.publish.qos == 1) {
        rig_ack(&p->old, WIRE_PUBACK, request.as.publish.packet_id);
    }
}

static void
expect_answer(struct pair *p, const char *correlation, const char *payload, const char *status)
{
    struct wire_any packet;

    rig_expect_publish(&p->asker, payload, &packet);
    assert_true(span_equal(packet.as.publish.topic, span_of_text(p->inbox)));
    assert_true(
        span_equal(packet.as.publish.properties.correlation_data, span_of_text(correlation)));
    assert_true(span_equal(user_of(&packet.as.publish, "__stat"), span_of_text(status)));
    assert_false(packet.as.publish.retain);
    if (packet.as.publish.qos == 1) {
        rig_ack(&p->asker, WIRE_PUBACK, packet.as.publish.packet_id);
    }
}

static void
requests_are_answered_in_their_order(void **state)
{
    static const enum wire_version versions[] = {WIRE_V311, WIRE_V31};
    struct pair p;

    (void)state;
    for (EACH_SHARD_COUNT(s)) {
        for (size_t v = 0; v < sizeof versions / sizeof versions[0]; v++) {
            pair_open(&p, shard_counts[s], versions[v]);
            ask_old(&p, "do/it", "c1", 0);
            ask_old(&p, "do/that", "d1", 1);
            ask_old(&p, "do/it", "c2", 1);
            ask_old(&p, "do/it", "c3", 0);
            rig_publish(&p.old, "do/it/response", "one");
            expect_answer(&p, "c1", "one", "200");
            rig_publish_qos(&p.old, "do/it/response", "", 1, 9);
            rig_expect_ack(&p.old, WIRE_PUBACK, 9, 0);
            expect_answer(&p, "c2", "", "204");
            rig_publish(&p.old, "do/it/response", "three");
            expect_answer(&p, "c3", "three", "200");
            rig_publish(&p.old, "do/that/response", "four");
            expect_answer(&p, "d1", "four", "200");
            assert_int_equal(rig_stats(&p.r).rr_answered, 4);
            assert_int_equal(rig_stats(&p.r).rr_in_flight, 0);
            rig_advance(&p.r, 60000); /* no status: they are over */
            pair_close(&p);
        }
    }
}

/* Without a request it is what it says. */
static void
other_messages_are_ordinary(void **state)
{
    struct pair p;
    struct wire_any packet;

    (void)state;
    for (EACH_SHARD_COUNT(s)) {
        pair_open(&p, shard_counts[s], WIRE_V311);
        rig_publish(&p.old, "do/it/response", "nobody asked");
        rig_expect_publish(&p.watcher, "nobody asked", &packet);
        ask_old(&p, "do/it", "c1", 0);
        rig_publish(&p.old, "do/other/response", "of another");
        rig_expect_publish(&p.watcher, "of another", &packet);
        rig_publish(&p.asker, "do/it/response", "by another");
        rig_expect_publish(&p.watcher, "by another", &packet);
        rig_publish(&p.old, "/response", "nothing before it");
        rig_publish(&p.old, "do/it/response", "answer");
        expect_answer(&p, "c1", "answer", "200");
        rig_publish(&p.old, "do/it/response", "once more");
        rig_expect_publish(&p.watcher, "once more", &packet);
        pair_close(&p);
    }
}

/* After the deadline too. */
static void
what_comes_too_late_is_ordinary(void **state)
{
    struct pair p;
    struct wire_any packet;

    (void)state;
    pair_open(&p, 2, WIRE_V311);
    ask_old(&p, "do/it", "c1", 0);
    rig_advance(&p.r, 60000);
    expect_status(&p.asker, "c1", "504", "delivered", "maybe");
    rig_publish(&p.old, "do/it/response", "late");
    rig_expect_publish(&p.watcher, "late", &packet);
    pair_close(&p);
}

/* What it has not seen it cannot have answered. */
static void
a_request_that_waits_is_not_answered(void **state)
{
    struct settings settings = settings_default();
    struct pair p;
    struct wire_any request;
    struct wire_any packet;

    (void)state;
    settings.inflight_max = 1;
    pair_open_with(&p, 2, WIRE_V311, &settings);
    for (int i = 0; i < 2; i++) {
        ask(&p.asker, &(struct ask){.topic = "do/it",
                                    .response_topic = p.inbox,
                                    .correlation = i == 0 ? "c1" : "c2",
                                    .payload = i == 0 ? "c1" : "c2",
                                    .qos = 1,
                                    .packet_id = 3});
        rig_expect_ack(&p.asker, WIRE_PUBACK, 3, 0);
    }
    rig_expect_publish(&p.old, "c1", &request);
    rig_publish(&p.old, "do/it/response", "one");
    expect_answer(&p, "c1", "one", "200");
    rig_publish(&p.old, "do/it/response", "too early");
    rig_expect_publish(&p.watcher, "too early", &packet);
    rig_ack(&p.old, WIRE_PUBACK, request.as.publish.packet_id);
    rig_expect_publish(&p.old, "c2", &request);
    rig_ack(&p.old, WIRE_PUBACK, request.as.publish.packet_id);
    rig_publish(&p.old, "do/it/response", "two");
    expect_answer(&p, "c2", "two", "200");
    pair_close(&p);
}

/* It must not be kept for everybody. */
static void
a_response_is_not_retained(void **state)
{
    struct pair p;
    struct wire_any packet = rig_publish_packet("do/it/response", "answer", 0, 0);

    (void)state;
    pair_open(&p, 1, WIRE_V311);
    rig_subscribe(&p.asker, "answers", 0);
    (void)snprintf(p.inbox, sizeof p.inbox, "answers");
    ask_old(&p, "do/it", "c1", 0);
    packet.as.publish.retain = true;
    rig_send(&p.old, &packet);
    expect_answer(&p, "c1", "answer", "200");
    rig_subscribe(&p.watcher, "answers", 0);
    pair_close(&p);
}

static void
the_suffix_is_that_of_the_listener(void **state)
{
    static const struct {
        const char *suffix;
        const char *topic; /* the response to "do/it" goes there; NULL: nowhere */
    } rows[] = {
        {"off", NULL},
        {"/re", "do/it/re"},
        {"/response", "do/it/response"},
        {"//x", "do/it//x"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct entrance e = entrance_standard;
        struct pair p;
        struct wire_any packet;
        const char *why = NULL;

        assert_int_equal(entrance_set_v3_response_suffix(&e, span_of_text(rows[i].suffix), &why),
                         WILCO_OK);
        pair_open(&p, 1, WIRE_V311);
        p.old.conn.entrance = &e;
        ask_old(&p, "do/it", "c1", 0);
        if (rows[i].topic != NULL) {
            rig_publish(&p.old, rows[i].topic, "answer");
            expect_answer(&p, "c1", "answer", "200");
        } else {
            rig_publish(&p.old, "do/it/response", "no answer");
            rig_expect_publish(&p.watcher, "no answer", &packet);
        }
        pair_close(&p);
    }
}

/* Clients of MQTT 5.0 have a better way. */
static void
it_is_for_old_clients_alone(void **state)
{
    struct pair p;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    pair_open(&p, 1, WIRE_V311);
    rig_client_connect(&p.r, &c, "new");
    rig_subscribe(&c, "new", 0);
    ask(&p.asker, &(struct ask){.topic = "new", .response_topic = p.inbox, .correlation = "c1"});
    expect_request(&c, false, &packet);
    rig_subscribe(&p.watcher, "new/response", 0);
    rig_publish(&c, "new/response", "plain");
    rig_expect_publish(&p.watcher, "plain", &packet);
    rig_client_close(&c);
    expect_status(&p.asker, "c1", "503", "delivered", "maybe");
    pair_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_answered_in_their_order),
        cmocka_unit_test(other_messages_are_ordinary),
        cmocka_unit_test(what_comes_too_late_is_ordinary),
        cmocka_unit_test(a_request_that_waits_is_not_answered),
        cmocka_unit_test(a_response_is_not_retained),
        cmocka_unit_test(the_suffix_is_that_of_the_listener),
        cmocka_unit_test(it_is_for_old_clients_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
