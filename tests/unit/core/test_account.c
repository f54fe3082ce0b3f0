/* client_bytes_max: one sum for all that is kept for a client. Each test makes one part of it grow
 * until the broker says no, by its name; and in the end the sum is what it was. */
#include "broker/core/account.h"

#include "broker/core/session.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CLIENT_BYTES 262144U
#define LARGE        16384U

static char large[LARGE + 1];

/* Half of client_bytes_max is for what is asked for: the rest would not hold twice the largest
 * packet. */
static struct settings
small_account(void)
{
    struct settings settings = settings_default();

    settings.client_bytes_max = CLIENT_BYTES;
    memset(large, 'x', LARGE);
    return settings;
}

static void
open_rig(struct rig *r, struct rig_client *c)
{
    struct settings settings = small_account();

    rig_open(r, 1, &settings);
    rig_client_connect(r, c, "c");
    assert_int_equal(account_bytes(c->conn.session), 0);
}

static uint8_t
subscribe(struct rig_client *c, const char *filter)
{
    const struct wire_subscription w = {.filter = span_of_text(filter), .qos = 1};
    struct wire_any packet = {
        .type = WIRE_SUBSCRIBE,
        .as.subscribe = {.packet_id = 1, .count = 1, .subscriptions = &w},
    };

    rig_send(c, &packet);
    rig_expect(c, WIRE_SUBACK, &packet);
    return packet.as.suback.reason_codes.data[0];
}

static void
unsubscribe(struct rig_client *c, const char *filter)
{
    const struct span w = span_of_text(filter);
    struct wire_any packet = {
        .type = WIRE_UNSUBSCRIBE,
        .as.unsubscribe = {.packet_id = 1, .count = 1, .filters = &w},
    };

    rig_send(c, &packet);
    rig_expect(c, WIRE_UNSUBACK, &packet);
    assert_int_equal(packet.as.suback.reason_codes.data[0], 0);
}

/* Long filters are refused long before subscriptions_max; a subscription that is replaced counts
 * once; ending them gives all back. */
static void
subscribe_until_refused(const char *prefix)
{
    struct rig r;
    struct rig_client c;
    char filter[LARGE + 64];
    unsigned granted = 0;

    open_rig(&r, &c);
    for (;;) {
        (void)snprintf(filter, sizeof(filter), "%s%u/%s", prefix, granted, large);
        if (subscribe(&c, filter) == 0x97) {
            break;
        }
        assert_int_equal(subscribe(&c, filter), 1);
        granted++;
        assert_true(account_bytes(c.conn.session) >= (uint64_t)granted * LARGE);
        assert_true(account_bytes(c.conn.session) <= CLIENT_BYTES / 2);
    }
    assert_int_equal(granted, CLIENT_BYTES / 2 / LARGE - 1);
    assert_int_equal(subscribe(&c, "short"), 1); /* what fits is still taken */
    unsubscribe(&c, "short");
    while (granted > 0) {
        granted--;
        (void)snprintf(filter, sizeof(filter), "%s%u/%s", prefix, granted, large);
        unsubscribe(&c, filter);
    }
    assert_int_equal(account_bytes(c.conn.session), 0);
    rig_client_close(&c);
    rig_close(&r);
}

static void
subscriptions_are_refused(void **state)
{
    (void)state;
    subscribe_until_refused("");
    subscribe_until_refused("$share/g/");
    subscribe_until_refused("wild/+/");
}

static void
publish(struct rig *r, struct rig_client *publisher, uint16_t number, uint8_t qos)
{
    rig_publish_qos(publisher, "t", large, qos, number);
    rig_expect_ack(publisher, qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, number, 0);
    if (qos == 2) {
        rig_ack(publisher, WIRE_PUBREL, number);
        rig_expect_ack(publisher, WIRE_PUBCOMP, number, 0);
    }
    rig_settle(r);
}

/* A client that reads and never acknowledges, with the largest Receive Maximum there is: messages
 * in flight are bounded by bytes, then others wait, then they are dropped and counted. When it
 * acknowledges at last it gets the rest. */
static void
in_flight(uint8_t qos)
{
    enum { MESSAGES = 40 };
    struct settings settings = small_account();
    struct rig r;
    struct rig_client c;
    struct rig_client publisher;
    struct wire_any packet;
    uint16_t got = 0;
    uint64_t dropped = 0;

    settings.output_bytes_max = 4096; /* and so the room for the rest is larger */
    settings.packet_bytes_max = 20000;
    settings.topic_alias_bytes_max = 1024;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &publisher, "publisher");
    rig_client_connect(&r, &c, "c");
    rig_subscribe(&c, "t", 2);
    for (uint16_t i = 1; i <= MESSAGES; i++) {
        publish(&r, &publisher, i, qos);
        assert_true(account_bytes(c.conn.session) <= CLIENT_BYTES);
    }
    while (rig_next(&c, &packet)) {
        got++;
    }
    dropped = r.broker.shards[0]->stats.dropped_queue_full;
    assert_int_equal(got, CLIENT_BYTES / 2 / LARGE - 1);
    assert_in_range(dropped, MESSAGES / 2, MESSAGES - got - 3);
    for (uint16_t i = 1; i <= MESSAGES - dropped; i++) {
        rig_ack(&c, qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, i);
        if (qos == 2) {
            rig_expect_ack(&c, WIRE_PUBREL, i, 0);
            rig_ack(&c, WIRE_PUBCOMP, i);
        }
        while (got < MESSAGES - dropped && rig_next(&c, &packet)) {
            got++;
        }
    }
    assert_int_equal(got, MESSAGES - dropped);
    assert_int_equal(account_bytes(c.conn.session), account_subscription_bytes(span_of_text("t")));
    assert_false(rig_client_is_ended(&c));
    rig_client_close(&c);
    rig_client_close(&publisher);
    rig_close(&r);
}

static void
messages_in_flight_wait_and_are_dropped(void **state)
{
    (void)state;
    in_flight(1);
    in_flight(2);
}

/* One at a time always goes, or nothing would ever go again. */
static void
a_message_larger_than_the_account_is_sent(void **state)
{
    struct settings settings = small_account();
    struct rig r;
    struct rig_client c;
    struct rig_client publisher;
    struct wire_any packet;

    (void)state;
    settings.client_bytes_max = 65536;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &publisher, "publisher");
    rig_client_connect(&r, &c, "c");
    rig_subscribe(&c, "t", 1);
    {
        char *payload = malloc(40001);

        assert_non_null(payload);
        memset(payload, 'y', 40000);
        payload[40000] = '\0';
        for (uint16_t i = 1; i <= 3; i++) {
            rig_publish_qos(&publisher, "t", payload, 1, i);
            rig_expect_ack(&publisher, WIRE_PUBACK, i, 0);
            rig_expect(&c, WIRE_PUBLISH, &packet);
            assert_int_equal(packet.as.publish.payload.len, 40000);
            rig_ack(&c, WIRE_PUBACK, packet.as.publish.packet_id);
        }
        free(payload);
    }
    rig_client_close(&c);
    rig_client_close(&publisher);
    rig_close(&r);
}

/* Half a packet is kept as far as it has come; more than the account allows ends the connection,
 * though Maximum Packet Size would allow it. */
static void
an_unfinished_packet_ends_the_connection(void **state)
{
    static const uint8_t head[] = {0x30, 0x80, 0x80, 0x40, 0x00, 0x01, 't', 0x00}; /* 1 MiB */
    struct rig r;
    struct rig_client c;
    size_t sent = sizeof(head);

    (void)state;
    open_rig(&r, &c);
    rig_send_bytes(&c, head, sizeof(head));
    while (!rig_client_is_ended(&c)) {
        assert_true(account_bytes(c.conn.session) >= sent);
        rig_send_bytes(&c, large, LARGE);
        sent += LARGE;
        assert_true(sent <= CLIENT_BYTES + LARGE);
    }
    assert_true(sent > CLIENT_BYTES / 2);
    rig_expect_end(&c, 0x97);
    rig_client_close(&c);
    rig_close(&r);
}

/* Topics behind aliases, in both directions. */
static void
aliases_count(void **state)
{
    struct settings settings = small_account();
    struct wire_connect how = rig_lasting("c", 0);
    struct rig r;
    struct rig_client c;
    struct wire_any packet;
    uint64_t before = 0;
    char topic[201];

    (void)state;
    how.properties.topic_alias_maximum = 10;
    wire_properties_set(&how.properties, WIRE_TOPIC_ALIAS_MAXIMUM);
    rig_open(&r, 1, &settings);
    rig_connect(&r, &c, &how, &packet);
    rig_subscribe(&c, "#", 0);
    before = account_bytes(c.conn.session);
    for (uint16_t i = 1; i <= 20; i++) {
        (void)snprintf(topic, sizeof(topic), "%0200u", i);
        packet = rig_publish_packet(topic, "x", 0, 0);
        packet.as.publish.properties.topic_alias = i;
        wire_properties_set(&packet.as.publish.properties, WIRE_TOPIC_ALIAS);
        rig_send(&c, &packet);
        rig_expect_publish(&c, "x", &packet);
        assert_true(account_bytes(c.conn.session) >= before + 200U * (i + (i < 10 ? i : 10U)));
    }
    assert_true(account_bytes(c.conn.session) <= before + 30 * 300);
    rig_client_close(&c);
    rig_close(&r);
}

/* What a session keeps while its client is away counts too, and its client gets in again however
 * much that is. */
static void
a_full_session_is_resumed(void **state)
{
    struct settings settings = small_account();
    struct rig r;
    struct rig_client c;
    struct rig_client publisher;
    struct wire_any packet;
    uint64_t kept = 0;

    (void)state;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &publisher, "publisher");
    rig_resume(&r, &c, "c", false);
    rig_subscribe(&c, "t", 1);
    rig_client_close(&c);
    for (uint16_t i = 1; i <= 40; i++) {
        publish(&r, &publisher, i, 1);
    }
    kept = 40 - r.broker.shards[0]->stats.dropped_queue_full;
    assert_int_equal(kept, CLIENT_BYTES / 2 / LARGE - 1);
    rig_resume(&r, &c, "c", true);
    for (uint64_t i = 1; i <= kept; i++) {
        rig_expect(&c, WIRE_PUBLISH, &packet);
        rig_ack(&c, WIRE_PUBACK, packet.as.publish.packet_id);
    }
    rig_expect_nothing(&c);
    assert_false(rig_client_is_ended(&c));
    rig_disconnect(&c, 0);
    rig_client_close(&c);
    rig_client_close(&publisher);
    rig_close(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subscriptions_are_refused),
        cmocka_unit_test(messages_in_flight_wait_and_are_dropped),
        cmocka_unit_test(a_message_larger_than_the_account_is_sent),
        cmocka_unit_test(an_unfinished_packet_ends_the_connection),
        cmocka_unit_test(aliases_count),
        cmocka_unit_test(a_full_session_is_resumed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
