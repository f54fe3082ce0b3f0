/* Every valid packet of a client, cut at every byte and with every single byte changed, in a live
 * session. Whatever becomes of that connection, the broker goes on serving the others, everything
 * it sends decodes strictly, and nothing leaks. */
#include "support/bytes.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
    const char *name;
    const char *bytes;
    enum wire_version version;
    bool is_first; /* a CONNECT, for a connection of its own */
} packets[] = {
    {"CONNECT",
     "10 [ 00 04 'MQTT' 05 EE 00 3C 13 11 00 00 00 0A 21 00 14 27 00 00 04 00 22 00 05 17 01 19 01"
     "00 01 'm' 0E 18 00 00 00 05 01 01 08 00 01 'r' 09 00 01 FF 00 01 'w' 00 01 'x'"
     "00 01 'u' 00 01 'p' ]",
     WIRE_V5, true},
    {"CONNECT 3.1.1",
     "10 [ 00 04 'MQTT' 04 EE 00 3C 00 01 'm' 00 01 'w' 00 01 'x' 00 01 'u' 00 01 'p' ]", WIRE_V311,
     true},
    {"CONNECT 3.1", "10 [ 00 06 'MQIsdp' 03 02 00 3C 00 01 'm' ]", WIRE_V31, true},
    {"PUBLISH", "30 [ 00 03 'a/b' 00 'payload' ]", WIRE_V5, false},
    {"PUBLISH QoS 1",
     "33 [ 00 03 'a/b' 00 09 1E 01 01 02 00 00 00 64 08 00 01 'r' 09 00 02 00 FF 26 00 01 'k' 00 "
     "01 'v'"
     "03 00 01 't' 'payload' ]",
     WIRE_V5, false},
    {"PUBLISH QoS 2 with an alias", "34 [ 00 03 'a/b' 00 09 03 23 00 01 'payload' ]", WIRE_V5,
     false},
    {"PUBLISH 3.1.1", "32 [ 00 03 'a/b' 00 09 'payload' ]", WIRE_V311, false},
    {"PUBACK", "40 [ 00 01 10 07 1F 00 04 'text' ]", WIRE_V5, false},
    {"PUBREC", "50 [ 00 02 00 07 26 00 01 'k' 00 01 'v' ]", WIRE_V5, false},
    {"PUBREL", "62 [ 00 05 92 00 ]", WIRE_V5, false},
    {"PUBCOMP", "70 [ 00 03 00 ]", WIRE_V5, false},
    {"SUBSCRIBE", "82 [ 00 05 02 0B 07 00 03 'a/#' 2A 00 0A '$share/g/a' 02 ]", WIRE_V5, false},
    {"SUBSCRIBE 3.1.1", "82 [ 00 05 00 03 'a/#' 01 00 01 '+' 02 ]", WIRE_V311, false},
    {"UNSUBSCRIBE", "A2 [ 00 06 07 26 00 01 'k' 00 01 'v' 00 01 't' 00 03 'a/b' ]", WIRE_V5, false},
    {"UNSUBSCRIBE 3.1.1", "A2 [ 00 06 00 01 't' 00 03 'a/b' ]", WIRE_V311, false},
    {"PINGREQ", "C0 00", WIRE_V5, false},
    {"DISCONNECT", "E0 [ 04 05 11 00 00 00 0A ]", WIRE_V5, false},
};

/* Looks at all that has come, in the version that the broker takes the client for: a CONNECT may
 * say another one than it did before it was changed. */
static void
drain(struct rig_client *c)
{
    struct wire_any packet;

    c->version = c->conn.version == 0 ? WIRE_V5 : (enum wire_version)c->conn.version;
    while (rig_next(c, &packet)) { /* decodes, or fails the test */
    }
}

/* A session with something under way in each state: 1 awaits PUBACK, 2 PUBREC, 3 PUBCOMP; 5 awaits
 * PUBREL. */
static void
open_subject(struct rig *r, struct rig_client *c, enum wire_version version)
{
    struct wire_any packet;
    struct wire_connect how = rig_lasting("m", 60);

    how.version = version;
    how.clean_start = true;
    rig_connect(r, c, &how, &packet);
    rig_subscribe(c, "t", 2);
    rig_publish_qos(c, "t", "1", 1, 1);
    rig_publish_qos(c, "t", "2", 2, 2);
    rig_publish_qos(c, "t", "3", 2, 3);
    rig_ack(c, WIRE_PUBREC, 3);
    rig_publish_qos(c, "nobody", "5", 2, 5);
    drain(c);
}

/* Feeds `bytes` to a fresh subject, then looks whether the witness is still served. */
static void
feed(struct rig *r, struct rig_client *witness, size_t row, struct span bytes)
{
    struct rig_client c;
    struct wire_any packet;
    bool served = false;

    if (packets[row].is_first) {
        rig_client_open(r, &c, "m", packets[row].version);
    } else {
        open_subject(r, &c, packets[row].version);
    }
    rig_send_bytes(&c, bytes.data, bytes.len);
    drain(&c);
    rig_send_bytes(&c, "\xC0\x00", 2);
    drain(&c);
    rig_publish(witness, "witness", "alive");
    while (rig_next(witness, &packet)) {
        served = served || (packet.type == WIRE_PUBLISH &&
                            span_equal(packet.as.publish.payload, SPAN_LITERAL("alive")));
    }
    assert_true(served);
    rig_client_close(&c);
}

static void
open_all(struct rig *r, struct rig_client *witness)
{
    rig_open(r, 1, NULL);
    rig_client_connect(r, witness, "witness");
    rig_subscribe(witness, "#", 0);
}

static void
close_all(struct rig *r, struct rig_client *witness)
{
    rig_client_close(witness);
    rig_advance(r, 100000); /* the subjects' sessions end, most of them */
    rig_close(r);
}

/* A packet cut short is waited for, and nothing of it is done. */
static void
test_prefixes(void **state)
{
    struct rig r;
    struct rig_client witness;

    (void)state;
    open_all(&r, &witness);
    for (size_t row = 0; row < sizeof(packets) / sizeof(packets[0]); row++) {
        struct span bytes = bytes_from(packets[row].bytes);

        print_message("%s\n", packets[row].name);
        for (size_t len = 0; len <= bytes.len; len++) {
            feed(&r, &witness, row, span_first(bytes, len));
        }
        bytes_free(bytes);
    }
    close_all(&r, &witness);
}

/* The lengths of a packet made to fit a cut: it is whole, but what is in it is not. */
static void
test_shortened(void **state)
{
    struct rig r;
    struct rig_client witness;

    (void)state;
    open_all(&r, &witness);
    for (size_t row = 0; row < sizeof(packets) / sizeof(packets[0]); row++) {
        struct span bytes = bytes_from(packets[row].bytes);

        for (size_t len = 2; len < bytes.len; len++) {
            uint8_t *copy = malloc(len);

            assert_non_null(copy);
            memcpy(copy, bytes.data, len);
            copy[1] = (uint8_t)(len - 2);
            feed(&r, &witness, row, span_of(copy, len));
            free(copy);
        }
        bytes_free(bytes);
    }
    close_all(&r, &witness);
}

static void
test_every_byte_changed(void **state)
{
    struct rig r;
    struct rig_client witness;

    (void)state;
    open_all(&r, &witness);
    for (size_t row = 0; row < sizeof(packets) / sizeof(packets[0]); row++) {
        struct span bytes = bytes_from(packets[row].bytes);

        print_message("%s\n", packets[row].name);
        for (size_t at = 0; at < bytes.len; at++) {
            for (unsigned value = 0; value <= 0xFF; value++) {
                uint8_t *changed = malloc(bytes.len);

                assert_non_null(changed);
                memcpy(changed, bytes.data, bytes.len);
                changed[at] = (uint8_t)value;
                feed(&r, &witness, row, span_of(changed, bytes.len));
                free(changed);
            }
        }
        bytes_free(bytes);
    }
    close_all(&r, &witness);
}

/* What the rows of other tests leave: packets that no client sends, or not now. */
static void
test_forbidden(void **state)
{
    static const struct {
        const char *name;
        const char *bytes;
        uint8_t code;
    } rows[] = {
        {"U-2.1.2-1 type 0", "00 00", 0x81},
        {"CONNACK", "20 [ 00 00 00 ]", 0x82},
        {"PINGRESP", "D0 00", 0x82},
        {"MQTT-4.12.0-7 AUTH", "F0 [ 19 00 ]", 0x82},
        {"MQTT-4.12.0-7 AUTH, empty", "F0 00", 0x82},
        {"MQTT-3.15.1-1 AUTH with flags", "F1 00", 0x81},
        {"MQTT-3.6.1-1 PUBREL without its flags", "60 [ 00 01 ]", 0x81},
        {"PUBACK with flags", "41 [ 00 01 ]", 0x81},
        {"PUBACK of no message", "40 [ 00 00 ]", 0x81},
        {"PUBACK cut", "40 [ 00 ]", 0x81},
        {"MQTT-3.4.2-1 PUBACK with a code of SUBACK", "40 [ 00 01 01 ]", 0x82},
        {"MQTT-3.5.2-1 PUBREC with an unknown code", "50 [ 00 01 FF ]", 0x82},
        {"MQTT-3.6.2-1 PUBREL with a code of PUBREC", "62 [ 00 01 80 ]", 0x82},
        {"MQTT-3.7.2-1 PUBCOMP with a code of PUBREC", "70 [ 00 01 10 ]", 0x82},
        {"U-3.4.2-2 Reason String twice", "40 [ 00 01 00 06 1F 00 00 1F 00 00 ]", 0x82},
        {"property of PUBLISH in PUBACK", "40 [ 00 01 00 02 01 00 ]", 0x81},
        {"U-3.12.1-1 PINGREQ with content", "C0 01 00", 0x81},
        {"U-1.5.5-1 Remaining Length of five bytes", "30 FF FF FF FF 01", 0x81},
        {"MQTT-1.5.5-1 Remaining Length not the shortest", "C0 80 00", 0x81},
        {"U-3.2.2-4 too large", "30 FF FF FF 7F", 0x95},
        {"DISCONNECT with a property of CONNECT", "E0 [ 00 03 21 00 01 ]", 0x81},
        {"Session Expiry twice", "E0 [ 00 0A 11 00 00 00 00 11 00 00 00 00 ]", 0x82},
    };
    struct rig r;
    struct rig_client c;

    (void)state;
    rig_open(&r, 1, NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span bytes = bytes_from(rows[i].bytes);

        print_message("%s\n", rows[i].name);
        rig_client_connect(&r, &c, "c");
        rig_send_bytes(&c, bytes.data, bytes.len);
        rig_expect_end(&c, rows[i].code); /* [MQTT-4.13.2-1], [U-4.13-2] */
        rig_client_close(&c);

        rig_client_open(&r, &c, "c", WIRE_V311); /* without a word before MQTT 5.0 */
        rig_send_bytes(&c,
                       "\x10\x0D\x00\x04MQTT\x04\x02\x00\x00\x00\x01"
                       "c",
                       15);
        assert_int_equal(c.input_len, 4);
        c.input_at = 4;
        rig_send_bytes(&c, bytes.data, bytes.len);
        rig_expect_nothing(&c);
        rig_client_close(&c);
        bytes_free(bytes);
    }
    rig_close(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_shortened),
        cmocka_unit_test(test_every_byte_changed),
        cmocka_unit_test(test_forbidden),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
