#include "desk.h"
#include "peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* What is said of a request after faults. Each of these was found by simulation
 * (tests/sim/sim_library.c). */

#define INBOX       "$r/abcdefgh12345678"
#define OTHER_INBOX "$r/12345678abcdefgh"

static const struct peer_status nobody = {"503", "nobody there", "broker", "rejected", "no"};
static const struct peer_status lost = {"503", "lost", "broker", "acked", "maybe"};
static const struct peer_status unsent = {"503", "lost", "broker", "queued", "no"};
static const struct peer_status forbidden = {"403", "no", "broker", "rejected", "no"};

static struct wire_properties
connack_with(const char *inbox)
{
    struct wire_properties connack = {.present = 0};

    connack.response_information = span_of_text(inbox);
    wire_properties_set(&connack, WIRE_RESPONSE_INFORMATION);
    return connack;
}

static void
open_with_inbox(struct peer *p)
{
    const struct wire_properties connack = connack_with(INBOX);

    peer_open(p, NULL, &connack);
}

/* The connection breaks, and with it what the core has written; the session goes on. */
static void
break_connection(struct peer *p, const char *inbox)
{
    const struct wire_properties connack = connack_with(inbox);

    peer_lose(p);
    p->seen = p->written.len;
    peer_reopen(p, true, &connack);
}

/* A message to the request's inbox, at QoS 1. */
static void
say(struct peer *p, const struct peer_request *to, const struct peer_status *s, bool dup)
{
    struct wire_user_property users[5];
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct wire_publish *publish = &packet.as.publish;

    publish->topic = span_of_text(to->topic);
    publish->qos = 1;
    publish->packet_id = 5;
    publish->dup = dup;
    publish->properties.correlation_data = span_of(to->correlation, to->correlation_len);
    wire_properties_set(&publish->properties, WIRE_CORRELATION_DATA);
    publish->properties.users = users;
    publish->properties.user_count = s == NULL ? 0 : peer_status_users(s, users);
    peer_send(p, &packet);
    peer_no_event(p); /* and so it is acknowledged */
}

static void
expect_end(struct peer *p, enum wilco_status status)
{
    struct core_event event;

    peer_event(p, CORE_RESPONSE, &event);
    assert_int_equal(event.status, status);
    wilco_message_unref(event.message);
    assert_int_equal(peer_counters(p).pending, 0);
}

/* The server's word on one try, sent again for lack of our PUBACK, is not that on the next one. */
static void
hears_a_status_once(void **state)
{
    struct wilco_error error = {.reason_code = 0};
    const struct wilco_request r = {
        .topic = "do", .qos_0 = true, .retries_max = 1, .error = &error};
    struct peer_request request;
    struct peer p;

    (void)state;
    open_with_inbox(&p);
    (void)peer_ask(&p, &r);
    peer_take_request(&p, &request);
    say(&p, &request, &unsent, false);
    peer_advance(&p, 20);
    break_connection(&p, INBOX); /* the second try was on its way */
    say(&p, &request, &unsent, true);
    peer_advance(&p, 10000);
    expect_end(&p, WILCO_ETIMEDOUT);
    assert_int_equal(error.executed, WILCO_EXECUTED_MAYBE);
    peer_close(&p);
}

/* Nor is one response two. Another one with the same identifier, as a new session has it, is. */
static void
counts_a_response_once(void **state)
{
    const struct wilco_request r = {.topic = "do", .qos_0 = true, .responses_max = 2};
    struct peer_request request;
    struct core_event event;
    struct peer p;

    (void)state;
    open_with_inbox(&p);
    (void)peer_ask(&p, &r);
    peer_take_request(&p, &request);
    say(&p, &request, NULL, false);
    break_connection(&p, INBOX);
    say(&p, &request, NULL, true);
    assert_int_equal(peer_counters(&p).pending, 1);
    assert_int_equal(peer_counters(&p).responses_duplicate, 1);
    peer_answer(&p, &request, "second", NULL);
    peer_event(&p, CORE_RESPONSE, &event);
    assert_int_equal(event.status, WILCO_OK);
    wilco_message_unref(event.message);
    peer_close(&p);
}

/* What was sent at QoS 1 and is sent again may have been executed before it is refused. What was
 * said of it before it was sent again is not the end: it may be executed yet. */
static void
knows_what_is_sent_again(void **state)
{
    static const struct {
        const char *name;
        uint8_t qos;
        const struct peer_status *before; /* what the server has said of it meanwhile */
        bool ends;
        uint8_t reason_code; /* of PUBACK or PUBREC, then */
        enum wilco_executed want;
    } rows[] = {
        {"refused the second time", 1, NULL, false, 0x10, WILCO_EXECUTED_MAYBE},
        {"refused both times", 1, &nobody, false, 0x10, WILCO_EXECUTED_NO},
        {"refused the first time", 1, &nobody, false, 0, WILCO_EXECUTED_MAYBE},
        {"not allowed the first time", 1, &forbidden, false, 0, WILCO_EXECUTED_MAYBE},
        {"QoS 2 is the same request", 2, &nobody, true, 0x10, WILCO_EXECUTED_NO},
        {"but not if it was refused", 2, &forbidden, false, 0, WILCO_EXECUTED_MAYBE},
        {"QoS 2, nothing said", 2, NULL, false, 0x10, WILCO_EXECUTED_NO},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wilco_error error = {.reason_code = 0};
        const struct wilco_request r = {.topic = "do", .qos = rows[i].qos, .error = &error};
        struct peer_request request;
        struct core_event event;
        struct peer p;

        open_with_inbox(&p);
        (void)peer_ask(&p, &r);
        peer_take_request(&p, &request);
        break_connection(&p, INBOX);
        peer_take_request(&p, &request);
        if (rows[i].before != NULL) {
            peer_say_status(&p, &request, rows[i].before);
        }
        if ((peer_counters(&p).pending == 0) != rows[i].ends) {
            fail_msg("%s: %s", rows[i].name, error.text);
        }
        peer_ack(&p, rows[i].qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, request.packet_id,
                 rows[i].reason_code);
        peer_advance(&p, 10000);
        peer_event(&p, CORE_RESPONSE, &event);
        if (error.executed != rows[i].want) {
            fail_msg("%s: %s", rows[i].name, error.text);
        }
        wilco_message_unref(event.message);
        peer_close(&p);
    }
}

/* PUBACK and status that refuse one try are one refusal, also while another try is yet to be
 * refused or not. */
static void
counts_a_refusal_once(void **state)
{
    struct wilco_error error = {.reason_code = 0};
    const struct wilco_request r = {
        .topic = "do", .idempotent = true, .hedge_after_ms = 50, .error = &error};
    struct peer_request first, second;
    struct peer p;

    (void)state;
    open_with_inbox(&p);
    (void)peer_ask(&p, &r);
    peer_take_request(&p, &first);
    peer_advance(&p, 50);
    peer_take_request(&p, &second);
    break_connection(&p, INBOX); /* which makes four */
    peer_take_request(&p, &first);
    peer_take_request(&p, &second);
    peer_say_status(&p, &first, &nobody); /* of one before */
    peer_ack(&p, WIRE_PUBACK, first.packet_id, 0x10);
    peer_say_status(&p, &first, &nobody);
    peer_ack(&p, WIRE_PUBACK, second.packet_id, 0x10);
    peer_say_status(&p, &second, &nobody);
    expect_end(&p, WILCO_ENORESPONDER);
    assert_int_equal(error.executed, WILCO_EXECUTED_MAYBE);
    peer_close(&p);
}

/* 429 says that nobody executes this try; of one before that was lost it says nothing. And it may
 * come twice. */
static void
takes_busy_for_what_it_is(void **state)
{
    struct wilco_error error = {.reason_code = 0};
    const struct wilco_request r = {
        .topic = "do", .qos_0 = true, .retries_max = 2, .idempotent = true, .error = &error};
    struct peer_request request;
    struct peer p;

    (void)state;
    open_with_inbox(&p);
    (void)peer_ask(&p, &r);
    peer_take_request(&p, &request);
    peer_say_status(&p, &request, &lost);
    peer_advance(&p, 20);
    peer_take_request(&p, &request);
    peer_answer(&p, &request, "", "429");
    peer_answer(&p, &request, "", "429");
    peer_no_event(&p);
    peer_advance(&p, 40);
    peer_take_request(&p, &request);
    peer_answer(&p, &request, "", "429");
    expect_end(&p, WILCO_EREMOTE);
    assert_int_equal(error.stage, WILCO_STAGE_ANSWERED);
    assert_int_equal(error.executed, WILCO_EXECUTED_MAYBE);
    peer_close(&p);
}

/* The CONNACK that said that the session is gone was lost; the next one says that there is one. */
static void
sees_that_the_session_is_another(void **state)
{
    const struct wilco_request r = {.topic = "do"};
    struct peer_request request;
    struct peer p;

    (void)state;
    open_with_inbox(&p);
    (void)peer_ask(&p, &r);
    peer_take_request(&p, &request);
    peer_ack(&p, WIRE_PUBACK, request.packet_id, 0);
    break_connection(&p, INBOX);
    assert_int_equal(peer_counters(&p).pending, 1);
    break_connection(&p, OTHER_INBOX);
    expect_end(&p, WILCO_ELOST);
    peer_close(&p);
}

/* Trying again takes no more time than was given, whether or not it has waited for somebody. */
static void
ends_in_time(void **state)
{
    const struct wilco_request r = {.topic = "do",
                                    .qos_0 = true,
                                    .timeout_ms = 500,
                                    .responder_wait_ms = 100,
                                    .retries_max = 1,
                                    .idempotent = true};
    struct peer_request request;
    struct peer p;

    (void)state;
    open_with_inbox(&p);
    (void)peer_ask(&p, &r);
    peer_take_request(&p, &request);
    peer_advance(&p, 400);
    peer_say_status(&p, &request, &lost);
    peer_advance(&p, 20);
    peer_take_request(&p, &request);
    peer_advance(&p, 80);
    expect_end(&p, WILCO_ETIMEDOUT);
    peer_close(&p);
}

/* A request that the server sends again, when its answer is already forgotten, is not executed
 * again; a new one that looks like it is. */
static void
does_not_execute_what_comes_again_late(void **state)
{
    struct desk_request request = {.correlation = "1", .packet_id = 7, .expiry_s = 1};
    struct wilco_call *call = NULL;
    struct peer p;

    (void)state;
    desk_open(&p, NULL, false);
    desk_deliver(&p, &request);
    call = desk_expect_call(&p, "1");
    desk_reply(&p, call, "yes", WILCO_OK);
    peer_drop_call(&p, call);
    peer_no_event(&p);
    peer_advance(&p, 2000);
    peer_lose(&p);
    p.seen = p.written.len;
    peer_reopen(&p, true, NULL);
    request.dup = true;
    desk_deliver(&p, &request);
    peer_no_event(&p);
    assert_int_equal(peer_counters(&p).calls_repeated, 1);
    request.dup = false;
    request.packet_id = 8;
    desk_deliver(&p, &request);
    call = desk_expect_call(&p, "1");
    peer_drop_call(&p, call);
    peer_close(&p);
}

/* Who was busy has said that the request is not executed. It is not when the server sends it again;
 * when the requester asks again, it is. */
static void
does_not_execute_what_it_has_declined(void **state)
{
    const struct wilco_responder one = {.filter = "do", .concurrency_max = 1};
    struct desk_request request = {.correlation = "2", .packet_id = 7, .expiry_s = 9};
    struct wilco_call *call = NULL;
    struct peer p;

    (void)state;
    desk_open(&p, &one, false);
    desk_deliver(&p, &(struct desk_request){.correlation = "1"});
    call = desk_expect_call(&p, "1");
    desk_deliver(&p, &request);
    peer_no_event(&p);
    assert_int_equal(peer_counters(&p).calls_busy, 1);
    peer_drop_call(&p, call);
    peer_lose(&p);
    p.seen = p.written.len;
    peer_reopen(&p, true, NULL);
    request.dup = true;
    desk_deliver(&p, &request);
    peer_no_event(&p);
    assert_int_equal(peer_counters(&p).calls_busy, 2);
    request.packet_id = 8;
    desk_deliver(&p, &request);
    peer_drop_call(&p, desk_expect_call(&p, "2"));
    peer_close(&p);
}

/* 408 is about a handler that has got the call, and not about the time before that. */
static void
gives_a_handler_all_its_time(void **state)
{
    const struct wilco_responder hasty = {
        .filter = "do", .concurrency_max = 1, .queue_max = 1, .execution_timeout_ms = 200};
    struct wilco_call *call = NULL;
    struct peer p;

    (void)state;
    desk_open(&p, &hasty, false);
    desk_deliver(&p, &(struct desk_request){.correlation = "1", .expiry_s = 9});
    call = desk_expect_call(&p, "1");
    desk_deliver(&p, &(struct desk_request){.correlation = "2", .expiry_s = 9});
    peer_no_event(&p);
    desk_reply(&p, call, "yes", WILCO_OK); /* and so it is the turn of the other one */
    desk_expect_status(&p, "200", "1");
    peer_drop_call(&p, call);
    peer_advance(&p, 300);
    peer_expect_nothing(&p);
    call = desk_expect_call(&p, "2");
    peer_advance(&p, 199);
    peer_expect_nothing(&p);
    peer_advance(&p, 1);
    desk_expect_status(&p, "408", "2");
    peer_drop_call(&p, call);
    peer_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hears_a_status_once),
        cmocka_unit_test(counts_a_response_once),
        cmocka_unit_test(knows_what_is_sent_again),
        cmocka_unit_test(counts_a_refusal_once),
        cmocka_unit_test(takes_busy_for_what_it_is),
        cmocka_unit_test(sees_that_the_session_is_another),
        cmocka_unit_test(ends_in_time),
        cmocka_unit_test(does_not_execute_what_comes_again_late),
        cmocka_unit_test(does_not_execute_what_it_has_declined),
        cmocka_unit_test(gives_a_handler_all_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
