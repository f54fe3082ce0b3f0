/* Statements about PUBLISH that no other test shows: the bytes at QoS 0, identifiers over the end
 * of their numbers, copies for several subscriptions, what is not the broker's business. */
#include "support/bytes.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void
subscribe(struct rig_client *c, const char *filter, uint32_t identifier)
{
    const struct wire_subscription w = {.filter = span_of_text(filter)};

    rig_subscribe_with(c, &w, identifier, 0);
}

/* At QoS 0 neither DUP nor Packet Identifier, and a Property Length of 0 where nothing is to be
 * said, whatever the publisher chose: [MQTT-2.2.1-2], [MQTT-2.2.2-1], [MQTT-3.3.1-2],
 * [MQTT-4.3.1-1]. */
static void
test_qos_0_on_the_wire(void **state)
{
    static const char *const wanted[] = {"30 [ 00 03 'a/b' 00 'x' ]",
                                         "30 [ 00 03 'a/b' 02 0B 05 'x' ]"};
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &publisher, "publisher");
    for (size_t i = 0; i < 2; i++) {
        struct span want = bytes_from(wanted[i]);

        rig_client_connect(&r, &c, "c");
        subscribe(&c, "a/+", i == 0 ? 0 : 5);
        for (uint8_t qos = 0; qos <= 2; qos++) {
            size_t before = c.input_len;
            struct wire_any packet = rig_publish_packet("a/b", "x", qos, 9);

            packet.as.publish.dup = qos > 0;
            rig_send(&publisher, &packet);
            assert_true(span_equal(span_of(c.input + before, c.input_len - before), want));
        }
        rig_ack(&publisher, WIRE_PUBREL, 9);
        rig_client_close(&c);
        bytes_free(want);
    }
    rig_client_close(&publisher);
    rig_close(&r);
}

/* [MQTT-2.2.1-4], [MQTT-4.3.2-1], [MQTT-4.3.3-1]: with one message that is never answered, and more
 * messages than there are identifiers. */
static void
test_identifiers_in_use_are_not_given(void **state)
{
    enum { MESSAGES = 65535 + 100 };
    struct rig r;
    struct rig_client c;
    struct wire_any packet;
    uint16_t held = 0;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &c, "c");
    rig_subscribe(&c, "t", 2);
    for (unsigned i = 0; i < MESSAGES; i++) {
        uint8_t qos = i == 0 ? 2 : 1;

        rig_publish_qos(&c, "t", "x", qos, 1);
        rig_expect_publish(&c, "x", &packet);
        assert_int_not_equal(packet.as.publish.packet_id, 0);
        assert_int_not_equal(packet.as.publish.packet_id, held);
        if (i == 0) {
            held = packet.as.publish.packet_id;
        } else {
            rig_ack(&c, WIRE_PUBACK, packet.as.publish.packet_id);
        }
        rig_expect_ack(&c, qos == 2 ? WIRE_PUBREC : WIRE_PUBACK, 1, 0);
        if (c.input_at == c.input_len) {
            c.input_at = 0;
            c.input_len = 0;
        }
    }
    rig_client_close(&c);
    rig_close(&r);
}

/* [MQTT-3.3.4-5]: a plain and two shared subscriptions are a copy each, with the identifier of its
 * own subscription. */
static void
test_each_copy_has_its_own_identifier(void **state)
{
    struct rig r;
    struct rig_client c;
    struct wire_any packet;
    unsigned seen = 0;

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        rig_open(&r, shards, NULL);
        rig_client_connect(&r, &c, "c");
        subscribe(&c, "t", 1);
        subscribe(&c, "$share/one/t", 2);
        subscribe(&c, "$share/two/+", 3);
        rig_publish(&c, "t", "x");
        seen = 0;
        for (size_t i = 0; i < 3; i++) {
            rig_expect_publish(&c, "x", &packet);
            seen |= 1U << packet.as.publish.properties.subscription_identifier;
        }
        assert_int_equal(seen, 1U << 1 | 1U << 2 | 1U << 3);
        rig_expect_nothing(&c);
        rig_client_close(&c);
        rig_close(&r);
    }
}

/* [U-3.3.2-3]: a payload that is said to be text is passed on as it is, text or not. */
static void
test_payloads_are_not_looked_at(void **state)
{
    struct rig r;
    struct rig_client c;
    struct wire_any packet = rig_publish_packet("t", "\xFF\xC0\x80", 1, 1);

    (void)state;
    packet.as.publish.properties.payload_format_indicator = 1;
    wire_properties_set(&packet.as.publish.properties, WIRE_PAYLOAD_FORMAT_INDICATOR);
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &c, "c");
    rig_subscribe(&c, "t", 0);
    rig_send(&c, &packet);
    rig_expect_publish(&c, "\xFF\xC0\x80", &packet);
    assert_int_equal(packet.as.publish.properties.payload_format_indicator, 1);
    rig_expect_ack(&c, WIRE_PUBACK, 1, 0);
    rig_client_close(&c);
    rig_close(&r);
}

static void
answer(struct rig_client *c, const char *payload)
{
    struct wire_any packet;

    rig_expect_publish(c, "ask", &packet);
    packet = (struct wire_any){
        .type = WIRE_PUBLISH,
        .as.publish = {.topic = packet.as.publish.properties.response_topic,
                       .properties = {.correlation_data =
                                          packet.as.publish.properties.correlation_data},
                       .payload = span_of_text(payload)},
    };
    wire_properties_set(&packet.as.publish.properties, WIRE_CORRELATION_DATA);
    rig_send(c, &packet);
}

/* [U-4.10-2]: a request reaches nobody, which is said, or as many as want it; each may answer, one
 * of them twice. */
static void
test_any_number_of_responders(void **state)
{
    static const char *const answers[] = {"one", "two", "two again"};
    struct wire_any request = rig_publish_packet("service", "ask", 1, 1);
    struct rig r;
    struct rig_client requester;
    struct rig_client responder[2];
    struct wire_any packet;

    (void)state;
    request.as.publish.properties.response_topic = SPAN_LITERAL("answers");
    wire_properties_set(&request.as.publish.properties, WIRE_RESPONSE_TOPIC);
    request.as.publish.properties.correlation_data = SPAN_LITERAL("7");
    wire_properties_set(&request.as.publish.properties, WIRE_CORRELATION_DATA);
    rig_open(&r, 4, NULL);
    rig_client_connect(&r, &requester, "requester");
    rig_subscribe(&requester, "answers", 0);
    rig_send(&requester, &request);
    rig_expect_ack(&requester, WIRE_PUBACK, 1, 0x10);
    rig_client_connect(&r, &responder[0], "one");
    rig_client_connect(&r, &responder[1], "two");
    rig_subscribe(&responder[0], "service", 0);
    rig_subscribe(&responder[1], "#", 0);
    rig_send(&requester, &request);
    rig_expect_ack(&requester, WIRE_PUBACK, 1, 0);
    answer(&responder[0], "one");
    answer(&responder[1], "two");
    rig_publish(&responder[1], "answers", "two again");
    for (size_t i = 0; i < 3; i++) {
        rig_expect_publish(&requester, answers[i], &packet);
        assert_int_equal(packet.as.publish.properties.correlation_data.len, i < 2 ? 1 : 0);
    }
    rig_expect_nothing(&requester);
    for (size_t i = 0; i < 2; i++) {
        rig_client_close(&responder[i]);
    }
    rig_client_close(&requester);
    rig_close(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_qos_0_on_the_wire),
        cmocka_unit_test(test_identifiers_in_use_are_not_given),
        cmocka_unit_test(test_each_copy_has_its_own_identifier),
        cmocka_unit_test(test_payloads_are_not_looked_at),
        cmocka_unit_test(test_any_number_of_responders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
