/* Retained messages from the publisher to the subscriber (MQTT 5.0, 3.3.1.3). */
#include "broker/core/session.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void
retain(struct rig_client *c, const char *topic, const char *payload, uint8_t qos)
{
    struct wire_any packet = rig_publish_packet(topic, payload, qos, 1);

    packet.as.publish.retain = true;
    rig_send(c, &packet);
    if (qos > 0) {
        rig_expect(c, qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, &packet);
        assert_true(packet.as.ack.reason_code < 0x80);
    }
    if (qos == 2) {
        rig_ack(c, WIRE_PUBREL, 1);
        rig_expect(c, WIRE_PUBCOMP, &packet);
    }
}

/* Store, replace, leave alone, clear; at every QoS [MQTT-3.3.1-5] to [MQTT-3.3.1-8], 0 among them
 * [U-3.3.1-2]. */
static void
test_store_replace_clear(void **state)
{
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct rig_client witness;
    struct wire_any packet;

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        for (uint8_t qos = 0; qos <= 2; qos++) {
            rig_open(&r, shards, NULL);
            rig_client_connect(&r, &publisher, "publisher");
            rig_client_connect(&r, &witness, "witness");
            rig_subscribe(&witness, "t", 2);
            retain(&publisher, "t", "first", qos);
            retain(&publisher, "t", "second", qos);
            rig_publish(&publisher, "t", "passing");
            rig_client_connect(&r, &c, "c");
            rig_subscribe(&c, "t", 2);
            rig_expect_publish(&c, "second", &packet);
            assert_true(packet.as.publish.retain); /* [U-3.3.1-3] */
            assert_int_equal(packet.as.publish.qos, qos);
            rig_expect_nothing(&c);

            rig_expect_publish(&witness, "first", &packet);
            assert_false(packet.as.publish.retain); /* [MQTT-3.3.1-12] */
            rig_expect_publish(&witness, "second", &packet);
            rig_expect_publish(&witness, "passing", &packet);
            retain(&publisher, "t", "", qos);
            rig_expect_publish(&witness, "", &packet); /* still delivered [MQTT-3.3.1-6] */
            rig_expect_publish(&c, "", &packet);
            rig_subscribe(&witness, "t", 2);
            rig_expect_nothing(&witness); /* [MQTT-3.3.1-7] */
            assert_int_equal(retained_count(r.broker.retained), 0);
            rig_client_close(&publisher);
            rig_client_close(&witness);
            rig_client_close(&c);
            rig_close(&r);
        }
    }
}

/* Retain Handling: what a first and a second SUBSCRIBE bring [MQTT-3.3.1-9] to [MQTT-3.3.1-11],
 * [MQTT-3.8.4-4]; behind the SUBACK, although they might come before [U-3.8.4-1]. */
static void
test_retain_handling(void **state)
{
    static const struct {
        uint8_t handling;
        bool first;
        bool second;
    } rows[] = {{0, true, true}, {1, true, false}, {2, false, false}};
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    for (size_t i = 0; i < 3; i++) {
        struct wire_subscription w = {
            .filter = SPAN_LITERAL("t/+"), .qos = 1, .retain_handling = rows[i].handling};

        rig_client_connect(&r, &c, "c");
        retain(&c, "t/x", "kept", 1);
        rig_subscribe_with(&c, &w, 3, 1);
        if (rows[i].first) {
            rig_expect_publish(&c, "kept", &packet);
            assert_int_equal(packet.as.publish.properties.subscription_identifier, 3);
        }
        w.qos = 0;
        rig_subscribe_with(&c, &w, 0, 0);
        if (rows[i].second) {
            rig_expect_publish(&c, "kept", &packet);
            assert_int_equal(packet.as.publish.qos, 0);
            assert_int_equal(packet.as.publish.properties.subscription_identifier, 0);
        }
        rig_expect_nothing(&c);
        rig_client_close(&c);
    }
    rig_close(&r);
}

/* Retain As Published, for what comes later [MQTT-3.3.1-12], [MQTT-3.3.1-13]; with overlapping
 * subscriptions one that asks for it is enough. */
static void
test_retain_as_published(void **state)
{
    const struct wire_subscription as_published = {
        .filter = SPAN_LITERAL("t/#"), .qos = 1, .retain_as_published = true};
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &c, "c");
    rig_subscribe(&c, "t/+", 1);
    retain(&c, "t/x", "1", 0);
    rig_expect_publish(&c, "1", &packet);
    assert_false(packet.as.publish.retain);
    rig_subscribe_with(&c, &as_published, 0, 1);
    rig_expect_publish(&c, "1", &packet);
    retain(&c, "t/x", "2", 0);
    rig_expect_publish(&c, "2", &packet);
    assert_true(packet.as.publish.retain);
    rig_publish(&c, "t/x", "3");
    rig_expect_publish(&c, "3", &packet);
    assert_false(packet.as.publish.retain);
    rig_expect_nothing(&c);
    rig_client_close(&c);
    rig_close(&r);
}

/* No Local holds for retained messages, too; and expiry is counted down while one is kept. */
static void
test_no_local_and_expiry(void **state)
{
    const struct wire_subscription no_local = {.filter = SPAN_LITERAL("t"), .no_local = true};
    struct rig r;
    struct rig_client a;
    struct rig_client b;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &a, "a");
    rig_client_connect(&r, &b, "b");
    packet = rig_publish_packet("t", "kept", 0, 0);
    packet.as.publish.retain = true;
    packet.as.publish.properties.message_expiry_interval = 10;
    wire_properties_set(&packet.as.publish.properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    rig_send(&a, &packet);
    rig_subscribe_with(&a, &no_local, 0, 0);
    rig_expect_nothing(&a);
    rig_advance(&r, 4000);
    rig_subscribe_with(&b, &no_local, 0, 0);
    rig_expect_publish(&b, "kept", &packet);
    assert_int_equal(packet.as.publish.properties.message_expiry_interval, 6);
    rig_advance(&r, 5999);
    rig_subscribe_with(&b, &no_local, 0, 0);
    rig_expect_publish(&b, "kept", &packet);
    rig_advance(&r, 1);
    rig_subscribe_with(&b, &no_local, 0, 0);
    rig_expect_nothing(&b); /* [MQTT-3.3.2-5] */
    assert_int_equal(retained_count(r.broker.retained), 0);
    rig_client_close(&a);
    rig_client_close(&b);
    rig_close(&r);
}

static void
unstick(struct rig *r, struct rig_client *c)
{
    c->is_stuck = false;
    conn_touch(&c->conn);
    rig_settle(r);
}

/* Ten thousand retained messages of QoS 0 for a client that does not read at first: none is lost,
 * little waits in its output, and what is published meanwhile comes behind them. */
static void
test_many_to_a_stuck_client(void **state)
{
    enum { COUNT = 10000 };
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;
    static bool seen[COUNT];
    char topic[32];

    (void)state;
    settings.output_bytes_max = 4096;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &publisher, "publisher");
    for (unsigned i = 0; i < COUNT; i++) {
        (void)snprintf(topic, sizeof(topic), "many/%u", i);
        retain(&publisher, topic, topic + 5, 0);
    }
    rig_client_connect(&r, &c, "c");
    c.is_stuck = true;
    packet = (struct wire_any){.type = WIRE_SUBSCRIBE,
                               .as.subscribe = {.packet_id = 1,
                                                .count = 1,
                                                .subscriptions = &(struct wire_subscription){
                                                    .filter = SPAN_LITERAL("many/#")}}};
    rig_send(&c, &packet);
    assert_true(c.conn.output.bytes < 4096 + 64);
    assert_false(conn_wants_input(&c.conn));
    rig_publish(&publisher, "many/last", "last");
    assert_int_equal(r.broker.shards[0]->stats.dropped_output_full +
                         r.broker.shards[0]->stats.dropped_queue_full,
                     0);
    unstick(&r, &c);
    rig_expect(&c, WIRE_SUBACK, &packet);
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned long number = 0;

        rig_expect(&c, WIRE_PUBLISH, &packet);
        assert_true(packet.as.publish.retain);
        assert_in_range(packet.as.publish.payload.len, 1, 4);
        memset(topic, 0, sizeof(topic));
        memcpy(topic, packet.as.publish.payload.data, packet.as.publish.payload.len);
        number = strtoul(topic, NULL, 10);
        assert_false(seen[number]);
        seen[number] = true;
    }
    rig_expect_publish(&c, "last", &packet);
    assert_false(packet.as.publish.retain);
    rig_expect_nothing(&c);
    assert_true(conn_wants_input(&c.conn));
    rig_client_close(&publisher);
    rig_client_close(&c);
    rig_close(&r);
}

/* A client that does not read cannot pile up retained messages by asking for them again and again
 * in one write: once its queue is full they are dropped and counted. */
static void
test_asking_again_and_again(void **state)
{
    static const uint8_t subscribe[] = {0x82, 7, 0, 1, 0, 0, 1, '#', 0};
    enum { RETAINED = 100, TIMES = 500 };
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client c;
    uint8_t all[TIMES * sizeof(subscribe)];
    char topic[32];

    (void)state;
    settings.queued_messages_max = 150;
    settings.output_bytes_max = 1024;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &c, "c");
    for (unsigned i = 0; i < RETAINED; i++) {
        (void)snprintf(topic, sizeof(topic), "t/%u", i);
        retain(&c, topic, "a payload", 0);
    }
    for (size_t i = 0; i < TIMES; i++) {
        memcpy(all + i * sizeof(subscribe), subscribe, sizeof(subscribe));
    }
    c.is_stuck = true;
    rig_send_bytes(&c, all, sizeof(all));
    assert_in_range(c.conn.session->waiting->count, 150, 150 + RETAINED);
    assert_in_range(r.broker.shards[0]->stats.dropped_queue_full, TIMES - 10, TIMES - 1);
    rig_client_close(&c);
    rig_close(&r);
}

/* retained_messages_max and retained_bytes_max: one more is refused, one that takes the place of
 * another is not, and clearing makes room. */
static void
limits(uint64_t messages_max, uint64_t bytes_max)
{
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client c;
    struct wire_any packet = rig_publish_packet("t3", "xxx", 1, 9);

    settings.retained_messages_max = messages_max;
    settings.retained_bytes_max = bytes_max;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &c, "c");
    rig_subscribe(&c, "#", 0);
    for (int i = 0; i < 2; i++) {
        retain(&c, i == 0 ? "t1" : "t2", "xxx", 0);
        rig_expect_publish(&c, "xxx", &packet);
    }
    packet = rig_publish_packet("t3", "xxx", 1, 9);
    packet.as.publish.retain = true;
    rig_send(&c, &packet);
    rig_expect_ack(&c, WIRE_PUBACK, 9, 0x97);
    packet.as.publish.qos = 2;
    rig_send(&c, &packet);
    rig_expect_ack(&c, WIRE_PUBREC, 9, 0x97);
    packet.as.publish.qos = 0;
    rig_send(&c, &packet);
    rig_expect_nothing(&c); /* nobody gets what could not be retained */
    assert_int_equal(r.broker.shards[0]->stats.refused_retained_full, 3);
    retain(&c, "t2", "yyy", 0);
    rig_expect_publish(&c, "yyy", &packet);
    retain(&c, "t1", "", 0);
    rig_expect_publish(&c, "", &packet);
    retain(&c, "t3", "zzz", 0);
    rig_expect_publish(&c, "zzz", &packet);
    rig_client_close(&c);
    rig_close(&r);
}

static void
test_limits(void **state)
{
    (void)state;
    limits(2, 1073741824);
    limits(1000000, 2 * 10 + 9); /* a packet has ten bytes */
}

/* MQTT 3.1.1 has no way to say 0x97: the connection ends, so that the client knows. */
static void
test_limit_before_5(void **state)
{
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    settings.retained_messages_max = 0;
    for (uint8_t qos = 0; qos <= 2; qos++) {
        rig_open(&r, 1, &settings);
        rig_client_open(&r, &c, "c", WIRE_V311);
        packet = rig_connect_packet(&c, "c");
        rig_send(&c, &packet);
        rig_expect(&c, WIRE_CONNACK, &packet);
        packet = rig_publish_packet("t", "x", qos, 1);
        packet.as.publish.retain = true;
        rig_send(&c, &packet);
        rig_expect_nothing(&c);
        assert_int_equal(rig_client_is_ended(&c), qos > 0);
        rig_client_close(&c);
        rig_close(&r);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_replace_clear),
        cmocka_unit_test(test_retain_handling),
        cmocka_unit_test(test_retain_as_published),
        cmocka_unit_test(test_no_local_and_expiry),
        cmocka_unit_test(test_many_to_a_stuck_client),
        cmocka_unit_test(test_asking_again_and_again),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_limit_before_5),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
