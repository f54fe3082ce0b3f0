/* Several responses to one request, through a broker: pulled, called back, and waited for. */
#include "scenario.h"

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pulls_what_all_say),
        cmocka_unit_test(waits_for_the_last),
        cmocka_unit_test(pulls_nothing_more),
        cmocka_unit_test(closes_at_any_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
