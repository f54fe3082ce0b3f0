/* MQTT 3.1 and 3.1.1 next to MQTT 5.0: what crosses from one to the other, and what old clients are
 * told and not told. */
#include "support/bytes.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const enum wire_version versions[] = {WIRE_V31, WIRE_V311, WIRE_V5};

static void
connect_as(struct rig *r, struct rig_client *c, const char *client_id, enum wire_version version,
           bool clean)
{
    const struct wire_connect how = {
        .version = version, .clean_start = clean, .client_id = span_of_text(client_id)};
    struct wire_any connack;

    rig_connect(r, c, &how, &connack);
    assert_int_equal(connack.as.connack.reason_code, 0);
}

/* Every version to every version at every QoS. Properties reach MQTT 5.0 clients only. */
static void
test_all_to_all(void **state)
{
    (void)state;
    for (size_t from = 0; from < 3; from++) {
        for (size_t to = 0; to < 3; to++) {
            for (uint8_t qos = 0; qos <= 2; qos++) {
                struct rig r;
                struct rig_client a;
                struct rig_client b;
                struct wire_any packet = rig_publish_packet("t", "x", qos, 1);

                rig_open(&r, 4, NULL);
                connect_as(&r, &a, "a", versions[from], true);
                connect_as(&r, &b, "b", versions[to], true);
                rig_subscribe(&b, "t", 2);
                packet.as.publish.properties.correlation_data = SPAN_LITERAL("\0\xFF");
                wire_properties_set(&packet.as.publish.properties, WIRE_CORRELATION_DATA);
                rig_send(&a, &packet);
                rig_expect_publish(&b, "x", &packet);
                assert_int_equal(packet.as.publish.qos, qos);
                assert_int_equal(packet.as.publish.properties.correlation_data.len,
                                 versions[from] == WIRE_V5 && versions[to] == WIRE_V5 ? 2 : 0);
                if (qos == 1) {
                    rig_ack(&b, WIRE_PUBACK, packet.as.publish.packet_id);
                } else if (qos == 2) {
                    rig_ack(&b, WIRE_PUBREC, packet.as.publish.packet_id);
                    rig_expect_ack(&b, WIRE_PUBREL, packet.as.publish.packet_id, 0);
                    rig_ack(&b, WIRE_PUBCOMP, packet.as.publish.packet_id);
                }
                rig_expect_nothing(&b);
                rig_client_close(&a);
                rig_client_close(&b);
                rig_close(&r);
            }
        }
    }
}

/* The bytes an old client gets: no properties, no reason codes, no Property Length. */
static void
test_bytes(void **state)
{
    static const struct {
        const char *send;
        const char *want;
    } rows[] = {
        {"10 [ 00 04 'MQTT' 04 02 00 00 00 01 'c' ]", "20 02 00 00"},
        {"82 [ 00 05 00 01 't' 02 00 02 '##' 00 ]", "90 [ 00 05 02 80 ]"},
        {"30 [ 00 01 't' 'x' ]", "30 [ 00 01 't' 'x' ]"},
        {"32 [ 00 01 't' 00 07 'x' ]", "32 [ 00 01 't' 00 01 'x' ] 40 [ 00 07 ]"},
        {"34 [ 00 01 't' 00 08 'x' ]", "34 [ 00 01 't' 00 02 'x' ] 50 [ 00 08 ]"},
        {"62 [ 00 08 ]", "70 [ 00 08 ]"},
        {"62 [ 00 09 ]", "70 [ 00 09 ]"}, /* never heard of: no code to say so */
        {"50 [ 00 02 ]", "62 [ 00 02 ]"},
        {"70 [ 00 02 ]", ""},
        {"32 [ 00 02 '$x' 00 0A 'x' ]", "40 [ 00 0A ]"}, /* not allowed, and no way to say it */
        {"34 [ 00 02 '$x' 00 0B 'x' ]", "50 [ 00 0B ]"},
        {"A2 [ 00 06 00 01 't' 00 01 'u' ]", "B0 [ 00 06 ]"},
        {"C0 00", "D0 00"},
        {"E0 00", ""},
    };
    struct rig r;
    struct rig_client c;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_open(&r, &c, "c", WIRE_V311);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span send = bytes_from(rows[i].send);
        struct span want = bytes_from(rows[i].want);
        size_t before = c.input_len;

        print_message("%s\n", rows[i].send);
        rig_send_bytes(&c, send.data, send.len);
        assert_true(span_equal(span_of(c.input + before, c.input_len - before), want));
        bytes_free(send);
        bytes_free(want);
    }
    assert_true(rig_client_is_ended(&c));
    rig_client_close(&c);
    rig_close(&r);
}

/* A client of MQTT 3.1 sets DUP when it sends one of these again (3.1, 2.1); later versions end the
 * connection for it [MQTT-2.1.3-1]. */
static void
test_dup_of_old_clients(void **state)
{
    static const struct {
        const char *send;
        const char *want;
    } rows[] = {
        {"8A [ 00 05 00 01 't' 02 ]", "90 [ 00 05 02 ]"},
        {"6A [ 00 08 ]", "70 [ 00 08 ]"},
        {"AA [ 00 06 00 01 't' ]", "B0 [ 00 06 ]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t v = 0; v < 3; v++) {
            struct span send = bytes_from(rows[i].send);
            struct span want = bytes_from(rows[i].want);
            struct rig r;
            struct rig_client c;
            size_t before;

            rig_open(&r, 1, NULL);
            connect_as(&r, &c, "c", versions[v], true);
            before = c.input_len;
            for (size_t at = 0; at < send.len && !rig_client_is_ended(&c); at++) {
                rig_send_bytes(&c, send.data + at, 1);
            }
            assert_int_equal(rig_client_is_ended(&c), versions[v] != WIRE_V31);
            if (versions[v] == WIRE_V31) {
                assert_true(span_equal(span_of(c.input + before, c.input_len - before), want));
            }
            rig_client_close(&c);
            rig_close(&r);
            bytes_free(send);
            bytes_free(want);
        }
    }
}

/* Clean Session 0 is a session for ever, up to session_expiry_max_s; 1 is none. */
static void
test_clean_session(void **state)
{
    struct settings settings = settings_default();

    (void)state;
    settings.session_expiry_max_s = 3600;
    for (size_t v = 0; v < 2; v++) {
        for (int clean = 0; clean <= 1; clean++) {
            struct rig r;
            struct rig_client c;

            rig_open(&r, 1, &settings);
            connect_as(&r, &c, "c", versions[v], clean == 1);
            rig_disconnect(&c, 0);
            rig_client_close(&c);
            rig_advance(&r, 3600000 - 1);
            assert_int_equal(atomic_load(&r.broker.session_count), 1 - clean);
            rig_advance(&r, 1);
            assert_int_equal(atomic_load(&r.broker.session_count), 0);
            rig_close(&r);
        }
    }
}

/* A client that comes back with another version finds its session; messages with subscription
 * identifiers and properties are then written for the version it has now. */
static void
test_change_of_version(void **state)
{
    const struct wire_subscription w = {.filter = SPAN_LITERAL("t"), .qos = 1};
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &publisher, "publisher");
    rig_resume(&r, &c, "c", false);
    rig_subscribe_with(&c, &w, 9, 1);
    packet = rig_publish_packet("t", "1", 1, 1);
    packet.as.publish.properties.message_expiry_interval = 60;
    wire_properties_set(&packet.as.publish.properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    rig_send(&publisher, &packet);
    rig_expect_publish(&c, "1", &packet);
    for (int i = 0; i < 2; i++) {
        rig_client_close(&c);
        connect_as(&r, &c, "c", i == 0 ? WIRE_V311 : WIRE_V31, false);
        rig_expect_publish(&c, "1", &packet);
        assert_true(packet.as.publish.dup);
    }
    rig_client_close(&c);
    rig_resume(&r, &c, "c", true);
    rig_expect_publish(&c, "1", &packet);
    assert_int_equal(packet.as.publish.properties.subscription_identifier, 9);
    assert_int_equal(packet.as.publish.properties.message_expiry_interval, 60);
    rig_client_close(&publisher);
    rig_client_close(&c);
    rig_close(&r);
}

/* The name of a session is its client identifier, whatever the version: a takeover ends an old
 * client without a word, and the wills of old clients are published like any other. */
static void
test_wills_of_old_clients(void **state)
{
    (void)state;
    for (size_t v = 0; v < 2; v++) {
        struct wire_connect how = {.version = versions[v],
                                   .clean_start = true,
                                   .client_id = SPAN_LITERAL("c"),
                                   .has_will = true,
                                   .will = {.qos = 2,
                                            .retain = true,
                                            .topic = SPAN_LITERAL("will"),
                                            .payload = SPAN_LITERAL("gone")}};
        struct rig r;
        struct rig_client witness;
        struct rig_client c;
        struct wire_any packet;

        rig_open(&r, 1, NULL);
        rig_client_connect(&r, &witness, "witness");
        rig_subscribe(&witness, "#", 2);
        rig_connect(&r, &c, &how, &packet);
        rig_disconnect(&c, 0);
        rig_client_close(&c);
        rig_expect_nothing(&witness);
        rig_connect(&r, &c, &how, &packet);
        rig_send_bytes(&c, "\xC0\x01\x00", 3);
        rig_expect_end(&c, 0x81);
        rig_client_close(&c);
        rig_expect_publish(&witness, "gone", &packet);
        assert_int_equal(packet.as.publish.qos, 2);
        rig_client_close(&witness);
        rig_close(&r);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_to_all),           cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_clean_session),        cmocka_unit_test(test_change_of_version),
        cmocka_unit_test(test_wills_of_old_clients), cmocka_unit_test(test_dup_of_old_clients),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
