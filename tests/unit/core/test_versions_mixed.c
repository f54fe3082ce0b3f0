/* Publishers and subscribers of different versions: what is kept on the way from one to the other,
 * what is dropped, and what the broker still does for those who cannot ask for it. docs/versions.md
 * is the table of it. */
#include "support/bytes.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const enum wire_version old_versions[] = {WIRE_V31, WIRE_V311};

static void
connect_old(struct rig *r, struct rig_client *c, enum wire_version version, bool clean)
{
    const struct wire_connect how = {
        .version = version, .clean_start = clean, .client_id = SPAN_LITERAL("old")};
    struct wire_any connack;

    rig_connect(r, c, &how, &connack);
    assert_int_equal(connack.as.connack.reason_code, 0);
}

static struct wire_any
expiring(const char *payload, uint32_t expiry_s)
{
    struct wire_any packet = rig_publish_packet("t", payload, 1, 1);

    packet.as.publish.properties.message_expiry_interval = expiry_s;
    wire_properties_set(&packet.as.publish.properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    return packet;
}

/* Messages expire for old clients, too, though they are not told of it. */
static void
test_expiry(void **state)
{
    (void)state;
    for (size_t v = 0; v < 2; v++) {
        struct rig r;
        struct rig_client publisher;
        struct rig_client c;
        struct wire_any packet;

        rig_open(&r, 1, NULL);
        rig_client_connect(&r, &publisher, "publisher");
        connect_old(&r, &c, old_versions[v], false);
        rig_subscribe(&c, "t", 1);
        rig_client_close(&c);
        packet = expiring("short", 5);
        rig_send(&publisher, &packet);
        packet = expiring("long", 50);
        rig_send(&publisher, &packet);
        rig_advance(&r, 10000);
        connect_old(&r, &c, old_versions[v], false);
        rig_expect_publish(&c, "long", &packet);
        assert_int_equal(packet.as.publish.properties.present, 0);
        rig_expect_nothing(&c);
        rig_client_close(&publisher);
        rig_client_close(&c);
        rig_close(&r);
    }
}

/* Retained messages of either kind for either kind: RETAIN 1 for a new subscription, 0 for what
 * comes later, unless a client of MQTT 5.0 asks to see it as published. */
static void
test_retained(void **state)
{
    const struct wire_subscription as_published = {
        .filter = SPAN_LITERAL("+"), .qos = 1, .retain_as_published = true};

    (void)state;
    for (size_t v = 0; v < 2; v++) {
        struct rig r;
        struct rig_client modern;
        struct rig_client c;
        struct wire_any packet = expiring("modern", 50);

        packet.as.publish.retain = true;
        rig_open(&r, 4, NULL);
        rig_client_connect(&r, &modern, "modern");
        rig_send(&modern, &packet);
        rig_expect_ack(&modern, WIRE_PUBACK, 1, 0x10);
        connect_old(&r, &c, old_versions[v], true);
        rig_subscribe(&c, "t", 1);
        rig_expect_publish(&c, "modern", &packet);
        assert_true(packet.as.publish.retain);
        assert_int_equal(packet.as.publish.properties.present, 0);
        rig_ack(&c, WIRE_PUBACK, packet.as.publish.packet_id);

        rig_subscribe_with(&modern, &as_published, 3, 1);
        rig_expect_publish(&modern, "modern", &packet);
        packet = rig_publish_packet("t", "old", 1, 2);
        packet.as.publish.retain = true;
        rig_send(&c, &packet);
        rig_expect_publish(&c, "old", &packet);
        assert_false(packet.as.publish.retain);
        rig_expect_publish(&modern, "old", &packet);
        assert_true(packet.as.publish.retain);
        assert_int_equal(packet.as.publish.properties.subscription_identifier, 3);
        rig_client_close(&modern);
        rig_client_close(&c);
        rig_close(&r);
    }
}

/* An old client may be a member of a shared subscription next to those of MQTT 5.0. */
static void
test_shared(void **state)
{
    (void)state;
    for (size_t v = 0; v < 2; v++) {
        struct rig r;
        struct rig_client modern;
        struct rig_client c;
        struct wire_any packet;

        rig_open(&r, 4, NULL);
        rig_client_connect(&r, &modern, "modern");
        connect_old(&r, &c, old_versions[v], true);
        rig_subscribe(&modern, "$share/g/t", 0);
        rig_subscribe(&c, "$share/g/t", 0);
        for (int i = 0; i < 10; i++) {
            rig_publish(i % 2 == 0 ? &modern : &c, "t", "x");
        }
        for (int i = 0; i < 5; i++) {
            rig_expect_publish(&modern, "x", &packet);
            rig_expect_publish(&c, "x", &packet);
        }
        rig_expect_nothing(&modern);
        rig_expect_nothing(&c);
        rig_client_close(&modern);
        rig_client_close(&c);
        rig_close(&r);
    }
}

/* The will of an old client waits for nothing, though its session lasts. */
static void
test_wills_are_not_delayed(void **state)
{
    (void)state;
    for (size_t v = 0; v < 2; v++) {
        const struct wire_connect how = {
            .version = old_versions[v],
            .client_id = SPAN_LITERAL("old"),
            .has_will = true,
            .will = {.topic = SPAN_LITERAL("will"), .payload = SPAN_LITERAL("gone")}};
        struct rig r;
        struct rig_client modern;
        struct rig_client c;
        struct wire_any packet;

        rig_open(&r, 1, NULL);
        rig_client_connect(&r, &modern, "modern");
        rig_subscribe(&modern, "will", 0);
        rig_connect(&r, &c, &how, &packet);
        rig_client_drop(&c);
        rig_expect_publish(&modern, "gone", &packet);
        rig_client_close(&c);
        connect_old(&r, &c, old_versions[v], false);
        rig_expect_nothing(&modern);
        rig_client_close(&modern);
        rig_client_close(&c);
        rig_close(&r);
    }
}

/* What MQTT 3.1.1 wants and MQTT 5.0 says otherwise: what is sent, what comes back, and whether the
 * connection goes on. */
static const struct {
    const char *name;
    const char *send;
    const char *want;
    bool is_ended;
} first_words[] = {
    {"no name: one is made, and not told", "10 [ 00 04 'MQTT' 04 02 00 00 00 00 ]", "20 02 00 00",
     false},
    {"SUBSCRIBE has no options but QoS",
     "10 [ 00 04 'MQTT' 04 02 00 00 00 01 'a' ] 82 [ 00 01 00 01 't' 04 ]", "20 02 00 00", true},
    {"SUBSCRIBE of QoS 3", "10 [ 00 04 'MQTT' 04 02 00 00 00 01 'a' ] 82 [ 00 01 00 01 't' 03 ]",
     "20 02 00 00", true},
    {"a topic with a wildcard", "10 [ 00 04 'MQTT' 04 02 00 00 00 01 'a' ] 30 [ 00 01 '#' 'x' ]",
     "20 02 00 00", true},
    {"nobody wants it: no code says so",
     "10 [ 00 04 'MQTT' 04 02 00 00 00 01 'a' ] 32 [ 00 01 't' 00 07 'x' ] 34 [ 00 01 't' 00 08 ]",
     "20 02 00 00 40 [ 00 07 ] 50 [ 00 08 ]", false},
    {"DISCONNECT has no content", "10 [ 00 04 'MQTT' 04 02 00 00 00 01 'a' ] E0 01 00",
     "20 02 00 00", true},
    {"no AUTH", "10 [ 00 04 'MQTT' 04 02 00 00 00 01 'a' ] F0 00", "20 02 00 00", true},
    {"3.1: a session that lasts is not told", "10 [ 00 06 'MQIsdp' 03 00 00 00 00 01 'a' ]",
     "20 02 00 00", false},
};

static void
test_first_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(first_words) / sizeof(first_words[0]); i++) {
        struct span send = bytes_from(first_words[i].send);
        struct span want = bytes_from(first_words[i].want);
        struct rig r;
        struct rig_client c;

        print_message("%s\n", first_words[i].name);
        rig_open(&r, 1, NULL);
        rig_client_open(&r, &c, "a", WIRE_V311);
        rig_send_bytes(&c, send.data, send.len);
        assert_true(span_equal(span_of(c.input, c.input_len), want));
        assert_int_equal(rig_client_is_ended(&c), first_words[i].is_ended);
        rig_client_close(&c);
        rig_close(&r);
        bytes_free(send);
        bytes_free(want);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_expiry),      cmocka_unit_test(test_retained),
        cmocka_unit_test(test_shared),      cmocka_unit_test(test_wills_are_not_delayed),
        cmocka_unit_test(test_first_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
