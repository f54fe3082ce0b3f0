#include "base/hash.h"
#include "desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Answers that go in pieces. */

#define CORRELATION "a"
#define PACKET_MAX  200U /* of the requester */

static char payload[1000];

/* A requester that takes so much, in packets of PACKET_MAX, with so much credit; `parts` is what
 * that is for. */
static void
deliver_with(struct peer *p, const char *correlation, const char *take, const char *more,
             const char *parts)
{
    const struct wire_user_property users[] = {
        {SPAN_LITERAL("rr-packet"), SPAN_LITERAL("200")},
        {SPAN_LITERAL("rr-more"), span_of_text(more)},
        {SPAN_LITERAL("rr-parts"), span_of_text(parts)},
        {SPAN_LITERAL("rr-take"), span_of_text(take)},
    };
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct wire_properties *properties = &packet.as.publish.properties;

    packet.as.publish.topic = SPAN_LITERAL("do");
    properties->response_topic = SPAN_LITERAL("back");
    wire_properties_set(properties, WIRE_RESPONSE_TOPIC);
    properties->correlation_data = span_of_text(correlation);
    wire_properties_set(properties, WIRE_CORRELATION_DATA);
    properties->message_expiry_interval = 100;
    wire_properties_set(properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    properties->users = users;
    properties->user_count = take == NULL ? 3 : 4;
    peer_send(p, &packet);
}

static void
deliver(struct peer *p, const char *correlation, const char *take, const char *more)
{
    deliver_with(p, correlation, take, more, "1");
}

static void
say(struct peer *p, const char *op, const char *more)
{
    desk_deliver(p, &(struct desk_request){.correlation = CORRELATION, .op = op, .more = more});
    peer_no_event(p);
}

static enum wilco_status
reply(struct peer *p, struct wilco_call *call)
{
    const struct wilco_reply r = {.payload = {payload, sizeof(payload)},
                                  .content_type = "text/plain"};

    for (size_t i = 0; i < sizeof(payload); i++) {
        payload[i] = (char)(i % 101);
    }
    return core_reply(p->core, call, &r, p->now_ms);
}

static struct wilco_call *
take_call(struct peer *p, const char *take, const char *more)
{
    deliver(p, CORRELATION, take, more);
    return desk_expect_call(p, CORRELATION);
}

static void
expect_user(const struct wire_publish *publish, const char *name, const char *want)
{
    struct span value = SPAN_EMPTY;

    assert_int_equal(wire_properties_user(&publish->properties, span_of_text(name), &value),
                     want != NULL);
    assert_true(span_equal(value, span_of_text(want)));
}

/* The next piece, which fits, at its place; where the one behind it has its. */
static size_t
expect_piece(struct peer *p, unsigned sequence, size_t offset)
{
    const struct wire_publish *publish = NULL;
    struct wire_any packet;
    char number[16];
    size_t before = p->seen;

    peer_expect(p, WIRE_PUBLISH, &packet);
    publish = &packet.as.publish;
    assert_true(p->seen - before <= PACKET_MAX);
    expect_user(publish, "rr-more", "1");
    (void)snprintf(number, sizeof(number), "%u", sequence);
    expect_user(publish, "rr-seq", number);
    (void)snprintf(number, sizeof(number), "%zu", offset);
    expect_user(publish, "rr-offset", number);
    assert_true(publish->payload.len > 0);
    assert_memory_equal(publish->payload.data, payload + offset, publish->payload.len);
    return offset + publish->payload.len;
}

static void
expect_last(struct peer *p, unsigned sequence)
{
    const struct wire_publish *publish = NULL;
    struct wire_any packet;
    char number[16];
    char digits[HASH_CHECK_CHARS + 1] = "";

    peer_expect(p, WIRE_PUBLISH, &packet);
    publish = &packet.as.publish;
    (void)snprintf(number, sizeof(number), "%u", sequence);
    (void)hash_check(span_of(payload, sizeof(payload)), digits);
    assert_int_equal(publish->payload.len, 0);
    expect_user(publish, "rr-seq", number);
    expect_user(publish, "rr-size", "1000");
    expect_user(publish, "rr-hash", digits);
    expect_user(publish, "rr-more", NULL);
    expect_user(publish, "__stat", "200");
    assert_true(span_equal(publish->properties.content_type, SPAN_LITERAL("text/plain")));
}

static void
goes_as_there_is_credit(void **state)
{
    struct wilco_call *call = NULL;
    struct peer p;
    size_t at = 0;
    unsigned sequence = 0;

    (void)state;
    desk_open(&p, NULL, true);
    call = take_call(&p, "1000", "2");
    assert_int_equal(reply(&p, call), WILCO_OK);
    assert_int_equal(reply(&p, call), WILCO_EINVAL); /* it is answered */
    peer_drop_call(&p, call);
    at = expect_piece(&p, 1, at);
    at = expect_piece(&p, 2, at);
    peer_expect_nothing(&p);
    deliver(&p, CORRELATION, "1000", "2"); /* once more: it is on its way */
    peer_no_event(&p);
    peer_expect_nothing(&p);
    say(&p, "credit", "1000000");
    for (sequence = 3; at < sizeof(payload); sequence++) {
        at = expect_piece(&p, sequence, at);
    }
    expect_last(&p, sequence);
    deliver(&p, CORRELATION, "1000", "2"); /* and once more: it is not kept */
    peer_no_event(&p);
    desk_expect_status(&p, "500", CORRELATION);
    peer_close(&p);
}

static void
goes_behind_the_parts_of_the_application(void **state)
{
    const struct wilco_reply part = {.payload = WILCO_TEXT("part")};
    struct wilco_call *call = NULL;
    struct desk_answer answer;
    struct peer p;

    (void)state;
    desk_open(&p, NULL, true);
    call = take_call(&p, "1000", "2");
    assert_int_equal(core_reply_part(p.core, call, &part, NULL, p.now_ms), WILCO_OK);
    desk_expect_answer(&p, &answer);
    assert_int_equal(reply(&p, call), WILCO_OK);
    peer_drop_call(&p, call);
    (void)expect_piece(&p, 2, 0);
    peer_expect_nothing(&p);
    peer_close(&p);
}

static void
credit_may_be_for_pieces_alone(void **state)
{
    const struct wilco_reply part = {.payload = WILCO_TEXT("part")};
    struct wilco_call *call = NULL;
    struct peer p;

    (void)state;
    desk_open(&p, NULL, true);
    deliver_with(&p, CORRELATION, "1000", "2", "0");
    call = desk_expect_call(&p, CORRELATION);
    assert_int_equal(core_reply_part(p.core, call, &part, NULL, p.now_ms), WILCO_EINVAL);
    assert_int_equal(reply(&p, call), WILCO_OK);
    peer_drop_call(&p, call);
    (void)expect_piece(&p, 1, 0);
    core_discard_output(p.core);
    peer_close(&p);
}

/* With a server that counts no parts. */
static void
goes_as_there_is_room(void **state)
{
    struct wilco_call *call = NULL;
    struct peer p;
    size_t at = 0;
    unsigned sequence = 1;

    (void)state;
    desk_open(&p, NULL, false);
    call = take_call(&p, "1000", "1");
    assert_int_equal(reply(&p, call), WILCO_OK);
    peer_drop_call(&p, call);
    for (; at < sizeof(payload); sequence++) {
        at = expect_piece(&p, sequence, at);
    }
    expect_last(&p, sequence);
    peer_close(&p);
}

static void
is_413_where_it_is_too_large(void **state)
{
    static const char *const takes[] = {NULL, "999", "4294967295"};

    (void)state;
    for (size_t i = 0; i < sizeof(takes) / sizeof(takes[0]); i++) {
        struct wilco_call *call = NULL;
        struct peer p;

        desk_open(&p, NULL, true);
        call = take_call(&p, takes[i], "2");
        assert_int_equal(reply(&p, call), WILCO_ELIMIT);
        assert_int_equal(reply(&p, call), WILCO_EINVAL);
        peer_drop_call(&p, call);
        desk_expect_status(&p, "413", CORRELATION);
        peer_expect_nothing(&p);
        peer_close(&p);
    }
}

/* What is said besides has to fit into one packet, with or without a payload. */
static void
is_413_where_the_last_response_does_not_fit(void **state)
{
    char text[PACKET_MAX + 1];
    const struct wilco_user_property user = {"name", text};

    (void)state;
    memset(text, 'x', PACKET_MAX);
    text[PACKET_MAX] = '\0';
    for (size_t len = 0; len <= 1000; len += 1000) {
        const struct wilco_reply r = {
            .payload = {payload, len}, .user_properties = &user, .user_property_count = 1};
        struct wilco_call *call = NULL;
        struct peer p;

        desk_open(&p, NULL, true);
        call = take_call(&p, "1000", "2");
        assert_int_equal(core_reply(p.core, call, &r, p.now_ms), WILCO_ELIMIT);
        peer_drop_call(&p, call);
        desk_expect_status(&p, "413", CORRELATION);
        peer_expect_nothing(&p);
        peer_close(&p);
    }
}

/* What ends it before all is sent. */
enum end { CANCELLED, LATE, LOST, CLOSED };

static void
ends_early(void **state)
{
    struct wire_properties connack = {.response_information = SPAN_LITERAL("$r/me")};

    (void)state;
    wire_properties_set(&connack, WIRE_RESPONSE_INFORMATION);
    for (enum end end = CANCELLED; end <= CLOSED; end++) {
        struct wilco_call *call = NULL;
        struct wire_any packet;
        struct peer p;

        desk_open(&p, &(struct wilco_responder){.concurrency_max = 1, .queue_max = 1}, true);
        call = take_call(&p, "1000", "1");
        assert_int_equal(reply(&p, call), WILCO_OK);
        peer_drop_call(&p, call);
        (void)expect_piece(&p, 1, 0);
        deliver(&p, "next", "1000", "1");
        peer_no_event(&p); /* the first one counts until it is sent */
        if (end == CANCELLED) {
            desk_deliver(&p, &(struct desk_request){.correlation = CORRELATION, .op = "cancel"});
        } else if (end == LATE) {
            peer_advance(&p, 60000);
            peer_expect(&p, WIRE_PINGREQ, &packet);
        } else if (end == LOST) {
            peer_lose(&p);
            peer_reopen(&p, false, &connack);
            (void)peer_grant(&p, 1);
        }
        if (end != CLOSED) {
            peer_drop_call(&p, desk_expect_call(&p, "next"));
            desk_expect_status(&p, "500", "next");
            desk_deliver(&p, &(struct desk_request){
                                 .correlation = CORRELATION, .op = "credit", .more = "9"});
            peer_no_event(&p);
            peer_expect_nothing(&p);
        }
        peer_close(&p);
    }
}

static void
one_at_a_time_when_they_are_large(void **state)
{
    const struct core_subscriber to = {.on_request = desk_on_request};
    const struct wilco_subscription s = {.filter = "do", .qos = 1};
    const struct wilco_options options = {.queue_bytes_max = 1500};
    struct wire_properties connack = {.response_information = SPAN_LITERAL("$r/me")};
    struct wilco_call *first = NULL;
    struct wilco_call *second = NULL;
    struct core_event event;
    struct peer p;
    uint8_t reason_code = 0;

    (void)state;
    wire_properties_set(&connack, WIRE_RESPONSE_INFORMATION);
    peer_open(&p, &options, &connack);
    assert_int_equal(core_subscribe(p.core, &s, &to, &p, &reason_code), WILCO_OK);
    (void)peer_grant(&p, 1);
    peer_awaited(&p, CORE_OPERATION, &event);
    first = take_call(&p, "1000", "1");
    deliver(&p, "b", "1000", "1");
    second = desk_expect_call(&p, "b");
    assert_int_equal(reply(&p, first), WILCO_OK);
    assert_int_equal(reply(&p, second), WILCO_AGAIN);
    say(&p, "cancel", NULL);
    assert_int_equal(reply(&p, second), WILCO_OK);
    peer_drop_call(&p, first);
    peer_drop_call(&p, second);
    core_discard_output(p.core);
    peer_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_as_there_is_credit),
        cmocka_unit_test(goes_behind_the_parts_of_the_application),
        cmocka_unit_test(credit_may_be_for_pieces_alone),
        cmocka_unit_test(goes_as_there_is_room),
        cmocka_unit_test(is_413_where_it_is_too_large),
        cmocka_unit_test(is_413_where_the_last_response_does_not_fit),
        cmocka_unit_test(ends_early),
        cmocka_unit_test(one_at_a_time_when_they_are_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
