/* Reason Strings: where they are, where they must not be, and what they say. */
#include "broker/core/explain.h"
#include "support/bytes.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void
assert_reason(const struct wire_properties *v, const char *words)
{
    if (words == NULL) {
        assert_false(wire_properties_has(v, WIRE_REASON_STRING));
    } else {
        assert_true(wire_properties_has(v, WIRE_REASON_STRING));
        if (!span_equal(v->reason_string, span_of_text(words))) {
            fail_msg("expected \"%s\", got \"%.*s\"", words, (int)v->reason_string.len,
                     (const char *)v->reason_string.data);
        }
    }
}

/* A CONNECT of MQTT 5.0 that asks for no problem information, or leaves it open. */
static void
open_client(struct rig *r, struct rig_client *c, bool wants_reasons, uint32_t packet_bytes_max)
{
    struct wire_connect how = rig_lasting("c", 0);
    struct wire_any packet;

    if (!wants_reasons) {
        wire_properties_set(&how.properties, WIRE_REQUEST_PROBLEM_INFORMATION); /* 0 */
    }
    how.properties.maximum_packet_size = packet_bytes_max;
    wire_properties_set(&how.properties, WIRE_MAXIMUM_PACKET_SIZE);
    rig_connect(r, c, &how, &packet);
    assert_int_equal(packet.as.connack.reason_code, 0);
    assert_reason(&packet.as.connack.properties, NULL);
}

static const struct {
    const char *name;
    const char *bytes;
    uint8_t code;
    const char *words;
} ends[] = {
    {"MQTT-3.3.4-6 Subscription Identifier", "30 [ 00 01 't' 02 0B 01 'x' ]", 0x82,
     "a PUBLISH from a client must not carry a Subscription Identifier"},
    {"MQTT-3.3.4-6 echoed with everything else",
     "32 [ 00 01 't' 00 01 08 09 00 01 'k' 0B 01 0B 02 ]", 0x82,
     "a PUBLISH from a client must not carry a Subscription Identifier"},
    {"a fixed header that cannot be", "30 FF FF FF FF 01", 0x81, "a malformed fixed header"},
    {"malformed PUBLISH", "36 [ 00 01 't' 00 01 00 ]", 0x81, "a malformed PUBLISH"},
    {"malformed PUBACK", "40 [ 00 00 ]", 0x81, "a malformed PUBACK"},
    {"malformed SUBSCRIBE", "82 [ 00 ]", 0x81, "a malformed SUBSCRIBE"},
    {"SUBSCRIBE of nothing", "82 [ 00 01 00 ]", 0x82, "a SUBSCRIBE that breaks a rule of MQTT"},
    {"a Response Topic with a wildcard", "30 [ 00 01 't' 04 08 00 01 '#' ]", 0x82,
     "a PUBLISH that breaks a rule of MQTT"},
    {"a topic with a wildcard", "30 [ 00 01 '#' 00 ]", 0x90,
     "a PUBLISH names a topic that is empty or has wildcards in it"},
    {"Topic Alias 0", "30 [ 00 01 't' 03 23 00 00 ]", 0x94,
     "the Topic Alias is 0, above the broker's Topic Alias Maximum, or was never set"},
    {"MQTT-3.1.0-2", "10 [ 00 04 'MQTT' 05 02 00 00 00 00 01 'c' ]", 0x82,
     "a second CONNECT on the same connection"},
    {"a packet of the server", "D0 00", 0x82, "a client must not send PINGRESP"},
    {"too large", "30 FF FF FF 7F", 0x95,
     "the packet is larger than the broker's Maximum Packet Size"},
    {"a reason code of the server", "E0 [ 8B ]", 0x82, "only a server may send this reason code"},
    {"expiry from nothing", "E0 [ 00 05 11 00 00 00 01 ]", 0x82,
     "a Session Expiry Interval of 0 cannot be changed in DISCONNECT"},
};

/* DISCONNECT may have one even when the client asked for no problem information
 * [MQTT-3.1.2-29], but never beyond its Maximum Packet Size [MQTT-3.14.2-3]. */
static void
test_disconnect(void **state)
{
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct span bytes = bytes_from(ends[i].bytes);
        uint32_t whole = (uint32_t)(2 + 1 + 1 + 3 + strlen(ends[i].words));

        print_message("%s\n", ends[i].name);
        for (int round = 0; round < 4; round++) {
            open_client(&r, &c, round % 2 == 0, round < 2 ? whole : whole - 1);
            rig_send_bytes(&c, bytes.data, bytes.len);
            rig_expect(&c, WIRE_DISCONNECT, &packet);
            assert_int_equal(packet.as.disconnect.reason_code, ends[i].code);
            assert_reason(&packet.as.disconnect.properties, round < 2 ? ends[i].words : NULL);
            rig_expect_nothing(&c);
            assert_true(rig_client_is_ended(&c));
            rig_client_close(&c);
        }
        bytes_free(bytes);
    }
    rig_close(&r);
}

static void
test_takeover_and_shut_down(void **state)
{
    struct rig r;
    struct rig_client c[2];
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &c[0], "c");
    rig_client_connect(&r, &c[1], "c");
    rig_expect(&c[0], WIRE_DISCONNECT, &packet);
    assert_int_equal(packet.as.disconnect.reason_code, 0x8E);
    assert_reason(&packet.as.disconnect.properties,
                  "another connection has come with the same Client Identifier");
    shard_shut_down(r.broker.shards[0], 0x8B);
    rig_settle(&r);
    rig_expect(&c[1], WIRE_DISCONNECT, &packet);
    assert_int_equal(packet.as.disconnect.reason_code, 0x8B);
    assert_reason(&packet.as.disconnect.properties, "the broker is being stopped");
    rig_client_close(&c[0]);
    rig_client_close(&c[1]);
    rig_close(&r);
}

/* CONNACK, too, may always have one [MQTT-3.2.2-19]. */
static void
test_connack(void **state)
{
    static const struct {
        const char *bytes;
        uint8_t code;
        const char *words;
    } rows[] = {
        {"10 [ 00 04 'MQTT' 06 02 00 00 00 00 01 'a' ]", 0x84,
         "MQTT 5.0, 3.1.1 and 3.1 are spoken here"},
        {"10 [ 00 04 'MQTT' 05 03 00 00 00 00 01 'a' ]", 0x81, "a malformed CONNECT"},
        {"10 [ 00 04 'MQTT' 05 02 00 00 02 17 02 00 01 'a' ]", 0x82,
         "a CONNECT that breaks a rule of MQTT"},
        {"10 [ 00 04 'MQTT' 05 06 00 00 00 00 01 'a' 00 00 01 '#' 00 00 ]", 0x90,
         "the Will Topic is no Topic Name, or longer or deeper than the broker takes"},
        {"10 [ 00 04 'MQTT' 05 06 00 00 02 17 00 00 01 'a' 00 00 01 '#' 00 00 ]", 0x90,
         "the Will Topic is no Topic Name, or longer or deeper than the broker takes"},
        {"10 [ 00 04 'MQTT' 05 06 00 00 05 27 00 00 00 40 00 01 'a' 00 00 01 '#' 00 00 ]", 0x90,
         NULL},
    };
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span bytes = bytes_from(rows[i].bytes);

        rig_client_open(&r, &c, "a", WIRE_V5);
        rig_send_bytes(&c, bytes.data, bytes.len);
        rig_expect(&c, WIRE_CONNACK, &packet);
        assert_int_equal(packet.as.connack.reason_code, rows[i].code);
        assert_reason(&packet.as.connack.properties, rows[i].words);
        assert_true(rig_client_is_ended(&c));
        rig_client_close(&c);
        bytes_free(bytes);
    }
    rig_close(&r);
}

/* Acknowledgements that refuse have one if the client wants it [MQTT-3.1.2-29] and it fits
 * [MQTT-3.4.2-2], [MQTT-3.5.2-2], [MQTT-3.9.2-1]; those that do not refuse never have. */
static void
refuse(bool wants_reasons, uint32_t packet_bytes_max, bool said)
{
    static const struct wire_subscription filters[] = {
        {.filter = SPAN_INIT("fine")},
        {.filter = SPAN_INIT("wrong/#/here")},
        {.filter = SPAN_INIT("fine/too"), .qos = 1},
    };
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    rig_open(&r, 1, NULL);
    open_client(&r, &c, wants_reasons, packet_bytes_max);
    for (uint8_t qos = 1; qos <= 2; qos++) {
        rig_publish_qos(&c, "$nothing", "x", qos, 1);
        rig_expect(&c, qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, &packet);
        assert_int_equal(packet.as.ack.packet_id, 1);
        assert_int_equal(packet.as.ack.reason_code, 0x87);
        assert_reason(&packet.as.ack.properties,
                      said ? "topics that begin with $ are the broker's own" : NULL);
        rig_publish_qos(&c, "nobody", "x", qos, 2);
        rig_expect(&c, qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, &packet);
        assert_int_equal(packet.as.ack.reason_code, 0x10);
        assert_reason(&packet.as.ack.properties, NULL);
    }
    packet = (struct wire_any){
        .type = WIRE_SUBSCRIBE,
        .as.subscribe = {.packet_id = 3, .count = 3, .subscriptions = filters},
    };
    rig_send(&c, &packet);
    rig_expect(&c, WIRE_SUBACK, &packet);
    assert_int_equal(packet.as.suback.reason_codes.data[1], 0x8F);
    assert_int_equal(packet.as.suback.reason_codes.data[2], 1);
    assert_reason(
        &packet.as.suback.properties,
        said ? "filter 2: it is no Topic Filter, or longer or deeper than the broker takes" : NULL);
    rig_subscribe(&c, "fine", 0);
    rig_client_close(&c);
    rig_close(&r);
}

static void
test_acknowledgements(void **state)
{
    (void)state;
    refuse(true, 1000, true);
    refuse(true, 40, false);
    refuse(false, 1000, false);
}

/* All words are ASCII, end without a full stop, and fit a Reason String of this broker. */
static void
test_words(void **state)
{
    size_t count = 0;

    (void)state;
    for (unsigned type = 1; type <= 15; type++) {
        for (unsigned code = 0; code <= 0xFF; code++) {
            const char *words = explain((enum wire_type)type, (uint8_t)code);

            if (words != NULL) {
                count++;
                assert_true(wire_reason_is_valid((uint8_t)code, (enum wire_type)type));
                assert_true(wire_reason_is_error((uint8_t)code));
                assert_in_range(strlen(words), 10, EXPLAIN_BYTES_MAX - 20);
                assert_true(words[strlen(words) - 1] != '.');
                for (const char *at = words; *at != '\0'; at++) {
                    assert_in_range(*at, ' ', '~');
                    assert_true(*at != '"'); /* they go into the log, between quotes */
                }
            }
        }
    }
    assert_true(count > 20);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_disconnect), cmocka_unit_test(test_takeover_and_shut_down),
        cmocka_unit_test(test_connack),    cmocka_unit_test(test_acknowledgements),
        cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
