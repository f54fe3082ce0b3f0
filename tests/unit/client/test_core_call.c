#include "desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* ---- Counting ---- */

static void
one_that_nobody_answers_is_a_500(void **state)
{
    struct desk_answer answer;
    struct wilco_call *call = NULL;
    struct peer p;

    (void)state;
    desk_open(&p, NULL, false);
    desk_deliver(&p, &(struct desk_request){.correlation = "a"});
    call = desk_expect_call(&p, "a");
    assert_true(call_try_ref(call));
    peer_drop_call(&p, call);
    peer_no_event(&p);
    peer_expect_nothing(&p); /* somebody else has it yet */
    peer_drop_call(&p, call);
    desk_expect_answer(&p, &answer);
    assert_string_equal(answer.status, "500");
    assert_string_equal(answer.text, "the handler did not answer");
    assert_string_equal(answer.application_error, "true");
    peer_close(&p);
}

static void
a_call_is_answered_once(void **state)
{
    struct wilco_call *call = NULL;
    struct peer p;

    (void)state;
    desk_open(&p, NULL, false);
    desk_deliver(&p, &(struct desk_request){.correlation = "a"});
    call = desk_expect_call(&p, "a");
    assert_int_equal(core_reply(p.core, call, &(struct wilco_reply){.status = 99}, p.now_ms),
                     WILCO_EINVAL);
    desk_reply(&p, call, "yes", WILCO_OK); /* nothing had been sent */
    desk_reply(&p, call, "no", WILCO_EINVAL);
    desk_expect_status(&p, "200", "a");
    peer_drop_call(&p, call);
    peer_expect_nothing(&p);
    peer_close(&p);
}

static void
outlives_the_core(void **state)
{
    struct wilco_call *call = NULL;
    struct peer p;

    (void)state;
    desk_open(&p, &(struct wilco_responder){.concurrency_max = 1, .queue_max = 2}, false);
    desk_deliver(&p, &(struct desk_request){.correlation = "a"});
    desk_deliver(&p, &(struct desk_request){.correlation = "waits"});
    call = desk_expect_call(&p, "a");
    peer_no_event(&p);
    core_free(p.core);
    assert_int_equal(call->over, WILCO_ECLOSED);
    assert_true(call_drop(call));
    call_free(call);
    p.core = NULL;
    peer_close(&p);
}

/* ---- Time ---- */

static void
knows_when_the_requester_stops_waiting(void **state)
{
    static const struct {
        uint32_t expiry_s;
        const char *ttl;
        uint64_t want_ms;
    } rows[] = {
        {10, NULL, 10000}, {10, "1500", 1500},    {1, "1500", 1000},
        {0, "1500", 1500}, {0, NULL, UINT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wilco_call *call = NULL;
        struct peer p;
        uint64_t want_ms = rows[i].want_ms;

        desk_open(&p, NULL, false);
        desk_deliver(&p, &(struct desk_request){
                             .correlation = "a", .expiry_s = rows[i].expiry_s, .ttl = rows[i].ttl});
        call = desk_expect_call(&p, "a");
        assert_true(call->deadline_ms == (want_ms == UINT64_MAX ? want_ms : p.now_ms + want_ms));
        peer_drop_call(&p, call);
        peer_close(&p);
    }
}

static void
drops_what_comes_too_late(void **state)
{
    struct wilco_call *first = NULL;
    struct wilco_call *last = NULL;
    struct peer p;

    (void)state;
    desk_open(&p, &(struct wilco_responder){.concurrency_max = 1, .queue_max = 9}, false);
    desk_deliver(&p, &(struct desk_request){.correlation = "no time", .ttl = "0"});
    desk_deliver(&p, &(struct desk_request){.correlation = "first"});
    desk_deliver(&p, &(struct desk_request){.correlation = "second", .ttl = "1500"});
    desk_deliver(&p, &(struct desk_request){.correlation = "third", .ttl = "1600"});
    first = desk_expect_call(&p, "first");
    peer_no_event(&p);
    assert_int_equal(peer_counters(&p).calls_expired, 1);
    peer_advance(&p, 1500);
    assert_int_equal(peer_counters(&p).calls_expired, 2);
    desk_reply(&p, first, "done", WILCO_OK);
    desk_expect_status(&p, "200", "first");
    p.now_ms += 100; /* third is ready when its time is over */
    peer_no_event(&p);
    assert_int_equal(peer_counters(&p).calls_expired, 3);
    desk_deliver(&p, &(struct desk_request){.correlation = "last"});
    last = desk_expect_call(&p, "last");
    desk_reply(&p, last, "done", WILCO_OK);
    desk_expect_status(&p, "200", "last");
    peer_drop_call(&p, first);
    peer_drop_call(&p, last);
    peer_expect_nothing(&p);
    assert_int_equal(peer_counters(&p).calls, 2);
    peer_close(&p);
}

static void
tells_that_the_deadline_has_passed(void **state)
{
    struct wilco_call *call = NULL;
    struct peer p;

    (void)state;
    desk_open(&p, NULL, false);
    desk_deliver(&p, &(struct desk_request){.correlation = "a", .ttl = "200"});
    call = desk_expect_call(&p, "a");
    core_watch_call(p.core, call, desk_on_changed, NULL);
    peer_advance(&p, 199);
    peer_no_event(&p);
    assert_true(core_deadline_ms(p.core) <= p.now_ms + 1);
    peer_advance(&p, 1);
    peer_drop_call(&p, desk_expect_change(&p));
    desk_reply(&p, call, "late", WILCO_ETIMEDOUT);
    desk_reply(&p, call, "late", WILCO_ETIMEDOUT);
    peer_drop_call(&p, call);
    peer_no_event(&p);
    peer_expect_nothing(&p);
    peer_close(&p);
}

static void
a_handler_that_takes_too_long_is_a_408(void **state)
{
    const struct wilco_responder options = {
        .execution_timeout_ms = 1500, .concurrency_max = 1, .queue_max = 1};
    struct desk_answer answer;
    struct wilco_call *call = NULL;
    struct peer p;

    (void)state;
    desk_open(&p, &options, false);
    desk_deliver(&p, &(struct desk_request){.correlation = "a", .expiry_s = 60});
    desk_deliver(&p, &(struct desk_request){.correlation = "b", .expiry_s = 60});
    call = desk_expect_call(&p, "a");
    core_watch_call(p.core, call, desk_on_changed, NULL);
    peer_advance(&p, 1500);
    desk_expect_answer(&p, &answer);
    assert_string_equal(answer.status, "408");
    assert_string_equal(answer.property, "ExecutionTimeout");
    assert_string_equal(answer.value, "PT1.500S");
    assert_string_equal(answer.application_error, "");
    peer_drop_call(&p, desk_expect_change(&p));
    peer_no_event(&p); /* b waits: the handler may still be at a */
    desk_reply(&p, call, "late", WILCO_ETIMEDOUT);
    peer_drop_call(&p, call);
    call = desk_expect_call(&p, "b"); /* whose time begins now */
    peer_advance(&p, 1499);
    desk_reply(&p, call, "in time", WILCO_OK);
    desk_expect_status(&p, "200", "b");
    desk_deliver(&p, &(struct desk_request){.correlation = "a", .expiry_s = 60});
    peer_no_event(&p);
    desk_expect_status(&p, "408", "a"); /* the same again */
    peer_drop_call(&p, call);
    peer_close(&p);
}

/* ---- Words about a request ---- */

static void
takes_a_request_back(void **state)
{
    const struct wilco_responder options = {.concurrency_max = 1, .queue_max = 5};
    struct wilco_call *call = NULL;
    struct peer p;

    (void)state;
    desk_open(&p, &options, true);
    desk_deliver(&p, &(struct desk_request){.correlation = "a"});
    desk_deliver(&p, &(struct desk_request){.correlation = "b"});
    desk_deliver(&p, &(struct desk_request){.correlation = "b", .op = "cancel"});
    call = desk_expect_call(&p, "a");
    core_watch_call(p.core, call, desk_on_changed, NULL);
    peer_no_event(&p);
    assert_int_equal(peer_counters(&p).calls_cancelled, 1);
    desk_deliver(&p, &(struct desk_request){.correlation = "a", .op = "cancel"});
    desk_deliver(&p, &(struct desk_request){.correlation = "a", .op = "cancel"});
    peer_drop_call(&p, desk_expect_change(&p));
    assert_true(call->is_cancelled);
    assert_int_equal(peer_counters(&p).calls_cancelled, 2);
    desk_deliver(&p, &(struct desk_request){.correlation = "c"});
    peer_no_event(&p); /* the handler may still be at it */
    desk_reply(&p, call, "too late", WILCO_ECANCELLED);
    peer_drop_call(&p, call);
    call = desk_expect_call(&p, "c");
    desk_reply(&p, call, "yes", WILCO_OK);
    desk_expect_status(&p, "200", "c");
    desk_deliver(&p, &(struct desk_request){.correlation = "c", .op = "cancel"});
    peer_no_event(&p); /* has crossed the answer */
    assert_int_equal(peer_counters(&p).calls, 2);
    assert_int_equal(peer_counters(&p).calls_cancelled, 2);
    peer_drop_call(&p, call);
    peer_expect_nothing(&p);
    peer_close(&p);
}

static void
tells_what_has_happened_before(void **state)
{
    struct wilco_call *call = NULL;
    struct peer p;

    (void)state;
    desk_open(&p, NULL, true);
    desk_deliver(&p, &(struct desk_request){.correlation = "a"});
    call = desk_expect_call(&p, "a");
    desk_deliver(&p, &(struct desk_request){.correlation = "a", .op = "cancel"});
    peer_no_event(&p);
    core_watch_call(p.core, call, desk_on_changed, NULL);
    peer_drop_call(&p, desk_expect_change(&p));
    core_watch_call(p.core, call, desk_on_changed, NULL);
    core_watch_call(p.core, call, NULL, NULL);
    peer_no_event(&p);
    peer_drop_call(&p, call);
    peer_expect_nothing(&p); /* nobody waits for a 500 */
    peer_close(&p);
}

static void
no_word_is_taken_for_a_request(void **state)
{
    static const char *const words[] = {"cancel", "credit", "data", "", "dance"};
    struct peer p;

    (void)state;
    desk_open(&p, NULL, true);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        desk_deliver(&p, &(struct desk_request){.correlation = "a", .op = words[i]});
    }
    peer_no_event(&p);
    assert_int_equal(peer_counters(&p).controls_unknown, 2);
    assert_int_equal(peer_counters(&p).calls, 0);
    peer_expect_nothing(&p);
    peer_close(&p);
}

/* ---- Parts ---- */

static enum wilco_status
send_part(struct peer *p, struct wilco_call *call, const char *payload, const char *progress)
{
    const struct wilco_reply reply = {.payload = {payload, strlen(payload)}};

    return core_reply_part(p->core, call, &reply, progress, p->now_ms);
}

static void
sends_parts_as_long_as_there_is_credit(void **state)
{
    struct desk_answer answer;
    struct wilco_call *call = NULL;
    struct peer p;

    (void)state;
    desk_open(&p, NULL, true);
    desk_deliver(&p, &(struct desk_request){.correlation = "a", .more = "2"});
    call = desk_expect_call(&p, "a");
    core_watch_call(p.core, call, desk_on_changed, NULL);
    assert_int_equal(send_part(&p, call, "one", NULL), WILCO_OK);
    desk_expect_answer(&p, &answer);
    assert_string_equal(answer.payload, "one");
    assert_string_equal(answer.more, "1");
    assert_string_equal(answer.sequence, "1");
    assert_string_equal(answer.status, "200");
    assert_int_equal(send_part(&p, call, "", "0.500"), WILCO_OK);
    desk_expect_answer(&p, &answer);
    assert_string_equal(answer.progress, "0.500");
    assert_string_equal(answer.sequence, "2");
    assert_int_equal(send_part(&p, call, "three", NULL), WILCO_AGAIN);
    peer_no_event(&p);
    desk_deliver(&p, &(struct desk_request){.correlation = "a", .op = "credit", .more = "1"});
    peer_drop_call(&p, desk_expect_change(&p));
    assert_int_equal(send_part(&p, call, "three", NULL), WILCO_OK);
    assert_int_equal(send_part(&p, call, "four", NULL), WILCO_AGAIN);
    desk_expect_answer(&p, &answer);
    assert_string_equal(answer.sequence, "3");
    desk_reply(&p, call, "last", WILCO_OK); /* needs no credit */
    desk_expect_answer(&p, &answer);
    assert_string_equal(answer.sequence, "4");
    assert_string_equal(answer.more, "");
    assert_int_equal(send_part(&p, call, "behind", NULL), WILCO_EINVAL);
    peer_drop_call(&p, call);
    peer_expect_nothing(&p);
    peer_close(&p);
}

static void
credit_does_not_overflow(void **state)
{
    struct wilco_call *call = NULL;
    struct peer p;

    (void)state;
    desk_open(&p, NULL, true);
    desk_deliver(&p, &(struct desk_request){.correlation = "a", .more = "1000000000"});
    call = desk_expect_call(&p, "a");
    for (int i = 0; i < 5; i++) {
        desk_deliver(
            &p, &(struct desk_request){.correlation = "a", .op = "credit", .more = "1000000000"});
    }
    peer_no_event(&p);
    assert_int_equal(call->credit, UINT32_MAX);
    peer_drop_call(&p, call);
    peer_close(&p);
}

static void
only_who_takes_parts_gets_them(void **state)
{
    struct wilco_call *call = NULL;
    struct peer p;

    (void)state;
    desk_open(&p, NULL, true);
    desk_deliver(&p, &(struct desk_request){.correlation = "a"});
    call = desk_expect_call(&p, "a");
    assert_int_equal(send_part(&p, call, "one", NULL), WILCO_EINVAL);
    desk_reply(&p, call, "all", WILCO_OK);
    desk_expect_status(&p, "200", "a");
    peer_drop_call(&p, call);
    peer_close(&p);
}

/* With any other server there are no credits: the queue is the bound. */
static void
parts_wait_for_room_in_the_queue(void **state)
{
    struct wilco_call *call = NULL;
    struct wire_any packet;
    struct peer p;
    unsigned count = 0;
    enum wilco_status st = WILCO_OK;

    (void)state;
    desk_open(&p, NULL, false);
    desk_deliver(&p, &(struct desk_request){.correlation = "a", .packet_id = 7, .more = "0"});
    call = desk_expect_call(&p, "a");
    core_watch_call(p.core, call, desk_on_changed, NULL);
    while (st == WILCO_OK) {
        static const char large[1U << 20];

        st = core_reply_part(p.core, call, &(struct wilco_reply){.payload = {large, sizeof(large)}},
                             NULL, p.now_ms);
        count += st == WILCO_OK;
        assert_true(count < 100);
    }
    assert_int_equal(st, WILCO_AGAIN);
    assert_true(count >= 8); /* queue_bytes_max: 16 MiB, output and memory */
    peer_no_event(&p);
    assert_false(core_has_events(p.core));
    desk_reply(&p, call, "no room either", WILCO_AGAIN);
    peer_expect(&p, WIRE_PUBLISH, &packet);
    while (count > 0 && !core_has_events(p.core)) {
        peer_ack(&p, WIRE_PUBACK, packet.as.publish.packet_id, 0);
        count--;
        if (count > 0) {
            peer_expect(&p, WIRE_PUBLISH, &packet);
        }
    }
    peer_drop_call(&p, desk_expect_change(&p));
    peer_no_event(&p);
    peer_drop_call(&p, call);
    peer_close(&p);
}

/* ---- How many at a time ---- */

static void
never_more_than_the_limit(void **state)
{
    const struct wilco_responder options = {.concurrency_max = 4, .queue_max = 3};
    struct wilco_call *calls[4];
    struct peer p;
    char name[8];

    (void)state;
    desk_open(&p, &options, false);
    for (unsigned i = 0; i < 9; i++) {
        (void)snprintf(name, sizeof(name), "%u", i);
        desk_deliver(&p, &(struct desk_request){.correlation = name});
    }
    for (unsigned i = 0; i < 4; i++) {
        (void)snprintf(name, sizeof(name), "%u", i);
        calls[i] = desk_expect_call(&p, name);
    }
    peer_no_event(&p);
    desk_expect_status(&p, "429", "7");
    desk_expect_status(&p, "429", "8");
    assert_int_equal(peer_counters(&p).calls_busy, 2);
    for (unsigned i = 4; i < 7; i++) { /* one for one, in order */
        desk_reply(&p, calls[i % 4], "done", WILCO_OK);
        peer_drop_call(&p, calls[i % 4]);
        (void)snprintf(name, sizeof(name), "%u", i - 4);
        desk_expect_status(&p, "200", name);
        (void)snprintf(name, sizeof(name), "%u", i);
        calls[i % 4] = desk_expect_call(&p, name);
        peer_no_event(&p);
    }
    for (unsigned i = 0; i < 4; i++) {
        peer_drop_call(&p, calls[i]);
    }
    assert_int_equal(peer_counters(&p).calls, 7);
    peer_close(&p);
}

/* T12: it is acknowledged when its handler has returned, not when it is answered. */
static void
a_slow_one_holds_nobody_back(void **state)
{
    struct wilco_call *slow = NULL;
    struct peer p;

    (void)state;
    desk_open(&p, NULL, false);
    desk_deliver(&p, &(struct desk_request){.correlation = "slow", .packet_id = 1});
    slow = desk_expect_call(&p, "slow");
    for (uint16_t i = 2; i <= 100; i++) {
        struct wilco_call *call = NULL;
        char name[8];

        (void)snprintf(name, sizeof(name), "%u", (unsigned)i);
        desk_deliver(&p, &(struct desk_request){.correlation = name, .packet_id = i});
        call = desk_expect_call(&p, name);
        desk_expect_puback(&p, (uint16_t)(i - 1));
        desk_reply(&p, call, "done", WILCO_OK);
        {
            struct desk_answer answer;

            desk_expect_answer(&p, &answer);
            peer_ack(&p, WIRE_PUBACK, answer.packet.as.publish.packet_id, 0);
        }
        peer_drop_call(&p, call);
    }
    peer_no_event(&p);
    desk_expect_puback(&p, 100);
    peer_drop_call(&p, slow);
    desk_expect_status(&p, "500", "slow");
    peer_close(&p);
}

static void
acknowledges_late_if_asked_to(void **state)
{
    const struct wilco_responder options = {.ack_late = true, .concurrency_max = 2, .queue_max = 2};
    struct wilco_call *a = NULL;
    struct wilco_call *b = NULL;
    struct peer p;

    (void)state;
    desk_open(&p, &options, false);
    desk_deliver(&p, &(struct desk_request){.correlation = "a", .packet_id = 1});
    desk_deliver(&p, &(struct desk_request){.correlation = "b", .packet_id = 2});
    desk_deliver(&p, &(struct desk_request){.correlation = "c", .packet_id = 3});
    a = desk_expect_call(&p, "a");
    b = desk_expect_call(&p, "b");
    peer_no_event(&p);
    peer_expect_nothing(&p);
    desk_reply(&p, b, "done", WILCO_OK);
    desk_expect_status(&p, "200", "b");
    peer_expect_nothing(&p); /* in order: [MQTT-4.6.0-2] */
    desk_reply(&p, a, "done", WILCO_OK);
    desk_expect_status(&p, "200", "a");
    desk_expect_puback(&p, 1);
    desk_expect_puback(&p, 2);
    peer_expect_nothing(&p);
    peer_drop_call(&p, a);
    peer_drop_call(&p, b);
    a = desk_expect_call(&p, "c");
    peer_drop_call(&p, a);
    desk_expect_status(&p, "500", "c");
    desk_expect_puback(&p, 3);
    peer_expect_nothing(&p);
    peer_close(&p);
}

/* ---- Requests that come again ---- */

static void
a_hundred_times_the_same_is_executed_once(void **state)
{
    const struct desk_request same = {.correlation = "a", .expiry_s = 60};
    struct desk_answer answer;
    struct wilco_call *call = NULL;
    struct peer p;

    (void)state;
    desk_open(&p, NULL, false);
    desk_deliver(&p, &same);
    call = desk_expect_call(&p, "a");
    for (int i = 0; i < 50; i++) {
        desk_deliver(&p, &same);
    }
    peer_no_event(&p);
    peer_expect_nothing(&p);
    desk_reply(&p, call, "done", WILCO_OK);
    peer_drop_call(&p, call);
    peer_advance(&p, 2000);
    for (int i = 0; i < 49; i++) {
        desk_deliver(&p, &same);
        peer_no_event(&p);
    }
    for (int i = 0; i < 100; i++) {
        desk_expect_answer(&p, &answer);
        assert_string_equal(answer.status, "200");
        assert_string_equal(answer.payload, "done");
        assert_string_equal(answer.correlation, "a");
        assert_int_equal(answer.packet.as.publish.properties.message_expiry_interval, 60);
    }
    peer_expect_nothing(&p);
    assert_int_equal(peer_counters(&p).calls, 1);
    assert_int_equal(peer_counters(&p).calls_repeated, 99);
    peer_close(&p);
}

static void
an_answer_is_kept_until_the_deadline(void **state)
{
    static const struct {
        const char *ttl;
        uint64_t kept_ms;
    } rows[] = {{"1500", 1499}, {NULL, 9999}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wilco_call *call = NULL;
        struct peer p;

        desk_open(&p, NULL, false);
        desk_deliver(&p, &(struct desk_request){.correlation = "a", .ttl = rows[i].ttl});
        call = desk_expect_call(&p, "a");
        desk_reply(&p, call, "done", WILCO_OK);
        desk_expect_status(&p, "200", "a");
        peer_drop_call(&p, call);
        peer_advance(&p, rows[i].kept_ms);
        desk_deliver(&p, &(struct desk_request){.correlation = "a"});
        peer_no_event(&p);
        desk_expect_status(&p, "200", "a");
        peer_advance(&p, 1);
        desk_deliver(&p, &(struct desk_request){.correlation = "a"});
        call = desk_expect_call(&p, "a");
        peer_drop_call(&p, call);
        peer_close(&p);
    }
}

static void
what_is_not_known_again_is_executed_again(void **state)
{
    static const struct {
        struct wilco_responder options;
        const char *correlation;
    } rows[] = {{{.repeat_off = true}, "a"}, {{.repeat_off = false}, NULL}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct desk_request r = {.correlation = rows[i].correlation};
        struct wilco_call *calls[3];
        struct peer p;

        desk_open(&p, &rows[i].options, false);
        for (int n = 0; n < 2; n++) {
            desk_deliver(&p, &r);
            calls[n] = desk_expect_call(&p, r.correlation);
        }
        for (int n = 0; n < 2; n++) {
            desk_reply(&p, calls[n], "done", WILCO_OK);
            peer_drop_call(&p, calls[n]);
        }
        desk_deliver(&p, &r);
        calls[2] = desk_expect_call(&p, r.correlation);
        peer_drop_call(&p, calls[2]);
        peer_close(&p);
    }
}

/* Answers a request with so many bytes. */
static void
answer_with(struct peer *p, const char *correlation, size_t len)
{
    static const char bytes[4096];
    struct wilco_call *call = NULL;
    struct wire_any packet;

    assert_true(len <= sizeof(bytes));
    desk_deliver(p, &(struct desk_request){.correlation = correlation, .expiry_s = 20});
    call = desk_expect_call(p, correlation);
    assert_int_equal(
        core_reply(p->core, call, &(struct wilco_reply){.payload = {bytes, len}}, p->now_ms),
        WILCO_OK);
    peer_expect(p, WIRE_PUBLISH, &packet);
    peer_drop_call(p, call);
}

static void
a_strict_memory_forgets_nothing(void **state)
{
    const struct wilco_responder options = {.repeat_bytes_max = 1000};
    struct peer p;

    (void)state;
    desk_open(&p, &options, false);
    answer_with(&p, "a", 100);
    answer_with(&p, "b", 2000); /* only that it was executed is kept */
    answer_with(&p, "c", 200);
    for (char name[2] = "d"; name[0] <= 'z'; name[0]++) {
        struct desk_answer answer;
        struct wilco_call *call = NULL;
        struct core_event event;

        desk_deliver(&p, &(struct desk_request){.correlation = name, .expiry_s = 20});
        if (!core_next_event(p.core, &event, p.now_ms)) {
            desk_expect_answer(&p, &answer);
            assert_string_equal(answer.status, "429");
            break;
        }
        call = event.call;
        desk_reply(&p, call, "", WILCO_OK);
        desk_expect_status(&p, "204", name);
        peer_drop_call(&p, call);
        assert_true(name[0] < 'g');
    }
    desk_deliver(&p, &(struct desk_request){.correlation = "a", .expiry_s = 20});
    desk_deliver(&p, &(struct desk_request){.correlation = "b", .expiry_s = 20});
    peer_no_event(&p);
    {
        struct wire_any packet;

        peer_expect(&p, WIRE_PUBLISH, &packet);
        assert_int_equal(packet.as.publish.payload.len, 100);
    }
    desk_expect_status(&p, "500", "b");
    assert_int_equal(peer_counters(&p).answers_forgotten, 0);
    assert_int_equal(peer_counters(&p).calls_busy, 1);
    peer_advance(&p, 20000);
    answer_with(&p, "z", 100); /* there is room again */
    peer_close(&p);
}

static void
the_default_memory_forgets_the_oldest(void **state)
{
    struct wilco_call *call = NULL;
    struct peer p;
    char name[8];

    (void)state;
    desk_open(&p, NULL, false);
    for (unsigned i = 0; i < 400; i++) {
        (void)snprintf(name, sizeof(name), "%u", i);
        answer_with(&p, name, 4096);
    }
    assert_true(peer_counters(&p).answers_forgotten > 100);
    desk_deliver(&p, &(struct desk_request){.correlation = "399"});
    peer_no_event(&p);
    desk_deliver(&p, &(struct desk_request){.correlation = "0"});
    call = desk_expect_call(&p, "0");
    peer_drop_call(&p, call);
    peer_close(&p);
}

/* ---- The end of a responder ---- */

static void
expect_unsubscribed(struct peer *p, uint8_t reason_code)
{
    struct wire_any packet;
    struct wire_any answer = {.type = WIRE_UNSUBACK};

    peer_expect(p, WIRE_UNSUBSCRIBE, &packet);
    answer.as.suback.packet_id = packet.as.unsubscribe.packet_id;
    answer.as.suback.reason_codes = span_of(&reason_code, 1);
    peer_send(p, &answer);
}

static void
a_responder_that_leaves_finishes_its_work(void **state)
{
    const struct wilco_responder options = {.concurrency_max = 1, .queue_max = 9};
    struct responder *r = NULL;
    struct wilco_call *call = NULL;
    struct peer p;

    (void)state;
    desk_open(&p, &options, false);
    assert_int_equal(core_responder_leave(p.core, "else", &r), WILCO_ENOTFOUND);
    assert_int_equal(core_responder_leave(p.core, "do", &r), WILCO_OK);
    desk_deliver(&p, &(struct desk_request){.correlation = "a"});
    desk_deliver(&p, &(struct desk_request){.correlation = "b"});
    assert_true(core_responder_may_leave(r));
    expect_unsubscribed(&p, 0);
    assert_false(core_responder_is_idle(p.core, r));
    call = desk_expect_call(&p, "a");
    peer_no_event(&p);
    desk_reply(&p, call, "done", WILCO_OK);
    desk_expect_status(&p, "200", "a");
    peer_drop_call(&p, call);
    call = desk_expect_call(&p, "b");
    assert_false(core_responder_is_idle(p.core, r));
    desk_reply(&p, call, "done", WILCO_OK);
    desk_expect_status(&p, "200", "b");
    peer_drop_call(&p, call);
    peer_no_event(&p);
    assert_true(core_responder_is_idle(p.core, r));
    assert_false(core_responder_end(p.core, r));
    desk_deliver(&p, &(struct desk_request){.correlation = "c"});
    peer_no_event(&p);
    assert_int_equal(peer_counters(&p).messages_unmatched, 1);
    peer_close(&p);
}

static void
what_is_left_at_the_end_is_a_503(void **state)
{
    const struct wilco_responder options = {.concurrency_max = 1, .queue_max = 9};
    struct responder *r = NULL;
    struct wilco_call *call = NULL;
    struct peer p;

    (void)state;
    desk_open(&p, &options, false);
    desk_deliver(&p, &(struct desk_request){.correlation = "a"});
    desk_deliver(&p, &(struct desk_request){.correlation = "b"});
    call = desk_expect_call(&p, "a");
    core_watch_call(p.core, call, desk_on_changed, NULL);
    peer_no_event(&p);
    assert_int_equal(core_responder_leave(p.core, "do", &r), WILCO_OK);
    expect_unsubscribed(&p, 0);
    assert_true(core_responder_end(p.core, r));
    desk_expect_status(&p, "503", "a");
    desk_expect_status(&p, "503", "b");
    peer_drop_call(&p, desk_expect_change(&p));
    desk_reply(&p, call, "too late", WILCO_ECANCELLED);
    peer_drop_call(&p, call);
    peer_no_event(&p);
    peer_expect_nothing(&p);
    peer_close(&p);
}

static void
a_responder_that_may_not_leave_stays(void **state)
{
    struct responder *r = NULL;
    struct wilco_call *call = NULL;
    struct peer p;

    (void)state;
    desk_open(&p, NULL, false);
    assert_int_equal(core_responder_leave(p.core, "do", &r), WILCO_OK);
    expect_unsubscribed(&p, 0x87);
    assert_false(core_responder_may_leave(r));
    assert_false(core_responder_is_idle(p.core, r));
    assert_false(core_responder_end(p.core, r));
    desk_deliver(&p, &(struct desk_request){.correlation = "a"});
    call = desk_expect_call(&p, "a");
    peer_drop_call(&p, call);
    peer_close(&p);
}

/* ---- Requests that come before their responder ---- */

static void
open_kept_session(struct peer *p, bool present)
{
    const struct wilco_options options = {.client_id = "me", .keep_session = true};
    struct wire_any connack = {.type = WIRE_CONNACK};
    struct wire_any packet;

    peer_start(p, &options);
    peer_expect(p, WIRE_CONNECT, &packet);
    connack.as.connack.session_present = present;
    peer_send(p, &connack);
}

static void
respond_to_do(struct peer *p)
{
    const struct core_subscriber to = {.on_request = desk_on_request};
    struct core_event event;
    uint8_t reason_code = 0;

    assert_int_equal(
        core_subscribe(p->core, &(struct wilco_subscription){.filter = "do"}, &to, p, &reason_code),
        WILCO_OK);
    (void)peer_grant(p, 1);
    peer_awaited(p, CORE_OPERATION, &event);
}

static void
requests_of_a_kept_session_wait_for_their_responder(void **state)
{
    struct peer p;

    (void)state;
    open_kept_session(&p, true);
    desk_deliver(&p, /* the identifier of a subscription of an earlier process */
                 &(struct desk_request){.correlation = "a", .packet_id = 1, .identifier = 77});
    peer_publish(&p, "do", "no request", 1, 2);
    desk_deliver(&p, &(struct desk_request){.correlation = "b", .packet_id = 3});
    peer_no_event(&p);
    desk_expect_puback(&p, 2); /* the others are not acknowledged */
    peer_expect_nothing(&p);
    desk_deliver(&p, &(struct desk_request){.correlation = "c", .packet_id = 4});
    respond_to_do(&p);
    peer_drop_call(&p, desk_expect_call(&p, "a"));
    desk_expect_status(&p, "500", "a");
    peer_drop_call(&p, desk_expect_call(&p, "b"));
    desk_expect_puback(&p, 1);
    desk_expect_status(&p, "500", "b");
    peer_drop_call(&p, desk_expect_call(&p, "c"));
    peer_close(&p);
}

static void
they_do_not_wait_for_ever(void **state)
{
    static const struct {
        bool present;
        uint64_t before_ms, after_ms;
    } rows[] = {{true, 4999, 1}, {true, 5000, 0}, {false, 0, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer p;

        open_kept_session(&p, rows[i].present);
        peer_advance(&p, rows[i].before_ms);
        desk_deliver(&p, &(struct desk_request){.correlation = "a", .packet_id = 1});
        peer_no_event(&p);
        if (rows[i].after_ms > 0) {
            peer_expect_nothing(&p);
            assert_int_equal(peer_counters(&p).messages_unmatched, 0);
            peer_advance(&p, rows[i].after_ms);
        }
        desk_expect_puback(&p, 1);
        assert_int_equal(peer_counters(&p).messages_unmatched, 1);
        respond_to_do(&p);
        peer_no_event(&p);
        peer_close(&p);
    }
}

static void
says_what_service_it_is(void **state)
{
    static const struct {
        const char *service, *version, *description;
        enum wilco_status want;
        size_t count;
    } rows[] = {
        {NULL, NULL, NULL, WILCO_OK, 0},          {"clock", NULL, NULL, WILCO_OK, 1},
        {"clock", "1.2", NULL, WILCO_OK, 2},      {"clock", "1.2", "Tells", WILCO_OK, 3},
        {NULL, "1.2", NULL, WILCO_EINVAL, 0},     {NULL, NULL, "Tells", WILCO_EINVAL, 0},
        {"", NULL, NULL, WILCO_EINVAL, 0},        {"\xff", NULL, NULL, WILCO_EINVAL, 0},
        {"clock", "\xff", NULL, WILCO_EINVAL, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct wilco_responder options = {.service = rows[i].service,
                                                .version = rows[i].version,
                                                .description = rows[i].description};
        const struct core_subscriber to = {.on_request = desk_on_request, .options = &options};
        const char *const names[] = {"rr-service", "rr-version", "rr-description"};
        const char *const values[] = {rows[i].service, rows[i].version, rows[i].description};
        struct wire_any packet;
        struct peer p;
        uint8_t reason_code = 0;

        peer_open(&p, NULL, NULL);
        assert_int_equal(core_subscribe(p.core, &(struct wilco_subscription){.filter = "do"}, &to,
                                        &p, &reason_code),
                         rows[i].want);
        if (rows[i].want == WILCO_OK) {
            peer_expect(&p, WIRE_SUBSCRIBE, &packet);
            assert_int_equal(packet.as.subscribe.properties.user_count, rows[i].count);
        }
        for (size_t n = 0; n < rows[i].count; n++) {
            struct span value;

            assert_true(wire_properties_user(&packet.as.subscribe.properties,
                                             span_of_text(names[n]), &value));
            assert_true(span_equal(value, span_of_text(values[n])));
        }
        peer_expect_nothing(&p);
        peer_close(&p);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_nobody_answers_is_a_500),
        cmocka_unit_test(a_call_is_answered_once),
        cmocka_unit_test(outlives_the_core),
        cmocka_unit_test(knows_when_the_requester_stops_waiting),
        cmocka_unit_test(drops_what_comes_too_late),
        cmocka_unit_test(tells_that_the_deadline_has_passed),
        cmocka_unit_test(a_handler_that_takes_too_long_is_a_408),
        cmocka_unit_test(takes_a_request_back),
        cmocka_unit_test(tells_what_has_happened_before),
        cmocka_unit_test(no_word_is_taken_for_a_request),
        cmocka_unit_test(sends_parts_as_long_as_there_is_credit),
        cmocka_unit_test(credit_does_not_overflow),
        cmocka_unit_test(only_who_takes_parts_gets_them),
        cmocka_unit_test(parts_wait_for_room_in_the_queue),
        cmocka_unit_test(never_more_than_the_limit),
        cmocka_unit_test(a_slow_one_holds_nobody_back),
        cmocka_unit_test(acknowledges_late_if_asked_to),
        cmocka_unit_test(a_hundred_times_the_same_is_executed_once),
        cmocka_unit_test(an_answer_is_kept_until_the_deadline),
        cmocka_unit_test(what_is_not_known_again_is_executed_again),
        cmocka_unit_test(a_strict_memory_forgets_nothing),
        cmocka_unit_test(the_default_memory_forgets_the_oldest),
        cmocka_unit_test(a_responder_that_leaves_finishes_its_work),
        cmocka_unit_test(what_is_left_at_the_end_is_a_503),
        cmocka_unit_test(a_responder_that_may_not_leave_stays),
        cmocka_unit_test(requests_of_a_kept_session_wait_for_their_responder),
        cmocka_unit_test(they_do_not_wait_for_ever),
        cmocka_unit_test(says_what_service_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
