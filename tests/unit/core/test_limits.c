/* Slow and silent clients, and the bounds of what waits for them. The other bounds are tested with
 * what they bound: connect_timeout_ms, connect_bytes_max and sessions_max in test_connect.c,
 * packet_bytes_max, topic_alias_maximum and topic_levels_max in test_publish.c, receive_maximum and
 * inflight_max in test_qos.c, topic_alias_out_max in test_forward.c, subscriptions_max in
 * test_subscribe.c, session_expiry_max_s in test_session.c, retained_* in test_retained_flow.c,
 * packet_timeout_ms, connections_max and log_refusals_max in test_hostile.c, what can be switched
 * off and what bounds a packet in test_switches.c. */
#include "broker/core/session.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void
unstick(struct rig *r, struct rig_client *c)
{
    c->is_stuck = false;
    conn_touch(&c->conn);
    rig_settle(r);
}

/* output_bytes_max: beyond it QoS 0 is dropped and counted; who reads again gets what comes then,
 * and nobody else notices. */
static void
test_qos_0_to_a_stuck_client(void **state)
{
    enum { MESSAGES = 1000 };
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client publisher;
    struct rig_client other;
    struct rig_client c;
    struct wire_any packet;
    char payload[101] = "";
    size_t got = 0;

    (void)state;
    settings.output_bytes_max = 10000;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &publisher, "publisher");
    rig_client_connect(&r, &other, "other");
    rig_client_connect(&r, &c, "c");
    rig_subscribe(&other, "t", 0);
    rig_subscribe(&c, "t", 0);
    memset(payload, 'x', 100);
    c.is_stuck = true;
    for (int i = 0; i < MESSAGES; i++) {
        rig_publish(&publisher, "t", payload);
        rig_expect_publish(&other, payload, &packet);
        assert_true(c.conn.output.bytes < 10000 + 120);
    }
    assert_false(rig_client_is_ended(&c));
    unstick(&r, &c);
    while (rig_next(&c, &packet)) {
        got++;
    }
    assert_in_range(got, 90, 100);
    assert_int_equal(r.broker.shards[0]->stats.dropped_output_full, MESSAGES - got);
    rig_publish(&publisher, "t", "now");
    rig_expect_publish(&c, "now", &packet);
    rig_client_close(&publisher);
    rig_client_close(&other);
    rig_client_close(&c);
    rig_close(&r);
}

/* queued_messages_max and queued_bytes_max: QoS 1 and 2 wait for a client that does not read or is
 * away; the last ones are dropped and counted, the first ones arrive, in order. */
static void
queue(uint64_t messages_max, uint64_t bytes_max, bool away, uint8_t qos)
{
    enum { MESSAGES = 50, KEPT = 10 };
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;
    char payload[101];
    size_t sent = 0;

    settings.queued_messages_max = messages_max;
    settings.queued_bytes_max = bytes_max;
    settings.output_bytes_max = 1024;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &publisher, "publisher");
    rig_resume(&r, &c, "c", false);
    rig_subscribe(&c, "t", 2);
    if (away) {
        rig_client_close(&c);
    } else {
        c.is_stuck = true;
    }
    for (uint16_t i = 1; i <= MESSAGES; i++) {
        (void)snprintf(payload, sizeof(payload), "%0100u", i);
        rig_publish_qos(&publisher, "t", payload, qos, i);
        rig_expect_ack(&publisher, qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, i, 0);
    }
    if (away) {
        rig_resume(&r, &c, "c", true);
    } else {
        assert_true(c.conn.output.bytes < 1024 + 120);
        unstick(&r, &c);
    }
    while (rig_next(&c, &packet)) {
        sent++;
        (void)snprintf(payload, sizeof(payload), "%0100u", (unsigned)sent);
        assert_true(span_equal(packet.as.publish.payload, span_of_text(payload)));
    }
    assert_in_range(sent, KEPT, away ? KEPT : KEPT + 10);
    assert_int_equal(r.broker.shards[0]->stats.dropped_queue_full, MESSAGES - sent);
    rig_client_close(&publisher);
    rig_client_close(&c);
    rig_close(&r);
}

static void
test_queue(void **state)
{
    (void)state;
    for (uint8_t qos = 1; qos <= 2; qos++) {
        queue(10, 67108864, true, qos);
        queue(10, 67108864, false, qos);
        queue(1000, 10 * 106 + 105, true, qos); /* a packet has 2 + 3 + 1 + 100 bytes */
        queue(1000, 10 * 106 + 105, false, qos);
    }
}

/* QoS 0 goes past QoS 1 messages that wait for quota, but not past QoS 0 messages that wait for
 * room. */
static void
test_qos_0_and_a_queue(void **state)
{
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    settings.inflight_max = 1;
    settings.output_bytes_max = 1024;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &publisher, "publisher");
    rig_client_connect(&r, &c, "c");
    rig_subscribe(&c, "t", 1);
    rig_publish_qos(&publisher, "t", "1", 1, 1);
    rig_publish_qos(&publisher, "t", "2", 1, 2);
    rig_publish(&publisher, "t", "past");
    rig_expect_publish(&c, "1", &packet);
    rig_expect_publish(&c, "past", &packet);
    rig_expect_nothing(&c);
    rig_ack(&c, WIRE_PUBACK, 1);
    rig_expect_publish(&c, "2", &packet);

    for (int i = 0; i < 100; i++) {
        char topic[] = {'r', '/', (char)('a' + i / 10), (char)('a' + i % 10), '\0'};

        packet = rig_publish_packet(topic, "some twenty characters", 0, 0);
        packet.as.publish.retain = true;
        rig_send(&publisher, &packet);
    }
    c.is_stuck = true;
    packet = (struct wire_any){.type = WIRE_SUBSCRIBE,
                               .as.subscribe = {.packet_id = 1,
                                                .count = 1,
                                                .subscriptions = &(struct wire_subscription){
                                                    .filter = SPAN_LITERAL("r/#")}}};
    rig_send(&c, &packet);
    assert_true(c.conn.session->waiting->qos_0_count > 0);
    rig_publish(&publisher, "t", "behind");
    unstick(&r, &c);
    rig_expect(&c, WIRE_SUBACK, &packet);
    for (int i = 0; i < 100; i++) {
        rig_expect_publish(&c, "some twenty characters", &packet);
    }
    rig_expect_publish(&c, "behind", &packet);
    rig_client_close(&publisher);
    rig_client_close(&c);
    rig_close(&r);
}

static void
retain(struct rig_client *c, const char *topic, const char *payload, uint8_t qos)
{
    struct wire_any packet = rig_publish_packet(topic, payload, qos, 9);

    packet.as.publish.retain = true;
    rig_send(c, &packet);
    if (qos > 0) {
        rig_expect(c, WIRE_PUBACK, &packet);
    }
}

/* There is room again, but the retained messages wait behind one of QoS 1 that waits for quota: a
 * new message of QoS 0 waits behind them. */
static void
test_qos_0_waits_its_turn(void **state)
{
    enum { PINGS = 600 };
    static const uint8_t subscribe[] = {0x82, 15, 0, 1, 0,   0,   3,   'r', '/',
                                        '1',  1,  0, 3, 'r', '/', '0', 0};
    uint8_t bytes[2 * PINGS + sizeof(subscribe)];
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    settings.inflight_max = 1;
    settings.output_bytes_max = 1024;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &publisher, "publisher");
    rig_client_connect(&r, &c, "c");
    retain(&publisher, "r/1", "retained 1", 1);
    retain(&publisher, "r/0", "retained 0", 0);
    rig_subscribe(&c, "t", 1);
    rig_publish_qos(&publisher, "t", "under way", 1, 1);
    rig_expect_publish(&c, "under way", &packet);
    for (int i = 0; i < PINGS; i++) {
        memcpy(bytes + 2 * i, "\xC0\x00", 2);
    }
    memcpy(bytes + 2 * PINGS, subscribe, sizeof(subscribe));
    c.is_stuck = true;
    rig_send_bytes(&c, bytes, sizeof(bytes));
    unstick(&r, &c);
    for (int i = 0; i < PINGS; i++) {
        rig_expect(&c, WIRE_PINGRESP, &packet);
    }
    rig_expect(&c, WIRE_SUBACK, &packet);
    rig_publish(&publisher, "t", "new");
    rig_expect_nothing(&c);
    rig_ack(&c, WIRE_PUBACK, 1);
    rig_expect_publish(&c, "retained 1", &packet);
    rig_expect_publish(&c, "retained 0", &packet);
    rig_expect_publish(&c, "new", &packet);
    rig_expect_nothing(&c);
    rig_client_close(&publisher);
    rig_client_close(&c);
    rig_close(&r);
}

/* Answers to a client that does not read them: nothing more is taken from it, so they are bounded,
 * however many packets it sends (PINGREQ, SUBSCRIBE, PUBLISH floods). */
static void
test_reflected_output(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
    } packets[] = {
        {"\xC0\x00", 2},
        {"\x82\x07\x00\x01\x00\x00\x01t\x00", 9},
        {"\xA2\x06\x00\x01\x00\x00\x01u", 8},
        {"\x32\x07\x00\x01u\x00\x05\x00x", 9},
        {"\x34\x07\x00\x01u\x00\x05\x00x", 9},
        {"\x62\x02\x00\x09", 4},
    };
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client c;

    (void)state;
    settings.output_bytes_max = 2048;
    rig_open(&r, 1, &settings);
    for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
        rig_client_connect(&r, &c, "c");
        c.is_stuck = true;
        for (int n = 0; n < 3000; n++) {
            rig_send_bytes(&c, packets[i].bytes, packets[i].len);
        }
        assert_in_range(c.conn.output.bytes, 2048, 2048 + 16);
        assert_false(conn_wants_input(&c.conn));
        unstick(&r, &c);
        assert_true(conn_wants_input(&c.conn));
        assert_false(rig_client_is_ended(&c));
        rig_client_close(&c);
    }
    rig_close(&r);
}

/* Keep Alive: one and a half times the interval after the last whole packet, never earlier
 * [MQTT-3.1.2-22], [MQTT-3.2.2-22]; a trickled packet is no life. */
static void
keep_alive(enum wire_version version)
{
    static const uint8_t publish[] = {0x30, 0x05, 0x00, 0x01, 't', 0x00, 'x'};
    struct wire_connect how = rig_lasting("c", 0);
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    how.version = version;
    how.keep_alive = 4;
    rig_open(&r, 1, NULL);
    rig_connect(&r, &c, &how, &packet);
    for (int i = 0; i < 5; i++) {
        rig_advance(&r, 5999);
        assert_false(rig_client_is_ended(&c));
        rig_send_bytes(&c, "\xC0\x00", 2);
        rig_expect(&c, WIRE_PINGRESP, &packet);
    }
    for (int i = 0; i < 5; i++) {
        rig_send_bytes(&c, publish + i, 1);
        rig_advance(&r, 1000);
    }
    rig_advance(&r, 999);
    assert_false(rig_client_is_ended(&c));
    rig_advance(&r, 1);
    rig_expect_end(&c, 0x8D);
    rig_client_close(&c);
    rig_close(&r);
}

static void
test_keep_alive(void **state)
{
    (void)state;
    keep_alive(WIRE_V5);
    keep_alive(WIRE_V311);
    keep_alive(WIRE_V31);
}

static void
test_no_keep_alive(void **state)
{
    struct wire_connect how = rig_lasting("c", 0);
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_connect(&r, &c, &how, &packet);
    rig_advance(&r, UINT64_C(1) << 45);
    assert_false(rig_client_is_ended(&c));
    assert_true(shard_deadline_ms(r.broker.shards[0]) == UINT64_MAX); /* nothing to wake up for */
    how.keep_alive = 65535;
    rig_client_close(&c);
    rig_connect(&r, &c, &how, &packet);
    rig_advance(&r, 98302499);
    assert_false(rig_client_is_ended(&c));
    rig_advance(&r, 1);
    rig_expect_end(&c, 0x8D);
    rig_client_close(&c);
    rig_close(&r);
}

/* An idle connection owns no buffers. */
static void
test_idle_owns_little(void **state)
{
    struct rig r;
    struct rig_client c;
    size_t live = 0;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &c, "first");
    rig_subscribe(&c, "t", 0);
    rig_client_close(&c);
    live = r.alloc.live;
    rig_client_connect(&r, &c, "c");
    assert_in_range(r.alloc.live, live, live + 2); /* the session, and a bucket of its table */
    rig_client_close(&c);
    assert_int_equal(r.alloc.live, live);
    rig_close(&r);
}

/* In the steady state a message costs its own block of memory and, where it must be tracked, one
 * for each client that is sent it; not a packet more, and no more blocks live afterwards. */
static void
test_allocations_in_the_steady_state(void **state)
{
    enum { MESSAGES = 100 };
    static const size_t wanted[] = {1, 2, 2};

    (void)state;
    for (uint8_t qos = 0; qos <= 2; qos++) {
        struct rig r;
        struct rig_client publisher;
        struct rig_client c;
        size_t attempts = 0;

        rig_open(&r, 1, NULL);
        rig_client_connect(&r, &publisher, "publisher");
        rig_client_connect(&r, &c, "c");
        rig_subscribe(&c, "t/+", qos);
        for (uint16_t i = 0; i < 2 * MESSAGES; i++) {
            uint16_t id = (uint16_t)(i % 50 + 1);
            struct wire_any packet;

            if (i == MESSAGES) {
                attempts = r.alloc.attempts;
            }
            rig_publish_qos(&publisher, "t/x", "x", qos, id);
            rig_expect_publish(&c, "x", &packet);
            if (qos == 1) {
                rig_ack(&c, WIRE_PUBACK, packet.as.publish.packet_id);
            } else if (qos == 2) {
                rig_ack(&publisher, WIRE_PUBREL, id);
                rig_ack(&c, WIRE_PUBREC, packet.as.publish.packet_id);
                rig_ack(&c, WIRE_PUBCOMP, packet.as.publish.packet_id);
                rig_expect(&c, WIRE_PUBREL, &packet);
            }
        }
        assert_int_equal(r.alloc.attempts - attempts, MESSAGES * wanted[qos]);
        rig_client_close(&publisher);
        rig_client_close(&c);
        rig_close(&r);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_qos_0_to_a_stuck_client),
        cmocka_unit_test(test_queue),
        cmocka_unit_test(test_qos_0_and_a_queue),
        cmocka_unit_test(test_qos_0_waits_its_turn),
        cmocka_unit_test(test_reflected_output),
        cmocka_unit_test(test_keep_alive),
        cmocka_unit_test(test_no_keep_alive),
        cmocka_unit_test(test_idle_owns_little),
        cmocka_unit_test(test_allocations_in_the_steady_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
