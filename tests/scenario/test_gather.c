/* Several responses to one request, through a broker: pulled, called back, and waited for. */
#include "scenario.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RESPONDERS 5U

/* A crowd that answers with its names, "0" to "4", and somebody who asks. */
struct crowd {
    struct scenario scenario;
    struct wilco *responders[RESPONDERS];
    struct wilco *requester;
};

static void
answer_with_name(void *context, struct wilco_call *call)
{
    const char *name = context;

    (void)wilco_reply_bytes(call, (struct wilco_bytes){name, strlen(name)});
}

static void
crowd_open(struct crowd *c, unsigned shards)
{
    static char names[RESPONDERS][2];

    scenario_open(&c->scenario, shards);
    for (size_t i = 0; i < RESPONDERS; i++) {
        char id[16];

        names[i][0] = (char)('0' + i);
        (void)snprintf(id, sizeof(id), "responder%zu", i);
        c->responders[i] = scenario_client(&c->scenario, id);
        scenario_respond(c->responders[i], "roll/call", NULL, answer_with_name, names[i]);
    }
    c->requester = scenario_client(&c->scenario, "requester");
}

static void
crowd_close(struct crowd *c)
{
    for (size_t i = 0; i < RESPONDERS; i++) {
        wilco_close(c->responders[i]);
    }
    wilco_close(c->requester);
    scenario_close(&c->scenario);
}

/* Marks the name in `seen`; each comes once. */
static void
note(unsigned *seen, const struct wilco_message *m)
{
    struct wilco_bytes name = wilco_message_payload(m);
    unsigned bit = 0;

    assert_int_equal(name.len, 1);
    bit = 1U << (*(const char *)name.data - '0');
    assert_int_equal(*seen & bit, 0);
    *seen |= bit;
}

static void
pulls_what_all_say(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 4; shards *= 4) {
        const struct wilco_request r = {.topic = "roll/call", .responses_max = RESPONDERS};
        struct wilco_responses *responses = NULL;
        struct wilco_message *m = NULL;
        unsigned seen = 0;
        struct crowd c;

        crowd_open(&c, shards);
        assert_int_equal(wilco_responses_open(c.requester, &r, &responses), WILCO_OK);
        for (size_t i = 0; i < RESPONDERS; i++) {
            assert_int_equal(wilco_responses_next(responses, UINT32_MAX, &m), WILCO_OK);
            note(&seen, m);
            wilco_message_unref(m);
        }
        for (size_t i = 0; i < 2; i++) { /* and that was all, however often one asks */
            assert_int_equal(wilco_responses_next(responses, UINT32_MAX, &m), WILCO_OK);
            assert_null(m);
        }
        wilco_responses_close(responses);
        crowd_close(&c);
    }
}

static void
note_part(void *context, const struct wilco_message *m)
{
    note(context, m);
}

/* Whoever waits for the last one has had all the others. */
static void
waits_for_the_last(void **state)
{
    unsigned seen = 0;
    const struct wilco_request r = {
        .topic = "roll/call",
        .responses_max = RESPONDERS,
        .on_part = note_part,
        .part_context = &seen,
    };
    struct wilco_message *m = NULL;
    struct crowd c;

    (void)state;
    crowd_open(&c, 2);
    for (size_t i = 0; i < 100; i++) {
        seen = 0;
        assert_int_equal(wilco_request(c.requester, &r, &m), WILCO_OK);
        note(&seen, m);
        wilco_message_unref(m);
        assert_int_equal(seen, (1U << RESPONDERS) - 1);
    }
    crowd_close(&c);
}

static void
pulls_nothing_more(void **state)
{
    struct wilco_error error = {.text = ""};
    const struct wilco_request nobody = {.topic = "nobody", .error = &error};
    const struct wilco_request few = {
        .topic = "roll/call", .responses_max = UINT32_MAX, .stall_ms = 50};
    struct wilco_responses *responses = NULL;
    struct wilco_message *m = NULL;
    unsigned seen = 0;
    struct crowd c;

    (void)state;
    crowd_open(&c, 1);
    assert_int_equal(wilco_responses_open(c.requester, &nobody, &responses), WILCO_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(wilco_responses_next(responses, UINT32_MAX, &m), WILCO_ENORESPONDER);
        assert_null(m);
    }
    assert_int_equal(error.executed, WILCO_EXECUTED_NO);
    assert_non_null(strstr(error.text, "nobody"));
    wilco_responses_close(responses);
    assert_int_equal(wilco_responses_open(c.requester, &few, &responses), WILCO_OK);
    while (wilco_responses_next(responses, UINT32_MAX, &m) == WILCO_OK && m != NULL) {
        note(&seen, m);
        wilco_message_unref(m);
    }
    assert_int_equal(seen, (1U << RESPONDERS) - 1);
    wilco_responses_close(responses);
    crowd_close(&c);
}

/* Closed before the end, before the first response, and after the client: nothing leaks and nothing
 * is told any more. */
static void
closes_at_any_time(void **state)
{
    const struct wilco_request r = {.topic = "roll/call", .responses_max = UINT32_MAX};
    struct wilco_responses *responses = NULL;
    struct wilco_message *m = NULL;
    struct crowd c;

    (void)state;
    crowd_open(&c, 2);
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(wilco_responses_open(c.requester, &r, &responses), WILCO_OK);
        if (i % 2 == 0) {
            assert_int_equal(wilco_responses_next(responses, UINT32_MAX, &m), WILCO_OK);
            wilco_message_unref(m);
        }
        assert_int_equal(wilco_responses_next(responses, 0, &m) == WILCO_ECLOSED, 0);
        wilco_message_unref(m);
        wilco_responses_close(responses);
    }
    wilco_responses_close(NULL);
    assert_int_equal(wilco_responses_open(c.requester, &r, &responses), WILCO_OK);
    wilco_close(c.requester);
    c.requester = NULL;
    do {
        wilco_message_unref(m);
        m = NULL;
    } while (wilco_responses_next(responses, UINT32_MAX, &m) == WILCO_OK);
    assert_int_equal(wilco_responses_next(responses, 0, &m), WILCO_ECLOSED);
    wilco_responses_close(responses);
    crowd_close(&c);
}

/* ---- What the broker has to do with it ---- */

/* Keeps one call, and says when it has it and when it is taken back. */
struct keeper {
    struct gate *has_it;
    struct gate is_changed;
    struct wilco_call *call;
};

static void
on_change(void *context, struct wilco_call *call)
{
    struct keeper *k = context;

    (void)call;
    gate_raise(&k->is_changed);
}

static void
keep(void *context, struct wilco_call *call)
{
    struct keeper *k = context;

    k->call = wilco_call_ref(call);
    wilco_call_watch(call, on_change, k);
    gate_raise(k->has_it);
}

/* Of five responders one is lost: the request ends with four answers and that, and not with its
 * time. */
static void
counts_who_answers_and_who_is_lost(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 4; shards *= 4) {
        struct wilco_tally tally = {.expected = 0};
        struct wilco_error error = {.text = ""};
        const struct wilco_request r = {
            .topic = "roll/call",
            .scatter = true,
            .timeout_ms = 60000,
            .tally = &tally,
            .error = &error,
        };
        struct gate has_it;
        struct keeper k = {.has_it = &has_it};
        struct wilco_responses *responses = NULL;
        struct wilco_message *m = NULL;
        unsigned seen = 0;
        struct crowd c;

        gate_init(&has_it);
        gate_init(&k.is_changed);
        crowd_open(&c, shards);
        assert_int_equal(wilco_unsubscribe(c.responders[4], "roll/call"), WILCO_OK);
        scenario_respond(c.responders[4], "roll/call", NULL, keep, &k);
        assert_int_equal(wilco_responses_open(c.requester, &r, &responses), WILCO_OK);
        assert_true(gate_wait(&has_it, 1));
        for (size_t i = 0; i < 4; i++) {
            assert_int_equal(wilco_responses_next(responses, UINT32_MAX, &m), WILCO_OK);
            note(&seen, m);
            wilco_message_unref(m);
        }
        assert_int_equal(wilco_responses_next(responses, 0, &m), WILCO_AGAIN);
        wilco_close(c.responders[4]);
        c.responders[4] = NULL;
        assert_int_equal(wilco_responses_next(responses, UINT32_MAX, &m), WILCO_OK);
        assert_null(m);
        assert_int_equal(tally.expected, 5);
        assert_int_equal(tally.answered, 4);
        assert_int_equal(tally.lost, 1);
        wilco_responses_close(responses);
        wilco_call_unref(k.call);
        crowd_close(&c);
        gate_fini(&has_it);
        gate_fini(&k.is_changed);
    }
}

static void
on_cancelled(void *context, enum wilco_status status, const struct wilco_message *response)
{
    struct gate *ended = context;

    assert_int_equal(status, WILCO_ECANCELLED);
    assert_null(response);
    gate_raise(ended);
}

/* Of a group only the one that has the request is told that it is taken back. */
static void
takes_a_request_back_from_its_holder(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 4; shards *= 4) {
        struct keeper keepers[RESPONDERS] = {{.call = NULL}};
        struct gate has_it, ended;
        uint64_t call = 0;
        size_t holder = 0;
        struct crowd c;

        gate_init(&has_it);
        gate_init(&ended);
        crowd_open(&c, shards);
        for (size_t i = 0; i < RESPONDERS; i++) {
            keepers[i].has_it = &has_it;
            gate_init(&keepers[i].is_changed);
            scenario_respond(c.responders[i], "job", "workers", keep, &keepers[i]);
        }
        assert_int_equal(wilco_request_start(c.requester, &(struct wilco_request){.topic = "job"},
                                             on_cancelled, &ended, &call),
                         WILCO_OK);
        assert_true(gate_wait(&has_it, 1));
        while (keepers[holder].call == NULL) {
            holder++;
        }
        assert_false(wilco_call_is_cancelled(keepers[holder].call));
        assert_int_equal(wilco_request_cancel(c.requester, call), WILCO_OK);
        assert_true(gate_wait(&ended, 1));
        assert_true(gate_wait(&keepers[holder].is_changed, 1));
        assert_true(wilco_call_is_cancelled(keepers[holder].call));
        assert_int_equal(wilco_reply_bytes(keepers[holder].call, WILCO_TEXT("late")),
                         WILCO_ECANCELLED);
        wilco_call_unref(keepers[holder].call);
        for (size_t i = 0; i < RESPONDERS; i++) {
            assert_int_equal(gate_count(&keepers[i].is_changed), i == holder);
        }
        crowd_close(&c);
        for (size_t i = 0; i < RESPONDERS; i++) {
            gate_fini(&keepers[i].is_changed);
        }
        gate_fini(&ended);
        gate_fini(&has_it);
    }
}

/* ---- A stream ---- */

#define PARTS  100000U
#define WINDOW 64U

/* Sends numbers as long as it may, in a thread of its own. */
struct producer {
    struct gate has_it;
    struct gate is_changed;
    struct wilco_call *call;
    uint32_t sent;
    enum wilco_status ended; /* how */
};

static void
on_room(void *context, struct wilco_call *call)
{
    struct producer *p = context;

    (void)call;
    gate_raise(&p->is_changed);
}

static void
take_on(void *context, struct wilco_call *call)
{
    struct producer *p = context;

    p->call = wilco_call_ref(call);
    wilco_call_watch(call, on_room, p);
    gate_raise(&p->has_it);
}

static enum wilco_status
send_part(struct producer *p)
{
    const struct wilco_reply part = {.payload = {&p->sent, sizeof(p->sent)}};

    for (;;) {
        size_t changes = gate_count(&p->is_changed);
        enum wilco_status status = wilco_reply_part(p->call, &part);

        if (status != WILCO_AGAIN) {
            return status;
        }
        assert_true(gate_wait(&p->is_changed, changes + 1));
    }
}

static void *
produce(void *argument)
{
    struct producer *p = argument;

    assert_true(gate_wait(&p->has_it, 1));
    p->ended = WILCO_OK;
    while (p->ended == WILCO_OK && p->sent < PARTS) {
        p->ended = send_part(p);
        p->sent += p->ended == WILCO_OK;
    }
    if (p->ended == WILCO_OK) {
        p->ended = wilco_reply_bytes(p->call, WILCO_TEXT("end"));
    }
    wilco_call_unref(p->call);
    return NULL;
}

static void
producer_start(struct producer *p, struct crowd *c, pthread_t *thread)
{
    *p = (struct producer){.sent = 0};
    gate_init(&p->has_it);
    gate_init(&p->is_changed);
    scenario_respond(c->responders[0], "numbers", NULL, take_on, p);
    assert_int_equal(pthread_create(thread, NULL, produce, p), 0);
}

static void
producer_stop(struct producer *p, pthread_t thread)
{
    assert_int_equal(pthread_join(thread, NULL), 0);
    gate_fini(&p->has_it);
    gate_fini(&p->is_changed);
}

static const struct wilco_request numbers = {
    .topic = "numbers", .parts_max = WINDOW, .timeout_ms = 120000};

/* A hundred thousand parts, none lost, none twice, and never more on their way than was allowed. */
static void
streams_many_parts(void **state)
{
    struct producer p;
    struct wilco_responses *responses = NULL;
    struct wilco_message *m = NULL;
    pthread_t thread;
    struct crowd c;

    (void)state;
    crowd_open(&c, 2);
    producer_start(&p, &c, &thread);
    assert_int_equal(wilco_responses_open(c.requester, &numbers, &responses), WILCO_OK);
    for (uint32_t i = 0; i < PARTS; i++) {
        uint32_t number = 0;

        assert_int_equal(wilco_responses_next(responses, UINT32_MAX, &m), WILCO_OK);
        assert_true(wilco_message_is_part(m));
        memcpy(&number, wilco_message_payload(m).data, sizeof(number));
        assert_int_equal(number, i);
        wilco_message_unref(m);
    }
    assert_int_equal(wilco_responses_next(responses, UINT32_MAX, &m), WILCO_OK);
    assert_false(wilco_message_is_part(m));
    wilco_message_unref(m);
    assert_int_equal(wilco_responses_next(responses, UINT32_MAX, &m), WILCO_OK);
    assert_null(m);
    wilco_responses_close(responses);
    producer_stop(&p, thread);
    assert_int_equal(p.ended, WILCO_OK);
    crowd_close(&c);
}

/* Who takes nothing is sent no more than he said, and when he leaves, the sender stops. */
static void
stops_a_stream(void **state)
{
    struct producer p;
    struct wilco_responses *responses = NULL;
    struct wilco_message *m = NULL;
    pthread_t thread;
    struct crowd c;

    (void)state;
    crowd_open(&c, 2);
    producer_start(&p, &c, &thread);
    assert_int_equal(wilco_responses_open(c.requester, &numbers, &responses), WILCO_OK);
    assert_int_equal(wilco_responses_next(responses, UINT32_MAX, &m), WILCO_OK);
    wilco_message_unref(m);
    wilco_responses_close(responses);
    producer_stop(&p, thread);
    assert_int_equal(p.ended, WILCO_ECANCELLED);
    assert_true(p.sent <= WINDOW);
    crowd_close(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pulls_what_all_say),
        cmocka_unit_test(waits_for_the_last),
        cmocka_unit_test(pulls_nothing_more),
        cmocka_unit_test(closes_at_any_time),
        cmocka_unit_test(counts_who_answers_and_who_is_lost),
        cmocka_unit_test(takes_a_request_back_from_its_holder),
        cmocka_unit_test(streams_many_parts),
        cmocka_unit_test(stops_a_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
