#include "peer.h"

#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What a client writes, byte for byte: each field where the standard wants it, each property at
 * most once, and nothing that was not asked for. */

static void
on_message(void *context, const struct wilco_message *m)
{
    (void)context;
    (void)m;
}

/* CONNECT of a core with these options, which must be `want`. */
static void
check_connect(const char *name, const struct core_config *wanted, const char *want)
{
    struct core_config config = *wanted;
    struct random_seeded random;
    struct wilco_error why = {.reason_code = 0};
    struct core *core = NULL;
    struct span expected = bytes_from(want);
    struct span got[2];

    random_seeded_init(&random, 1);
    config.alloc = alloc_system();
    config.random = &random.source;
    assert_int_equal(core_new(&core, &config, &why), WILCO_OK);
    assert_int_equal(core_output(core, got, 2), 1);
    if (!span_equal(got[0], expected)) {
        for (size_t i = 0; i < got[0].len; i++) {
            print_message("%02X ", got[0].data[i]);
        }
        fail_msg("%s", name);
    }
    core_free(core);
    bytes_free(expected);
}

/* The properties that each CONNECT has: Session Expiry Interval 60, but for those who connect only
 * once; Request Response Information, Topic Alias Maximum 16,
 * Maximum Packet Size 16 MiB, and that we know what our broker does for requests. Request Problem
 * Information and authentication are left out. */
#define ASKS   "19 01"
#define OPT_IN "26 00 02 'rr' 00 01 '1'"
#define USUAL  "11 00 00 00 3C " ONCE
#define ONCE   ASKS " 22 00 10 27 01 00 00 00 " OPT_IN

static const struct wilco_user_property color = {"color", "red"};
static const struct wilco_publish wills[] = {
    {.topic = "w"},
    {.topic = "w", .payload = {"bye", 3}, .qos = 1, .retain = true},
    {.topic = "w",
     .qos = 2,
     .is_utf8 = true,
     .has_expiry = true,
     .expiry_s = 5,
     .content_type = "c",
     .response_topic = "r",
     .correlation_data = {"d", 1},
     .user_properties = &color,
     .user_property_count = 1},
};

/* [MQTT-3.1.0-1, 3.1.2-4, 3.1.2-9, 3.1.2-11, 3.1.2-12, 3.1.2-13]
 * [MQTT-3.1.2-16, 3.1.2-17, 3.1.2-18, 3.1.2-19]: the flags say what is there
 * [MQTT-3.1.3-1, 3.1.3-2, 3.1.3-3]: the order, and who it is
 * [U-3.1.2-4, 3.1.2-5, 3.1.2-6, 3.1.2-8, 3.1.2-9, 3.1.2-10, 3.1.3-1]: once or not at all */
static void
writes_connect(void **state)
{
    static const struct {
        const char *name;
        struct wilco_options options;
        const char *user_name, *password;
        const char *want;
    } rows[] = {
        {"nothing asked for",
         {.url = NULL},
         NULL,
         NULL,
         "10 [ 00 04 'MQTT' 05 02 00 3C [ " USUAL " ] 00 00 ]"},
        {"nobody comes back",
         {.reconnect_off = true},
         NULL,
         NULL,
         "10 [ 00 04 'MQTT' 05 02 00 3C [ " ONCE " ] 00 00 ]"},
        {"everything but a Will",
         {.client_id = "id",
          .keep_session = true,
          .session_expiry_s = 30,
          .receive_maximum = 9,
          .packet_bytes_max = 5000,
          .keep_alive_off = true},
         NULL,
         NULL,
         "10 [ 00 04 'MQTT' 05 00 00 00 [ 11 00 00 00 1E " ASKS
         " 21 00 09 22 00 10 27 00 00 13 88 " OPT_IN " ] 00 02 'id' ]"},
        {"user name",
         {.client_id = "id"},
         "me",
         NULL,
         "10 [ 00 04 'MQTT' 05 82 00 3C [ " USUAL " ] 00 02 'id' 00 02 'me' ]"},
        {"password alone",
         {.client_id = "id"},
         NULL,
         "xyz",
         "10 [ 00 04 'MQTT' 05 42 00 3C [ " USUAL " ] 00 02 'id' 00 03 'xyz' ]"},
        {"both",
         {.client_id = "id"},
         "me",
         "xyz",
         "10 [ 00 04 'MQTT' 05 C2 00 3C [ " USUAL " ] 00 02 'id' 00 02 'me' 00 03 'xyz' ]"},
        {"a plain Will",
         {.client_id = "id", .will = &wills[0]},
         NULL,
         NULL,
         "10 [ 00 04 'MQTT' 05 06 00 3C [ " USUAL " ] 00 02 'id' 00 00 01 'w' 00 00 ]"},
        {"a Will that is retained",
         {.client_id = "id", .will = &wills[1]},
         NULL,
         NULL,
         "10 [ 00 04 'MQTT' 05 2E 00 3C [ " USUAL " ] 00 02 'id' 00 00 01 'w' 00 03 'bye' ]"},
        {"a Will that is a request, and both",
         {.client_id = "id", .will = &wills[2], .will_delay_s = 3},
         "me",
         "xyz",
         "10 [ 00 04 'MQTT' 05 D6 00 3C [ " USUAL " ] 00 02 'id' "
         "[ 01 01 02 00 00 00 05 03 00 01 'c' 08 00 01 'r' 09 00 01 'd' 18 00 00 00 03 "
         "26 00 05 'color' 00 03 'red' ] 00 01 'w' 00 00 00 02 'me' 00 03 'xyz' ]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct core_config config = {
            .options = &rows[i].options,
            .user_name = span_of_text(rows[i].user_name),
            .password = span_of_text(rows[i].password),
        };

        check_connect(rows[i].name, &config, rows[i].want);
    }
}

/* [MQTT-3.1.3-4, 3.1.3-11, 3.1.3-12, 3.1.2-12, 1.5.4-1] */
static void
refuses_a_connect_that_nobody_may_send(void **state)
{
    static const struct wilco_publish topic = {.topic = "\xff"};
    static const struct wilco_publish wildcard = {.topic = "a/#"};
    static const struct wilco_publish qos = {.topic = "a", .qos = 3};
    static const struct {
        struct wilco_options options;
        const char *user_name;
    } rows[] = {
        {{.client_id = "\xed\xa0\x80"}, NULL}, {{.will = &topic}, NULL},
        {{.will = &wildcard}, NULL},           {{.will = &qos}, NULL},
        {{.client_id = "a"}, "\xff"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct random_seeded random;
        struct wilco_error why = {.reason_code = 0};
        struct core *core = NULL;
        const struct core_config config = {
            .alloc = alloc_system(),
            .random = &random.source,
            .options = &rows[i].options,
            .user_name = span_of_text(rows[i].user_name),
        };

        random_seeded_init(&random, 1);
        assert_int_equal(core_new(&core, &config, &why), WILCO_EINVAL);
        assert_null(core);
    }
}

static void
publish(struct peer *p, const struct wilco_publish *w)
{
    uint8_t reason_code = 0;

    assert_int_equal(core_publish(p->core, w, NULL, NULL, &reason_code), WILCO_OK);
}

/* [MQTT-2.2.1-2, 3.3.1-2, 4.3.1-1]: QoS 0 has neither identifier nor DUP
 * [MQTT-4.3.2-2, 4.3.3-2]: nor has a first sending
 * [MQTT-2.2.2-1, 3.3.2-1]: the Topic Name first, and a length of properties even of none
 * [MQTT-3.3.4-6, 3.2.2-17, 3.2.2-18, 3.3.2-9]: no Subscription Identifier, and no Topic Alias
 * [U-3.3.2-2, 3.3.2-4, 3.3.2-6, 3.3.2-7, 3.3.2-9]: once or not at all */
static void
writes_publish(void **state)
{
    static const struct {
        struct wilco_publish publish;
        const char *want;
    } rows[] = {
        {{.topic = "t"}, "30 [ 00 01 't' 00 ]"},
        {{.topic = "t", .payload = {"x", 1}, .retain = true}, "31 [ 00 01 't' 00 'x' ]"},
        {{.topic = "t", .qos = 1}, "32 [ 00 01 't' 00 01 00 ]"},
        {{.topic = "t", .qos = 2}, "34 [ 00 01 't' 00 02 00 ]"},
        {{.topic = "t",
          .is_utf8 = true,
          .has_expiry = true,
          .expiry_s = 5,
          .content_type = "c",
          .response_topic = "r",
          .correlation_data = {"d", 1},
          .user_properties = &color,
          .user_property_count = 1},
         "30 [ 00 01 't' [ 01 01 02 00 00 00 05 03 00 01 'c' 08 00 01 'r' 09 00 01 'd' "
         "26 00 05 'color' 00 03 'red' ] ]"},
    };

    (void)state;
    for (uint16_t alias_maximum = 0; alias_maximum <= 10; alias_maximum += 10) {
        struct wire_properties connack = {.topic_alias_maximum = alias_maximum};
        struct peer p;

        if (alias_maximum > 0) {
            wire_properties_set(&connack, WIRE_TOPIC_ALIAS_MAXIMUM);
        }
        peer_open(&p, NULL, &connack);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            publish(&p, &rows[i].publish);
            peer_expect_bytes(&p, rows[i].want);
        }
        peer_close(&p);
    }
}

/* [MQTT-1.5.5-1]: lengths take as few bytes as they can. */
static void
writes_short_lengths(void **state)
{
    static const struct {
        size_t remaining;
        size_t bytes; /* of the length itself */
    } rows[] = {{127, 1}, {128, 2}, {16383, 2}, {16384, 3}, {2097151, 3}, {2097152, 4}};
    static const char payload[2097152];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wire_any packet;
        struct peer p;
        size_t before = 0;

        peer_open(&p, NULL, NULL);
        before = p.seen;
        publish(&p,
                &(struct wilco_publish){.topic = "t", .payload = {payload, rows[i].remaining - 4}});
        peer_expect(&p, WIRE_PUBLISH, &packet);
        assert_int_equal(p.seen - before, 1 + rows[i].bytes + rows[i].remaining);
        peer_close(&p);
    }
}

/* [MQTT-3.8.3-1, 3.8.3-2, 3.10.3-1, 3.10.3-2]: one filter in each
 * [U-3.8.2-1, 3.8.3-1, 3.8.3-2, 3.10.3-1] */
static void
writes_subscribe_and_unsubscribe(void **state)
{
    static const struct wilco_subscription rows[] = {
        {.filter = "a/+"},
        {.filter = "$share/g/b", .qos = 2, .retain_as_published = true, .retain_handling = 2},
    };
    const struct core_subscriber to = {.on_message = on_message};
    uint8_t reason_code = 0;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(core_subscribe(p.core, &rows[i], &to, &p, &reason_code), WILCO_OK);
    }
    assert_int_equal(core_unsubscribe(p.core, "a/+", &p), WILCO_OK);
    peer_expect_bytes(&p, "82 [ 00 01 [ 0B 01 ] 00 03 'a/+' 00 ]");
    peer_expect_bytes(&p, "82 [ 00 02 [ 0B 02 ] 00 0A '$share/g/b' 2A ]");
    peer_expect_bytes(&p, "A2 [ 00 03 00 00 03 'a/+' ]");
    peer_close(&p);
}

/* [MQTT-2.2.1-5, 3.3.4-1]: each with the identifier of the PUBLISH, as its QoS asks
 * [MQTT-3.4.2-1, 3.5.2-1, 3.7.2-1]: only reason codes of theirs
 * [MQTT-3.4.2-2, 3.4.2-3, 3.5.2-2, 3.5.2-3, 3.7.2-2, 3.7.2-3]: without properties, so the server's
 * Maximum Packet Size, here the smallest there can be, is enough for them */
static void
writes_acknowledgements(void **state)
{
    static const struct {
        uint16_t packet_id;
        const char *puback, *pubrec, *pubcomp, *unknown;
    } rows[] = {
        {1, "40 02 00 01", "50 02 00 01", "70 02 00 01", "70 03 00 01 92"},
        {255, "40 02 00 FF", "50 02 00 FF", "70 02 00 FF", "70 03 00 FF 92"},
        {256, "40 02 01 00", "50 02 01 00", "70 02 01 00", "70 03 01 00 92"},
        {65535, "40 02 FF FF", "50 02 FF FF", "70 02 FF FF", "70 03 FF FF 92"},
    };
    struct wire_properties connack = {.maximum_packet_size = 5};
    struct peer p;

    (void)state;
    wire_properties_set(&connack, WIRE_MAXIMUM_PACKET_SIZE);
    peer_open(&p, NULL, &connack);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        peer_publish(&p, "t", "x", 0, 0);
        peer_no_event(&p);
        peer_expect_nothing(&p);
        peer_publish(&p, "t", "x", 1, rows[i].packet_id);
        peer_no_event(&p);
        peer_expect_bytes(&p, rows[i].puback);
        peer_publish(&p, "t", "x", 2, rows[i].packet_id);
        peer_no_event(&p);
        peer_expect_bytes(&p, rows[i].pubrec);
        peer_ack(&p, WIRE_PUBREL, rows[i].packet_id, 0);
        peer_expect_bytes(&p, rows[i].pubcomp);
        peer_ack(&p, WIRE_PUBREL, rows[i].packet_id, 0);
        peer_expect_bytes(&p, rows[i].unknown);
    }
    peer_close(&p);
}

/* [MQTT-3.6.1-1]: its flags, [MQTT-3.6.2-1]: its reason codes, [MQTT-3.6.2-2, 3.6.2-3]: without
 * properties */
static void
writes_pubrel(void **state)
{
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    publish(&p, &(struct wilco_publish){.topic = "t", .qos = 2});
    peer_expect_bytes(&p, "34 [ 00 01 't' 00 01 00 ]");
    peer_ack(&p, WIRE_PUBREC, 1, 0);
    peer_expect_bytes(&p, "62 02 00 01");
    peer_ack(&p, WIRE_PUBREC, 0x1234, 0); /* nothing of ours */
    peer_expect_bytes(&p, "62 03 12 34 92");
    peer_close(&p);
}

/* [MQTT-3.14.1-1, 3.14.2-1, 3.14.2-3, 3.14.2-4]: no flags, a reason code of the client's, and no
 * property but the Session Expiry Interval, once, where it is to change; [U-3.14.2-1, 3.14.2-2,
 * 3.14.2-3]: otherwise it stays as it is */
static void
writes_disconnect_and_pings(void **state)
{
    struct span malformed = bytes_from("00 00");
    struct peer p;

    (void)state;
    peer_open(&p, &(struct wilco_options){.client_id = "a", .keep_alive_s = 4}, NULL);
    peer_advance(&p, core_deadline_ms(p.core) - p.now_ms);
    peer_expect_bytes(&p, "C0 00"); /* [U-3.12.1-1] */
    core_close(p.core);
    peer_expect_bytes(&p, "E0 [ 00 [ 11 00 00 00 00 ] ]");
    peer_expect_nothing(&p); /* [MQTT-3.14.4-1] */
    peer_close(&p);

    for (int i = 0; i < 2; i++) {
        const struct wilco_options rows[] = {{.reconnect_off = true}, {.session_expiry_s = 30}};

        peer_open(&p, &rows[i], NULL);
        core_close(p.core);
        peer_expect_bytes(&p, "E0 00");
        peer_expect_nothing(&p);
        peer_close(&p);
    }

    peer_open(&p, NULL, NULL);
    peer_send_bytes(&p, malformed);
    peer_expect_bytes(&p, "E0 01 81");
    peer_expect_nothing(&p);
    peer_close(&p);
    bytes_free(malformed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_connect),
        cmocka_unit_test(refuses_a_connect_that_nobody_may_send),
        cmocka_unit_test(writes_publish),
        cmocka_unit_test(writes_short_lengths),
        cmocka_unit_test(writes_subscribe_and_unsubscribe),
        cmocka_unit_test(writes_acknowledgements),
        cmocka_unit_test(writes_pubrel),
        cmocka_unit_test(writes_disconnect_and_pings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
