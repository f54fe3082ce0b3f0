#include "base/hash.h"
#include "desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Requests that come in pieces. */

#define CORRELATION "a"

/* A head, or a piece where `op` says so. NULL: without that property. */
struct arriving {
    const char *correlation, *op, *seq, *size, *more;
    const char *hashed; /* the hash is that of this */
    const char *payload;
    uint16_t packet_id; /* 0: QoS 0 */
};

static void
deliver(struct peer *p, const struct arriving *a)
{
    char digits[HASH_CHECK_CHARS];
    const char *const names[] = {"rr-op", "rr-seq", "rr-size", "rr-more"};
    const char *const values[] = {a->op, a->seq, a->size, a->more};
    struct wire_user_property users[5];
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct wire_publish *publish = &packet.as.publish;
    struct wire_properties *properties = &publish->properties;

    publish->topic = SPAN_LITERAL("do");
    publish->payload = span_of_text(a->payload);
    publish->packet_id = a->packet_id;
    publish->qos = a->packet_id != 0;
    properties->response_topic = SPAN_LITERAL("back");
    wire_properties_set(properties, WIRE_RESPONSE_TOPIC);
    if (a->correlation != NULL) {
        properties->correlation_data = span_of_text(a->correlation);
        wire_properties_set(properties, WIRE_CORRELATION_DATA);
    }
    properties->message_expiry_interval = 10;
    wire_properties_set(properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    properties->users = users;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (values[i] != NULL) {
            users[properties->user_count++] =
                (struct wire_user_property){span_of_text(names[i]), span_of_text(values[i])};
        }
    }
    if (a->hashed != NULL) {
        users[properties->user_count++] = (struct wire_user_property){
            SPAN_LITERAL("rr-hash"), hash_check(span_of_text(a->hashed), digits)};
    }
    peer_send(p, &packet);
}

static void
deliver_head(struct peer *p, const char *correlation, const char *size, const char *hashed)
{
    deliver(p, &(struct arriving){
                   .correlation = correlation, .size = size, .more = "8", .hashed = hashed});
}

static void
deliver_piece(struct peer *p, const char *correlation, const char *seq, const char *payload)
{
    deliver(p, &(struct arriving){
                   .correlation = correlation, .op = "data", .seq = seq, .payload = payload});
}

/* The next is the wish for so many pieces. */
static void
expect_want(struct peer *p, const char *seq, const char *want)
{
    struct desk_answer answer;
    struct span value = SPAN_EMPTY;
    const struct wire_properties *properties = &answer.packet.as.publish.properties;

    peer_no_event(p);
    desk_expect_answer(p, &answer);
    assert_string_equal(answer.sequence, seq);
    assert_string_equal(answer.more, "1");
    assert_true(wire_properties_user(properties, SPAN_LITERAL("rr-want"), &value));
    assert_true(span_equal(value, span_of_text(want)));
    assert_true(wire_properties_user(properties, SPAN_LITERAL("rr-packet"), &value));
    assert_true(span_equal(value, SPAN_LITERAL("16777216")));
}

static void
expect_whole(struct peer *p, const char *correlation, const char *payload)
{
    struct wilco_call *call = desk_expect_call(p, correlation);

    assert_true(span_equal(call->message->payload, span_of_text(payload)));
    desk_reply(p, call, "yes", WILCO_OK);
    peer_drop_call(p, call);
}

static void
puts_pieces_together_or_says_what_is_wrong(void **state)
{
    static const struct {
        const char *size, *hashed;
        const char *pieces[4][2];  /* sequence, payload */
        const char *status, *text; /* NULL: it is a call */
    } rows[] = {
        {"6", "abcdef", {{"1", "abc"}, {"2", "def"}}, NULL, NULL},
        {"6", "abcdef", {{"1", "abc"}, {"1", "abc"}, {"2", "def"}}, NULL, NULL},
        {"6", "abcdef", {{"1", "abc"}, {"3", "def"}}, "400", "a piece of the request is missing"},
        {"6", "abcdef", {{"2", "def"}}, "400", "a piece of the request is missing"},
        {"6", "abcdef", {{NULL, "abc"}}, "400", "a piece of the request is missing"},
        {"6", "abcdef", {{"1", "abc"}, {"2", "dEf"}}, "400", "the payload is not what was sent"},
        {"6", NULL, {{"1", "abcdef"}}, "400", "the payload is not what was sent"},
        {"6", "abcdef", {{"1", "abc"}, {"2", "defg"}}, "400", "the request is larger than it said"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct desk_answer answer;
        struct peer p;

        desk_open(&p, NULL, true);
        deliver_head(&p, CORRELATION, rows[i].size, rows[i].hashed);
        expect_want(&p, "1", "16");
        for (size_t n = 0; n < 4 && rows[i].pieces[n][1] != NULL; n++) {
            deliver_piece(&p, CORRELATION, rows[i].pieces[n][0], rows[i].pieces[n][1]);
        }
        if (rows[i].status == NULL) {
            expect_whole(&p, CORRELATION, "abcdef");
        } else {
            peer_no_event(&p);
        }
        desk_expect_answer(&p, &answer);
        assert_string_equal(answer.sequence, "2"); /* behind the wish */
        assert_string_equal(answer.status, rows[i].status == NULL ? "200" : rows[i].status);
        assert_string_equal(answer.text, rows[i].text == NULL ? "" : rows[i].text);
        deliver_piece(&p, CORRELATION, "9", "late");
        peer_no_event(&p);
        peer_expect_nothing(&p);
        peer_close(&p);
    }
}

static void
refuses_what_cannot_come(void **state)
{
    static const struct {
        const char *correlation, *size, *status;
    } rows[] = {
        {CORRELATION, "0", "400"},
        {CORRELATION, "7", "413"},
        {CORRELATION, "4294967294", "413"},
        {NULL, "6", "429"}, /* nobody could say anything about it */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer p;

        desk_open(&p, &(struct wilco_responder){.request_bytes_max = 6}, true);
        deliver_head(&p, rows[i].correlation, rows[i].size, "");
        peer_no_event(&p);
        desk_expect_status(&p, rows[i].status,
                           rows[i].correlation == NULL ? "" : rows[i].correlation);
        peer_close(&p);
    }
}

static void
sixteen_come_at_a_time(void **state)
{
    struct peer p;

    (void)state;
    desk_open(&p, NULL, true);
    for (unsigned i = 0; i < 16; i++) {
        deliver_head(&p, (const char[]){(char)('a' + i), '\0'}, "3", "abc");
        expect_want(&p, "1", "16");
    }
    deliver_head(&p, "one more", "3", "abc");
    peer_no_event(&p);
    desk_expect_status(&p, "429", "one more");
    deliver_piece(&p, "b", "1", "abc");
    expect_whole(&p, "b", "abc");
    desk_expect_status(&p, "200", "b");
    deliver_head(&p, "another", "3", "abc");
    expect_want(&p, "1", "16");
    peer_close(&p);
}

static void
asks_for_more_when_half_has_come(void **state)
{
    struct peer p;
    char seq[8];

    (void)state;
    desk_open(&p, NULL, true);
    deliver(&p, &(struct arriving){
                    .correlation = CORRELATION, .size = "18", .more = "2", .hashed = "x"});
    expect_want(&p, "1", "16");
    for (unsigned i = 1; i <= 8; i++) {
        peer_expect_nothing(&p);
        (void)snprintf(seq, sizeof(seq), "%u", i);
        deliver_piece(&p, CORRELATION, seq, "x");
        peer_no_event(&p);
    }
    expect_want(&p, "2", "8");
    for (unsigned i = 9; i <= 16; i++) {
        (void)snprintf(seq, sizeof(seq), "%u", i);
        deliver_piece(&p, CORRELATION, seq, "x");
        peer_no_event(&p);
    }
    peer_expect_nothing(&p); /* there is no credit */
    deliver(&p, &(struct arriving){.correlation = CORRELATION, .op = "credit", .more = "1"});
    expect_want(&p, "3", "8");
    peer_close(&p);
}

static void
comes_when_it_has_its_turn(void **state)
{
    struct wilco_call *call = NULL;
    struct peer p;

    (void)state;
    desk_open(&p, &(struct wilco_responder){.concurrency_max = 1, .queue_max = 1}, true);
    desk_deliver(&p, &(struct desk_request){.correlation = "first"});
    call = desk_expect_call(&p, "first");
    deliver_head(&p, CORRELATION, "3", "abc");
    peer_no_event(&p);
    peer_expect_nothing(&p);
    desk_reply(&p, call, "yes", WILCO_OK);
    peer_drop_call(&p, call);
    desk_expect_status(&p, "200", "first");
    expect_want(&p, "1", "16");
    deliver_piece(&p, CORRELATION, "1", "abc");
    expect_whole(&p, CORRELATION, "abc");
    desk_expect_status(&p, "200", CORRELATION);
    peer_close(&p);
}

/* Otherwise the pieces could not be acknowledged either [MQTT-4.6.0-2]. */
static void
is_acknowledged_at_once(void **state)
{
    struct peer p;

    (void)state;
    desk_open(&p, &(struct wilco_responder){.ack_late = true}, true);
    deliver(
        &p,
        &(struct arriving){
            .correlation = CORRELATION, .size = "3", .more = "8", .hashed = "abc", .packet_id = 7});
    expect_want(&p, "1", "16");
    desk_expect_puback(&p, 7);
    peer_close(&p);
}

static void
goes_when_it_is_cancelled_or_too_late(void **state)
{
    struct peer p;

    (void)state;
    for (unsigned is_late = 0; is_late < 2; is_late++) {
        desk_open(&p, &(struct wilco_responder){.execution_timeout_ms = 1000}, true);
        deliver_head(&p, CORRELATION, "6", "abcdef");
        expect_want(&p, "1", "16");
        deliver_piece(&p, CORRELATION, "1", "abc");
        peer_advance(&p, 5000); /* the handler has not got it yet */
        peer_no_event(&p);
        if (is_late == 1) {
            peer_advance(&p, 5000);
        } else {
            deliver(&p, &(struct arriving){.correlation = CORRELATION, .op = "cancel"});
        }
        deliver_piece(&p, CORRELATION, "2", "def");
        peer_no_event(&p);
        peer_expect_nothing(&p);
        assert_int_equal(peer_counters(&p).calls, 0);
        peer_close(&p);
    }
}

static void
starts_over_when_it_comes_again(void **state)
{
    struct peer p;

    (void)state;
    desk_open(&p, NULL, true);
    deliver_head(&p, CORRELATION, "6", "abcdef");
    expect_want(&p, "1", "16");
    deliver_piece(&p, CORRELATION, "1", "abc");
    deliver_head(&p, CORRELATION, "6", "abcdef");
    expect_want(&p, "1", "16");
    deliver_piece(&p, CORRELATION, "1", "abcdef");
    expect_whole(&p, CORRELATION, "abcdef");
    desk_expect_status(&p, "200", CORRELATION);
    peer_expect_nothing(&p); /* it was one request */
    peer_close(&p);
}

static void
goes_with_the_session(void **state)
{
    struct wire_properties connack = {.response_information = SPAN_LITERAL("$r/me")};
    struct peer p;

    (void)state;
    wire_properties_set(&connack, WIRE_RESPONSE_INFORMATION);
    desk_open(&p, NULL, true);
    deliver_head(&p, CORRELATION, "6", "abcdef");
    expect_want(&p, "1", "16");
    deliver_piece(&p, CORRELATION, "1", "abc");
    peer_no_event(&p);
    peer_lose(&p);
    peer_reopen(&p, false, &connack);
    (void)peer_grant(&p, 1);
    deliver_piece(&p, CORRELATION, "2", "def");
    peer_no_event(&p);
    deliver_head(&p, CORRELATION, "6", "abcdef"); /* which is another one */
    expect_want(&p, "1", "16");
    peer_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_pieces_together_or_says_what_is_wrong),
        cmocka_unit_test(refuses_what_cannot_come),
        cmocka_unit_test(sixteen_come_at_a_time),
        cmocka_unit_test(asks_for_more_when_half_has_come),
        cmocka_unit_test(comes_when_it_has_its_turn),
        cmocka_unit_test(is_acknowledged_at_once),
        cmocka_unit_test(goes_when_it_is_cancelled_or_too_late),
        cmocka_unit_test(starts_over_when_it_comes_again),
        cmocka_unit_test(goes_with_the_session),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
