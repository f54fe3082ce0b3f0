/* QoS 1 and 2 in both directions: every step of the handshakes, interrupted and gone on with. */
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const unsigned shard_counts[] = {1, 4};

/* A session that lasts in either version; MQTT 3.1.1 has Clean Session 0 for it. */
static void
resume(struct rig *r, struct rig_client *c, const char *client_id, enum wire_version version,
       bool present)
{
    struct wire_connect how = rig_lasting(client_id, UINT32_MAX);
    struct wire_any connack;

    how.version = version;
    rig_connect(r, c, &how, &connack);
    assert_int_equal(connack.as.connack.reason_code, 0);
    /* [MQTT-3.2.2-3]; MQTT 3.1 does not say. */
    assert_int_equal(connack.as.connack.session_present, present && version != WIRE_V31);
}

static void
interrupt(struct rig *r, struct rig_client *c, const char *client_id)
{
    enum wire_version version = c->version;

    rig_client_drop(c);
    rig_client_close(c);
    resume(r, c, client_id, version, true);
}

static void
resume_with_receive_maximum(struct rig *r, struct rig_client *c, const char *client_id,
                            uint16_t receive_maximum)
{
    struct wire_connect how = rig_lasting(client_id, UINT32_MAX);
    struct wire_any connack;

    how.properties.receive_maximum = receive_maximum;
    wire_properties_set(&how.properties, WIRE_RECEIVE_MAXIMUM);
    rig_connect(r, c, &how, &connack);
    assert_int_equal(connack.as.connack.reason_code, 0);
}

static void
send_publish(struct rig_client *c, const char *topic, const char *payload, uint16_t packet_id,
             bool dup)
{
    struct wire_any packet = rig_publish_packet(topic, payload, 2, packet_id);

    packet.as.publish.dup = dup;
    rig_send(c, &packet);
}

/* The publisher's connection breaks before it has read the broker's answer number `at` (0 PUBREC, 1
 * PUBCOMP; 2: never); it goes on as the standard says. The message arrives exactly once. */
static void
publish_qos_2(unsigned shards, enum wire_version version, int at)
{
    struct rig r;
    struct rig_client publisher;
    struct rig_client subscriber;
    struct wire_any packet;

    rig_open(&r, shards, NULL);
    rig_client_connect(&r, &subscriber, "subscriber");
    rig_subscribe(&subscriber, "t", 0);
    resume(&r, &publisher, "publisher", version, false);

    send_publish(&publisher, "t", "once", 9, false);
    if (at == 0) {
        interrupt(&r, &publisher, "publisher");
        send_publish(&publisher, "t", "once", 9, true); /* [MQTT-4.4.0-1] */
    }
    rig_expect_ack(&publisher, WIRE_PUBREC, 9, 0); /* [MQTT-4.3.3-8], [MQTT-4.3.3-10] */
    rig_ack(&publisher, WIRE_PUBREL, 9);
    if (at == 1) {
        interrupt(&r, &publisher, "publisher");
        rig_ack(&publisher, WIRE_PUBREL, 9);
        rig_expect_ack(&publisher, WIRE_PUBCOMP, 9, version == WIRE_V5 ? 0x92 : 0);
    } else {
        rig_expect_ack(&publisher, WIRE_PUBCOMP, 9, 0); /* [MQTT-4.3.3-11] */
    }
    rig_expect_publish(&subscriber, "once", &packet);
    assert_false(packet.as.publish.dup); /* [MQTT-3.3.1-3] */
    rig_expect_nothing(&subscriber);

    send_publish(&publisher, "t", "another", 9, true); /* [MQTT-4.3.3-12] */
    rig_expect_ack(&publisher, WIRE_PUBREC, 9, 0);
    rig_expect_publish(&subscriber, "another", &packet);
    rig_expect_nothing(&publisher);
    rig_client_close(&publisher);
    rig_client_close(&subscriber);
    rig_close(&r);
}

static void
test_publish_qos_2_interrupted(void **state)
{
    static const enum wire_version versions[] = {WIRE_V31, WIRE_V311, WIRE_V5};

    (void)state;
    for (size_t v = 0; v < 3; v++) {
        for (size_t n = 0; n < 2; n++) {
            for (int at = 0; at <= 2; at++) {
                publish_qos_2(shard_counts[n], versions[v], at);
            }
        }
    }
}

/* [MQTT-4.3.2-5]: of QoS 1 every PUBLISH is a new message, whatever its DUP says; each QoS has its
 * own answer [MQTT-3.3.4-1], with the identifier it came with [MQTT-4.3.2-4]. */
static void
test_publish_qos_1(void **state)
{
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &c, "c");
    rig_subscribe(&c, "t", 1);
    for (uint16_t i = 1; i <= 3; i++) {
        packet = rig_publish_packet("t", "x", 1, 5);
        packet.as.publish.dup = i > 1;
        rig_send(&c, &packet);
        rig_expect_publish(&c, "x", &packet);
        assert_int_equal(packet.as.publish.packet_id, i);
        assert_false(packet.as.publish.dup); /* [MQTT-4.3.2-2], [MQTT-3.3.1-3] */
        rig_expect_ack(&c, WIRE_PUBACK, 5, 0);
    }
    rig_publish_qos(&c, "nobody", "x", 1, 6);
    rig_expect_ack(&c, WIRE_PUBACK, 6, 0x10);
    rig_publish_qos(&c, "nobody", "x", 2, 7);
    rig_expect_ack(&c, WIRE_PUBREC, 7, 0x10);
    rig_ack(&c, WIRE_PUBREL, 7);
    rig_expect_ack(&c, WIRE_PUBCOMP, 7, 0);
    rig_ack(&c, WIRE_PUBREL, 7);
    rig_expect_ack(&c, WIRE_PUBCOMP, 7, 0x92);
    rig_client_close(&c);
    rig_close(&r);
}

/* CVE-2023-28366: a PUBLISH that comes again and again takes no memory and no quota. */
static void
test_duplicates_do_not_grow(void **state)
{
    struct rig r;
    struct rig_client c;
    size_t live = 0;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &c, "c");
    rig_subscribe(&c, "t", 0);
    for (int i = 0; i < 2000; i++) {
        struct wire_any packet;

        send_publish(&c, "t", "x", 1, i > 0);
        if (i == 0) {
            rig_expect_publish(&c, "x", &packet);
            live = r.alloc.live;
        }
        rig_expect_ack(&c, WIRE_PUBREC, 1, 0);
        rig_expect_nothing(&c);
    }
    assert_int_equal(r.alloc.live, live);
    rig_client_close(&c);
    rig_close(&r);
}

/* receive_maximum [MQTT-3.3.4-7], [U-3.3.4-2]; what is held outlives the connection. */
static void
test_receive_maximum_enforced(void **state)
{
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client c;

    (void)state;
    settings.receive_maximum = 3;
    rig_open(&r, 1, &settings);
    rig_resume(&r, &c, "c", false);
    for (uint16_t id = 1; id <= 3; id++) {
        send_publish(&c, "t", "x", id, false);
        rig_expect_ack(&c, WIRE_PUBREC, id, 0x10);
    }
    for (uint16_t id = 10; id < 20; id++) { /* QoS 1 is acknowledged at once and never counts */
        rig_publish_qos(&c, "t", "x", 1, id);
        rig_expect_ack(&c, WIRE_PUBACK, id, 0x10);
    }
    rig_ack(&c, WIRE_PUBREL, 2);
    rig_expect_ack(&c, WIRE_PUBCOMP, 2, 0);
    send_publish(&c, "t", "x", 4, false);
    rig_expect_ack(&c, WIRE_PUBREC, 4, 0x10);
    send_publish(&c, "t", "x", 5, false);
    rig_expect_end(&c, 0x93);
    rig_client_close(&c);

    rig_resume(&r, &c, "c", true);
    for (uint16_t id = 1; id <= 5; id++) {
        rig_ack(&c, WIRE_PUBREL, id);
        rig_expect_ack(&c, WIRE_PUBCOMP, id, id == 2 || id == 5 ? 0x92 : 0);
    }
    rig_client_close(&c);
    rig_close(&r);
}

/* [MQTT-4.3.3-9]: after PUBREC >= 0x80 the identifier is free. */
static void
test_refused_publish_holds_no_id(void **state)
{
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client c;

    (void)state;
    settings.receive_maximum = 1;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &c, "c");
    for (uint16_t id = 1; id <= 3; id++) {
        send_publish(&c, "$x", "x", id, false);
        rig_expect_ack(&c, WIRE_PUBREC, id, 0x87);
    }
    send_publish(&c, "t", "x", 1, false);
    rig_expect_ack(&c, WIRE_PUBREC, 1, 0x10);
    rig_client_close(&c);
    rig_close(&r);
}

/* Three messages to a subscriber whose connection breaks before the broker has read its answer
 * number `at` to the second of them (0: PUBACK or PUBREC, 1: PUBCOMP). What was not answered is
 * sent again [MQTT-4.3.2-3], [MQTT-4.3.3-3], [MQTT-4.3.3-5]. */
static void
deliver_interrupted(unsigned shards, uint8_t qos, int at, enum wire_version version)
{
    static const char *const payloads[] = {"one", "two", "three"};
    struct rig r;
    struct rig_client publisher;
    struct rig_client subscriber;
    struct wire_any packet;

    rig_open(&r, shards, NULL);
    rig_client_connect(&r, &publisher, "publisher");
    resume(&r, &subscriber, "subscriber", version, false);
    rig_subscribe(&subscriber, "t", 2);
    for (uint16_t i = 0; i < 3; i++) {
        rig_publish_qos(&publisher, "t", payloads[i], qos, (uint16_t)(i + 1));
        rig_expect_publish(&subscriber, payloads[i], &packet);
        assert_int_equal(packet.as.publish.qos, qos);
        assert_int_equal(packet.as.publish.packet_id, i + 1);
        assert_false(packet.as.publish.dup); /* [MQTT-4.3.2-2], [MQTT-4.3.3-2] */
    }
    if (at == 1) {
        rig_ack(&subscriber, WIRE_PUBREC, 2);
        rig_expect_ack(&subscriber, WIRE_PUBREL, 2, 0); /* [MQTT-4.3.3-4] */
        rig_ack(&subscriber, WIRE_PUBREC, 2);           /* again */
        rig_expect_ack(&subscriber, WIRE_PUBREL, 2, 0);
    }
    rig_expect_nothing(&subscriber); /* nothing is sent again while connected [MQTT-4.4.0-1] */
    interrupt(&r, &subscriber, "subscriber");
    for (uint16_t i = 0; i < 3; i++) {
        if (i == 1 && at == 1) {
            continue; /* [MQTT-4.3.3-6] */
        }
        if (i == 0 && at == 1) {
            rig_expect_ack(&subscriber, WIRE_PUBREL, 2, 0);
        }
        rig_expect_publish(&subscriber, payloads[i], &packet); /* [MQTT-4.6.0-1] */
        assert_int_equal(packet.as.publish.packet_id, i + 1);
        assert_true(packet.as.publish.dup); /* [MQTT-3.3.1-1] */
    }
    rig_expect_nothing(&subscriber);
    for (uint16_t id = 1; id <= 3; id++) {
        if (qos == 1) {
            rig_ack(&subscriber, WIRE_PUBACK, id);
        } else if (id != 2 || at == 0) {
            rig_ack(&subscriber, WIRE_PUBREC, id);
            rig_expect_ack(&subscriber, WIRE_PUBREL, id, 0);
        }
    }
    if (qos == 2) {
        interrupt(&r, &subscriber, "subscriber");
        for (uint16_t id = 1; id <= 3; id++) {
            rig_expect_ack(&subscriber, WIRE_PUBREL, id, 0);
            rig_ack(&subscriber, WIRE_PUBCOMP, id);
        }
    }
    interrupt(&r, &subscriber, "subscriber");
    rig_expect_nothing(&subscriber);
    rig_client_close(&publisher);
    rig_client_close(&subscriber);
    rig_close(&r);
}

static void
test_deliver_interrupted(void **state)
{
    (void)state;
    for (size_t n = 0; n < 2; n++) {
        deliver_interrupted(shard_counts[n], 1, 0, WIRE_V5);
        deliver_interrupted(shard_counts[n], 2, 0, WIRE_V5);
        deliver_interrupted(shard_counts[n], 2, 1, WIRE_V5);
        deliver_interrupted(shard_counts[n], 1, 0, WIRE_V311);
        deliver_interrupted(shard_counts[n], 2, 0, WIRE_V311);
        deliver_interrupted(shard_counts[n], 2, 1, WIRE_V31);
    }
}

/* [MQTT-3.3.4-9], [MQTT-4.9.0-2]: never more than the client's Receive Maximum under way; other
 * packets go on [MQTT-3.3.4-10], [MQTT-4.9.0-3]; and so does QoS 0. */
static void
test_receive_maximum_honoured(void **state)
{
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;
    char payload[8];

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &publisher, "publisher");
    resume_with_receive_maximum(&r, &c, "c", 3);
    rig_subscribe(&c, "t", 2);
    for (uint16_t i = 0; i < 8; i++) {
        (void)snprintf(payload, sizeof(payload), "%u", i);
        rig_publish_qos(&publisher, "t", payload, i % 2 == 0 ? 1 : 2, (uint16_t)(i + 1));
    }
    rig_expect_publish(&c, "0", &packet); /* 1 */
    rig_expect_publish(&c, "1", &packet); /* 2 */
    rig_expect_publish(&c, "2", &packet); /* 3 */
    rig_publish(&publisher, "t", "fast");
    rig_expect_publish(&c, "fast", &packet); /* of another QoS: it may overtake [MQTT-4.6.0-5] */
    rig_subscribe(&c, "u", 0);
    rig_expect_nothing(&c);

    rig_ack(&c, WIRE_PUBREC, 2); /* gives no quota back yet */
    rig_expect_ack(&c, WIRE_PUBREL, 2, 0);
    rig_expect_nothing(&c);
    rig_ack(&c, WIRE_PUBACK, 3);
    rig_expect_publish(&c, "3", &packet);
    rig_ack(&c, WIRE_PUBACK, 3); /* again: ignored [U-4.9-1] */
    rig_ack(&c, WIRE_PUBCOMP, 99);
    rig_expect_nothing(&c);
    rig_ack(&c, WIRE_PUBCOMP, 2);
    rig_expect_publish(&c, "4", &packet);
    packet =
        (struct wire_any){.type = WIRE_PUBREC, .as.ack = {.packet_id = 4, .reason_code = 0x83}};
    rig_send(&c, &packet); /* refused: complete, and no PUBREL [MQTT-4.4.0-2] */
    rig_expect_publish(&c, "5", &packet);
    packet =
        (struct wire_any){.type = WIRE_PUBACK, .as.ack = {.packet_id = 1, .reason_code = 0x80}};
    rig_send(&c, &packet);
    rig_expect_publish(&c, "6", &packet);
    rig_expect_nothing(&c);
    rig_client_close(&publisher);
    rig_client_close(&c);
    rig_close(&r);
}

/* Five messages of QoS 2 of which none is answered; then a connection with Receive Maximum
 * `maximum`: that many are sent again, and the others as quota comes back. */
static void
resume_with_less(uint16_t maximum)
{
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;
    uint16_t sent = 0;

    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &publisher, "publisher");
    rig_resume(&r, &c, "c", false);
    rig_subscribe(&c, "t", 2);
    for (uint16_t id = 1; id <= 5; id++) {
        rig_publish_qos(&publisher, "t", "x", 2, id);
        rig_expect_publish(&c, "x", &packet);
    }
    rig_client_close(&c);
    rig_publish_qos(&publisher, "t", "new", 1, 6);
    resume_with_receive_maximum(&r, &c, "c", maximum);
    for (uint16_t id = 1; id <= 5; id++) {
        while (sent < 5 && sent < maximum + id - 1) {
            sent++;
            rig_expect_publish(&c, "x", &packet);
            assert_int_equal(packet.as.publish.packet_id, sent);
            assert_true(packet.as.publish.dup);
        }
        if (maximum + id - 1 <= 5) {
            rig_expect_nothing(&c);
        } else if (maximum + id - 2 == 5 || (id == 1 && maximum > 5)) {
            rig_expect_publish(&c, "new", &packet);
            assert_false(packet.as.publish.dup);
        }
        rig_ack(&c, WIRE_PUBREC, id);
        rig_expect_ack(&c, WIRE_PUBREL, id, 0);
        rig_ack(&c, WIRE_PUBCOMP, id);
    }
    if (maximum == 1) {
        rig_expect_publish(&c, "new", &packet);
    }
    rig_expect_nothing(&c);
    rig_client_close(&publisher);
    rig_client_close(&c);
    rig_close(&r);
}

static void
test_resume_with_less(void **state)
{
    (void)state;
    for (uint16_t maximum = 1; maximum <= 6; maximum++) {
        resume_with_less(maximum);
    }
}

/* A client may answer for what it had from its last connection before this one has sent it again:
 * it is then not sent again, and the count of what is under way stays right. */
static void
test_answers_ahead(void **state)
{
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &publisher, "publisher");
    rig_resume(&r, &c, "c", false);
    rig_subscribe(&c, "t", 2);
    for (uint16_t id = 1; id <= 4; id++) {
        rig_publish_qos(&publisher, "t", "x", id == 3 ? 1 : 2, id);
        rig_expect_publish(&c, "x", &packet);
    }
    rig_client_close(&c);
    resume_with_receive_maximum(&r, &c, "c", 1);
    rig_expect_publish(&c, "x", &packet);
    assert_int_equal(packet.as.publish.packet_id, 1);
    rig_ack(&c, WIRE_PUBACK, 3);
    rig_ack(&c, WIRE_PUBREC, 2);
    rig_expect_ack(&c, WIRE_PUBREL, 2, 0);
    rig_expect_nothing(&c);
    rig_ack(&c, WIRE_PUBREC, 1);
    rig_expect_ack(&c, WIRE_PUBREL, 1, 0);
    rig_ack(&c, WIRE_PUBCOMP, 1); /* 2 is still under way */
    rig_expect_nothing(&c);
    rig_ack(&c, WIRE_PUBCOMP, 2);
    rig_expect_publish(&c, "x", &packet);
    assert_int_equal(packet.as.publish.packet_id, 4);
    assert_true(packet.as.publish.dup);
    rig_publish_qos(&publisher, "t", "y", 1, 9);
    rig_expect_nothing(&c);
    rig_ack(&c, WIRE_PUBREC, 4);
    rig_expect_ack(&c, WIRE_PUBREL, 4, 0);
    rig_ack(&c, WIRE_PUBCOMP, 4);
    rig_expect_publish(&c, "y", &packet);
    rig_client_close(&publisher);
    rig_client_close(&c);
    rig_close(&r);
}

/* PUBRELs that are sent again count against Receive Maximum, too [MQTT-3.3.4-9]. */
static void
test_released_count(void **state)
{
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &publisher, "publisher");
    rig_resume(&r, &c, "c", false);
    rig_subscribe(&c, "t", 2);
    for (uint16_t id = 1; id <= 3; id++) {
        rig_publish_qos(&publisher, "t", "x", 2, id);
        rig_expect_publish(&c, "x", &packet);
        rig_ack(&c, WIRE_PUBREC, id);
        rig_expect_ack(&c, WIRE_PUBREL, id, 0);
    }
    rig_client_close(&c);
    rig_publish_qos(&publisher, "t", "new", 1, 4);
    resume_with_receive_maximum(&r, &c, "c", 2);
    for (uint16_t id = 1; id <= 3; id++) {
        rig_expect_ack(&c, WIRE_PUBREL, id, 0);
    }
    rig_ack(&c, WIRE_PUBCOMP, 3);
    rig_expect_nothing(&c);
    rig_ack(&c, WIRE_PUBCOMP, 1);
    rig_expect_publish(&c, "new", &packet);
    rig_client_close(&publisher);
    rig_client_close(&c);
    rig_close(&r);
}

/* Answers that do not belong to what was sent. */
static void
test_wrong_answers(void **state)
{
    static const struct {
        uint8_t qos;
        bool released;
        enum wire_type answer;
    } rows[] = {
        {1, false, WIRE_PUBREC}, {1, false, WIRE_PUBCOMP}, {2, false, WIRE_PUBACK},
        {2, true, WIRE_PUBACK},  {2, false, WIRE_PUBCOMP},
    };
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rig_client_connect(&r, &c, "c");
        rig_subscribe(&c, "t", 2);
        rig_publish_qos(&c, "t", "x", rows[i].qos, 9);
        rig_expect_publish(&c, "x", &packet);
        rig_expect_ack(&c, rows[i].qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, 9, 0);
        if (rows[i].released) {
            rig_ack(&c, WIRE_PUBREC, 1);
            rig_expect_ack(&c, WIRE_PUBREL, 1, 0);
        }
        rig_ack(&c, rows[i].answer, 1);
        rig_expect_end(&c, 0x82);
        rig_client_close(&c);
    }
    rig_client_connect(&r, &c, "c"); /* to nothing at all */
    rig_ack(&c, WIRE_PUBACK, 1);
    rig_ack(&c, WIRE_PUBCOMP, 1);
    rig_expect_nothing(&c);
    rig_ack(&c, WIRE_PUBREC, 1);
    rig_expect_ack(&c, WIRE_PUBREL, 1, 0x92);
    packet =
        (struct wire_any){.type = WIRE_PUBREC, .as.ack = {.packet_id = 1, .reason_code = 0x80}};
    rig_send(&c, &packet);
    rig_expect_nothing(&c);
    rig_client_close(&c);
    rig_close(&r);
}

/* inflight_max bounds what is under way where the client would allow more. */
static void
test_inflight_max(void **state)
{
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    settings.inflight_max = 2;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &c, "c");
    rig_subscribe(&c, "t", 1);
    for (uint16_t id = 1; id <= 4; id++) {
        rig_publish_qos(&c, "t", "x", 1, id);
        if (id <= 2) {
            rig_expect_publish(&c, "x", &packet);
        }
        rig_expect_ack(&c, WIRE_PUBACK, id, 0);
    }
    for (uint16_t id = 1; id <= 2; id++) {
        rig_expect_nothing(&c);
        rig_ack(&c, WIRE_PUBACK, id);
        rig_expect_publish(&c, "x", &packet);
    }
    rig_client_close(&c);
    rig_close(&r);
}

/* [MQTT-4.3.3-7], [MQTT-4.3.3-13]: what was sent once is sent again although it has expired. */
static void
test_no_expiry_once_sent(void **state)
{
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &publisher, "publisher");
    rig_resume(&r, &c, "c", false);
    rig_subscribe(&c, "t", 2);
    packet = rig_publish_packet("t", "x", 2, 1);
    packet.as.publish.properties.message_expiry_interval = 5;
    wire_properties_set(&packet.as.publish.properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    rig_send(&publisher, &packet);
    rig_expect_publish(&c, "x", &packet);
    rig_client_close(&c);
    rig_advance(&r, 10000);
    rig_resume(&r, &c, "c", true);
    rig_expect_publish(&c, "x", &packet);
    assert_int_equal(packet.as.publish.properties.message_expiry_interval, 0);
    rig_ack(&c, WIRE_PUBREC, 1);
    rig_expect_ack(&c, WIRE_PUBREL, 1, 0);
    rig_client_close(&publisher);
    rig_client_close(&c);
    rig_close(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_publish_qos_2_interrupted),
        cmocka_unit_test(test_publish_qos_1),
        cmocka_unit_test(test_duplicates_do_not_grow),
        cmocka_unit_test(test_receive_maximum_enforced),
        cmocka_unit_test(test_refused_publish_holds_no_id),
        cmocka_unit_test(test_deliver_interrupted),
        cmocka_unit_test(test_receive_maximum_honoured),
        cmocka_unit_test(test_resume_with_less),
        cmocka_unit_test(test_answers_ahead),
        cmocka_unit_test(test_released_count),
        cmocka_unit_test(test_wrong_answers),
        cmocka_unit_test(test_inflight_max),
        cmocka_unit_test(test_no_expiry_once_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
