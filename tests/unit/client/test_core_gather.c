#include "peer.h"

#include "client/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Requests with more than one response: from several responders, or one in parts. */

#define INBOX "$r/abcdefgh12345678"

static const struct peer_status lost = {"503", "lost", "broker", "acked", "maybe"};

static void
on_part(void *context, const struct wilco_message *m)
{
    (void)context;
    (void)m;
    fail_msg("a core does not call back");
}

static void
open_client(struct peer *p)
{
    struct wire_properties connack = {.present = 0};

    connack.response_information = SPAN_LITERAL(INBOX);
    wire_properties_set(&connack, WIRE_RESPONSE_INFORMATION);
    peer_open(p, NULL, &connack);
}

static uint64_t
ask(struct peer *p, struct wilco_request r, struct peer_request *request)
{
    uint64_t call;

    r.topic = "do";
    r.on_part = on_part;
    call = peer_ask(p, &r);
    peer_take_request(p, request);
    return call;
}

/* The next to be told is this one of several. */
static void
expect_part(struct peer *p, const char *payload)
{
    struct core_event event;
    struct wilco_bytes bytes;

    peer_event(p, CORE_MESSAGE, &event);
    assert_true(event.to.on_message == on_part);
    bytes = wilco_message_payload(event.message);
    assert_true(span_equal(span_of(bytes.data, bytes.len), span_of_text(payload)));
    wilco_message_unref(event.message);
}

static void
expect_end(struct peer *p, enum wilco_status status, const char *payload)
{
    struct core_event event;

    peer_event(p, CORE_RESPONSE, &event);
    assert_int_equal(event.status, status);
    if (payload == NULL) {
        assert_null(message_as_response(event.message, status));
    } else {
        struct wilco_bytes bytes = wilco_message_payload(event.message);

        assert_true(span_equal(span_of(bytes.data, bytes.len), span_of_text(payload)));
    }
    wilco_message_unref(event.message);
    peer_no_event(p);
    assert_int_equal(peer_counters(p).pending, 0);
}

/* The next packet is a word about the request in progress. */
static void
expect_op(struct peer *p, const struct peer_request *request, const char *op, const char *more)
{
    struct wire_any packet;
    const struct wire_properties *properties = &packet.as.publish.properties;
    struct span value = SPAN_EMPTY;

    peer_expect(p, WIRE_PUBLISH, &packet);
    assert_true(span_equal(packet.as.publish.topic, SPAN_LITERAL("do")));
    assert_true(span_equal(properties->response_topic, span_of_text(request->topic)));
    assert_true(span_equal(properties->correlation_data,
                           span_of(request->correlation, request->correlation_len)));
    assert_true(wire_properties_user(properties, SPAN_LITERAL("rr-op"), &value));
    assert_true(span_equal(value, span_of_text(op)));
    assert_int_equal(wire_properties_user(properties, SPAN_LITERAL("rr-more"), &value),
                     more != NULL);
    assert_true(more == NULL || span_equal(value, span_of_text(more)));
    peer_ack(p, WIRE_PUBACK, packet.as.publish.packet_id, 0);
}

/* PUBACK that says how many responders it went to. */
static void
say_count(struct peer *p, const struct peer_request *request, const char *count)
{
    const struct wire_user_property user = {SPAN_LITERAL("rr-count"), span_of_text(count)};
    struct wire_any packet = {.type = WIRE_PUBACK};

    packet.as.ack.packet_id = request->packet_id;
    packet.as.ack.properties.users = &user;
    packet.as.ack.properties.user_count = 1;
    peer_send(p, &packet);
}

static void
part(struct peer *p, const struct peer_request *request, const char *payload, const char *seq)
{
    const struct wire_user_property users[] = {
        {SPAN_LITERAL("rr-more"), SPAN_LITERAL("1")},
        {SPAN_LITERAL("rr-seq"), span_of_text(seq)},
    };

    peer_answer_with(p, request, payload, users, 2, false);
}

/* ---- Several responders ---- */

static void
takes_the_first_few(void **state)
{
    struct peer_request request;
    struct peer p;

    (void)state;
    open_client(&p);
    (void)ask(&p, (struct wilco_request){.responses_max = 3}, &request);
    peer_answer(&p, &request, "a", NULL);
    peer_answer(&p, &request, "b", "500"); /* counts, too */
    expect_part(&p, "a");
    expect_part(&p, "b");
    peer_answer(&p, &request, "c", NULL);
    peer_answer(&p, &request, "d", NULL);
    expect_end(&p, WILCO_OK, "c");
    expect_op(&p, &request, "cancel", NULL); /* whoever is still at it */
    assert_int_equal(peer_counters(&p).responses_duplicate, 1);
    peer_close(&p);
}

/* All that it went to: those who answer, and those who are lost. */
static void
knows_when_all_have_been_heard_of(void **state)
{
    static const struct {
        const char *count; /* when PUBACK comes first; NULL: it comes last */
        const char *said;  /* a: an answer, l: lost */
        enum wilco_status want;
        uint32_t answered, lost;
    } rows[] = {
        {"5", "aalaa", WILCO_OK, 4, 1}, {"2", "la", WILCO_OK, 1, 1}, {"2", "al", WILCO_OK, 1, 1},
        {"2", "ll", WILCO_ELOST, 0, 2}, {"1", "a", WILCO_OK, 1, 0},  {NULL, "ala", WILCO_OK, 2, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wilco_tally tally = {.expected = 0};
        struct peer_request request;
        struct core_event event;
        struct peer p;

        open_client(&p);
        (void)ask(&p, (struct wilco_request){.scatter = true, .tally = &tally}, &request);
        if (rows[i].count != NULL) {
            say_count(&p, &request, rows[i].count);
        }
        for (const char *at = rows[i].said; *at != '\0'; at++) {
            assert_int_equal(peer_counters(&p).pending, 1);
            if (*at == 'a') {
                peer_answer(&p, &request, "x", NULL);
            } else {
                peer_say_status(&p, &request, &lost);
            }
        }
        if (rows[i].count == NULL) {
            say_count(&p, &request, "3");
        }
        assert_int_equal(peer_counters(&p).pending, 0);
        do {
            assert_true(core_next_event(p.core, &event, p.now_ms));
            wilco_message_unref(event.message);
        } while (event.kind == CORE_MESSAGE);
        assert_int_equal(event.status, rows[i].want);
        assert_int_equal(tally.answered, rows[i].answered);
        assert_int_equal(tally.lost, rows[i].lost);
        assert_int_equal(tally.expected, rows[i].answered + rows[i].lost);
        peer_expect_nothing(&p);
        peer_close(&p);
    }
}

static void
ends_when_nothing_follows(void **state)
{
    struct peer_request request;
    struct peer p;

    (void)state;
    open_client(&p);
    (void)ask(&p, (struct wilco_request){.responses_max = UINT32_MAX, .stall_ms = 100}, &request);
    peer_advance(&p, 5000); /* the first may take its time */
    peer_no_event(&p);
    peer_answer(&p, &request, "a", NULL);
    peer_advance(&p, 99);
    peer_answer(&p, &request, "b", NULL);
    peer_advance(&p, 99);
    expect_part(&p, "a");
    expect_part(&p, "b");
    peer_no_event(&p);
    peer_advance(&p, 1);
    expect_end(&p, WILCO_OK, NULL);
    expect_op(&p, &request, "cancel", NULL);
    peer_close(&p);
}

static void
ends_with_an_empty_one(void **state)
{
    struct peer_request request;
    struct peer p;

    (void)state;
    open_client(&p);
    (void)ask(&p, (struct wilco_request){.responses_max = UINT32_MAX, .until_empty = true},
              &request);
    peer_answer(&p, &request, "a", NULL);
    peer_answer(&p, &request, "", NULL);
    expect_part(&p, "a");
    expect_end(&p, WILCO_OK, "");
    peer_close(&p);
}

/* Whoever takes what comes has had enough when the time is over; others wanted more. */
static void
ends_with_its_time(void **state)
{
    static const struct {
        uint32_t responses_max;
        bool is_answered;
        enum wilco_status want;
    } rows[] = {
        {UINT32_MAX, true, WILCO_OK},
        {UINT32_MAX, false, WILCO_ETIMEDOUT},
        {2, true, WILCO_ETIMEDOUT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer_request request;
        struct peer p;

        open_client(&p);
        (void)ask(&p, (struct wilco_request){.responses_max = rows[i].responses_max}, &request);
        if (rows[i].is_answered) {
            peer_answer(&p, &request, "a", NULL);
            expect_part(&p, "a");
        }
        peer_advance(&p, 10000);
        expect_end(&p, rows[i].want, NULL);
        peer_close(&p);
    }
}

/* ---- Parts ---- */

/* In order, each once; and when half of what may be on its way has been taken, more may follow. */
static void
streams(void **state)
{
    struct peer_request request;
    struct peer p;

    (void)state;
    open_client(&p);
    (void)ask(&p, (struct wilco_request){.parts_max = 4}, &request);
    part(&p, &request, "a", "1");
    part(&p, &request, "b", "2");
    part(&p, &request, "b", "2"); /* again */
    part(&p, &request, "c", "3");
    expect_part(&p, "a");
    expect_part(&p, "b"); /* now "a" has been taken */
    peer_expect_nothing(&p);
    expect_part(&p, "c");
    expect_op(&p, &request, "credit", "2");
    peer_answer(&p, &request, "end", NULL);
    expect_end(&p, WILCO_OK, "end");
    assert_int_equal(peer_counters(&p).responses_duplicate, 1);
    peer_expect_nothing(&p);
    peer_close(&p);
}

static void
misses_a_part(void **state)
{
    struct peer_request request;
    struct peer p;

    (void)state;
    open_client(&p);
    (void)ask(&p, (struct wilco_request){.parts_max = 4}, &request);
    part(&p, &request, "a", "1");
    part(&p, &request, "c", "3");
    expect_part(&p, "a");
    expect_end(&p, WILCO_ELOST, NULL);
    expect_op(&p, &request, "cancel", NULL);
    part(&p, &request, "d", "4"); /* too late, and nobody's */
    peer_no_event(&p);
    peer_close(&p);
}

/* Who did not ask for parts gets what comes as his response. */
static void
takes_no_parts_unasked(void **state)
{
    struct peer_request request;
    struct peer p;

    (void)state;
    open_client(&p);
    (void)ask(&p, (struct wilco_request){.qos = 1}, &request);
    part(&p, &request, "a", "1");
    expect_end(&p, WILCO_OK, "a");
    peer_close(&p);
}

/* Parts that are pulled are taken when that is said. */
static void
waits_until_parts_are_taken(void **state)
{
    const struct wilco_request r = {.topic = "do", .parts_max = 2, .on_part = on_part};
    const struct core_asker asker = {.on_response = peer_on_response, .is_pulled = true};
    struct peer_request request;
    uint64_t call = 0;
    uint8_t reason_code = 0;
    struct peer p;

    (void)state;
    open_client(&p);
    assert_int_equal(core_request(p.core, &r, &asker, p.now_ms, &call, &reason_code), WILCO_OK);
    peer_take_request(&p, &request);
    part(&p, &request, "a", "1");
    expect_part(&p, "a");
    peer_no_event(&p);
    peer_expect_nothing(&p);
    core_take_parts(p.core, call, 1);
    expect_op(&p, &request, "credit", "1");
    core_take_parts(p.core, call + 1, 1); /* of nobody */
    peer_expect_nothing(&p);
    peer_close(&p);
}

/* What is taken while the connection is lost gives credit when there is one again: nothing else
 * would, once all has come that was permitted. */
static void
gives_credit_after_a_lost_connection(void **state)
{
    struct wire_properties connack = {.present = 0};
    struct peer_request request;
    struct peer p;

    (void)state;
    connack.response_information = SPAN_LITERAL(INBOX);
    wire_properties_set(&connack, WIRE_RESPONSE_INFORMATION);
    open_client(&p);
    (void)ask(&p, (struct wilco_request){.parts_max = 1}, &request);
    peer_ack(&p, WIRE_PUBACK, request.packet_id, 0);
    part(&p, &request, "a", "1");
    expect_part(&p, "a");
    peer_lose(&p);
    peer_no_event(&p); /* now it has been taken */
    peer_reopen(&p, true, &connack);
    expect_op(&p, &request, "credit", "1");
    peer_close(&p);
}

/* ---- Cancelling ---- */

static void
tells_the_holder_to_stop(void **state)
{
    struct wilco_error error;
    struct peer_request request;
    struct peer p;
    uint64_t call;

    (void)state;
    open_client(&p);
    call = ask(&p, (struct wilco_request){.error = &error}, &request);
    peer_ack(&p, WIRE_PUBACK, request.packet_id, 0);
    assert_int_equal(core_cancel(p.core, call), WILCO_OK);
    expect_end(&p, WILCO_ECANCELLED, NULL);
    assert_int_equal(error.executed, WILCO_EXECUTED_MAYBE);
    expect_op(&p, &request, "cancel", NULL);
    assert_int_equal(core_cancel(p.core, call), WILCO_ENOTFOUND);
    peer_close(&p);
}

/* A server that passes such words to everybody who subscribed to the topic gets none. */
static void
tells_other_servers_nothing(void **state)
{
    const struct wilco_request r = {.topic = "do"};
    struct peer_request request;
    struct core_event event;
    struct peer p;
    uint64_t call;

    (void)state;
    peer_open(&p, NULL, NULL);
    call = peer_ask_first(&p, &r, &request);
    assert_int_equal(core_cancel(p.core, call), WILCO_OK);
    peer_event(&p, CORE_RESPONSE, &event);
    peer_expect_nothing(&p);
    peer_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_first_few),
        cmocka_unit_test(knows_when_all_have_been_heard_of),
        cmocka_unit_test(ends_when_nothing_follows),
        cmocka_unit_test(ends_with_an_empty_one),
        cmocka_unit_test(ends_with_its_time),
        cmocka_unit_test(streams),
        cmocka_unit_test(misses_a_part),
        cmocka_unit_test(takes_no_parts_unasked),
        cmocka_unit_test(waits_until_parts_are_taken),
        cmocka_unit_test(gives_credit_after_a_lost_connection),
        cmocka_unit_test(tells_the_holder_to_stop),
        cmocka_unit_test(tells_other_servers_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
