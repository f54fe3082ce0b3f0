/* Sessions: what outlives a connection, for how long, and what another connection takes over. */
#include "broker/core/session.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* [MQTT-3.1.2-5], [MQTT-4.5.0-1], [U-4.1-1]: subscriptions and what was published meanwhile, in
 * order [MQTT-4.6.0-6]; QoS 0 is not kept [U-4.3.1-1]. */
static void
test_outlives_its_connection(void **state)
{
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;
    char payload[8];

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        rig_open(&r, shards, NULL);
        rig_client_connect(&r, &publisher, "publisher");
        rig_resume(&r, &c, "c", false); /* [MQTT-3.1.2-6] */
        rig_subscribe(&c, "t", 2);
        rig_client_drop(&c);
        rig_client_close(&c);
        for (uint16_t i = 1; i <= 9; i++) {
            (void)snprintf(payload, sizeof(payload), "%u", i);
            rig_publish_qos(&publisher, "t", payload, (uint8_t)(i % 3), i);
        }
        rig_advance(&r, UINT64_C(100000000));
        rig_resume(&r, &c, "c", true); /* CONNACK comes first [MQTT-3.2.0-1] */
        for (uint16_t i = 1; i <= 9; i++) {
            (void)snprintf(payload, sizeof(payload), "%u", i);
            if (i % 3 != 0) {
                rig_expect_publish(&c, payload, &packet);
                assert_int_equal(packet.as.publish.qos, i % 3);
                assert_false(packet.as.publish.dup);
            }
        }
        rig_expect_nothing(&c);
        rig_publish(&publisher, "t", "now");
        rig_expect_publish(&c, "now", &packet);
        rig_client_close(&publisher);
        rig_client_close(&c);
        rig_close(&r);
    }
}

/* [MQTT-3.1.2-4], [MQTT-3.1.4-4], [MQTT-3.2.2-2]: Clean Start ends what was there. */
static void
test_clean_start(void **state)
{
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &publisher, "publisher");
    rig_resume(&r, &c, "c", false);
    rig_subscribe(&c, "t", 1);
    rig_publish_qos(&c, "x", "x", 2, 5);
    rig_expect_ack(&c, WIRE_PUBREC, 5, 0x10);
    rig_client_close(&c);
    rig_publish_qos(&publisher, "t", "lost", 1, 1);
    rig_client_connect(&r, &c, "c"); /* says Session Present 0 */
    rig_expect_nothing(&c);
    rig_ack(&c, WIRE_PUBREL, 5);
    rig_expect_ack(&c, WIRE_PUBCOMP, 5, 0x92);
    rig_expect_ack(&publisher, WIRE_PUBACK, 1, 0);
    rig_publish_qos(&publisher, "t", "nobody", 1, 2);
    rig_expect_ack(&publisher, WIRE_PUBACK, 2, 0x10);
    rig_client_close(&c);
    rig_resume(&r, &c, "c", false); /* the clean one ended with its connection */
    rig_client_close(&publisher);
    rig_client_close(&c);
    rig_close(&r);
}

/* The Session Expiry Interval of CONNECT, and what DISCONNECT makes of it [U-3.14.2-3]; to the
 * millisecond [MQTT-3.1.2-23], [MQTT-4.1.0-2]. */
static const struct {
    const char *name;
    uint32_t connect_s;
    int64_t disconnect_s; /* -1: not said */
    uint64_t max_s;       /* session_expiry_max_s */
    uint64_t want_ms;     /* how long it lives; UINT64_MAX: for ever */
} expiries[] = {
    {"none", 0, -1, UINT32_MAX, 0},
    {"a second", 1, -1, UINT32_MAX, 1000},
    {"for ever", UINT32_MAX, -1, UINT32_MAX, UINT64_MAX},
    {"nearly for ever", UINT32_MAX - 1, -1, UINT32_MAX, UINT64_C(4294967294000)},
    {"longer at the end", 1, 100, UINT32_MAX, 100000},
    {"shorter at the end", 60, 2, UINT32_MAX, 2000},
    {"none at the end", 60, 0, UINT32_MAX, 0},
    {"for ever at the end", 60, UINT32_MAX, UINT32_MAX, UINT64_MAX},
    {"at most", 60, -1, 30, 30000},
    {"for ever, at most", UINT32_MAX, -1, 30, 30000},
    {"at most, at the end", 10, 60, 30, 30000},
    {"never any", 60, 60, 0, 0},
};

static void
disconnect_with_expiry(struct rig_client *c, uint32_t expiry_s)
{
    struct wire_any packet = {.type = WIRE_DISCONNECT};

    packet.as.disconnect.properties.session_expiry_interval = expiry_s;
    wire_properties_set(&packet.as.disconnect.properties, WIRE_SESSION_EXPIRY_INTERVAL);
    rig_send(c, &packet);
}

static bool
is_there(struct rig *r)
{
    return atomic_load(&r->broker.session_count) != 0;
}

static void
test_expiry(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(expiries) / sizeof(expiries[0]); i++) {
        struct settings settings = settings_default();
        const struct wire_connect how = rig_lasting("c", expiries[i].connect_s);
        struct rig r;
        struct rig_client c;
        struct wire_any connack;

        print_message("%s\n", expiries[i].name);
        settings.session_expiry_max_s = expiries[i].max_s;
        rig_open(&r, 1, &settings);
        rig_connect(&r, &c, &how, &connack);
        rig_advance(&r, 200000); /* no clock runs while it is connected [MQTT-4.1.0-1] */
        rig_subscribe(&c, "t", 1);
        if (expiries[i].disconnect_s >= 0) {
            disconnect_with_expiry(&c, (uint32_t)expiries[i].disconnect_s);
            assert_int_equal(c.input_at, c.input_len);
        }
        rig_client_close(&c);
        assert_int_equal(is_there(&r), expiries[i].want_ms > 0);
        if (expiries[i].want_ms == UINT64_MAX) {
            rig_advance(&r, UINT64_C(1) << 50);
            assert_true(is_there(&r));
        } else if (expiries[i].want_ms > 0) {
            rig_advance(&r, expiries[i].want_ms - 1);
            assert_true(is_there(&r));
            rig_advance(&r, 1);
            assert_int_equal(r.broker.shards[0]->stats.sessions_expired, 1);
        }
        if (expiries[i].want_ms != UINT64_MAX) {
            assert_false(is_there(&r));
            assert_int_equal(topic_index_count(r.broker.index), 0);
        }
        rig_close(&r);
    }
}

/* [U-3.14.2-2]: from 0 there is no way up. */
static void
test_expiry_from_zero(void **state)
{
    struct rig r;
    struct rig_client c;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &c, "c");
    disconnect_with_expiry(&c, 1);
    rig_expect_end(&c, 0x82);
    assert_false(is_there(&r));
    rig_client_close(&c);
    rig_client_connect(&r, &c, "c");
    disconnect_with_expiry(&c, 0);
    rig_expect_nothing(&c);
    assert_true(rig_client_is_ended(&c));
    rig_client_close(&c);
    rig_close(&r);
}

/* A new CONNECT decides anew for how long; an old clock is stopped. */
static void
test_expiry_is_renewed(void **state)
{
    struct wire_connect how = rig_lasting("c", 10);
    struct rig r;
    struct rig_client c;
    struct wire_any connack;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_connect(&r, &c, &how, &connack);
    rig_client_close(&c);
    rig_advance(&r, 9000);
    how = rig_lasting("c", 100);
    rig_connect(&r, &c, &how, &connack);
    assert_true(connack.as.connack.session_present);
    rig_advance(&r, 50000);
    assert_false(rig_client_is_ended(&c));
    rig_client_close(&c);
    rig_advance(&r, 99999);
    assert_true(is_there(&r));
    rig_advance(&r, 1);
    assert_false(is_there(&r));
    rig_close(&r);
}

/* What a session holds goes with it (CVE-2025-62723). */
static void
test_expiry_gives_memory_back(void **state)
{
    enum { SESSIONS = 200 };
    struct wire_connect how = rig_lasting("", 1);
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any connack;
    char name[16];

    (void)state;
    rig_open(&r, 4, NULL);
    rig_client_connect(&r, &publisher, "publisher");
    for (unsigned i = 0; i < SESSIONS; i++) {
        (void)snprintf(name, sizeof(name), "c%u", i);
        how.client_id = span_of_text(name);
        rig_connect(&r, &c, &how, &connack);
        rig_subscribe(&c, "t/+", 2);
        rig_client_close(&c);
    }
    for (uint16_t id = 1; id <= 10; id++) {
        rig_publish_qos(&publisher, "t/x", "x", 2, id);
    }
    assert_true(r.alloc.live > SESSIONS * 10);
    rig_advance(&r, 1000);
    assert_int_equal(atomic_load(&r.broker.session_count), 1);
    assert_int_equal(topic_index_count(r.broker.index), 0);
    assert_in_range(r.alloc.live, 1, SESSIONS * 3);
    rig_client_close(&publisher);
    rig_close(&r);
}

/* [MQTT-3.1.4-3]: the old connection is told 0x8E and ended; what it had under way goes on. */
static void
takeover(unsigned shards, enum wire_version old_version, enum wire_version version)
{
    struct wire_connect how = rig_lasting("c", UINT32_MAX);
    struct rig r;
    struct rig_client publisher;
    struct rig_client old;
    struct rig_client c;
    struct wire_any packet;

    rig_open(&r, shards, NULL);
    rig_client_connect(&r, &publisher, "publisher");
    how.version = old_version;
    rig_connect(&r, &old, &how, &packet);
    rig_subscribe(&old, "t", 1);
    rig_publish_qos(&publisher, "t", "one", 1, 1);
    rig_expect_publish(&old, "one", &packet);
    old.is_stuck = true;
    rig_publish_qos(&publisher, "t", "two", 1, 2); /* waits in its output */
    how.version = version;
    rig_connect(&r, &c, &how, &packet);
    assert_int_equal(packet.as.connack.reason_code, 0);
    assert_int_equal(packet.as.connack.session_present, version != WIRE_V31);
    old.is_stuck = false;
    conn_touch(&old.conn);
    rig_settle(&r);
    rig_expect_publish(&old, "two", &packet);
    rig_expect_end(&old, 0x8E);
    rig_expect_publish(&c, "one", &packet);
    assert_true(packet.as.publish.dup);
    rig_expect_publish(&c, "two", &packet);
    assert_true(packet.as.publish.dup);
    rig_publish_qos(&publisher, "t", "three", 1, 3);
    rig_expect_publish(&c, "three", &packet);
    rig_expect_nothing(&c);
    rig_send_bytes(&old, "\xC0\x00", 2); /* nobody listens any more */
    rig_client_close(&old);
    rig_publish_qos(&publisher, "t", "four", 1, 4);
    rig_expect_publish(&c, "four", &packet);
    rig_client_close(&publisher);
    rig_client_close(&c);
    rig_close(&r);
}

static void
test_takeover(void **state)
{
    static const enum wire_version versions[] = {WIRE_V31, WIRE_V311, WIRE_V5};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++) {
            takeover(1, versions[i], versions[k]);
            takeover(4, versions[i], versions[k]);
        }
    }
}

/* Many takeovers while messages come: every one arrives, none twice but as DUP. */
static void
test_takeover_storm(void **state)
{
    enum { ROUNDS = 300 };
    struct rig r;
    struct rig_client publisher;
    struct rig_client c[2];
    static bool seen[ROUNDS];
    struct wire_any packet;
    char payload[8];

    (void)state;
    rig_open(&r, 4, NULL);
    rig_client_connect(&r, &publisher, "publisher");
    rig_resume(&r, &c[0], "c", false);
    rig_subscribe(&c[0], "t", 1);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct rig_client *now = &c[(i + 1) % 2];

        (void)snprintf(payload, sizeof(payload), "%u", i);
        rig_publish_qos(&publisher, "t", payload, 1, 1);
        rig_resume(&r, now, "c", true);
        rig_client_close(&c[i % 2]);
        while (rig_next(now, &packet)) {
            unsigned long number = 0;

            if (packet.type != WIRE_PUBLISH) {
                continue;
            }
            memset(payload, 0, sizeof(payload));
            memcpy(payload, packet.as.publish.payload.data, packet.as.publish.payload.len);
            number = strtoul(payload, NULL, 10);
            assert_true(packet.as.publish.dup || !seen[number]);
            seen[number] = true;
            rig_ack(now, WIRE_PUBACK, packet.as.publish.packet_id);
        }
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        assert_true(seen[i]);
    }
    rig_client_close(&publisher);
    rig_client_close(&c[ROUNDS % 2]);
    rig_close(&r);
}

/* A takeover of a client that does not read at all, nor ever will. */
static void
test_takeover_of_a_stuck_client(void **state)
{
    struct rig r;
    struct rig_client old;
    struct rig_client c;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_resume(&r, &old, "c", false);
    old.is_stuck = true;
    rig_resume(&r, &c, "c", true);
    assert_false(rig_client_is_ended(&old));
    assert_false(conn_wants_input(&old.conn));
    rig_client_close(&old);
    assert_false(rig_client_is_ended(&c));
    assert_non_null(c.conn.session);
    rig_client_close(&c);
    rig_close(&r);
}

/* DISCONNECT from a client: the codes it may send end the connection without a word [U-3.14.4-1],
 * those of a server are a protocol error [MQTT-3.14.2-1]; reserved flags are malformed
 * [MQTT-3.14.1-1]. */
static void
test_disconnect_codes(void **state)
{
    static const uint8_t of_clients[] = {0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90,
                                         0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99};
    struct rig r;
    struct rig_client c;

    (void)state;
    rig_open(&r, 1, NULL);
    for (unsigned code = 0; code <= 0xFF; code++) {
        const uint8_t bytes[] = {0xE0, 0x01, (uint8_t)code};

        rig_client_connect(&r, &c, "c");
        rig_send_bytes(&c, bytes, sizeof(bytes));
        if (memchr(of_clients, (int)code, sizeof(of_clients)) != NULL) {
            rig_expect_nothing(&c);
            assert_true(rig_client_is_ended(&c));
        } else {
            rig_expect_end(&c, 0x82);
        }
        rig_client_close(&c);
    }
    rig_client_connect(&r, &c, "c");
    rig_send_bytes(&c, "\xE1\x00", 2);
    rig_expect_end(&c, 0x81);
    rig_client_close(&c);
    rig_client_connect(&r, &c, "c"); /* CVE-2024-8376: nothing behind it is looked at */
    rig_send_bytes(&c, "\xE0\x00\xC0\x00\xE0\x00", 6);
    rig_expect_nothing(&c);
    rig_client_close(&c);
    rig_close(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outlives_its_connection),
        cmocka_unit_test(test_clean_start),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_expiry_from_zero),
        cmocka_unit_test(test_expiry_is_renewed),
        cmocka_unit_test(test_expiry_gives_memory_back),
        cmocka_unit_test(test_takeover),
        cmocka_unit_test(test_takeover_storm),
        cmocka_unit_test(test_takeover_of_a_stuck_client),
        cmocka_unit_test(test_disconnect_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
