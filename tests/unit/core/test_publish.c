/* PUBLISH on its way in: what is taken, what is refused and how, and that it arrives unaltered. */
#include "support/bytes.h"
#include "support/rig.h"

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
    {"MQTT-3.3.1-4, U-3.3.1-1 QoS 3", "36 [ 00 01 't' 00 01 00 'x' ]", 0x81},
    {"MQTT-3.3.1-2 DUP with QoS 0", "38 [ 00 01 't' 00 'x' ]", 0x81},
    {"U-2.2.1-1 packet identifier 0", "32 [ 00 01 't' 00 00 00 'x' ]", 0x81},
    {"NanoMQ #2270 nothing", "30 00", 0x81},
    {"NanoMQ #2270 one byte", "30 [ 00 ]", 0x81},
    {"CVE-2026-54412 no room for an identifier", "32 [ 00 01 't' ]", 0x81},
    {"half an identifier", "32 [ 00 01 't' 00 ]", 0x81},
    {"no Property Length", "30 [ 00 01 't' ]", 0x81},
    {"topic longer than the packet", "30 [ 00 09 't' 00 ]", 0x81},
    {"properties longer than the packet", "30 [ 00 01 't' 05 ]", 0x81},
    {"U-1.5.5-1 Property Length of five bytes", "30 [ 00 01 't' 80 80 80 80 01 ]", 0x81},
    {"MQTT-1.5.5-1 Property Length not the shortest", "30 [ 00 01 't' 80 00 ]", 0x81},
    {"MQTT-1.5.4-1 topic", "30 [ 00 02 C3 28 00 ]", 0x81},
    {"above U+10FFFF", "30 [ 00 04 F4 90 80 80 00 ]", 0x81},
    {"MQTT-4.7.3-2 a zero", "30 [ 00 01 00 00 ]", 0x81},
    {"MQTT-3.3.2-2, MQTT-4.7.0-1 #", "30 [ 00 01 '#' 00 ]", 0x90},
    {"MQTT-3.3.2-2 +", "32 [ 00 03 'a/+' 00 01 00 ]", 0x90},
    {"U-3.3.2-1 no topic, no alias", "30 [ 00 00 00 ]", 0x82},
    {"CVE-2021-34432 with QoS 2", "34 [ 00 00 00 01 00 ]", 0x82},
    {"MQTT-3.3.4-6 Subscription Identifier", "30 [ 00 01 't' 02 0B 01 ]", 0x82},
    {"U-2.2.2-1 property of CONNECT", "30 [ 00 01 't' 03 21 00 01 ]", 0x81},
    {"U-2.2.2-1 unknown property", "30 [ 00 01 't' 02 7F 00 ]", 0x81},
    {"U-3.3.2-2 Payload Format 2", "30 [ 00 01 't' 02 01 02 ]", 0x82},
    {"U-3.3.2-2 Payload Format twice", "30 [ 00 01 't' 04 01 00 01 00 ]", 0x82},
    {"U-3.3.2-4 expiry twice", "30 [ 00 01 't' 0A 02 00 00 00 01 02 00 00 00 01 ]", 0x82},
    {"U-3.3.2-6 Response Topic twice", "30 [ 00 01 't' 08 08 00 01 'a' 08 00 01 'a' ]", 0x82},
    {"U-3.3.2-7 Correlation Data twice", "30 [ 00 01 't' 06 09 00 00 09 00 00 ]", 0x82},
    {"U-3.3.2-9 Content Type twice", "30 [ 00 01 't' 06 03 00 00 03 00 00 ]", 0x82},
    {"MQTT-3.3.2-14 Response Topic #", "30 [ 00 01 't' 04 08 00 01 '#' ]", 0x82},
    {"Response Topic empty", "30 [ 00 01 't' 03 08 00 00 ]", 0x82},
    {"MQTT-3.3.2-13 Response Topic", "30 [ 00 01 't' 04 08 00 01 FF ]", 0x81},
    {"CVE-2019-12951 Correlation Data too long", "30 [ 00 01 't' 03 09 00 09 ]", 0x81},
    {"EMQX #15361 User Property cut", "30 [ 00 01 't' 04 26 00 01 'a' ]", 0x81},
    {"MQTT-1.5.7-1 User Property", "30 [ 00 01 't' 06 26 00 01 'a' 00 01 ]", 0x81},
    {"MQTT-3.3.2-8, U-3.3.4-1 alias 0", "30 [ 00 01 't' 03 23 00 00 ]", 0x94},
    {"MQTT-3.3.2-9, U-3.3.4-1 alias above the maximum", "30 [ 00 01 't' 03 23 00 21 ]", 0x94},
    {"alias never set", "30 [ 00 00 03 23 00 01 ]", 0x94},
    {"U-3.3.2-5 alias twice", "30 [ 00 01 't' 06 23 00 01 23 00 02 ]", 0x82},
    {"alias of a wildcard", "30 [ 00 01 '#' 03 23 00 01 ]", 0x90},
};

static void
test_refused(void **state)
{
    struct rig r;
    struct rig_client witness;
    struct rig_client c;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &witness, "witness");
    rig_subscribe(&witness, "#", 2);
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct span bytes = bytes_from(refused[i].bytes);

        print_message("%s\n", refused[i].name);
        rig_client_connect(&r, &c, "c");
        rig_send_bytes(&c, bytes.data, bytes.len);
        rig_expect_end(&c, refused[i].code); /* [MQTT-4.13.1-1], [U-4.13-1], [MQTT-3.14.4-2] */
        rig_client_close(&c);
        bytes_free(bytes);
    }
    assert_int_equal(r.broker.shards[0]->stats.protocol_errors,
                     sizeof(refused) / sizeof(refused[0]));
    rig_expect_nothing(&witness);
    rig_client_close(&witness);
    rig_close(&r);
}

/* Topics that start with "$" are the broker's own [U-4.7.2-1], [U-3.3.4-3]. */
static void
test_dollar(void **state)
{
    static const char *const topics[] = {"$SYS/broker", "$share/g/t", "$", "$r/x"};
    struct rig r;
    struct rig_client witness;
    struct rig_client c;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &witness, "witness");
    rig_client_connect(&r, &c, "c");
    rig_subscribe(&witness, "#", 2);
    for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
        const struct wire_subscription w = {
            .filter = span_of_text(i == 1 ? "$share/g/+" : topics[i]), .qos = 2};

        rig_subscribe_with(&witness, &w, 0, i == 3 ? 0x87 : 2); /* an inbox of nobody's */
        rig_publish(&c, topics[i], "x");
        rig_publish_qos(&c, topics[i], "x", 1, 1);
        rig_expect_ack(&c, WIRE_PUBACK, 1, 0x87);
        rig_publish_qos(&c, topics[i], "x", 2, 2);
        rig_expect_ack(&c, WIRE_PUBREC, 2, 0x87);
    }
    rig_expect_nothing(&witness);
    rig_expect_nothing(&c);
    rig_client_close(&witness);
    rig_client_close(&c);
    rig_close(&r);
}

/* topic_levels_max: names and filters at the limit, and one level above. */
static void
test_topic_levels_max(void **state)
{
    struct settings settings = settings_default();
    const struct wire_subscription too_deep = {.filter = SPAN_LITERAL("a/b/c/#"), .qos = 1};
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    settings.topic_levels_max = 3;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &c, "c");
    rig_subscribe(&c, "#", 0);
    rig_subscribe(&c, "a/b/c", 0);
    rig_subscribe_with(&c, &too_deep, 0, 0x8F);
    rig_publish_qos(&c, "a/b/c", "x", 1, 1);
    rig_expect_publish(&c, "x", &packet);
    rig_expect_ack(&c, WIRE_PUBACK, 1, 0);
    rig_publish_qos(&c, "a/b/c/d", "x", 1, 2);
    rig_expect_ack(&c, WIRE_PUBACK, 2, 0x90);
    rig_publish_qos(&c, "a/b/c/", "x", 2, 3);
    rig_expect_ack(&c, WIRE_PUBREC, 3, 0x90);
    rig_publish(&c, "///", "x");
    rig_expect_nothing(&c);
    rig_client_close(&c);
    rig_close(&r);
}

/* Deep topics cost no stack (CVE-2019-11779). */
static void
test_deep_topics(void **state)
{
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client c;
    struct wire_any packet;
    char *topic = malloc(65536);

    (void)state;
    assert_non_null(topic);
    memset(topic, '/', 65535);
    topic[65535] = '\0';
    settings.topic_levels_max = 65535;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &c, "c");
    topic[65534] = '\0';
    rig_subscribe(&c, topic, 0);
    rig_publish(&c, topic, "deep");
    rig_expect_publish(&c, "deep", &packet);
    topic[65534] = '/';
    rig_publish(&c, topic, "too deep");
    rig_expect_nothing(&c);
    rig_client_close(&c);
    rig_close(&r);
    free(topic);
}

/* All properties that travel, in an unusual order, repeated and empty ones among them: the bytes
 * that arrive are those that were sent [MQTT-3.3.2-4], [MQTT-3.3.2-15] to [MQTT-3.3.2-18],
 * [MQTT-3.3.2-20]. */
static void
test_properties_are_unaltered(void **state)
{
    static const char *const block = "26 00 01 'b' 00 00"
                                     "09 00 04 00 FF 80 00"
                                     "26 00 00 00 00"
                                     "08 00 05 'a/b c'"
                                     "26 00 01 'a' 00 01 '1'"
                                     "01 01"
                                     "03 00 04 't/xy'"
                                     "26 00 01 'b' 00 00";
    struct span want = bytes_from(block);
    struct rig r;
    struct rig_client c[3];
    struct wire_any packet;

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        rig_open(&r, shards, NULL);
        rig_client_connect(&r, &c[0], "publisher");
        rig_client_connect(&r, &c[1], "one");
        rig_client_connect(&r, &c[2], "two");
        for (uint8_t qos = 0; qos <= 2; qos++) {
            rig_subscribe(&c[1], "t", 2);
            rig_subscribe(&c[2], "+", 0);
            packet = rig_publish_packet("t", "x", qos, 1);
            packet.as.publish.properties.block = want;
            rig_send(&c[0], &packet);
            for (size_t i = 1; i <= 2; i++) {
                rig_expect_publish(&c[i], "x", &packet);
                assert_true(span_equal(packet.as.publish.properties.block, want));
                assert_int_equal(packet.as.publish.qos, i == 1 ? qos : 0);
            }
            if (qos > 0) {
                rig_expect_ack(&c[0], qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, 1, 0);
            }
        }
        for (size_t i = 0; i < 3; i++) {
            rig_client_close(&c[i]);
        }
        rig_close(&r);
    }
    bytes_free(want);
}

static struct wire_any
with_alias(const char *topic, const char *payload, uint16_t alias)
{
    struct wire_any packet = rig_publish_packet(topic, payload, 0, 0);

    packet.as.publish.properties.topic_alias = alias;
    wire_properties_set(&packet.as.publish.properties, WIRE_TOPIC_ALIAS);
    return packet;
}

static void
send_with_alias(struct rig_client *c, const char *topic, const char *payload, uint16_t alias)
{
    const struct wire_any packet = with_alias(topic, payload, alias);

    rig_send(c, &packet);
}

/* Aliases from the client: every one up to the maximum [MQTT-3.3.2-12], bound anew [U-3.3.2-5], one
 * connection's alone [MQTT-3.3.2-7]; none of them reaches the subscriber. */
static void
test_topic_alias_in(void **state)
{
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    settings.topic_alias_maximum = 5;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &publisher, "publisher");
    rig_client_connect(&r, &c, "c");
    rig_subscribe(&c, "#", 0);
    for (uint16_t alias = 1; alias <= 5; alias++) {
        char topic[] = {'t', (char)('0' + alias), '\0'};

        send_with_alias(&publisher, topic, "set", alias);
        rig_expect_publish(&c, "set", &packet);
    }
    for (uint16_t alias = 5; alias >= 1; alias--) {
        char topic[] = {'t', (char)('0' + alias), '\0'};

        send_with_alias(&publisher, "", "used", alias);
        rig_expect_publish(&c, "used", &packet);
        assert_true(span_equal(packet.as.publish.topic, span_of_text(topic)));
        assert_int_equal(packet.as.publish.properties.present, 0);
    }
    send_with_alias(&publisher, "other", "x", 3);
    rig_expect_publish(&c, "x", &packet);
    send_with_alias(&publisher, "", "y", 3);
    rig_expect_publish(&c, "y", &packet);
    assert_true(span_equal(packet.as.publish.topic, SPAN_LITERAL("other")));
    send_with_alias(&publisher, "$other", "x", 4); /* not let through, but bound */
    send_with_alias(&publisher, "", "y", 4);
    rig_expect_nothing(&c);
    send_with_alias(&publisher, "t", "x", 6);
    rig_expect_end(&publisher, 0x94);
    rig_client_close(&publisher);

    rig_client_connect(&r, &publisher, "publisher");
    send_with_alias(&publisher, "", "x", 3);
    rig_expect_end(&publisher, 0x94);
    rig_client_close(&publisher);
    rig_client_close(&c);
    rig_close(&r);

    settings.topic_alias_maximum = 0;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &c, "c");
    send_with_alias(&c, "t", "x", 1); /* [MQTT-3.2.2-18] */
    rig_expect_end(&c, 0x94);
    rig_client_close(&c);
    rig_close(&r);
}

/* packet_bytes_max: exactly that many bytes pass; one more is refused on the header alone
 * [U-3.2.2-4]. */
static void
test_packet_bytes_max(void **state)
{
    static const uint8_t too_large[] = {0x30, 0x7F};
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client c;
    struct wire_any packet;
    char payload[128] = "";

    (void)state;
    settings.packet_bytes_max = 128;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &c, "c");
    rig_subscribe(&c, "t", 0);
    memset(payload, 'x', 128 - 2 - 4);
    rig_publish(&c, "t", payload);
    rig_expect_publish(&c, payload, &packet);
    rig_send_bytes(&c, too_large, sizeof(too_large));
    rig_expect_end(&c, 0x95);
    rig_client_close(&c);
    rig_close(&r);
}

/* A message for so many would keep all others waiting, so what it leaves to be written is bulk. */
static void
test_a_crowd_opens_the_lane(void **state)
{
    static struct rig_client crowd[SHARD_CROWD];
    struct rig r;
    struct rig_client publisher;
    char id[RIG_NAME_BYTES];

    (void)state;
    rig_open(&r, 2, NULL);
    rig_name_in(&r, 0, "publisher", id);
    rig_client_connect(&r, &publisher, id);
    for (size_t i = 0; i < SHARD_CROWD; i++) {
        (void)snprintf(id, sizeof(id), "%zu", i);
        rig_client_connect(&r, &crowd[i], id);
        rig_subscribe(&crowd[i], "news", 0);
        if (crowd[i].conn.shard->index == 1) { /* only as many as are below the bound */
            rig_subscribe(&crowd[i], "rumours", 0);
        }
    }
    rig_publish(&publisher, "rumours", "few");
    assert_false(shard_has_lane(r.broker.shards[0]));
    assert_false(shard_has_lane(r.broker.shards[1]));
    rig_publish(&publisher, "news", "all");
    assert_true(shard_has_lane(r.broker.shards[0]));
    for (size_t i = 0; i < SHARD_CROWD; i++) {
        rig_client_close(&crowd[i]);
    }
    rig_client_close(&publisher);
    rig_close(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_crowd_opens_the_lane),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_dollar),
        cmocka_unit_test(test_topic_levels_max),
        cmocka_unit_test(test_deep_topics),
        cmocka_unit_test(test_properties_are_unaltered),
        cmocka_unit_test(test_topic_alias_in),
        cmocka_unit_test(test_packet_bytes_max),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
