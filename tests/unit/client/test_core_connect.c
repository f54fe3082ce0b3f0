#include "peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
send_connack(struct peer *p, uint8_t reason_code, const char *reason)
{
    struct wire_any packet = {.type = WIRE_CONNACK};

    packet.as.connack.reason_code = reason_code;
    if (reason != NULL) {
        packet.as.connack.properties.reason_string = span_of_text(reason);
        wire_properties_set(&packet.as.connack.properties, WIRE_REASON_STRING);
    }
    peer_send(p, &packet);
}

static void
says_connect_as_the_options_want_it(void **state)
{
    const struct wilco_publish will = {.topic = "gone", .payload = WILCO_TEXT("bye"), .qos = 1};
    const struct wilco_options options = {
        .client_id = "id",
        .keep_session = true,
        .session_expiry_s = 30,
        .keep_alive_s = 20,
        .receive_maximum = 9,
        .packet_bytes_max = 5000,
        .will = &will,
        .will_delay_s = 3,
    };
    struct peer p;
    struct wire_any packet;
    const struct wire_connect *c = &packet.as.connect;

    (void)state;
    peer_start(&p, &options);
    peer_expect(&p, WIRE_CONNECT, &packet); /* [MQTT-3.1.0-1]: the first packet */
    assert_int_equal(c->version, WIRE_V5);
    assert_false(c->clean_start);
    assert_true(span_equal(c->client_id, SPAN_LITERAL("id")));
    assert_int_equal(c->keep_alive, 20);
    assert_int_equal(c->properties.session_expiry_interval, 30);
    assert_int_equal(c->properties.receive_maximum, 9);
    assert_int_equal(c->properties.maximum_packet_size, 5000);
    assert_true(c->has_will);
    assert_true(span_equal(c->will.topic, SPAN_LITERAL("gone")));
    assert_true(span_equal(c->will.payload, SPAN_LITERAL("bye")));
    assert_int_equal(c->will.qos, 1);
    assert_int_equal(c->will.properties.will_delay_interval, 3);
    assert_false(c->has_user_name);
    assert_false(c->has_password);
    peer_expect_nothing(&p); /* until CONNACK, although it might go on [U-3.1.4-2] */
    peer_close(&p);
}

static void
has_sensible_defaults(void **state)
{
    struct peer p;
    struct wire_any packet;
    const struct wire_connect *c = &packet.as.connect;

    (void)state;
    peer_start(&p, &(struct wilco_options){.url = NULL});
    peer_expect(&p, WIRE_CONNECT, &packet);
    assert_true(c->clean_start);
    assert_int_equal(c->client_id.len, 0);
    assert_int_equal(c->keep_alive, 60);
    assert_false(c->has_will);
    assert_false(wire_properties_has(&c->properties, WIRE_RECEIVE_MAXIMUM));
    assert_int_equal(c->properties.session_expiry_interval, 60);
    peer_close(&p);
}

static void
refuses_options_that_cannot_be_said(void **state)
{
    static const struct wilco_publish bad_will = {.topic = "a/#"};
    static const struct wilco_publish large_will = {.topic = "a", .payload = {"", 65536}};
    static const struct wilco_options rows[] = {
        {.client_id = "\xff"},
        {.will = &bad_will},
        {.will = &large_will},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct random_seeded random;
        struct wilco_error why = {.reason_code = 0};
        struct core *core = NULL;
        struct core_config config = {.alloc = alloc_system(), .options = &rows[i]};

        random_seeded_init(&random, 1);
        config.random = &random.source;
        assert_int_equal(core_new(&core, &config, &why), WILCO_EINVAL);
        assert_true(why.text[0] != '\0');
        assert_null(core);
    }
}

static void
opens_with_connack(void **state)
{
    struct wire_properties connack = {.present = 0};
    struct peer p;

    (void)state;
    connack.assigned_client_identifier = SPAN_LITERAL("given");
    wire_properties_set(&connack, WIRE_ASSIGNED_CLIENT_IDENTIFIER);
    peer_open(&p, &(struct wilco_options){.url = NULL}, &connack);
    assert_string_equal(core_client_id(p.core), "given");
    peer_no_event(&p);
    peer_expect_nothing(&p);
    peer_close(&p);
}

/* [MQTT-4.13.2-1] */
static void
says_why_it_was_refused(void **state)
{
    struct peer p;
    struct wilco_error why;

    (void)state;
    peer_start(&p, NULL);
    send_connack(&p, 0x87, "who\nare you");
    assert_int_equal(core_state(p.core), CORE_CLOSED);
    assert_int_equal(core_why(p.core, &why), WILCO_ECONNECT);
    assert_int_equal(why.reason_code, 0x87);
    assert_string_equal(why.text,
                        "the server refused the connection: who are you: Not authorized (0x87)");
    peer_close(&p);
}

/* What may come instead of a CONNACK that we can use. */
static void
gives_up_what_is_no_server_for_us(void **state)
{
    static const struct {
        const char *name, *bytes;
        size_t len;
        const struct wilco_options options;
        enum wilco_status want;
    } rows[] = {
        {"MQTT 3.1.1 refuses", "\x20\2\0\1", 4, {.client_id = "a"}, WILCO_EPROTOCOL},
        {"HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", 28, {.client_id = "a"}, WILCO_EPROTOCOL},
        {"PINGRESP first", "\xd0\0", 2, {.client_id = "a"}, WILCO_EPROTOCOL},
        {"flags", "\x20\3\2\0\0", 5, {.client_id = "a"}, WILCO_EPROTOCOL}, /* [MQTT-3.2.2-1] */
        /* [MQTT-3.2.2-4] */
        {"a session we did not want", "\x20\3\1\0\0", 5, {.client_id = "a"}, WILCO_EPROTOCOL},
        {"a session we keep",
         "\x20\3\1\0\0",
         5,
         {.client_id = "a", .keep_session = true},
         WILCO_OK},
        {"session and error", "\x20\3\1\x87\0", 5, {.keep_session = true}, WILCO_EPROTOCOL},
        {"an id for one who has one",
         "\x20\7\0\0\4\x12\0\1x",
         9,
         {.client_id = "a"},
         WILCO_EPROTOCOL},
        {"Receive Maximum 0", "\x20\6\0\0\3\x21\0\0", 8, {.client_id = "a"}, WILCO_EPROTOCOL},
        {"authentication", "\x20\7\0\0\4\x15\0\1x", 9, {.client_id = "a"}, WILCO_EPROTOCOL},
        {"larger than we take", "\x20\xff\x7f", 3, {.packet_bytes_max = 100}, WILCO_EPROTOCOL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer p;
        struct wire_any packet;
        struct wilco_error why;

        peer_start(&p, &rows[i].options);
        peer_expect(&p, WIRE_CONNECT, &packet);
        peer_send_bytes(&p, span_of(rows[i].bytes, rows[i].len));
        if (core_state(p.core) != (rows[i].want == WILCO_OK ? CORE_OPEN : CORE_CLOSED) ||
            core_why(p.core, &why) != rows[i].want) {
            fail_msg("%s", rows[i].name);
        }
        peer_expect_nothing(&p); /* no DISCONNECT to one that never said CONNACK */
        peer_close(&p);
    }
}

static void
takes_connack_byte_by_byte(void **state)
{
    static const uint8_t bytes[] = {0x20, 0x03, 0x00, 0x00, 0x00};
    struct peer p;

    (void)state;
    peer_start(&p, NULL);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        assert_int_equal(core_state(p.core), CORE_CONNECTING);
        peer_send_bytes(&p, span_of(bytes + i, 1));
    }
    assert_int_equal(core_state(p.core), CORE_OPEN);
    peer_close(&p);
}

/* [U-3.2.0-1] */
static void
does_not_wait_for_ever(void **state)
{
    struct peer p;
    struct wilco_error why;

    (void)state;
    peer_start(&p, &(struct wilco_options){.connect_timeout_ms = 300});
    assert_int_equal(core_deadline_ms(p.core), PEER_START_MS + 300);
    peer_advance(&p, 299);
    assert_int_equal(core_state(p.core), CORE_CONNECTING);
    peer_advance(&p, 1);
    assert_int_equal(core_state(p.core), CORE_CLOSED);
    assert_int_equal(core_why(p.core, &why), WILCO_ETIMEDOUT);
    peer_close(&p);
}

static void
is_lost_before_connack(void **state)
{
    struct peer p;
    struct wilco_error why;

    (void)state;
    peer_start(&p, NULL);
    core_lost(p.core, "reset", p.now_ms);
    assert_int_equal(core_why(p.core, &why), WILCO_ECONNECT);
    assert_string_equal(why.text, "reset");
    peer_close(&p);
}

/* [MQTT-3.1.2-20, 3.1.2-21, 3.2.2-21]: the server's interval replaces ours. */
static void
pings_in_time(void **state)
{
    static const struct {
        uint16_t ours, servers; /* servers 0: not sent */
        uint64_t interval_ms;
    } rows[] = {{20, 0, 20000}, {20, 8, 8000}, {0, 0, 60000}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wire_properties connack = {.server_keep_alive = rows[i].servers};
        struct wire_any packet;
        struct peer p;

        if (rows[i].servers != 0) {
            wire_properties_set(&connack, WIRE_SERVER_KEEP_ALIVE);
        }
        peer_open(&p, &(struct wilco_options){.client_id = "a", .keep_alive_s = rows[i].ours},
                  &connack);
        assert_true(core_deadline_ms(p.core) <= p.now_ms + rows[i].interval_ms);
        peer_advance(&p, core_deadline_ms(p.core) - p.now_ms - 1);
        peer_expect_nothing(&p);
        peer_advance(&p, 1);
        peer_expect(&p, WIRE_PINGREQ, &packet);
        packet = (struct wire_any){.type = WIRE_PINGRESP};
        peer_send(&p, &packet);
        peer_advance(&p, core_deadline_ms(p.core) - p.now_ms);
        peer_expect(&p, WIRE_PINGREQ, &packet);
        peer_close(&p);
    }
}

/* [U-3.1.2-3] */
static void
gives_up_a_server_that_is_silent(void **state)
{
    struct wire_any packet;
    struct core_event event;
    struct wilco_error why;
    struct peer p;

    (void)state;
    peer_open(&p,
              &(struct wilco_options){.client_id = "a", .keep_alive_s = 4, .reconnect_off = true},
              NULL);
    peer_advance(&p, core_deadline_ms(p.core) - p.now_ms);
    peer_expect(&p, WIRE_PINGREQ, &packet);
    peer_advance(&p, 3999);
    assert_int_equal(core_state(p.core), CORE_OPEN);
    peer_advance(&p, 1);
    peer_expect_end(&p, 0x80);
    peer_event(&p, CORE_ENDED, &event);
    assert_int_equal(event.status, WILCO_ECLOSED);
    assert_int_equal(core_why(p.core, &why), WILCO_ECLOSED);
    peer_no_event(&p);
    peer_close(&p);
}

static void
keeps_quiet_without_keep_alive(void **state)
{
    struct peer p;

    (void)state;
    peer_open(&p, &(struct wilco_options){.client_id = "a", .keep_alive_off = true}, NULL);
    assert_int_equal(core_deadline_ms(p.core), UINT64_MAX);
    peer_advance(&p, 1000000000);
    peer_expect_nothing(&p);
    peer_close(&p);
}

/* [MQTT-3.14.4-1] */
static void
says_goodbye(void **state)
{
    struct wilco_publish publish = {.topic = "a"};
    uint8_t reason_code = 0;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    core_close(p.core);
    peer_expect_end(&p, 0);
    peer_no_event(&p); /* whoever closes knows */
    assert_int_equal(core_publish(p.core, &publish, NULL, NULL, &reason_code), WILCO_ECLOSED);
    peer_close(&p);
}

static void
hears_why_the_server_ended_it(void **state)
{
    struct wire_any packet = {.type = WIRE_DISCONNECT, .as.disconnect.reason_code = 0x8E};
    struct core_event event;
    struct wilco_error why;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    peer_send(&p, &packet);
    peer_expect_nothing(&p); /* [U-3.14.4-1]: it is over */
    peer_event(&p, CORE_ENDED, &event);
    assert_int_equal(core_why(p.core, &why), WILCO_ECLOSED);
    assert_int_equal(why.reason_code, 0x8E);
    assert_string_equal(why.text, "the server ended the connection: Session taken over (0x8E)");
    peer_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_connect_as_the_options_want_it),
        cmocka_unit_test(has_sensible_defaults),
        cmocka_unit_test(refuses_options_that_cannot_be_said),
        cmocka_unit_test(opens_with_connack),
        cmocka_unit_test(says_why_it_was_refused),
        cmocka_unit_test(gives_up_what_is_no_server_for_us),
        cmocka_unit_test(takes_connack_byte_by_byte),
        cmocka_unit_test(does_not_wait_for_ever),
        cmocka_unit_test(is_lost_before_connack),
        cmocka_unit_test(pings_in_time),
        cmocka_unit_test(gives_up_a_server_that_is_silent),
        cmocka_unit_test(keeps_quiet_without_keep_alive),
        cmocka_unit_test(says_goodbye),
        cmocka_unit_test(hears_why_the_server_ended_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
