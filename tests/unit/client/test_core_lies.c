#include "peer.h"

#include "client/message.h"
#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Servers that break the rules: every one loses its connection with the right reason code, and
 * whatever was outstanding ends with WILCO_ECLOSED. */

#define PLAIN_PUBLISH "30 04 00 01 'a' 00 "

/* What is outstanding: a QoS 1 publication with identifier 1, a QoS 2 one with 2, a SUBSCRIBE with
 * 3, a request, whose SUBSCRIBE has 4. */
static void
leave_outstanding(struct peer *p)
{
    const struct core_subscriber to = {.on_message = NULL};
    struct wire_any packet;
    uint8_t reason_code = 0;

    for (uint8_t qos = 1; qos <= 2; qos++) {
        const struct wilco_publish w = {.topic = "t", .qos = qos};

        assert_int_equal(core_publish(p->core, &w, NULL, p, &reason_code), WILCO_OK);
        peer_expect(p, WIRE_PUBLISH, &packet);
        assert_int_equal(packet.as.publish.packet_id, qos);
    }
    assert_int_equal(
        core_subscribe(p->core, &(struct wilco_subscription){.filter = "s"}, &to, p, &reason_code),
        WILCO_OK);
    peer_expect(p, WIRE_SUBSCRIBE, &packet);
    assert_int_equal(packet.as.subscribe.packet_id, 3);
    (void)peer_ask(p, &(struct wilco_request){.topic = "do"});
    peer_expect(p, WIRE_SUBSCRIBE, &packet);
    assert_int_equal(packet.as.subscribe.packet_id, 4);
}

static void
expect_all_closed(struct peer *p)
{
    struct core_event event;

    for (int i = 0; i < 3; i++) {
        assert_true(core_next_awaited(p->core, &event));
        assert_int_equal(event.status, WILCO_ECLOSED);
    }
    assert_false(core_next_awaited(p->core, &event));
    while (core_next_event(p->core, &event, p->now_ms) && event.kind != CORE_ENDED) {
        assert_int_equal(event.kind, CORE_RESPONSE);
        assert_int_equal(event.status, WILCO_ECLOSED);
    }
    assert_int_equal(event.kind, CORE_ENDED);
    assert_int_equal(peer_counters(p).pending, 0);
}

static const struct {
    const char *name, *bytes;
    uint8_t want;
} rows[] = {
    /* malformed */
    {"type 0", "00 00", 0x81},                           /* [U-2.1.2-1] */
    {"flags of PUBACK", "41 02 00 01", 0x81},            /* [MQTT-2.1.3-1], [U-2.1.3-1] */
    {"flags of PUBREL", "60 02 00 02", 0x81},            /* [MQTT-3.6.1-1] */
    {"flags of DISCONNECT", "E1 00", 0x81},              /* [MQTT-3.14.1-1] */
    {"five bytes of length", "30 FF FF FF FF 01", 0x81}, /* [U-1.5.5-1] */
    {"QoS 3", "36 06 00 01 'a' 00 01 00", 0x81},         /* [MQTT-3.3.1-4], [U-3.3.1-1] */
    {"DUP with QoS 0", "38 04 00 01 'a' 00", 0x81},      /* [MQTT-3.3.1-2] */
    {"identifier 0", "32 06 00 01 'a' 00 00 00", 0x81},  /* [U-2.2.1-1] */
    {"topic cut short", "30 03 00 05 'a'", 0x81},
    {"topic not UTF-8", "30 04 00 01 FF 00", 0x81}, /* [MQTT-1.5.4-1, 3.3.2-1], [U-1.5.4-1] */
    {"topic with a surrogate", "30 06 00 03 ED A0 80 00", 0x81},
    {"topic with U+0000", "30 04 00 01 00 00", 0x81}, /* [MQTT-1.5.4-2, 4.7.3-2] */
    {"name of a User Property", "30 [ 00 01 'a' [ 26 00 01 FF 00 01 'v' ] ]",
     0x81}, /* [MQTT-1.5.7-1] */
    {"value of a User Property", "30 [ 00 01 'a' [ 26 00 01 'n' 00 01 00 ] ]", 0x81},
    {"Response Topic not UTF-8", "30 [ 00 01 'a' [ 08 00 01 FF ] ]", 0x81}, /* [MQTT-3.3.2-13] */
    {"Content Type not UTF-8", "30 [ 00 01 'a' [ 03 00 01 FF ] ]", 0x81},   /* [MQTT-3.3.2-19] */
    {"property of another packet", "30 06 00 01 'a' 02 24 01", 0x81},       /* [U-2.2.2-1] */
    {"property that there is not", "30 06 00 01 'a' 02 7F 01", 0x81},
    {"no property length", "30 03 00 01 'a'", 0x81},
    {"PUBACK of one byte", "40 01 00", 0x81},
    {"PINGRESP with a body", "D0 01 00", 0x82}, /* [U-3.12.1-1] */
    {"SUBACK cut short", "90 02 00 03", 0x81},
    /* parses, but breaks a rule */
    {"wildcard in a topic", "30 04 00 01 '#' 00", 0x90},     /* [MQTT-3.3.2-2, 4.7.0-1] */
    {"no topic and no alias", "30 03 00 00 00", 0x82},       /* [U-3.3.2-1], [MQTT-4.7.3-1] */
    {"alias 0", "30 07 00 01 'a' 03 23 00 00", 0x94},        /* [MQTT-3.3.2-8], [U-3.3.4-1] */
    {"alias too high", "30 07 00 01 'a' 03 23 00 11", 0x94}, /* [MQTT-3.3.2-11] */
    {"alias that was never bound", "30 06 00 00 03 23 00 01", 0x94},
    {"wildcard in a response topic", "30 08 00 01 'a' 04 08 00 01 '+'", 0x82}, /* [MQTT-3.3.2-14] */
    {"format twice", "30 08 00 01 'a' 04 01 00 01 00", 0x82},                  /* [U-3.3.2-2] */
    {"format 2", "30 06 00 01 'a' 02 01 02", 0x82},
    {"expiry twice", "30 [ 00 01 'a' [ 02 00 00 00 01 02 00 00 00 01 ] ]", 0x82}, /* [U-3.3.2-4] */
    {"alias twice", "30 [ 00 01 'a' [ 23 00 01 23 00 01 ] ]", 0x82},              /* [U-3.3.2-5] */
    {"Response Topic twice", "30 [ 00 01 'a' [ 08 00 01 'r' 08 00 01 'r' ] ]",
     0x82},                                                                        /* [U-3.3.2-6] */
    {"correlation twice", "30 [ 00 01 'a' [ 09 00 01 'c' 09 00 01 'c' ] ]", 0x82}, /* [U-3.3.2-7] */
    {"Content Type twice", "30 [ 00 01 'a' [ 03 00 01 'c' 03 00 01 'c' ] ]",
     0x82},                                                            /* [U-3.3.2-9] */
    {"Subscription Identifier 0", "30 [ 00 01 'a' [ 0B 00 ] ]", 0x82}, /* [U-3.3.2-8] */
    {"Reason String twice", "40 [ 00 01 00 [ 1F 00 01 'r' 1F 00 01 'r' ] ]",
     0x82}, /* [U-3.4.2-2] */
    {"more than Receive Maximum",
     "32 06 00 01 'a' 00 01 00 32 06 00 01 'a' 00 02 00 32 06 00 01 'a' 00 03 00", 0x93},
    {"identifier twice", "32 06 00 01 'a' 00 01 00 32 06 00 01 'a' 00 01 00", 0x82},
    {"PUBREL before our PUBREC", "34 06 00 01 'a' 00 01 00 62 02 00 01", 0x82},
    {"larger than our maximum", "30 80 20", 0x95},                 /* [U-3.1.2-7] */
    {"reason code PUBACK does not have", "40 03 00 01 01", 0x82},  /* [MQTT-3.4.2-1] */
    {"reason code PUBREC does not have", "50 03 00 02 92", 0x82},  /* [MQTT-3.5.2-1] */
    {"reason code PUBREL does not have", "62 03 00 02 10", 0x82},  /* [MQTT-3.6.2-1] */
    {"reason code PUBCOMP does not have", "70 03 00 02 10", 0x82}, /* [MQTT-3.7.2-1] */
    {"reason code only clients end with", "E0 01 04", 0x82},       /* [MQTT-3.14.2-1] */
    {"reason code SUBACK does not have", "90 04 00 03 00 03", 0x82},
    {"Session Expiry Interval in DISCONNECT", "E0 07 00 05 11 00 00 00 01",
     0x82}, /* [MQTT-3.14.2-2] */
    /* unasked, or out of order */
    {"second CONNACK", "20 03 00 00 00", 0x82},
    {"CONNECT", "10 00", 0x82},
    {"SUBSCRIBE", "82 00", 0x82},
    {"UNSUBSCRIBE", "A2 00", 0x82},
    {"PINGREQ", "C0 00", 0x82},
    {"AUTH, which is not answered with one [MQTT-4.12.0-7]", "F0 00", 0x82},
    {"PINGRESP", "D0 00", 0x82},
    {"PUBACK for nothing", "40 02 00 09", 0x82},
    {"PUBACK for QoS 2", "40 02 00 02", 0x82},
    {"PUBACK for a SUBSCRIBE", "40 02 00 03", 0x82},
    {"PUBREC for QoS 1", "50 02 00 01", 0x82},
    {"PUBREC twice", "50 02 00 02 50 02 00 02", 0x82},
    {"PUBCOMP before PUBREC", "70 02 00 02", 0x82},
    {"PUBCOMP for QoS 1", "70 02 00 01", 0x82},
    {"SUBACK for nothing", "90 04 00 09 00 00", 0x82},
    {"SUBACK for a PUBLISH", "90 04 00 01 00 00", 0x82},
    {"UNSUBACK for a SUBSCRIBE", "B0 04 00 03 00 00", 0x82},
    {"SUBACK with two codes", "90 05 00 03 00 00 00", 0x82},
    {"SUBACK twice", "90 04 00 03 00 00 90 04 00 03 00 00", 0x82},
};

static void
open_with_narrow_limits(struct peer *p)
{
    const struct wilco_options options = {
        .client_id = "a", .receive_maximum = 2, .packet_bytes_max = 1000};

    peer_open(p, &options, NULL);
    leave_outstanding(p);
}

/* What looks odd and is right. */
static void
puts_up_with_what_is_allowed(void **state)
{
    static const struct {
        const char *name, *bytes;
    } allowed[] = {
        {"PUBACK of two bytes", "40 02 00 01"}, /* [U-3.4.2-1] */
        {"PUBACK of three", "40 03 00 01 10"},
        {"PUBACK with properties", "40 [ 00 01 00 [ 1F 00 01 'r' 26 00 01 'n' 00 01 'v' ] ]"},
        {"PUBREC, PUBCOMP", "50 02 00 02 70 03 00 02 00"},
        {"PUBREL for nothing", "62 03 00 09 92"},
        {"properties in any order", "30 [ 00 01 'a' [ 09 00 01 'c' 03 00 01 't' 01 01 ] ]"},
        {"and another", "30 [ 00 01 'a' [ 01 01 03 00 01 't' 09 00 01 'c' ] ]"}, /* [U-2.2.2-2] */
        {"control characters", "30 [ 00 02 01 7F 00 ]"},                         /* [U-1.5.4-2] */
        {"non-characters", "30 [ 00 03 EF BF BE 00 ]"},
        {"highest Subscription Identifier",
         "30 [ 00 01 'a' [ 0B FF FF FF 7F ] ]"}, /* [U-3.3.2-8] */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        struct span bytes = bytes_from(allowed[i].bytes);
        struct core_event event;
        struct peer p;

        open_with_narrow_limits(&p);
        peer_send_bytes(&p, bytes);
        if (core_state(p.core) != CORE_OPEN) {
            fail_msg("%s", allowed[i].name);
        }
        while (core_next_awaited(p.core, &event) || core_next_event(p.core, &event, p.now_ms)) {
        }
        core_discard_output(p.core);
        peer_close(&p);
        bytes_free(bytes);
    }
}

/* [U-3.14.2-1, 3.14.4-1]: DISCONNECT in its short forms ends the connection. */
static void
takes_a_short_goodbye(void **state)
{
    static const struct {
        const char *bytes;
        uint8_t want;
    } ends[] = {{"E0 00", 0}, {"E0 01 8B", 0x8B}, {"E0 [ 98 [ 1F 00 01 'r' ] ]", 0x98}};

    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct span bytes = bytes_from(ends[i].bytes);
        struct wilco_error why;
        struct peer p;

        peer_open(&p, &(struct wilco_options){.reconnect_off = true}, NULL);
        peer_send_bytes(&p, bytes);
        assert_int_equal(core_state(p.core), CORE_CLOSED);
        assert_int_equal(core_why(p.core, &why), WILCO_ECLOSED);
        assert_int_equal(why.reason_code, ends[i].want);
        peer_expect_nothing(&p);
        peer_close(&p);
        bytes_free(bytes);
    }
}

/* The bytes at once, after something harmless; and one by one. */
static void
feed(struct peer *p, struct span bytes, bool one_by_one)
{
    struct span harmless = bytes_from(PLAIN_PUBLISH);

    peer_send_bytes(p, harmless);
    bytes_free(harmless);
    if (!one_by_one) {
        peer_send_bytes(p, bytes);
        return;
    }
    for (size_t i = 0; i < bytes.len; i++) {
        peer_send_bytes(p, span_of(bytes.data + i, 1));
    }
}

/* The reason code of the DISCONNECT, whatever was written before it; -1: it is none, or not the
 * last. */
static int
said_goodbye(struct peer *p)
{
    struct wire_any packet = {.type = WIRE_CONNECT};
    struct span spans[8];
    size_t count = core_output(p->core, spans, 8);
    struct span last = count == 0 ? SPAN_EMPTY : spans[count - 1];

    for (size_t skip = 0; skip < last.len;
         skip++) { /* the last packet is the one that ends there */
        if (wire_any_decode(&packet, span_skip(last, skip), WIRE_V5) == WILCO_OK &&
            packet.type == WIRE_DISCONNECT) {
            return packet.as.disconnect.reason_code;
        }
    }
    return -1;
}

/* [MQTT-4.13.2-1]: the reason, then closed; [U-4.13-2]: 0x81 or 0x82 where no code says more. */
static void
ends_the_connection_of_a_liar(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) * 2; i++) {
        struct span bytes = bytes_from(rows[i / 2].bytes);
        struct wilco_error why;
        struct peer p;

        open_with_narrow_limits(&p);
        feed(&p, bytes, i % 2 == 1);
        if (core_state(p.core) != CORE_CLOSED || said_goodbye(&p) != rows[i / 2].want ||
            core_why(p.core, &why) != WILCO_ECLOSED || why.reason_code != rows[i / 2].want) {
            fail_msg("%s: said 0x%X", rows[i / 2].name, (unsigned)said_goodbye(&p));
        }
        peer_send_bytes(&p, bytes); /* nobody listens any more */
        core_discard_output(p.core);
        while (peer_counters(&p).pending > 0) {
            fail_msg("%s: still pending", rows[i / 2].name);
        }
        {
            struct core_event event;

            while (core_next_awaited(p.core, &event)) {
                wilco_message_unref(event.message);
            }
            while (core_next_event(p.core, &event, p.now_ms)) {
                wilco_message_unref(event.message);
            }
        }
        assert_false(core_has_output(p.core));
        peer_close(&p);
        bytes_free(bytes);
    }
}

static void
ends_what_is_outstanding(void **state)
{
    struct span bytes = bytes_from("00 00");
    struct peer p;

    (void)state;
    open_with_narrow_limits(&p);
    peer_send_bytes(&p, bytes);
    expect_all_closed(&p);
    peer_close(&p);
    bytes_free(bytes);
}

/* What the standard lets pass; [U-4.9-1]: and the quota does not grow by it. */
static void
is_patient_with_remnants_of_older_sessions(void **state)
{
    struct wire_properties connack = {.receive_maximum = 1};
    struct span pubrec = bytes_from("50 02 00 63");
    struct span pubcomp = bytes_from("70 03 00 63 92");
    struct wire_any packet;
    uint8_t reason_code = 0;
    struct peer p;

    (void)state;
    wire_properties_set(&connack, WIRE_RECEIVE_MAXIMUM);
    peer_open(&p, NULL, &connack);
    peer_send_bytes(&p, pubrec);
    peer_expect(&p, WIRE_PUBREL, &packet);
    assert_int_equal(packet.as.ack.packet_id, 0x63);
    assert_int_equal(packet.as.ack.reason_code, 0x92);
    peer_send_bytes(&p, pubcomp);
    assert_int_equal(core_state(p.core), CORE_OPEN);
    for (int i = 0; i < 2; i++) {
        const struct wilco_publish w = {.topic = "t", .qos = 1};

        assert_int_equal(core_publish(p.core, &w, NULL, NULL, &reason_code), WILCO_OK);
    }
    peer_expect(&p, WIRE_PUBLISH, &packet);
    peer_expect_nothing(&p);
    peer_close(&p);
    bytes_free(pubrec);
    bytes_free(pubcomp);
}

/* Status responses that are none, whoever sends them: they end nothing, or are the responder's own
 * word. */
static void
does_not_believe_every_status_response(void **state)
{
    static const struct {
        const char *name, *information, *response_topic;
        struct peer_status said;
        bool is_foreign, retain;
        enum wilco_status want; /* WILCO_AGAIN: the request goes on */
    } lies[] = {
        {.name = "foreign correlation",
         .information = "$r/me",
         .said = {.status = "503", .source = "broker", .executed = "no"},
         .is_foreign = true,
         .want = WILCO_AGAIN},
        {.name = "retained",
         .information = "$r/me",
         .said = {.status = "503", .source = "broker", .executed = "no"},
         .retain = true,
         .want = WILCO_AGAIN},
        {.name = "no source",
         .information = "$r/me",
         .said = {.status = "503", .executed = "no"},
         .want = WILCO_EREMOTE},
        {.name = "another source",
         .information = "$r/me",
         .said = {.status = "503", .source = "responder", .executed = "no"},
         .want = WILCO_EREMOTE},
        {.name = "outside the inbox",
         .information = "$r/me",
         .response_topic = "public",
         .said = {.status = "503", .source = "broker", .executed = "no"},
         .want = WILCO_AGAIN},
        {.name = "from a server that assigns none",
         .said = {.status = "503", .source = "broker", .executed = "no"},
         .want = WILCO_AGAIN},
        {.name = "a success",
         .information = "$r/me",
         .said = {.status = "200", .source = "broker"},
         .want = WILCO_OK},
        {.name = "a success from elsewhere",
         .said = {.status = "200", .source = "broker", .executed = "no"},
         .want = WILCO_OK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        const struct wilco_request r = {.topic = "do", .response_topic = lies[i].response_topic};
        struct wire_properties connack = {.present = 0};
        struct wire_user_property users[5];
        size_t count = peer_status_users(&lies[i].said, users);
        struct core_event event = {.status = WILCO_AGAIN};
        struct peer_request request;
        struct peer p;

        connack.response_information = span_of_text(lies[i].information);
        if (lies[i].information != NULL) {
            wire_properties_set(&connack, WIRE_RESPONSE_INFORMATION);
        }
        peer_open(&p, NULL, &connack);
        (void)peer_ask(&p, &r);
        if (peer_counters(&p).requests == 0) {
            (void)peer_grant(&p, 1);
        }
        peer_take_request(&p, &request);
        request.correlation[0] ^= lies[i].is_foreign;
        peer_answer_with(&p, &request, "", users, count, lies[i].retain);
        (void)core_next_event(p.core, &event, p.now_ms);
        if (event.status != lies[i].want || message_is_status_response(event.message)) {
            fail_msg("%s", lies[i].name);
        }
        assert_int_equal(peer_counters(&p).pending, event.status == WILCO_AGAIN);
        assert_int_equal(peer_counters(&p).responses_unknown, event.status == WILCO_AGAIN);
        wilco_message_unref(event.message);
        peer_close(&p);
    }
}

/* Random bytes behind random packet types: never an abort, never a hang, always an end without
 * leaks. */
static void
survives_noise(void **state)
{
    struct random_seeded random;

    (void)state;
    random_seeded_init(&random, 42);
    for (int i = 0; i < 2000; i++) {
        uint8_t noise[64];
        struct peer p;

        open_with_narrow_limits(&p);
        assert_int_equal(random_bytes(&random.source, noise, sizeof(noise)), WILCO_OK);
        noise[1] &= 0x1F; /* short packets, so that some are whole */
        noise[2] = 0;
        noise[3] &= 0x03;
        peer_send_bytes(&p, span_of(noise, sizeof(noise)));
        core_discard_output(p.core);
        peer_close(&p);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_the_connection_of_a_liar),
        cmocka_unit_test(puts_up_with_what_is_allowed),
        cmocka_unit_test(takes_a_short_goodbye),
        cmocka_unit_test(ends_what_is_outstanding),
        cmocka_unit_test(is_patient_with_remnants_of_older_sessions),
        cmocka_unit_test(does_not_believe_every_status_response),
        cmocka_unit_test(survives_noise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
