#include "peer.h"

#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Enhanced authentication (MQTT 5.0, 4.12). */

static bool
never_run(void *context, const struct wilco_challenge *challenge, struct wilco_bytes *answer)
{
    (void)context;
    (void)challenge;
    (void)answer;
    fail_msg("a core does not call back");
    return false;
}

static const struct wilco_options options = {
    .reconnect_off = true,
    .client_id = "me",
    .authentication_method = "M",
    .authentication_data = {"first", 5},
    .authenticate = never_run,
};

/* AUTH and CONNACK, with data and without; the method is "M". */
#define ASKS     "F0 [ 18 [ 15 00 01 'M' 16 00 04 'who?' ] ]"
#define ACCEPTS  "20 [ 00 00 [ 15 00 01 'M' 16 00 05 'proof' ] ]"
#define ANSWERED "F0 0C 18 0A 15 00 01 'M' 16 00 03 'you'"

static void
send_text(struct peer *p, const char *text)
{
    struct span bytes = bytes_from(text);

    peer_send_bytes(p, bytes);
    bytes_free(bytes);
}

static void
start(struct peer *p, const struct wilco_options *o)
{
    struct wire_any packet;

    peer_start(p, o);
    peer_expect(p, WIRE_CONNECT, &packet);
    peer_expect_nothing(p);
}

static void
expect_challenge(struct peer *p, bool is_last, const char *data)
{
    struct core_challenge c;

    assert_true(core_next_challenge(p->core, &c));
    assert_true(c.authenticate == never_run);
    assert_int_equal(c.challenge.is_last, is_last);
    assert_int_equal(c.challenge.data.data == NULL, data == NULL);
    assert_true(span_equal(span_of(c.challenge.data.data, c.challenge.data.len),
                           data == NULL ? SPAN_EMPTY : span_of_text(data)));
}

static void
answer(struct peer *p, bool goes_on, struct span data)
{
    struct core_challenge c;

    core_answer_challenge(p->core, goes_on, data, p->now_ms);
    assert_false(core_next_challenge(p->core, &c));
}

static void
expect_closed(struct peer *p, enum wilco_status want, const char *text)
{
    struct wilco_error why;

    assert_int_equal(core_state(p->core), CORE_CLOSED);
    assert_int_equal(core_why(p->core, &why), want);
    assert_string_equal(why.text, text);
}

/* [U-3.1.2-12], [U-3.1.2-13]: once each; [U-4.12-1] */
static void
says_its_first_data_in_connect(void **state)
{
    struct peer p;
    struct wire_any packet;
    const struct wire_properties *v = &packet.as.connect.properties;

    (void)state;
    peer_start(&p, &options);
    peer_expect(&p, WIRE_CONNECT, &packet);
    assert_true(span_equal(v->authentication_method, SPAN_LITERAL("M")));
    assert_true(span_equal(v->authentication_data, SPAN_LITERAL("first")));
    peer_close(&p);
}

static void
refuses_what_connect_cannot_hold(void **state)
{
    static const struct wilco_options rows[] = {
        {.authentication_data = {"x", 1}}, /* [U-3.1.2-13] */
        {.authenticate = never_run},
        {.authentication_method = "\xff"},
        {.authentication_method = "M", .authentication_data = {"", 65536}},
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
        assert_string_equal(why.text, "the authentication method or its data is invalid");
    }
}

/* [MQTT-4.12.0-3], [MQTT-4.12.0-5]; without Reason String [MQTT-3.15.2-2] and User Properties
 * [MQTT-3.15.2-3]; flags 0 [MQTT-3.15.1-1] */
static void
answers_until_it_is_accepted(void **state)
{
    struct peer p;

    (void)state;
    start(&p, &options);
    for (int i = 0; i < 2; i++) {
        send_text(&p, ASKS);
        expect_challenge(&p, false, "who?");
        peer_expect_nothing(&p);
        answer(&p, true, SPAN_LITERAL("you"));
        peer_expect_bytes(&p, ANSWERED);
    }
    send_text(&p, "F0 [ 18 [ 15 00 01 'M' ] ]");
    expect_challenge(&p, false, NULL);
    answer(&p, true, SPAN_EMPTY);
    peer_expect_bytes(&p, "F0 06 18 04 15 00 01 'M'");
    send_text(&p, ACCEPTS);
    expect_challenge(&p, true, "proof");
    answer(&p, true, SPAN_LITERAL("not sent"));
    peer_expect_nothing(&p);
    assert_int_equal(core_state(p.core), CORE_OPEN);
    core_lost(p.core, "gone", p.now_ms);
    expect_closed(&p, WILCO_ECLOSED, "gone");
    peer_close(&p);
}

/* [MQTT-3.1.2-30] */
static void
says_nothing_else_meanwhile(void **state)
{
    const struct wilco_publish publish = {.topic = "t"};
    struct peer p;
    uint8_t reason_code = 0;

    (void)state;
    start(&p, &options);
    send_text(&p, ASKS);
    assert_int_equal(core_publish(p.core, &publish, NULL, NULL, &reason_code), WILCO_OK);
    peer_advance(&p, 9999);
    peer_expect_nothing(&p); /* nor PINGREQ */
    peer_advance(&p, 1);
    expect_closed(&p, WILCO_ETIMEDOUT, "the server did not answer in time");
    answer(&p, true, SPAN_LITERAL("late"));
    peer_expect_nothing(&p);
    peer_close(&p);
}

static void
needs_no_callback_for_one_message(void **state)
{
    struct wilco_options o = options;
    struct core_challenge c;
    struct peer p;

    (void)state;
    o.authenticate = NULL;
    start(&p, &o);
    send_text(&p, ACCEPTS);
    assert_int_equal(core_state(p.core), CORE_OPEN);
    assert_false(core_next_challenge(p.core, &c));
    core_lost(p.core, "gone", p.now_ms);
    expect_closed(&p, WILCO_ECLOSED, "gone");
    peer_close(&p);

    start(&p, &o);
    send_text(&p, ASKS);
    expect_closed(&p, WILCO_ECONNECT, "the server asks for more authentication data");
    peer_close(&p);
}

static void
gives_up(void **state)
{
    static uint8_t large[65536];
    struct peer p;

    (void)state;
    start(&p, &options);
    send_text(&p, ASKS);
    answer(&p, false, SPAN_EMPTY);
    peer_expect_nothing(&p);
    expect_closed(&p, WILCO_ECONNECT, "the client gave the authentication up");
    peer_close(&p);

    start(&p, &options);
    send_text(&p, ASKS);
    answer(&p, true, span_of(large, sizeof(large)));
    expect_closed(&p, WILCO_ECONNECT, "the client gave the authentication up");
    peer_close(&p);

    start(&p, &options); /* the server is not who it says */
    send_text(&p, ACCEPTS);
    expect_challenge(&p, true, "proof");
    answer(&p, false, SPAN_EMPTY);
    peer_expect_end(&p, 0x80);
    expect_closed(&p, WILCO_ECONNECT, "the client gave the authentication up");
    peer_close(&p);
}

static void
ends_with_a_server_that_breaks_the_rules(void **state)
{
    static const struct {
        const char *name, *bytes;
        bool is_without; /* CONNECT had no method */
    } rows[] = {
        {"other method in AUTH [MQTT-4.12.0-5]", "F0 [ 18 [ 15 00 01 'N' ] ]", false},
        {"other method in CONNACK [MQTT-4.12.0-5]", "20 [ 00 00 [ 15 00 01 'N' ] ]", false},
        {"no method in CONNACK [MQTT-4.12.0-5]", "20 [ 00 00 00 ]", false},
        {"no method in AUTH [U-3.15.2-1]", "F0 [ 18 00 ]", false},
        {"method twice [U-3.15.2-1]", "F0 [ 18 [ 15 00 01 'M' 15 00 01 'M' ] ]", false},
        {"empty AUTH, success before CONNACK [U-3.15.2-1]", "F0 00", false},
        {"success before CONNACK", "F0 [ 00 [ 15 00 01 'M' ] ]", false},
        {"re-authentication by the server", "F0 [ 19 [ 15 00 01 'M' ] ]", false},
        {"unknown reason code [MQTT-3.15.2-1]", "F0 [ 17 [ 15 00 01 'M' ] ]", false},
        {"flags [MQTT-3.15.1-1]", "F1 [ 18 [ 15 00 01 'M' ] ]", false},
        {"asks twice", ASKS ASKS, false},
        {"accepts what it has asked about", ASKS ACCEPTS, false},
        {"PINGRESP", "D0 00", false},
        {"no method in CONNECT [MQTT-4.12.0-7]", ASKS, true},
        {"likewise, in CONNACK [MQTT-4.12.0-7]", ACCEPTS, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct core_challenge c;
        struct wilco_error why;
        struct peer p;

        start(&p, rows[i].is_without ? NULL : &options);
        send_text(&p, rows[i].bytes);
        if (core_state(p.core) != CORE_CLOSED || core_why(p.core, &why) != WILCO_EPROTOCOL ||
            why.reason_code != (rows[i].bytes[1] == '1' ? 0x81 : 0x82)) {
            fail_msg("%s", rows[i].name);
        }
        assert_false(core_next_challenge(p.core, &c));
        peer_expect_nothing(&p);
        peer_close(&p);
    }
}

/* [MQTT-3.15.2-1]: once open, it is told. */
static void
ends_with_auth_out_of_turn(void **state)
{
    struct peer p;

    (void)state;
    start(&p, &options);
    send_text(&p, ACCEPTS);
    answer(&p, true, SPAN_EMPTY);
    send_text(&p, ASKS);
    peer_expect_end(&p, 0x82);
    peer_close(&p);
}

static void
survives_every_failure(void **state)
{
    bool is_done = false;

    (void)state;
    for (size_t fail_at = 1; !is_done; fail_at++) {
        struct core_challenge c;
        struct wilco_error why;
        struct peer p;

        start(&p, &options);
        p.alloc.attempts = 0;
        p.alloc.fail_at = fail_at;
        send_text(&p, ASKS);
        if (core_next_challenge(p.core, &c)) {
            answer(&p, true, SPAN_LITERAL("you"));
        }
        is_done = p.alloc.attempts < fail_at;
        assert_int_equal(core_why(p.core, &why), is_done ? WILCO_OK : WILCO_ENOMEM);
        peer_close(&p);
        assert_true(fail_at < 1000);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_its_first_data_in_connect),
        cmocka_unit_test(refuses_what_connect_cannot_hold),
        cmocka_unit_test(answers_until_it_is_accepted),
        cmocka_unit_test(says_nothing_else_meanwhile),
        cmocka_unit_test(needs_no_callback_for_one_message),
        cmocka_unit_test(gives_up),
        cmocka_unit_test(ends_with_a_server_that_breaks_the_rules),
        cmocka_unit_test(ends_with_auth_out_of_turn),
        cmocka_unit_test(survives_every_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
