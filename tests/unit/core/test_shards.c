/* What crosses shards: messages in order, each to its targets, through inboxes. Shards are run by
 * hand here, so that the test decides what has arrived where. */
#include "broker/core/mail.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SHARDS 4

/* A client identifier that belongs to this shard. */
static void
name_in(const struct rig *r, unsigned shard, const char *prefix, char out[16])
{
    unsigned i = 0;

    do {
        (void)snprintf(out, 16, "%s%u", prefix, i++);
    } while (broker_shard_of(&r->broker, span_of_text(out)) != r->broker.shards[shard]);
}

static void
connect_in(struct rig *r, struct rig_client *c, unsigned shard, const char *prefix)
{
    char name[16];

    name_in(r, shard, prefix, name);
    rig_client_connect(r, c, name);
}

/* Feeds a packet without letting any shard but the client's own run. */
static void
feed_publish(struct rig_client *c, const char *topic, const char *payload)
{
    const struct wire_any packet = rig_publish_packet(topic, payload, 0, 0);
    uint8_t bytes[128];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    size_t len = 0;

    wire_any_encode(&w, &packet, WIRE_V5);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    conn_feed(&c->conn, span_of(bytes, len));
}

/* One mail to each other shard that has targets, and a bit for it; deliveries at home are not
 * mailed. */
static void
test_mail_and_kicks(void **state)
{
    struct rig r;
    struct rig_client publisher;
    struct rig_client c[SHARDS];
    struct wire_any packet;

    (void)state;
    rig_open(&r, SHARDS, NULL);
    connect_in(&r, &publisher, 0, "publisher");
    for (unsigned i = 0; i < SHARDS; i++) {
        connect_in(&r, &c[i], i, "c");
        rig_subscribe(&c[i], i == 3 ? "other" : "t", 0);
    }
    rig_settle(&r);
    (void)shard_take_kicks(r.broker.shards[0]);
    feed_publish(&publisher, "t", "x");
    assert_int_equal(shard_take_kicks(r.broker.shards[0]), 1U << 1 | 1U << 2);
    assert_int_equal(shard_take_kicks(r.broker.shards[0]), 0);
    assert_false(shard_has_mail(r.broker.shards[0]));
    assert_true(shard_has_mail(r.broker.shards[1]));
    assert_true(shard_has_mail(r.broker.shards[2]));
    assert_false(shard_has_mail(r.broker.shards[3]));
    rig_settle(&r);
    for (unsigned i = 0; i < 3; i++) {
        rig_expect_publish(&c[i], "x", &packet);
    }
    for (unsigned i = 0; i < SHARDS; i++) {
        rig_expect_nothing(&c[i]);
        rig_client_close(&c[i]);
    }
    rig_client_close(&publisher);
    rig_close(&r);
}

/* [MQTT-4.6.0-5], [MQTT-4.6.0-6]: one publisher's messages keep their order in every shard. */
static void
test_order(void **state)
{
    enum { MESSAGES = 200 };
    struct rig r;
    struct rig_client publisher;
    struct rig_client c[SHARDS];
    struct wire_any packet;
    char payload[16];

    (void)state;
    rig_open(&r, SHARDS, NULL);
    connect_in(&r, &publisher, 1, "publisher");
    for (unsigned i = 0; i < SHARDS; i++) {
        connect_in(&r, &c[i], i, "c");
        rig_subscribe(&c[i], "t/#", 0);
    }
    for (unsigned i = 0; i < MESSAGES; i++) {
        (void)snprintf(payload, sizeof(payload), "%u", i);
        feed_publish(&publisher, i % 2 == 0 ? "t/a" : "t/b", payload);
        if (i % 7 == 0) {
            shard_run_inbox(r.broker.shards[i % SHARDS]);
        }
    }
    rig_settle(&r);
    for (unsigned i = 0; i < MESSAGES; i++) {
        (void)snprintf(payload, sizeof(payload), "%u", i);
        for (unsigned k = 0; k < SHARDS; k++) {
            rig_expect_publish(&c[k], payload, &packet);
        }
    }
    for (unsigned i = 0; i < SHARDS; i++) {
        rig_client_close(&c[i]);
    }
    rig_client_close(&publisher);
    rig_close(&r);
}

/* Each target of a mail brings its own QoS, RETAIN flag and identifiers. */
static void
test_targets_of_a_mail(void **state)
{
    enum { CLIENTS = 12 };
    struct rig r;
    struct rig_client publisher;
    struct rig_client c[CLIENTS];
    struct wire_any packet;

    (void)state;
    rig_open(&r, SHARDS, NULL);
    connect_in(&r, &publisher, 0, "publisher");
    for (unsigned i = 0; i < CLIENTS; i++) {
        char prefix[] = {'c', (char)('a' + i), '\0'};

        connect_in(&r, &c[i], i % SHARDS, prefix);
        for (uint32_t k = 0; k <= i % 3; k++) { /* so many subscriptions that match */
            const struct wire_subscription w = {
                .filter = span_of_text(k == 0   ? "t/x"
                                       : k == 1 ? "t/+"
                                                : "t/#"),
                .qos = (uint8_t)(i % 2),
                .retain_as_published = i % 4 < 2,
            };

            rig_subscribe_with(&c[i], &w, 100 * i + k + 1, w.qos);
        }
    }
    packet = rig_publish_packet("t/x", "x", 1, 1);
    packet.as.publish.retain = true;
    rig_send(&publisher, &packet);
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct wire_property_iterator it;
        struct wire_property property;
        uint32_t sum = 0;

        rig_expect_publish(&c[i], "x", &packet);
        assert_int_equal(packet.as.publish.qos, i % 2);
        assert_int_equal(packet.as.publish.retain, i % 4 < 2);
        it = wire_property_iterate(packet.as.publish.properties.block);
        while (wire_property_next(&it, &property)) {
            assert_int_equal(property.id, WIRE_SUBSCRIPTION_IDENTIFIER);
            assert_int_equal(property.number / 100, i);
            sum += property.number % 100;
        }
        assert_int_equal(sum, i % 3 == 0 ? 1 : i % 3 == 1 ? 1 + 2 : 1 + 2 + 3);
        rig_expect_nothing(&c[i]);
        rig_client_close(&c[i]);
    }
    rig_client_close(&publisher);
    rig_close(&r);
}

/* Mail that comes too late: its session has ended, and another may be in its slot. */
static void
test_mail_to_nobody(void **state)
{
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct rig_client other;

    (void)state;
    rig_open(&r, SHARDS, NULL);
    connect_in(&r, &publisher, 0, "publisher");
    connect_in(&r, &c, 1, "c");
    rig_subscribe(&c, "t", 0);
    feed_publish(&publisher, "t", "x");
    conn_lost(&c.conn); /* before its shard looks into the inbox */
    conn_fini(&c.conn);
    c.is_open = false;
    rig_client_open(&r, &other, "", WIRE_V5);
    rig_client_close(&other);
    connect_in(&r, &other, 1, "other");
    rig_expect_nothing(&other);
    rig_client_close(&other);
    rig_client_close(&c);
    rig_client_close(&publisher);
    rig_close(&r);
}

/* A broker that ends with mail still in its inboxes gives everything back. */
static void
test_mail_at_the_end(void **state)
{
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;

    (void)state;
    rig_open(&r, SHARDS, NULL);
    connect_in(&r, &publisher, 0, "publisher");
    connect_in(&r, &c, 1, "c");
    rig_subscribe(&c, "t", 0);
    feed_publish(&publisher, "t", "x");
    conn_fini(&publisher.conn);
    conn_fini(&c.conn);
    free(publisher.input);
    free(c.input);
    broker_fini(&r.broker);
    assert_int_equal(r.alloc.live, 0);
}

/* A will whose subscribers live elsewhere, published by a timer. */
static void
test_will_elsewhere(void **state)
{
    struct wire_connect how = rig_lasting("", 100);
    struct rig r;
    struct rig_client witness;
    struct rig_client c;
    struct wire_any packet;
    char name[16];

    (void)state;
    rig_open(&r, SHARDS, NULL);
    connect_in(&r, &witness, 3, "witness");
    rig_subscribe(&witness, "will", 1);
    name_in(&r, 2, "c", name);
    how.client_id = span_of_text(name);
    how.has_will = true;
    how.will.topic = SPAN_LITERAL("will");
    how.will.payload = SPAN_LITERAL("gone");
    how.will.properties.will_delay_interval = 5;
    wire_properties_set(&how.will.properties, WIRE_WILL_DELAY_INTERVAL);
    rig_connect(&r, &c, &how, &packet);
    rig_client_drop(&c);
    rig_client_close(&c);
    (void)shard_take_kicks(r.broker.shards[2]);
    r.now_ms += 5000;
    shard_advance(r.broker.shards[2], r.now_ms * 1000);
    assert_int_equal(shard_take_kicks(r.broker.shards[2]), 1U << 3);
    rig_settle(&r);
    rig_expect_publish(&witness, "gone", &packet);
    rig_client_close(&witness);
    rig_close(&r);
}

/* The id of the session in the first slot; SESSION_ID_NONE: there is none that is connected. */
static uint64_t
connected_id(const struct session_table *t)
{
    for (uint32_t generation = 1; generation < 40; generation++) {
        uint64_t id = session_id_make(0, generation, 0);

        if (session_table_presence(t, id) > SESSION_OFFLINE) {
            return id;
        }
    }
    return SESSION_ID_NONE;
}

/* A session is found from other shards by its id for as long as it lives, and not a moment longer,
 * whether another has its slot or not. */
static void
test_presence(void **state)
{
    struct rig r;
    struct rig_client c;
    const struct session_table *table = NULL;

    (void)state;
    rig_open(&r, 1, NULL);
    table = &r.broker.shards[0]->sessions;
    for (int i = 0; i < 3; i++) {
        uint64_t lasting = SESSION_ID_NONE;
        uint64_t clean = SESSION_ID_NONE;

        rig_resume(&r, &c, "c", false);
        lasting = connected_id(table);
        assert_non_null(session_table_get(table, lasting));
        rig_client_drop(&c);
        assert_int_equal(session_table_presence(table, lasting), SESSION_OFFLINE);
        rig_client_close(&c);
        rig_client_connect(&r, &c, "c"); /* Clean Start: the old session ends */
        assert_int_equal(session_table_presence(table, lasting), SESSION_GONE);
        clean = connected_id(table);
        assert_non_null(session_table_get(table, clean));
        rig_client_close(&c);
        assert_int_equal(session_table_presence(table, lasting), SESSION_GONE);
        assert_int_equal(session_table_presence(table, clean), SESSION_GONE);
        assert_null(session_table_get(table, lasting));
        assert_null(session_table_get(table, clean));
    }
    assert_int_equal(session_table_presence(table, session_id_make(0, 1, 99999)), SESSION_GONE);
    assert_int_equal(session_table_presence(table, session_id_make(0, 1, UINT32_MAX)),
                     SESSION_GONE);
    rig_close(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail_and_kicks),    cmocka_unit_test(test_order),
        cmocka_unit_test(test_targets_of_a_mail), cmocka_unit_test(test_mail_to_nobody),
        cmocka_unit_test(test_mail_at_the_end),   cmocka_unit_test(test_will_elsewhere),
        cmocka_unit_test(test_presence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
