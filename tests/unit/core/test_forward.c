/* PUBLISH on its way out: the bytes each client gets, its Maximum Packet Size, its aliases. */
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct wish {
    uint32_t packet_bytes_max; /* 0: none */
    uint16_t topic_alias_maximum;
    uint32_t identifier; /* of the subscription; 0: none */
    uint8_t qos;
    enum wire_version version;
};

static void
open_subscriber(struct rig *r, struct rig_client *c, const char *filter, const struct wish *wish)
{
    struct wire_any packet;
    struct wire_subscription w = {.filter = span_of_text(filter), .qos = wish->qos};

    rig_client_open(r, c, "subscriber", wish->version);
    packet = rig_connect_packet(c, "subscriber");
    if (wish->packet_bytes_max != 0) {
        packet.as.connect.properties.maximum_packet_size = wish->packet_bytes_max;
        wire_properties_set(&packet.as.connect.properties, WIRE_MAXIMUM_PACKET_SIZE);
    }
    if (wish->topic_alias_maximum != 0) {
        packet.as.connect.properties.topic_alias_maximum = wish->topic_alias_maximum;
        wire_properties_set(&packet.as.connect.properties, WIRE_TOPIC_ALIAS_MAXIMUM);
    }
    rig_send(c, &packet);
    rig_expect(c, WIRE_CONNACK, &packet);
    assert_int_equal(packet.as.connack.reason_code, 0);
    rig_subscribe_with(c, &w, wish->identifier, wish->qos);
}

static char *
payload_of(size_t len)
{
    char *payload = malloc(len + 1);

    assert_non_null(payload);
    for (size_t i = 0; i < len; i++) {
        payload[i] = (char)('a' + i % 26);
    }
    payload[len] = '\0';
    return payload;
}

/* A message of QoS 2 with an expiry, a Response Topic and `len` bytes. */
static struct wire_any
request(const char *payload)
{
    struct wire_any packet = rig_publish_packet("a/topic", payload, 2, 1);

    packet.as.publish.properties.message_expiry_interval = 100;
    wire_properties_set(&packet.as.publish.properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    packet.as.publish.properties.response_topic = SPAN_LITERAL("answers");
    wire_properties_set(&packet.as.publish.properties, WIRE_RESPONSE_TOPIC);
    return packet;
}

/* Every way to write a message, at the sizes where the way changes (copied or referenced, one chunk
 * of output or more): the same message arrives at the QoS it should have [MQTT-4.3.1-1], with the
 * expiry that is left [MQTT-3.3.2-6]. */
static void
forward(struct rig *r, const struct wish *wish, size_t len)
{
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;
    const struct wire_publish *p = &packet.as.publish;
    char *payload = payload_of(len);

    rig_client_connect(r, &publisher, "publisher");
    open_subscriber(r, &c, "a/topic", wish);
    for (int i = 0; i < 2; i++) { /* the second time an alias is used */
        c.is_stuck = true;
        packet = request(payload);
        packet.as.publish.packet_id = (uint16_t)(i + 1);
        rig_send(&publisher, &packet);
        c.is_stuck = false;
        conn_touch(&c.conn);
        rig_settle(r);
        rig_expect_publish(&c, payload, &packet);
        assert_int_equal(p->qos, wish->qos);
        assert_false(p->retain);
        if (i == 1 && wish->topic_alias_maximum > 0) {
            assert_int_equal(p->topic.len, 0);
            assert_int_equal(p->properties.topic_alias, 1);
        } else {
            assert_true(span_equal(p->topic, SPAN_LITERAL("a/topic")));
        }
        if (wish->version == WIRE_V5) {
            assert_int_equal(p->properties.message_expiry_interval, 100);
            assert_true(span_equal(p->properties.response_topic, SPAN_LITERAL("answers")));
            assert_int_equal(p->properties.subscription_identifier, wish->identifier);
        }
        if (wish->qos == 1) {
            rig_ack(&c, WIRE_PUBACK, p->packet_id);
        }
    }
    rig_client_close(&publisher);
    rig_client_close(&c);
    free(payload);
}

static void
test_every_way(void **state)
{
    static const size_t lengths[] = {0,    1,    100,   1970,  2000,  2040,  2047,   2048,
                                     2049, 4096, 16300, 16383, 16384, 16385, 100000, 2000000};
    static const struct wish wishes[] = {
        {.version = WIRE_V5},
        {.version = WIRE_V5, .qos = 1},
        {.version = WIRE_V5, .qos = 2},
        {.version = WIRE_V5, .identifier = 268435455},
        {.version = WIRE_V5, .topic_alias_maximum = 3},
        {.version = WIRE_V5, .topic_alias_maximum = 3, .identifier = 9, .qos = 1},
        {.version = WIRE_V311},
        {.version = WIRE_V311, .qos = 1},
        {.version = WIRE_V31, .qos = 2},
    };
    struct rig r;

    (void)state;
    rig_open(&r, 1, NULL);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (size_t k = 0; k < sizeof(wishes) / sizeof(wishes[0]); k++) {
            forward(&r, &wishes[k], lengths[i]);
        }
    }
    rig_close(&r);
}

/* How large the packet is that the subscriber gets. */
static size_t
measure(const struct wish *wish, const char *payload)
{
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;
    size_t before = 0;
    size_t bytes = 0;

    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &publisher, "publisher");
    open_subscriber(&r, &c, "a/topic", wish);
    before = c.input_len;
    packet = request(payload);
    rig_send(&publisher, &packet);
    bytes = c.input_len - before;
    rig_client_close(&publisher);
    rig_client_close(&c);
    rig_close(&r);
    return bytes;
}

static void
acknowledge(struct rig_client *c, const struct wire_publish *p)
{
    uint16_t packet_id = p->packet_id;

    if (p->qos == 1) {
        rig_ack(c, WIRE_PUBACK, packet_id);
    } else if (p->qos == 2) {
        rig_ack(c, WIRE_PUBREC, packet_id);
        rig_expect_ack(c, WIRE_PUBREL, packet_id, 0);
        rig_ack(c, WIRE_PUBCOMP, packet_id);
    }
}

/* The client's Maximum Packet Size: a packet of exactly that size passes; one byte above it the
 * message is dropped for this client, counted, takes no quota, and the next one is not affected
 * [MQTT-3.1.2-24], [MQTT-3.1.2-25]. */
static void
limit(struct wish wish, size_t len)
{
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;
    char *payload = payload_of(len);
    size_t bytes = measure(&wish, payload);
    struct settings settings = settings_default();

    assert_true(bytes > len);
    settings.inflight_max = 1;
    for (uint32_t max = (uint32_t)bytes - 1; max <= bytes + 6; max++) {
        rig_open(&r, 1, &settings);
        rig_client_connect(&r, &publisher, "publisher");
        wish.packet_bytes_max = max;
        open_subscriber(&r, &c, "a/topic", &wish);
        packet = request(payload);
        rig_send(&publisher, &packet);
        rig_expect_ack(&publisher, WIRE_PUBREC, 1, 0);
        if (max >= bytes) {
            rig_expect_publish(&c, payload, &packet);
            acknowledge(&c, &packet.as.publish);
        }
        assert_int_equal(r.broker.shards[0]->stats.dropped_too_large, max < bytes);
        rig_publish_qos(&publisher, "a/topic", "small", 1, 2);
        rig_expect_publish(&c, "small", &packet);
        rig_expect_nothing(&c);
        rig_client_close(&publisher);
        rig_client_close(&c);
        rig_close(&r);
    }
    free(payload);
}

static void
test_maximum_packet_size(void **state)
{
    static const size_t lengths[] = {0, 50, 80, 90, 100, 110, 3000};

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (uint8_t qos = 0; qos <= 2; qos++) {
            limit((struct wish){.version = WIRE_V5, .qos = qos}, lengths[i]);
            limit((struct wish){.version = WIRE_V5, .qos = qos, .identifier = 300}, lengths[i]);
        }
    }
}

/* With aliases the sizes depend on whether the alias still fits: nothing above the limit is ever
 * sent, and a message that fits without an alias arrives. */
static void
test_maximum_packet_size_with_aliases(void **state)
{
    struct wish wish = {.version = WIRE_V5, .topic_alias_maximum = 2};
    struct wish plain = {.version = WIRE_V5};
    char *payload = payload_of(100);
    size_t bytes = measure(&plain, payload);
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    for (uint32_t max = (uint32_t)bytes; max <= bytes + 12; max++) {
        rig_open(&r, 1, NULL);
        rig_client_connect(&r, &publisher, "publisher");
        wish.packet_bytes_max = max;
        open_subscriber(&r, &c, "a/topic", &wish);
        for (uint16_t i = 1; i <= 3; i++) {
            size_t before = c.input_len;

            packet = request(payload);
            packet.as.publish.packet_id = i;
            rig_send(&publisher, &packet);
            assert_true(c.input_len - before <= max);
            rig_expect_publish(&c, payload, &packet);
        }
        rig_client_close(&publisher);
        rig_client_close(&c);
        rig_close(&r);
    }
    free(payload);
}

/* What was sent and not answered, to a connection whose Maximum Packet Size is too small for it: it
 * is dropped as if it had been sent [MQTT-3.1.2-25], and its place is free. */
static void
test_too_large_to_send_again(void **state)
{
    (void)state;
    for (uint8_t qos = 1; qos <= 2; qos++) {
        struct wire_connect how = rig_lasting("c", UINT32_MAX);
        char *payload = payload_of(100);
        struct rig r;
        struct rig_client publisher;
        struct rig_client c;
        struct wire_any packet;

        rig_open(&r, 1, NULL);
        rig_client_connect(&r, &publisher, "publisher");
        rig_resume(&r, &c, "c", false);
        rig_subscribe(&c, "t", 2);
        rig_publish_qos(&publisher, "t", "1", qos, 1);
        rig_publish_qos(&publisher, "t", payload, qos, 2);
        rig_publish_qos(&publisher, "t", "3", qos, 3);
        rig_client_close(&c);
        rig_publish_qos(&publisher, "t", payload, qos, 4); /* waits */
        rig_publish_qos(&publisher, "t", "5", qos, 5);
        how.properties.maximum_packet_size = 50;
        wire_properties_set(&how.properties, WIRE_MAXIMUM_PACKET_SIZE);
        rig_connect(&r, &c, &how, &packet);
        rig_expect_publish(&c, "1", &packet);
        rig_expect_publish(&c, "3", &packet);
        assert_int_equal(packet.as.publish.packet_id, 3);
        rig_expect_publish(&c, "5", &packet);
        rig_expect_nothing(&c);
        assert_int_equal(r.broker.shards[0]->stats.dropped_too_large, 2);
        rig_ack(&c, qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, 2); /* nobody's any more */
        if (qos == 2) {
            rig_expect_ack(&c, WIRE_PUBREL, 2, 0x92);
        }
        rig_expect_nothing(&c);
        rig_client_close(&publisher);
        rig_client_close(&c);
        rig_close(&r);
        free(payload);
    }
}

/* Aliases to the client: never more than it allows [MQTT-3.1.2-26], [MQTT-3.3.2-11], nor than
 * topic_alias_out_max; a strict reader finds every topic. */
static void
test_topic_alias_out(void **state)
{
    static const struct {
        uint16_t client;
        uint64_t ours;
        uint16_t want;
    } rows[] = {{3, 16, 3}, {65535, 2, 2}, {5, 0, 0}, {0, 16, 0}};
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wish wish = {.version = WIRE_V5, .topic_alias_maximum = rows[i].client};
        char bound[8][16] = {""};
        uint16_t highest = 0;

        settings.topic_alias_out_max = rows[i].ours;
        rig_open(&r, 1, &settings);
        rig_client_connect(&r, &publisher, "publisher");
        open_subscriber(&r, &c, "#", &wish);
        for (unsigned n = 0; n < 40; n++) {
            char topic[16];
            uint16_t alias = 0;

            (void)snprintf(topic, sizeof(topic), "topic/%u", n * 7 % 5);
            rig_publish(&publisher, topic, "x");
            rig_expect_publish(&c, "x", &packet);
            alias = packet.as.publish.properties.topic_alias;
            assert_true(alias <= rows[i].want);
            highest = alias > highest ? alias : highest;
            if (packet.as.publish.topic.len == 0) {
                assert_string_equal(bound[alias], topic);
            } else {
                assert_true(span_equal(packet.as.publish.topic, span_of_text(topic)));
                (void)snprintf(bound[alias], sizeof(bound[alias]), "%s", topic);
            }
        }
        assert_int_equal(highest, rows[i].want);
        rig_client_close(&publisher);
        rig_client_close(&c);
        rig_close(&r);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_way),
        cmocka_unit_test(test_maximum_packet_size),
        cmocka_unit_test(test_maximum_packet_size_with_aliases),
        cmocka_unit_test(test_too_large_to_send_again),
        cmocka_unit_test(test_topic_alias_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
