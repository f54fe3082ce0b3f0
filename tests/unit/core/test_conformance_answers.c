/* What holds for everything the broker answers: it fits, it carries the identifier of what it
 * answers, and nothing follows the last word. */
#include "support/bytes.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* What a client may send after its CONNECT, each provoking an answer with a reason code that is
 * worth a word. */
static const struct {
    const char *bytes;
    enum wire_type type;
    uint8_t code;
} provocations[] = {
    {"32 [ 00 06 'nobody' 00 01 00 ]", WIRE_PUBACK, 0x10},
    {"32 [ 00 02 '$x' 00 02 00 ]", WIRE_PUBACK, 0x87},
    {"34 [ 00 06 'nobody' 00 03 00 ]", WIRE_PUBREC, 0x10},
    {"34 [ 00 02 '$x' 00 04 00 ]", WIRE_PUBREC, 0x87},
    {"62 [ 00 09 ]", WIRE_PUBCOMP, 0x92},
    {"50 [ 00 09 ]", WIRE_PUBREL, 0x92},
    {"82 [ 00 05 00 00 02 '##' 00 ]", WIRE_SUBACK, 0x8F},
    {"A2 [ 00 06 00 00 01 't' ]", WIRE_UNSUBACK, 0x11},
    {"C0 01 00", WIRE_DISCONNECT, 0x81},
};

static const struct wire_properties *
properties_of(const struct wire_any *packet)
{
    switch (packet->type) {
    case WIRE_CONNACK: return &packet->as.connack.properties;
    case WIRE_PUBACK:
    case WIRE_PUBREC:
    case WIRE_PUBREL:
    case WIRE_PUBCOMP: return &packet->as.ack.properties;
    case WIRE_SUBACK:
    case WIRE_UNSUBACK: return &packet->as.suback.properties;
    case WIRE_DISCONNECT: return &packet->as.disconnect.properties;
    case WIRE_CONNECT:
    case WIRE_PUBLISH:
    case WIRE_SUBSCRIBE:
    case WIRE_UNSUBSCRIBE:
    case WIRE_PINGREQ:
    case WIRE_PINGRESP:
    case WIRE_AUTH: break;
    }
    return NULL;
}

static uint8_t
code_of(const struct wire_any *packet)
{
    if (packet->type == WIRE_DISCONNECT) {
        return packet->as.disconnect.reason_code;
    }
    if (packet->type == WIRE_SUBACK || packet->type == WIRE_UNSUBACK) {
        return packet->as.suback.reason_codes.data[0];
    }
    return packet->as.ack.reason_code;
}

/* The next packet, which must not be larger than the client allows. */
static void
expect_within(struct rig_client *c, size_t bytes_max, struct wire_any *packet)
{
    size_t before = c->input_at;

    assert_true(rig_next(c, packet));
    assert_in_range(c->input_at - before, 2, bytes_max);
    if (properties_of(packet) != NULL) {
        assert_int_equal(properties_of(packet)->user_count, 0);
    }
}

static struct wire_connect
small_client(uint32_t bytes_max)
{
    struct wire_connect how = rig_lasting("c", 0);

    how.clean_start = true;
    how.properties.maximum_packet_size = bytes_max;
    wire_properties_set(&how.properties, WIRE_MAXIMUM_PACKET_SIZE);
    return how;
}

static void
provoke(struct rig *r, size_t which, uint32_t bytes_max)
{
    const struct wire_connect how = small_client(bytes_max);
    struct span bytes = bytes_from(provocations[which].bytes);
    struct rig_client c;
    struct wire_any packet;

    rig_connect(r, &c, &how, &packet);
    assert_int_equal(packet.as.connack.reason_code, 0);
    rig_send_bytes(&c, bytes.data, bytes.len);
    expect_within(&c, bytes_max, &packet);
    assert_int_equal(packet.type, provocations[which].type);
    assert_int_equal(code_of(&packet), provocations[which].code);
    rig_expect_nothing(&c);
    rig_client_close(&c);
    bytes_free(bytes);
}

/* A Reason String is left out rather than the answer, where it does not fit: [MQTT-3.4.2-2],
 * [MQTT-3.5.2-2], [MQTT-3.6.2-2], [MQTT-3.7.2-2], [MQTT-3.9.2-1], [MQTT-3.11.2-1], [MQTT-3.14.2-3].
 * User Properties are never sent: [MQTT-3.4.2-3], [MQTT-3.5.2-3], [MQTT-3.6.2-3], [MQTT-3.7.2-3],
 * [MQTT-3.9.2-2], [MQTT-3.11.2-2], [MQTT-3.14.2-4]. */
static void
test_every_answer_fits(void **state)
{
    struct rig r;

    (void)state;
    rig_open(&r, 1, NULL);
    for (size_t i = 0; i < sizeof(provocations) / sizeof(provocations[0]); i++) {
        print_message("%s\n", provocations[i].bytes);
        for (uint32_t bytes_max = 24; bytes_max <= 100; bytes_max++) {
            provoke(&r, i, bytes_max);
        }
    }
    rig_close(&r);
}

/* The same for a CONNECT that is refused [MQTT-3.2.2-19], [MQTT-3.2.2-20]. */
static void
test_every_refusal_fits(void **state)
{
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    for (uint32_t bytes_max = 5; bytes_max <= 100; bytes_max++) {
        struct wire_connect how = small_client(bytes_max);

        how.has_will = true;
        how.will.topic = SPAN_LITERAL("$x");
        rig_client_open(&r, &c, "c", WIRE_V5);
        packet = (struct wire_any){.type = WIRE_CONNECT, .as.connect = how};
        rig_send(&c, &packet);
        expect_within(&c, bytes_max, &packet);
        assert_int_equal(packet.type, WIRE_CONNACK);
        assert_int_equal(packet.as.connack.reason_code, 0x87);
        rig_expect_nothing(&c);
        assert_true(rig_client_is_ended(&c));
        rig_client_close(&c);
    }
    rig_close(&r);
}

static const uint16_t identifiers[] = {1, 255, 256, 65535};

enum { IDENTIFIERS = sizeof(identifiers) / sizeof(identifiers[0]) };

/* One packet for each identifier, which takes the place of "id id", in a single write. */
static void
send_for_all(struct rig_client *c, const char *packet)
{
    size_t at = (size_t)(strstr(packet, "id id") - packet);
    uint8_t all[IDENTIFIERS * 64];
    size_t len = 0;

    for (size_t i = 0; i < IDENTIFIERS; i++) {
        char text[64];
        struct span bytes = SPAN_EMPTY;

        (void)snprintf(text, sizeof(text), "%.*s%02X %02X%s", (int)at, packet, identifiers[i] >> 8,
                       identifiers[i] & 0xFFU, packet + at + strlen("id id"));
        bytes = bytes_from(text);
        memcpy(all + len, bytes.data, bytes.len);
        len += bytes.len;
        bytes_free(bytes);
    }
    rig_send_bytes(c, all, len);
}

/* [MQTT-2.2.1-5], [MQTT-2.2.1-6], [MQTT-3.8.4-2], [MQTT-3.10.4-5], several at once. */
static void
test_answers_carry_the_identifier(void **state)
{
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &c, "c");
    send_for_all(&c, "82 [ id id 00 00 01 't' 00 ]");
    for (size_t i = 0; i < IDENTIFIERS; i++) {
        rig_expect(&c, WIRE_SUBACK, &packet);
        assert_int_equal(packet.as.suback.packet_id, identifiers[i]);
    }
    send_for_all(&c, "A2 [ id id 00 00 01 't' ]");
    for (size_t i = 0; i < IDENTIFIERS; i++) {
        rig_expect(&c, WIRE_UNSUBACK, &packet);
        assert_int_equal(packet.as.suback.packet_id, identifiers[i]);
        assert_int_equal(packet.as.suback.reason_codes.data[0], i == 0 ? 0 : 0x11);
    }
    send_for_all(&c, "32 [ 00 01 't' id id 00 ]");
    for (size_t i = 0; i < IDENTIFIERS; i++) {
        rig_expect_ack(&c, WIRE_PUBACK, identifiers[i], 0x10);
    }
    send_for_all(&c, "34 [ 00 01 't' id id 00 ]");
    for (size_t i = 0; i < IDENTIFIERS; i++) {
        rig_expect_ack(&c, WIRE_PUBREC, identifiers[i], 0x10);
    }
    send_for_all(&c, "62 [ id id ]");
    for (size_t i = 0; i < IDENTIFIERS; i++) {
        rig_expect_ack(&c, WIRE_PUBCOMP, identifiers[i], 0);
    }
    rig_client_close(&c);
    rig_close(&r);
}

/* [MQTT-3.14.4-1], [MQTT-3.14.4-2]: behind its DISCONNECT the broker sends no more, whatever else
 * the client has sent with its mistake, and whatever is published to it. */
static void
test_nothing_follows_disconnect(void **state)
{
    struct span bytes = bytes_from("C0 01 00"                  /* malformed */
                                   "C0 00"                     /* answered otherwise */
                                   "30 [ 00 01 't' 00 'own' ]" /* delivered otherwise */
                                   "82 [ 00 01 00 00 01 'u' 00 ]");
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        rig_open(&r, shards, NULL);
        rig_client_connect(&r, &publisher, "publisher");
        rig_resume(&r, &c, "c", false);
        rig_subscribe(&c, "t", 1);
        c.is_stuck = true; /* the DISCONNECT waits in its output */
        rig_send_bytes(&c, bytes.data, bytes.len);
        rig_publish(&publisher, "t", "x");
        rig_publish_qos(&publisher, "t", "kept", 1, 1);
        c.is_stuck = false;
        conn_touch(&c.conn);
        rig_settle(&r);
        rig_expect_end(&c, 0x81);
        rig_client_close(&c);
        rig_resume(&r, &c, "c", true);
        rig_expect_publish(&c, "kept", &packet);
        assert_false(packet.as.publish.dup);
        rig_expect_nothing(&c);
        rig_client_close(&publisher);
        rig_client_close(&c);
        rig_close(&r);
    }
    bytes_free(bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_answer_fits),
        cmocka_unit_test(test_every_refusal_fits),
        cmocka_unit_test(test_answers_carry_the_identifier),
        cmocka_unit_test(test_nothing_follows_disconnect),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
