/* One requester and one responder through a broker: every way a request can end. */
#include "scenario.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 10000U

static struct wilco_bytes
bytes_of(const char *text)
{
    return (struct wilco_bytes){text, strlen(text)};
}

static bool
bytes_equal(struct wilco_bytes a, struct wilco_bytes b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* Keeps the calls it gets, for the test to answer when and as it likes. */
struct keeper {
    struct gate came;
    struct wilco_call *calls[MANY];
    size_t count;
};

static void
keep_call(void *context, struct wilco_call *call)
{
    struct keeper *k = context;

    assert_true(k->count < MANY);
    k->calls[k->count++] = wilco_call_ref(call);
    gate_raise(&k->came);
}

static void
let_go(struct keeper *k)
{
    for (size_t i = 0; i < k->count; i++) {
        wilco_call_unref(k->calls[i]);
    }
    k->count = 0;
}

static void
echo(void *context, struct wilco_call *call)
{
    struct wilco_bytes payload = wilco_message_payload(wilco_call_message(call));

    (void)context;
    assert_int_equal(wilco_reply_bytes(call, payload), WILCO_OK);
}

/* ---- 10 000 in flight, answered in shuffled order ---- */

struct asked {
    struct gate *ended;
    uint32_t number;
    unsigned answers;
    bool is_right;
};

static void
on_numbered_response(void *context, enum wilco_status status, const struct wilco_message *response)
{
    struct asked *a = context;

    a->answers++;
    a->is_right =
        status == WILCO_OK && bytes_equal(wilco_message_payload(response),
                                          (struct wilco_bytes){&a->number, sizeof(a->number)});
    gate_raise(a->ended);
}

static void
shuffle(struct wilco_call **calls, size_t count)
{
    uint64_t state = 42;

    for (size_t i = count; i > 1; i--) {
        size_t with = 0;
        struct wilco_call *call = calls[i - 1];

        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        with = (size_t)(state >> 33) % i;
        calls[i - 1] = calls[with];
        calls[with] = call;
    }
}

static void
ask_many(struct wilco *client, struct asked *asked, struct gate *ended)
{
    for (uint32_t i = 0; i < MANY; i++) {
        const struct wilco_request request = {
            .topic = "many",
            .payload = {&asked[i].number, sizeof(asked[i].number)},
            .timeout_ms = 60000,
        };

        asked[i] = (struct asked){.ended = ended, .number = i};
        assert_int_equal(
            wilco_request_start(client, &request, on_numbered_response, &asked[i], NULL), WILCO_OK);
    }
}

static void
check_many(unsigned shards)
{
    struct scenario s;
    struct wilco *requester = NULL;
    struct wilco *responder = NULL;
    struct gate ended;
    struct keeper *k = calloc(1, sizeof(*k));
    struct asked *asked = calloc(MANY, sizeof(*asked));
    struct wilco_counters counters;

    assert_true(k != NULL && asked != NULL);
    gate_init(&ended);
    gate_init(&k->came);
    scenario_open(&s, shards);
    requester = scenario_client(&s, "asks");
    responder = scenario_client(&s, "answers");
    scenario_respond(responder, "many", NULL, keep_call, k);
    ask_many(requester, asked, &ended);
    assert_true(gate_wait(&k->came, MANY));
    wilco_counters(requester, &counters);
    assert_int_equal(counters.pending, MANY);

    shuffle(k->calls, MANY);
    for (size_t i = 0; i < MANY; i++) {
        echo(NULL, k->calls[i]);
    }
    assert_true(gate_wait(&ended, MANY));
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(asked[i].answers, 1);
        assert_true(asked[i].is_right);
    }
    wilco_counters(requester, &counters);
    assert_int_equal(counters.pending, 0);
    assert_int_equal(counters.responses, MANY);
    assert_int_equal(
        counters.responses_unknown + counters.responses_late + counters.responses_duplicate, 0);
    wilco_close(requester);
    wilco_close(responder);
    scenario_close(&s);
    let_go(k);
    gate_fini(&ended);
    gate_fini(&k->came);
    free(k);
    free(asked);
}

static void
test_many_shuffled(void **state)
{
    (void)state;
    check_many(1);
    check_many(4);
}

/* ---- Everything else, on one broker with four shards ---- */

struct pair {
    struct scenario s;
    struct wilco *requester;
    struct wilco *responder;
    struct keeper keeper;
};

static int
open_pair(void **state)
{
    struct pair *p = calloc(1, sizeof(*p));

    assert_non_null(p);
    gate_init(&p->keeper.came);
    scenario_open(&p->s, 4);
    p->requester = scenario_client(&p->s, "asks");
    p->responder = scenario_client(&p->s, "answers");
    *state = p;
    return 0;
}

static int
close_pair(void **state)
{
    struct pair *p = *state;

    wilco_close(p->requester);
    wilco_close(p->responder);
    scenario_close(&p->s);
    let_go(&p->keeper);
    gate_fini(&p->keeper.came);
    free(p);
    return 0;
}

static void
test_every_qos(void **state)
{
    struct pair *p = *state;
    static const struct {
        uint8_t qos;
        bool qos_0;
    } rows[] = {{0, true}, {1, false}, {2, false}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct wilco_responder responder = {
            .filter = "echo/+", .qos = rows[i].qos, .qos_0 = rows[i].qos_0};
        const struct wilco_request request = {.topic = "echo/x",
                                              .payload = WILCO_TEXT("hello"),
                                              .qos = rows[i].qos,
                                              .qos_0 = rows[i].qos_0};
        struct wilco_message *response = NULL;

        assert_int_equal(wilco_respond(p->responder, &responder, echo, NULL, NULL), WILCO_OK);
        assert_int_equal(wilco_request(p->requester, &request, &response), WILCO_OK);
        assert_true(bytes_equal(wilco_message_payload(response), WILCO_TEXT("hello")));
        assert_int_equal(wilco_message_status(response), 200);
        assert_int_equal(wilco_message_qos(response), rows[i].qos);
        wilco_message_unref(response);
    }
}

static void
answer_busy(void *context, struct wilco_call *call)
{
    (void)context;
    assert_int_equal(wilco_reply_error(call, 503, "come back later"), WILCO_OK);
}

static void
test_error_status(void **state)
{
    struct pair *p = *state;
    struct wilco_error error = {.text = ""};
    const struct wilco_request request = {.topic = "busy", .error = &error};
    struct wilco_message *response = NULL;

    scenario_respond(p->responder, "busy", NULL, answer_busy, NULL);
    assert_int_equal(wilco_request(p->requester, &request, &response), WILCO_EREMOTE);
    assert_int_equal(wilco_message_status(response), 503);
    assert_true(bytes_equal(wilco_message_user_property(response, "__stMsg"),
                            WILCO_TEXT("come back later")));
    assert_string_not_equal(error.text, "");
    wilco_message_unref(response);
}

static void
test_nobody_there(void **state)
{
    struct pair *p = *state;
    struct wilco_error error = {.text = ""};
    const struct wilco_request request = {.topic = "nobody", .error = &error};
    struct wilco_message *response = NULL;

    assert_int_equal(wilco_request(p->requester, &request, &response), WILCO_ENORESPONDER);
    assert_null(response);
    assert_int_equal(error.reason_code, 0x10);
}

/* The reason code it is acknowledged with. */
static uint8_t
publish_response(struct wilco *client, const struct wilco_message *request,
                 struct wilco_bytes correlation)
{
    char topic[256];
    struct wilco_bytes response_topic = wilco_message_response_topic(request);
    const struct wilco_publish response = {
        .topic = topic, .payload = WILCO_TEXT("x"), .qos = 1, .correlation_data = correlation};
    uint8_t reason_code = 0xFF;
    enum wilco_status status;

    (void)snprintf(topic, sizeof(topic), "%.*s", WILCO_PRINTF_BYTES(response_topic));
    status = wilco_publish(client, &response, &reason_code);
    assert_int_equal(status, reason_code < 0x80 ? WILCO_OK : WILCO_EREFUSED);
    return reason_code;
}

/* One request has timed out, and nothing came that is not an answer, but for what the broker had to
 * say or to let through when it was already too late here. */
static void
expect_no_others(struct pair *p)
{
    struct wilco_counters counters;
    struct wilco_message *response = NULL;
    const struct wilco_request request = {.topic = "sync"};

    /* Messages to one subscriber keep their order, so what is behind them has seen them pass. */
    assert_int_equal(wilco_request(p->requester, &request, &response), WILCO_OK);
    wilco_message_unref(response);
    wilco_counters(p->requester, &counters);
    assert_true(counters.responses_late <= 1);
    assert_int_equal(counters.responses_unknown, 0);
    assert_int_equal(counters.responses_duplicate, 0);
    assert_int_equal(counters.timeouts, 1);
    assert_int_equal(counters.pending, 0);
}

static void
test_nothing_but_the_answer(void **state)
{
    struct pair *p = *state;
    const struct wilco_request slow = {.topic = "keep", .timeout_ms = 50};
    const struct wilco_request quick = {.topic = "keep2"};
    struct wilco_message *response = NULL;
    struct wilco_message *first = NULL;
    struct gate ended;
    struct asked asked = {.ended = &ended};

    gate_init(&ended);
    scenario_respond(p->responder, "keep", NULL, keep_call, &p->keeper);
    scenario_respond(p->responder, "keep2", NULL, keep_call, &p->keeper);
    scenario_respond(p->responder, "sync", NULL, echo, NULL);

    assert_int_equal(wilco_request(p->requester, &slow, &response), WILCO_ETIMEDOUT);
    assert_null(response);
    assert_true(gate_wait(&p->keeper.came, 1));
    first = wilco_message_ref(wilco_call_message(p->keeper.calls[0]));
    assert_int_equal(publish_response(p->responder, first, bytes_of("never asked")), 0x87);
    assert_int_equal(publish_response(p->responder, first, (struct wilco_bytes){NULL, 0}), 0x87);
    (void)publish_response(p->responder, first, wilco_message_correlation_data(first));
    expect_no_others(p);

    assert_int_equal(wilco_request_start(p->requester, &quick, on_numbered_response, &asked, NULL),
                     WILCO_OK);
    assert_true(gate_wait(&p->keeper.came, 2));
    wilco_message_unref(first);
    first = wilco_message_ref(wilco_call_message(p->keeper.calls[1]));
    assert_int_equal(wilco_reply_bytes(p->keeper.calls[1],
                                       (struct wilco_bytes){&asked.number, sizeof(asked.number)}),
                     WILCO_OK);
    assert_true(gate_wait(&ended, 1));
    assert_true(asked.is_right);
    assert_int_equal(publish_response(p->responder, first, wilco_message_correlation_data(first)),
                     0x87);
    expect_no_others(p);
    assert_int_equal(asked.answers, 1);
    wilco_message_unref(first);
    gate_fini(&ended);
}

static void *
answer_from_here(void *call)
{
    assert_int_equal(wilco_reply_bytes(call, WILCO_TEXT("from afar")), WILCO_OK);
    wilco_call_unref(call);
    return NULL;
}

static void
answer_from_thread(void *context, struct wilco_call *call)
{
    pthread_t *thread = context;

    assert_int_equal(pthread_create(thread, NULL, answer_from_here, wilco_call_ref(call)), 0);
}

static void
test_answer_from_another_thread(void **state)
{
    struct pair *p = *state;
    const struct wilco_request request = {.topic = "thread"};
    struct wilco_message *response = NULL;
    pthread_t thread;

    scenario_respond(p->responder, "thread", NULL, answer_from_thread, &thread);
    assert_int_equal(wilco_request(p->requester, &request, &response), WILCO_OK);
    assert_true(bytes_equal(wilco_message_payload(response), WILCO_TEXT("from afar")));
    wilco_message_unref(response);
    (void)pthread_join(thread, NULL);
}

static void
on_ended(void *context, enum wilco_status status, const struct wilco_message *response)
{
    struct asked *a = context;

    a->answers++;
    a->is_right = status == WILCO_ECLOSED && response == NULL;
    gate_raise(a->ended);
}

static void
test_broker_stops(void **state)
{
    struct pair *p = *state;
    const struct wilco_request request = {.topic = "keep", .timeout_ms = 60000};
    struct gate ended;
    struct asked asked = {.ended = &ended};

    gate_init(&ended);
    scenario_respond(p->responder, "keep", NULL, keep_call, &p->keeper);
    assert_int_equal(wilco_request_start(p->requester, &request, on_ended, &asked, NULL), WILCO_OK);
    assert_true(gate_wait(&p->keeper.came, 1));
    scenario_close(&p->s);
    assert_true(gate_wait(&ended, 1));
    assert_true(asked.is_right);
    assert_int_not_equal(wilco_reply_bytes(p->keeper.calls[0], bytes_of("too late")), WILCO_EINVAL);
    assert_int_equal(wilco_request(p->requester, &request, &(struct wilco_message *){NULL}),
                     WILCO_ECLOSED);
    assert_int_equal(asked.answers, 1);
    gate_fini(&ended);
}

static void
test_close_with_pending(void **state)
{
    struct pair *p = *state;
    const struct wilco_request request = {.topic = "keep", .timeout_ms = 60000};
    struct gate ended;
    struct asked asked = {.ended = &ended};

    gate_init(&ended);
    scenario_respond(p->responder, "keep", NULL, keep_call, &p->keeper);
    assert_int_equal(wilco_request_start(p->requester, &request, on_ended, &asked, NULL), WILCO_OK);
    assert_true(gate_wait(&p->keeper.came, 1));
    wilco_close(p->requester);
    p->requester = NULL;
    assert_int_equal(gate_count(&ended), 1);
    assert_true(asked.is_right);
    wilco_close(p->responder); /* with a call unanswered */
    p->responder = NULL;
    gate_fini(&ended);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_shuffled),
        cmocka_unit_test_setup_teardown(test_every_qos, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(test_error_status, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(test_nobody_there, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(test_nothing_but_the_answer, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(test_answer_from_another_thread, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(test_broker_stops, open_pair, close_pair),
        cmocka_unit_test_setup_teardown(test_close_with_pending, open_pair, close_pair),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
