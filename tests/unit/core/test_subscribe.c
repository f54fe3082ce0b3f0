/* SUBSCRIBE and UNSUBSCRIBE, and what subscriptions ask for: overlaps, identifiers, No Local. */
#include "support/bytes.h"
#include "support/rig.h"
#include "wire/topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Packets of a connected MQTT 5.0 client that end its connection with this reason code. */
static const struct {
    const char *name;
    const char *bytes;
    uint8_t code;
} refused[] = {
    {"MQTT-3.8.1-1 flags", "80 [ 00 01 00 00 01 't' 00 ]", 0x81},
    {"U-2.2.1-1 packet identifier 0", "82 [ 00 00 00 00 01 't' 00 ]", 0x81},
    {"U-3.8.3-1 no filter", "82 [ 00 01 00 ]", 0x82},
    {"filter without options", "82 [ 00 01 00 00 01 't' ]", 0x81},
    {"filter cut short", "82 [ 00 01 00 00 05 't' ]", 0x81},
    {"MQTT-3.8.3-1 filter", "82 [ 00 01 00 00 01 FF 00 ]", 0x81},
    {"MQTT-3.8.3-5 reserved bits", "82 [ 00 01 00 00 01 't' 40 ]", 0x81},
    {"U-3.8.3-2 QoS 3", "82 [ 00 01 00 00 01 't' 03 ]", 0x82},
    {"U-3.8.3-2 Retain Handling 3", "82 [ 00 01 00 00 01 't' 30 ]", 0x82},
    {"MQTT-3.8.3-4 No Local on a shared one", "82 [ 00 01 00 00 0A '$share/g/t' 04 ]", 0x82},
    {"U-3.8.2-1 Subscription Identifier 0", "82 [ 00 01 02 0B 00 00 01 't' 00 ]", 0x82},
    {"U-3.8.2-1 twice", "82 [ 00 01 04 0B 01 0B 02 00 01 't' 00 ]", 0x82},
    {"U-1.5.5-1 identifier of five bytes", "82 [ 00 01 06 0B FF FF FF FF 01 00 01 't' 00 ]", 0x81},
    {"property of PUBLISH", "82 [ 00 01 02 01 01 00 01 't' 00 ]", 0x81},
    {"UNSUBSCRIBE: MQTT-3.10.1-1 flags", "A0 [ 00 01 00 00 01 't' ]", 0x81},
    {"UNSUBSCRIBE: U-3.10.3-1 no filter", "A2 [ 00 01 00 ]", 0x82},
    {"UNSUBSCRIBE: MQTT-3.10.3-1 filter", "A2 [ 00 01 00 00 01 FF ]", 0x81},
    {"UNSUBSCRIBE: identifier 0", "A2 [ 00 00 00 00 01 't' ]", 0x81},
    {"CVE-2021-28166 SUBACK", "90 [ 00 01 00 00 ]", 0x82},
    {"UNSUBACK", "B0 [ 00 01 00 00 ]", 0x82},
};

static void
test_refused(void **state)
{
    struct rig r;
    struct rig_client c;
    struct rig_client other;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &other, "other");
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct span bytes = bytes_from(refused[i].bytes);

        print_message("%s\n", refused[i].name);
        rig_client_connect(&r, &c, "c");
        rig_send_bytes(&c, bytes.data, bytes.len);
        rig_expect_end(&c, refused[i].code);
        rig_client_close(&c);
        bytes_free(bytes);
    }
    rig_publish_qos(&other, "t", "x", 1, 1);
    rig_expect_ack(&other, WIRE_PUBACK, 1, 0x10); /* nothing of it was subscribed to */
    rig_client_close(&other);
    rig_close(&r);
}

/* One SUBACK [MQTT-3.8.4-1], one code for each filter, in their order [MQTT-3.8.4-5],
 * [MQTT-3.8.4-6], [MQTT-3.9.3-1]; and one UNSUBACK [MQTT-3.10.4-4], [MQTT-3.10.4-6]. */
static void
test_many_filters(void **state)
{
    static const struct {
        const char *filter;
        uint8_t code;
    } rows[] = {
        {"a", 0},
        {"#/a", 0x8F}, /* [MQTT-4.7.1-1] */
        {"a+", 0x8F},  /* [MQTT-4.7.1-2] */
        {"a/#b", 0x8F},
        {"", 0x8F},         /* [MQTT-4.7.3-1] */
        {"$share/g", 0x8F}, /* CVE-2025-68699, [MQTT-4.8.2-2] */
        {"$share/g/", 0x8F},
        {"$share//t", 0x8F}, /* [MQTT-4.8.2-1] */
        {"$share/+/t", 0x8F},
        {"$share/g/t", 0},
        {"#", 0},
        {"+/b", 0},
    };
    enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
    struct wire_subscription subscriptions[ROWS];
    struct span filters[ROWS];
    struct wire_any packet;
    struct rig r;
    struct rig_client c;

    (void)state;
    for (size_t i = 0; i < ROWS; i++) {
        filters[i] = span_of_text(rows[i].filter);
        subscriptions[i] =
            (struct wire_subscription){.filter = filters[i], .qos = (uint8_t)(i % 3)};
    }
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &c, "c");
    packet = (struct wire_any){
        .type = WIRE_SUBSCRIBE,
        .as.subscribe = {.packet_id = 77, .count = ROWS, .subscriptions = subscriptions},
    };
    rig_send(&c, &packet);
    rig_expect(&c, WIRE_SUBACK, &packet);
    assert_int_equal(packet.as.suback.packet_id, 77);
    assert_int_equal(packet.as.suback.reason_codes.len, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        assert_int_equal(packet.as.suback.reason_codes.data[i],
                         rows[i].code != 0 ? rows[i].code : i % 3); /* [MQTT-3.8.4-7] */
    }
    packet = (struct wire_any){
        .type = WIRE_UNSUBSCRIBE,
        .as.unsubscribe = {.packet_id = 78, .count = ROWS, .filters = filters},
    };
    rig_send(&c, &packet);
    rig_expect(&c, WIRE_UNSUBACK, &packet);
    assert_int_equal(packet.as.suback.packet_id, 78); /* [MQTT-3.10.4-5] */
    assert_int_equal(packet.as.suback.reason_codes.len, ROWS);
    for (size_t i = 0; i < ROWS; i++) { /* [MQTT-3.11.3-1] */
        uint8_t objection = topic_filter_is_valid(filters[i]) ? 0x11 : 0x8F;

        assert_int_equal(packet.as.suback.reason_codes.data[i], rows[i].code != 0 ? objection : 0);
    }
    rig_publish_qos(&c, "a", "x", 1, 1);
    rig_expect_ack(&c, WIRE_PUBACK, 1, 0x10); /* [MQTT-3.10.4-2] */
    rig_client_close(&c);
    rig_close(&r);
}

static void
unsubscribe(struct rig_client *c, const char *filter, uint8_t code)
{
    const struct span filters[] = {span_of_text(filter)};
    struct wire_any packet = {.type = WIRE_UNSUBSCRIBE,
                              .as.unsubscribe = {.packet_id = 3, .count = 1, .filters = filters}};

    rig_send(c, &packet);
    rig_expect(c, WIRE_UNSUBACK, &packet);
    assert_int_equal(packet.as.suback.reason_codes.len, 1);
    assert_int_equal(packet.as.suback.reason_codes.data[0], code);
}

/* [MQTT-3.10.4-1], and [MQTT-3.10.4-3]: what was sent already is still finished. */
static void
test_unsubscribe(void **state)
{
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &c, "c");
    rig_subscribe(&c, "t/#", 2);
    rig_publish_qos(&c, "t/1", "x", 2, 1);
    rig_expect_publish(&c, "x", &packet);
    rig_expect_ack(&c, WIRE_PUBREC, 1, 0);
    unsubscribe(&c, "t/1", 0x11);
    unsubscribe(&c, "t/#", 0);
    unsubscribe(&c, "t/#", 0x11);
    rig_publish(&c, "t/1", "y");
    rig_ack(&c, WIRE_PUBREC, 1);
    rig_expect_ack(&c, WIRE_PUBREL, 1, 0);
    rig_ack(&c, WIRE_PUBCOMP, 1);
    rig_expect_nothing(&c);
    rig_client_close(&c);
    rig_close(&r);
}

/* [MQTT-3.8.4-8]: the lower of published and granted; for every pair. */
static void
test_qos_is_the_lower(void **state)
{
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    for (uint8_t granted = 0; granted <= 2; granted++) {
        for (uint8_t published = 0; published <= 2; published++) {
            rig_client_connect(&r, &publisher, "publisher");
            rig_client_connect(&r, &c, "c");
            rig_subscribe(&c, "t", granted);
            rig_publish_qos(&publisher, "t", "x", published, 1);
            rig_expect_publish(&c, "x", &packet);
            assert_int_equal(packet.as.publish.qos, published < granted ? published : granted);
            rig_client_close(&publisher);
            rig_client_close(&c);
        }
    }
    rig_close(&r);
}

static void
subscribe(struct rig_client *c, const char *filter, uint8_t qos, uint32_t identifier)
{
    const struct wire_subscription w = {.filter = span_of_text(filter), .qos = qos};

    rig_subscribe_with(c, &w, identifier, qos);
}

static bool
has_identifier(const struct wire_any *packet, uint32_t identifier)
{
    struct wire_property_iterator it = wire_property_iterate(packet->as.publish.properties.block);
    struct wire_property property;

    while (wire_property_next(&it, &property)) {
        if (property.id == WIRE_SUBSCRIPTION_IDENTIFIER && property.number == identifier) {
            return true;
        }
    }
    return false;
}

static size_t
identifier_count(const struct wire_any *packet)
{
    struct wire_property_iterator it = wire_property_iterate(packet->as.publish.properties.block);
    struct wire_property property;
    size_t count = 0;

    while (wire_property_next(&it, &property)) {
        count += property.id == WIRE_SUBSCRIPTION_IDENTIFIER;
    }
    return count;
}

/* Overlapping subscriptions: one copy with the highest QoS and all identifiers [MQTT-3.3.4-2] to
 * [MQTT-3.3.4-4]; whatever shard the publisher is in. */
static void
test_overlap(void **state)
{
    static const uint32_t identifiers[] = {1, 127, 128, 16384, 268435455};
    static const char *const filters[] = {"a/b", "a/+", "+/b", "a/#", "#"};
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards++) {
        rig_open(&r, shards, NULL);
        rig_client_connect(&r, &publisher, "publisher");
        rig_client_connect(&r, &c, "c");
        for (size_t i = 0; i < 5; i++) {
            subscribe(&c, filters[i], i == 2 ? 1 : 0, identifiers[i]);
        }
        subscribe(&c, "+/+", 0, 0); /* has none */
        rig_publish_qos(&publisher, "a/b", "x", 2, 1);
        rig_expect_publish(&c, "x", &packet);
        assert_int_equal(packet.as.publish.qos, 1);
        assert_int_equal(identifier_count(&packet), 5);
        for (size_t i = 0; i < 5; i++) {
            assert_true(has_identifier(&packet, identifiers[i]));
        }
        rig_expect_nothing(&c);
        rig_publish(&publisher, "a/c", "y"); /* [U-3.3.2-8]: only of those that match */
        rig_expect_publish(&c, "y", &packet);
        assert_int_equal(identifier_count(&packet), 3);
        rig_client_close(&publisher);
        rig_client_close(&c);
        rig_close(&r);
    }
}

/* Thousands of filters that all match: still one copy. */
static void
test_wildcard_amplification(void **state)
{
    enum { LEVELS = 10 };
    struct rig r;
    struct rig_client c;
    struct wire_any packet;
    char filter[2 * LEVELS] = "";

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &c, "c");
    for (unsigned mask = 0; mask < 1U << LEVELS; mask++) {
        for (size_t level = 0; level < LEVELS; level++) {
            filter[2 * level] = (mask >> level & 1U) != 0 ? '+' : 'a';
            filter[2 * level + 1] = level + 1 < LEVELS ? '/' : '\0';
        }
        subscribe(&c, filter, 0, mask + 1);
    }
    rig_publish(&c, "a/a/a/a/a/a/a/a/a/a", "x");
    rig_expect_publish(&c, "x", &packet);
    assert_int_equal(identifier_count(&packet), 1U << LEVELS);
    rig_expect_nothing(&c);
    rig_client_close(&c);
    rig_close(&r);
}

/* The same filter again replaces the subscription [MQTT-3.8.4-3], its identifier too [U-3.8.4-2].
 */
static void
test_replace(void **state)
{
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &c, "c");
    subscribe(&c, "t", 2, 9);
    subscribe(&c, "t", 1, 8);
    rig_publish_qos(&c, "t", "x", 2, 1);
    rig_expect_publish(&c, "x", &packet);
    assert_int_equal(packet.as.publish.qos, 1);
    assert_int_equal(identifier_count(&packet), 1);
    assert_true(has_identifier(&packet, 8));
    rig_expect_ack(&c, WIRE_PUBREC, 1, 0);
    subscribe(&c, "t", 0, 0);
    rig_publish_qos(&c, "t", "y", 1, 2);
    rig_expect_publish(&c, "y", &packet);
    assert_int_equal(packet.as.publish.qos, 0);
    assert_int_equal(identifier_count(&packet), 0);
    rig_expect_ack(&c, WIRE_PUBACK, 2, 0);
    unsubscribe(&c, "t", 0);
    rig_publish(&c, "t", "z");
    rig_expect_nothing(&c);
    rig_client_close(&c);
    rig_close(&r);
}

/* [MQTT-3.8.3-3]: not to the session that published; another subscription may still want it. */
static void
test_no_local(void **state)
{
    const struct wire_subscription no_local = {
        .filter = SPAN_LITERAL("t/#"), .qos = 2, .no_local = true};
    struct rig r;
    struct rig_client a;
    struct rig_client b;
    struct wire_any packet;

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        rig_open(&r, shards, NULL);
        rig_client_connect(&r, &a, "a");
        rig_client_connect(&r, &b, "b");
        rig_subscribe_with(&a, &no_local, 5, 2);
        rig_subscribe_with(&b, &no_local, 5, 2);
        rig_publish(&a, "t/1", "x");
        rig_expect_nothing(&a);
        rig_expect_publish(&b, "x", &packet);
        subscribe(&a, "t/+", 0, 6);
        rig_publish(&a, "t/1", "y");
        rig_expect_publish(&a, "y", &packet);
        assert_int_equal(identifier_count(&packet), 1); /* of the subscription that wants it */
        assert_true(has_identifier(&packet, 6));
        rig_expect_nothing(&a);
        rig_client_close(&a);
        rig_client_close(&b);
        rig_close(&r);
    }
}

/* subscriptions_max: one more is refused, replacing is not, and leaving makes room. */
static void
test_subscriptions_max(void **state)
{
    struct settings settings = settings_default();
    const struct wire_subscription too_many = {.filter = SPAN_LITERAL("c"), .qos = 1};
    struct rig r;
    struct rig_client c;

    (void)state;
    settings.subscriptions_max = 2;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &c, "c");
    rig_subscribe(&c, "a", 0);
    rig_subscribe(&c, "$share/g/a", 0);
    rig_subscribe_with(&c, &too_many, 0, 0x97);
    rig_subscribe(&c, "a", 1);
    unsubscribe(&c, "c", 0x11);
    unsubscribe(&c, "a", 0);
    rig_subscribe(&c, "c", 1);
    rig_client_close(&c);
    rig_close(&r);
}

/* Ten thousand filters, and away with them: found by hash, all memory given back. */
static void
test_many_subscriptions(void **state)
{
    struct rig r;
    struct rig_client c;
    char filter[32];

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &c, "c");
    for (unsigned i = 0; i < 10000; i++) {
        (void)snprintf(filter, sizeof(filter), "f/%u/%s", i, i % 2 == 0 ? "x" : "#");
        rig_subscribe(&c, filter, 1);
    }
    for (unsigned i = 0; i < 10000; i += 3) {
        (void)snprintf(filter, sizeof(filter), "f/%u/%s", i, i % 2 == 0 ? "x" : "#");
        unsubscribe(&c, filter, 0);
    }
    assert_int_equal(topic_index_count(r.broker.index), 10000 - 3334);
    rig_client_close(&c);
    assert_int_equal(topic_index_count(r.broker.index), 0);
    rig_close(&r);
}

/* A SUBACK larger than a piece of output. */
static void
test_large_suback(void **state)
{
    enum { FILTERS = 20000 };
    struct wire_subscription *subscriptions = calloc(FILTERS, sizeof(*subscriptions));
    struct wire_any packet = {
        .type = WIRE_SUBSCRIBE,
        .as.subscribe = {.packet_id = 1, .count = FILTERS, .subscriptions = subscriptions},
    };
    struct rig r;
    struct rig_client c;

    (void)state;
    assert_non_null(subscriptions);
    for (size_t i = 0; i < FILTERS; i++) {
        subscriptions[i] =
            (struct wire_subscription){.filter = SPAN_LITERAL("t"), .qos = (uint8_t)(i % 3)};
    }
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &c, "c");
    rig_send(&c, &packet);
    rig_expect(&c, WIRE_SUBACK, &packet);
    assert_int_equal(packet.as.suback.reason_codes.len, FILTERS);
    for (size_t i = 0; i < FILTERS; i++) {
        assert_int_equal(packet.as.suback.reason_codes.data[i], i % 3);
    }
    rig_client_close(&c);
    rig_close(&r);
    free(subscriptions);
}

/* A SUBACK or UNSUBACK above the client's Maximum Packet Size cannot be sent [MQTT-3.1.2-24]: the
 * client is told 0x95 rather than left to wait. */
static void
test_suback_that_does_not_fit(void **state)
{
    enum { FILTERS = 40 };
    struct wire_subscription subscriptions[FILTERS];
    struct span filters[FILTERS];
    struct wire_any packet;
    struct rig r;
    struct rig_client c;

    (void)state;
    for (size_t i = 0; i < FILTERS; i++) {
        filters[i] = SPAN_LITERAL("t");
        subscriptions[i] = (struct wire_subscription){.filter = filters[i]};
    }
    rig_open(&r, 1, NULL);
    for (int kind = 0; kind < 2; kind++) {
        for (size_t count = FILTERS - 1; count <= FILTERS; count++) {
            rig_client_open(&r, &c, "c", WIRE_V5);
            packet = rig_connect_packet(&c, "c");
            packet.as.connect.properties.maximum_packet_size = 2 + 2 + 1 + FILTERS - 1;
            wire_properties_set(&packet.as.connect.properties, WIRE_MAXIMUM_PACKET_SIZE);
            rig_send(&c, &packet);
            rig_expect(&c, WIRE_CONNACK, &packet);
            if (kind == 0) {
                packet = (struct wire_any){.type = WIRE_SUBSCRIBE,
                                           .as.subscribe = {.packet_id = 1,
                                                            .count = count,
                                                            .subscriptions = subscriptions}};
            } else {
                packet = (struct wire_any){
                    .type = WIRE_UNSUBSCRIBE,
                    .as.unsubscribe = {.packet_id = 1, .count = count, .filters = filters}};
            }
            rig_send(&c, &packet);
            if (count < FILTERS) {
                rig_expect(&c, kind == 0 ? WIRE_SUBACK : WIRE_UNSUBACK, &packet);
                assert_int_equal(packet.as.suback.reason_codes.len, count);
            } else {
                rig_expect_end(&c, 0x95);
            }
            rig_client_close(&c);
        }
    }
    rig_close(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),           cmocka_unit_test(test_many_filters),
        cmocka_unit_test(test_unsubscribe),       cmocka_unit_test(test_qos_is_the_lower),
        cmocka_unit_test(test_overlap),           cmocka_unit_test(test_wildcard_amplification),
        cmocka_unit_test(test_replace),           cmocka_unit_test(test_no_local),
        cmocka_unit_test(test_subscriptions_max), cmocka_unit_test(test_many_subscriptions),
        cmocka_unit_test(test_large_suback),      cmocka_unit_test(test_suback_that_does_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
