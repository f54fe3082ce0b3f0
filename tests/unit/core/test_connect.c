/* CONNECT: what is accepted, what is refused and how that is said in each version. */
#include "broker/core/session.h"
#include "support/bytes.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SILENCE (-1)

/* First packets, and the code of the CONNACK that comes before the end. */
static const struct {
    const char *name;
    const char *bytes;
    enum wire_version version;
    int code;
} first_packets[] = {
    {"MQTT-3.1.0-1 PINGREQ", "C0 00", WIRE_V5, SILENCE},
    {"MQTT-3.1.0-1 PUBLISH", "30 [ 00 01 'a' 00 ]", WIRE_V5, SILENCE},
    {"CVE-2023-0809 PUBLISH of 256 MB announced", "30 FF FF FF 7F 00", WIRE_V5, SILENCE},
    {"MQTT-3.1.0-1 one byte is enough", "30", WIRE_V5, SILENCE},
    {"CVE-2021-28166 CONNACK", "20 [ 00 00 00 ]", WIRE_V5, SILENCE},
    {"AUTH", "F0 00", WIRE_V5, SILENCE},
    {"U-2.1.2-1 type 0", "00 00", WIRE_V5, SILENCE},
    {"CVE-2017-7651 CONNECT of 256 MB announced", "10 FF FF FF 7F", WIRE_V5, SILENCE},
    {"U-1.5.5-1 Remaining Length of five bytes", "10 80 80 80 80 01", WIRE_V5, SILENCE},
    {"U-2.1.3-1 flags", "11 [ 00 04 'MQTT' 05 02 00 00 00 00 01 'a' ]", WIRE_V5, SILENCE},
    {"MQTT-3.1.2-1 protocol name", "10 [ 00 04 'MQTX' 05 02 00 00 00 00 01 'a' ]", WIRE_V5, 0x84},
    {"MQTT-3.1.2-2 version 6", "10 [ 00 04 'MQTT' 06 02 00 00 00 00 01 'a' ]", WIRE_V5, 0x84},
    {"version 3 under the new name", "10 [ 00 04 'MQTT' 03 02 00 00 00 01 'a' ]", WIRE_V31, 1},
    {"version 4 under the old name", "10 [ 00 06 'MQIsdp' 04 02 00 00 00 01 'a' ]", WIRE_V311, 1},
    {"empty", "10 00", WIRE_V5, 0x81},
    {"cut in the name", "10 [ 00 04 'MQ' ]", WIRE_V5, 0x81},
    {"cut before the flags", "10 [ 00 04 'MQTT' 05 ]", WIRE_V5, 0x81},
    {"MQTT-3.1.2-3, U-3.1.2-1 reserved flag", "10 [ 00 04 'MQTT' 05 03 00 00 00 00 01 'a' ]",
     WIRE_V5, 0x81},
    {"MQTT-3.1.2-11 QoS of no will", "10 [ 00 04 'MQTT' 05 0A 00 00 00 00 01 'a' ]", WIRE_V5, 0x81},
    {"MQTT-3.1.2-12 will of QoS 3",
     "10 [ 00 04 'MQTT' 05 1E 00 00 00 00 01 'a' 00 00 01 't' 00 00 ]", WIRE_V5, 0x81},
    {"MQTT-3.1.2-13 retain of no will", "10 [ 00 04 'MQTT' 05 22 00 00 00 00 01 'a' ]", WIRE_V5,
     0x81},
    {"MQTT-1.5.4-1, U-1.5.4-1 client id", "10 [ 00 04 'MQTT' 05 02 00 00 00 00 02 C3 28 ]", WIRE_V5,
     0x81},
    {"MQTT-1.5.4-1 a surrogate", "10 [ 00 04 'MQTT' 05 02 00 00 00 00 03 ED A0 80 ]", WIRE_V5,
     0x81},
    {"MQTT-1.5.4-2 a zero", "10 [ 00 04 'MQTT' 05 02 00 00 00 00 01 00 ]", WIRE_V5, 0x81},
    {"bytes left over", "10 [ 00 04 'MQTT' 05 02 00 00 00 00 01 'a' 00 ]", WIRE_V5, 0x81},
    {"CVE-2026-21888 Property Length of five bytes",
     "10 [ 00 04 'MQTT' 05 02 00 00 80 80 80 80 01 00 01 'a' ]", WIRE_V5, 0x81},
    {"U-2.2.2-1 property of another packet",
     "10 [ 00 04 'MQTT' 05 02 00 00 03 23 00 01 00 01 'a' ]", WIRE_V5, 0x81},
    {"U-2.2.2-1 unknown property", "10 [ 00 04 'MQTT' 05 02 00 00 02 7F 01 00 01 'a' ]", WIRE_V5,
     0x81},
    {"U-3.1.2-4 twice",
     "10 [ 00 04 'MQTT' 05 02 00 00 0A 11 00 00 00 01 11 00 00 00 01 00 01 'a' ]", WIRE_V5, 0x82},
    {"U-3.1.2-5 Receive Maximum 0", "10 [ 00 04 'MQTT' 05 02 00 00 03 21 00 00 00 01 'a' ]",
     WIRE_V5, 0x82},
    {"U-3.1.2-6 Maximum Packet Size 0",
     "10 [ 00 04 'MQTT' 05 02 00 00 05 27 00 00 00 00 00 01 'a' ]", WIRE_V5, 0x82},
    {"U-3.1.2-9 neither 0 nor 1", "10 [ 00 04 'MQTT' 05 02 00 00 02 19 02 00 01 'a' ]", WIRE_V5,
     0x82},
    {"U-3.1.2-10 neither 0 nor 1", "10 [ 00 04 'MQTT' 05 02 00 00 02 17 02 00 01 'a' ]", WIRE_V5,
     0x82},
    {"U-3.1.2-13 data without a method",
     "10 [ 00 04 'MQTT' 05 02 00 00 04 16 00 01 'x' 00 01 'a' ]", WIRE_V5, 0x82},
    {"MQTT-4.12.0-1 a method", "10 [ 00 04 'MQTT' 05 02 00 00 04 15 00 01 'x' 00 01 'a' ]", WIRE_V5,
     0x8C},
    {"will topic with a wildcard",
     "10 [ 00 04 'MQTT' 05 06 00 00 00 00 01 'a' 00 00 01 '#' 00 00 ]", WIRE_V5, 0x90},
    {"MQTT-4.7.3-1 will topic empty", "10 [ 00 04 'MQTT' 05 06 00 00 00 00 01 'a' 00 00 00 00 00 ]",
     WIRE_V5, 0x90},
    {"U-4.7.2-1, MQTT-3.1.4-2 will topic of the broker's own",
     "10 [ 00 04 'MQTT' 05 06 00 00 00 00 01 'a' 00 00 02 '$x' 00 00 ]", WIRE_V5, 0x87},
    {"MQTT-3.3.2-14 will that wants answers to a wildcard",
     "10 [ 00 04 'MQTT' 05 06 00 00 00 00 01 'a' 04 08 00 01 '+' 00 01 't' 00 00 ]", WIRE_V5, 0x82},
    {"CVE-2023-3592 property of no will",
     "10 [ 00 04 'MQTT' 05 06 00 00 00 00 01 'a' 03 21 00 01 00 01 't' 00 00 ]", WIRE_V5, 0x81},
    {"U-3.1.3-1 will property twice",
     "10 [ 00 04 'MQTT' 05 06 00 00 00 00 01 'a' 04 01 00 01 00 00 01 't' 00 00 ]", WIRE_V5, 0x82},
    {"3.1.1: cut", "10 [ 00 04 'MQTT' 04 02 ]", WIRE_V311, SILENCE},
    {"3.1.1: reserved flag", "10 [ 00 04 'MQTT' 04 03 00 00 00 01 'a' ]", WIRE_V311, SILENCE},
    {"3.1.1: password without user name", "10 [ 00 04 'MQTT' 04 42 00 00 00 01 'a' 00 01 'p' ]",
     WIRE_V311, SILENCE},
    {"MQTT-3.1.3-8 in 3.1.1: no name for a session that lasts",
     "10 [ 00 04 'MQTT' 04 00 00 00 00 00 ]", WIRE_V311, 2},
    {"3.1.1: will topic of the broker's own",
     "10 [ 00 04 'MQTT' 04 06 00 00 00 01 'a' 00 02 '$x' 00 00 ]", WIRE_V311, 5},
    {"3.1: no name", "10 [ 00 06 'MQIsdp' 03 02 00 00 00 00 ]", WIRE_V31, 2},
};

static void
test_refused(void **state)
{
    struct rig r;

    (void)state;
    rig_open(&r, 1, NULL);
    for (size_t i = 0; i < sizeof(first_packets) / sizeof(first_packets[0]); i++) {
        struct span bytes = bytes_from(first_packets[i].bytes);
        struct rig_client c;
        struct wire_any packet;

        print_message("%s\n", first_packets[i].name);
        rig_client_open(&r, &c, "a", first_packets[i].version);
        rig_send_bytes(&c, bytes.data, bytes.len);
        if (first_packets[i].code != SILENCE) {
            rig_expect(&c, WIRE_CONNACK, &packet);
            assert_int_equal(packet.as.connack.reason_code, first_packets[i].code);
            assert_false(packet.as.connack.session_present); /* [MQTT-3.2.2-6] */
        }
        rig_expect_nothing(&c);               /* [MQTT-3.14.0-1] */
        assert_true(rig_client_is_ended(&c)); /* [MQTT-3.1.4-1], [MQTT-3.2.2-7] */
        rig_client_close(&c);
        bytes_free(bytes);
    }
    rig_close(&r);
}

/* [MQTT-3.1.4-6]: what comes behind a CONNECT that is refused is not looked at. */
static void
test_nothing_behind_a_refusal(void **state)
{
    struct rig r;
    struct rig_client witness;
    struct rig_client c;
    struct wire_any packet;
    struct span bytes = bytes_from("10 [ 00 04 'MQTT' 06 02 00 00 00 00 01 'a' ]"
                                   "30 [ 00 01 't' 00 'x' ]");

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &witness, "witness");
    rig_subscribe(&witness, "t", 0);
    rig_client_open(&r, &c, "a", WIRE_V5);
    rig_send_bytes(&c, bytes.data, bytes.len);
    rig_expect(&c, WIRE_CONNACK, &packet);
    rig_expect_nothing(&c);
    assert_true(rig_client_is_ended(&c));
    rig_expect_nothing(&witness);
    bytes_free(bytes);
    rig_client_close(&c);
    rig_client_close(&witness);
    rig_close(&r);
}

/* [U-3.1.4-2]: clients need not wait for CONNACK. */
static void
test_all_in_one_write(void **state)
{
    struct rig r;
    struct rig_client c;
    struct wire_any packet;
    struct span bytes = bytes_from("10 [ 00 04 'MQTT' 05 02 00 00 00 00 01 'a' ]"
                                   "82 [ 00 01 00 00 01 't' 01 ]"
                                   "32 [ 00 01 't' 00 02 00 'x' ]"
                                   "C0 00");

    (void)state;
    for (size_t cut = 1; cut <= bytes.len; cut++) {
        rig_open(&r, 1, NULL);
        rig_client_open(&r, &c, "a", WIRE_V5);
        rig_send_bytes(&c, bytes.data, cut);
        rig_send_bytes(&c, bytes.data + cut, bytes.len - cut);
        rig_expect(&c, WIRE_CONNACK, &packet);
        assert_int_equal(packet.as.connack.reason_code, 0); /* [MQTT-3.1.4-5] */
        rig_expect(&c, WIRE_SUBACK, &packet);
        rig_expect_publish(&c, "x", &packet);
        rig_expect_ack(&c, WIRE_PUBACK, 2, 0);
        rig_expect(&c, WIRE_PINGRESP, &packet); /* [MQTT-3.12.4-1] */
        rig_expect_nothing(&c);
        rig_client_close(&c);
        rig_close(&r);
    }
    bytes_free(bytes);
}

static void
test_connack_says_what_differs(void **state)
{
    struct settings settings = settings_default();
    struct wire_connect how = rig_lasting("a", 100);
    struct rig r;
    struct rig_client c;
    struct wire_any packet;
    const struct wire_properties *v = &packet.as.connack.properties;

    (void)state;
    settings.receive_maximum = 7;
    settings.packet_bytes_max = 1000;
    settings.topic_alias_maximum = 0;
    settings.session_expiry_max_s = 50;
    rig_open(&r, 1, &settings);
    rig_connect(&r, &c, &how, &packet);
    assert_int_equal(v->receive_maximum, 7);
    assert_int_equal(v->maximum_packet_size, 1000);
    assert_int_equal(v->session_expiry_interval, 50); /* [U-3.2.2-8] */
    assert_false(wire_properties_has(v, WIRE_TOPIC_ALIAS_MAXIMUM));
    assert_false(wire_properties_has(v, WIRE_ASSIGNED_CLIENT_IDENTIFIER));
    assert_false(wire_properties_has(v, WIRE_RESPONSE_INFORMATION)); /* [MQTT-3.1.2-28] */
    assert_false(wire_properties_has(v, WIRE_SERVER_KEEP_ALIVE));
    rig_client_close(&c);

    how = rig_lasting("b", 50);
    rig_connect(&r, &c, &how, &packet);
    assert_false(wire_properties_has(v, WIRE_SESSION_EXPIRY_INTERVAL));
    rig_client_close(&c);
    rig_close(&r);
}

/* [MQTT-3.1.3-6], [MQTT-3.1.3-7], [MQTT-3.2.2-16], haproxy #1310: whatever Clean Start says. */
static void
test_assigned_client_id(void **state)
{
    struct rig r;
    struct rig_client c[2];
    struct wire_connect how = rig_lasting("", 100);
    struct wire_any packet[2];
    char name[64] = "";

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        rig_open(&r, shards, NULL);
        for (size_t i = 0; i < 2; i++) {
            how.clean_start = i == 0;
            rig_connect(&r, &c[i], &how, &packet[i]);
            assert_int_equal(packet[i].as.connack.reason_code, 0);
            assert_true(packet[i].as.connack.properties.assigned_client_identifier.len >= 16);
        }
        assert_false(span_equal(packet[0].as.connack.properties.assigned_client_identifier,
                                packet[1].as.connack.properties.assigned_client_identifier));
        memcpy(name, packet[1].as.connack.properties.assigned_client_identifier.data,
               packet[1].as.connack.properties.assigned_client_identifier.len);
        rig_client_close(&c[1]);
        rig_resume(&r, &c[1], name, true); /* found where its name says */
        rig_client_close(&c[0]);
        rig_client_close(&c[1]);
        rig_close(&r);
    }
}

/* [MQTT-3.1.2-24]: a client whose Maximum Packet Size leaves no room for the CONNACK is told so in
 * five bytes, or not at all. Its will was never accepted. */
static void
test_connack_that_does_not_fit(void **state)
{
    struct rig r;
    struct rig_client witness;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &witness, "witness");
    rig_subscribe(&witness, "#", 0);
    for (uint32_t max = 1; max <= 16; max++) {
        rig_client_open(&r, &c, "a", WIRE_V5);
        packet = rig_connect_packet(&c, "a");
        packet.as.connect.properties.maximum_packet_size = max;
        wire_properties_set(&packet.as.connect.properties, WIRE_MAXIMUM_PACKET_SIZE);
        packet.as.connect.has_will = true;
        packet.as.connect.will.topic = SPAN_LITERAL("gone");
        rig_send(&c, &packet);
        if (max >= 16) {
            rig_expect(&c, WIRE_CONNACK, &packet);
            assert_int_equal(packet.as.connack.reason_code, 0);
            rig_disconnect(&c, 0);
        } else if (max >= 5) {
            rig_expect(&c, WIRE_CONNACK, &packet);
            assert_int_equal(packet.as.connack.reason_code, 0x95);
        }
        rig_expect_nothing(&c);
        assert_true(rig_client_is_ended(&c));
        rig_client_close(&c);
    }
    rig_expect_nothing(&witness);
    rig_client_close(&witness);
    rig_close(&r);
}

static void
test_second_connect(void **state) /* [MQTT-3.1.0-2], [MQTT-3.2.0-2] */
{
    static const enum wire_version versions[] = {WIRE_V31, WIRE_V311, WIRE_V5};
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    for (size_t i = 0; i < 3; i++) {
        rig_client_open(&r, &c, "a", versions[i]);
        packet = rig_connect_packet(&c, "a");
        rig_send(&c, &packet);
        rig_expect(&c, WIRE_CONNACK, &packet);
        packet = rig_connect_packet(&c, "a");
        rig_send(&c, &packet);
        rig_expect_end(&c, 0x82);
        rig_client_close(&c);
    }
    rig_close(&r);
}

/* connect_timeout_ms, from the start of the connection to the whole CONNECT, trickled or not
 * [U-3.1.4-1]. */
static void
test_connect_timeout(void **state)
{
    struct settings settings = settings_default();
    struct span bytes = bytes_from("10 [ 00 04 'MQTT' 05 02 00 00 00 00 01 'a' ]");
    struct rig r;
    struct rig_client c[2];

    (void)state;
    settings.connect_timeout_ms = 100;
    rig_open(&r, 1, &settings);
    rig_client_open(&r, &c[0], "a", WIRE_V5);
    rig_client_open(&r, &c[1], "b", WIRE_V5);
    rig_advance(&r, 50);
    rig_send_bytes(&c[1], bytes.data, 3);
    rig_advance(&r, 49);
    assert_false(rig_client_is_ended(&c[0]));
    rig_send_bytes(&c[1], bytes.data + 3, 3);
    assert_false(rig_client_is_ended(&c[1]));
    rig_advance(&r, 1);
    for (size_t i = 0; i < 2; i++) {
        rig_expect_nothing(&c[i]);
        assert_true(rig_client_is_ended(&c[i]));
        rig_client_close(&c[i]);
    }
    bytes_free(bytes);
    rig_close(&r);
}

/* connect_bytes_max bounds CONNECT alone; packet_bytes_max what follows, whole or in pieces. */
static void
test_connect_bytes_max(void **state)
{
    static const uint8_t header[] = {0x30, 0xAC, 0x02, 0x00, 0x01, 't', 0x00}; /* 4 + 296 bytes */
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client c;
    struct wire_any packet;
    char payload[297] = "";

    (void)state;
    memset(payload, 'u', sizeof(payload) - 1);
    settings.packet_bytes_max = 400;
    for (uint64_t max = 64; max <= 66; max++) { /* the smallest value is 64 */
        settings.connect_bytes_max = max;
        rig_open(&r, 1, &settings);
        rig_client_open(&r, &c, "a", WIRE_V5);
        packet = rig_connect_packet(&c, "a");
        packet.as.connect.has_user_name = true;
        packet.as.connect.user_name = span_of(payload, 65 - 18);
        rig_send(&c, &packet);
        assert_int_equal(rig_client_is_ended(&c), max < 65);
        if (max >= 65) {
            rig_expect(&c, WIRE_CONNACK, &packet);
            rig_subscribe(&c, "t", 0);
            rig_publish(&c, "t", payload);
            rig_expect_publish(&c, payload, &packet);
            rig_send_bytes(&c, header, sizeof(header));
            rig_send_bytes(&c, payload, 100);
            rig_send_bytes(&c, payload + 100, 196);
            rig_expect_publish(&c, payload, &packet);
        }
        rig_expect_nothing(&c);
        rig_client_close(&c);
        rig_close(&r);
    }
}

static void
test_sessions_max(void **state)
{
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client c[3];
    struct wire_any packet;
    struct wire_connect how = rig_lasting("", 100);

    (void)state;
    settings.sessions_max = 2;
    rig_open(&r, 4, &settings);
    rig_resume(&r, &c[0], "one", false);
    rig_client_connect(&r, &c[1], "two");
    how.client_id = SPAN_LITERAL("three");
    rig_connect(&r, &c[2], &how, &packet);
    assert_int_equal(packet.as.connack.reason_code, 0x97);
    assert_true(rig_client_is_ended(&c[2]));
    rig_client_close(&c[2]);

    how.version = WIRE_V311;
    how.properties.present = 0;
    rig_connect(&r, &c[2], &how, &packet);
    assert_int_equal(packet.as.connack.reason_code, 3); /* server unavailable */
    rig_client_close(&c[2]);

    rig_client_close(&c[0]); /* its session stays and counts */
    how = rig_lasting("three", 100);
    rig_connect(&r, &c[2], &how, &packet);
    assert_int_equal(packet.as.connack.reason_code, 0x97);
    rig_client_close(&c[2]);
    rig_client_close(&c[1]); /* its session ends */
    rig_resume(&r, &c[2], "three", false);
    rig_client_close(&c[2]);
    rig_close(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_nothing_behind_a_refusal),
        cmocka_unit_test(test_all_in_one_write),
        cmocka_unit_test(test_connack_says_what_differs),
        cmocka_unit_test(test_assigned_client_id),
        cmocka_unit_test(test_connack_that_does_not_fit),
        cmocka_unit_test(test_second_connect),
        cmocka_unit_test(test_connect_timeout),
        cmocka_unit_test(test_connect_bytes_max),
        cmocka_unit_test(test_sessions_max),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
