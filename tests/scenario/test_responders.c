/* Responders against the broker: what comes again, how many at a time, words about a request while
 * it runs, parts, and members of a group that leave one after the other. */
#include "scenario.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- A hundred times the same ---- */

#define TIMES 100U

struct copies {
    struct gate came;
    atomic_uint executed, wrong;
};

static void
execute(void *context, struct wilco_call *call)
{
    struct copies *c = context;
    char text[16];

    (void)snprintf(text, sizeof(text), "%u", atomic_fetch_add(&c->executed, 1));
    (void)wilco_reply_bytes(call, (struct wilco_bytes){text, strlen(text)});
}

static void
on_copy(void *context, const struct wilco_message *m)
{
    struct copies *c = context;
    struct wilco_bytes payload = wilco_message_payload(m);

    if (wilco_message_status(m) != 200 || payload.len != 1 || memcmp(payload.data, "0", 1) != 0) {
        atomic_fetch_add(&c->wrong, 1);
    }
    gate_raise(&c->came);
}

static void
a_hundred_times_the_same_is_executed_once(void **state)
{
    const struct wilco_publish same = {.topic = "do",
                                       .qos = 1,
                                       .response_topic = "answers",
                                       .correlation_data = WILCO_TEXT("one"),
                                       .has_expiry = true,
                                       .expiry_s = 60};
    const struct wilco_subscription answers = {.filter = "answers", .qos = 1};
    struct wilco_counters counters;
    struct copies copies = {.executed = 0};
    struct scenario s;
    struct wilco *asker = NULL;
    struct wilco *responder = NULL;

    (void)state;
    scenario_open(&s, 2);
    gate_init(&copies.came);
    asker = scenario_client(&s, "asker");
    responder = scenario_client(&s, "responder");
    scenario_respond(responder, "do", NULL, execute, &copies);
    assert_int_equal(wilco_subscribe(asker, &answers, on_copy, &copies, NULL), WILCO_OK);
    for (unsigned i = 0; i < TIMES; i++) {
        assert_int_equal(wilco_publish_start(asker, &same, NULL, NULL), WILCO_OK);
    }
    assert_true(gate_wait(&copies.came, TIMES));
    assert_int_equal(atomic_load(&copies.executed), 1);
    assert_int_equal(atomic_load(&copies.wrong), 0);
    wilco_counters(responder, &counters);
    assert_int_equal(counters.calls_repeated, TIMES - 1);
    wilco_close(asker);
    wilco_close(responder);
    scenario_close(&s);
    gate_fini(&copies.came);
}

/* ---- How many at a time ---- */

#define LIMIT   4U
#define CALLS   200U
#define WORKERS 8U

/* Workers on threads of their own, more than the limit, that answer what the handler puts here. */
struct workshop {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct wilco_call *calls[CALLS];
    size_t count, taken;
    unsigned running, running_max;
    bool is_closed;
};

static void
put_in_workshop(void *context, struct wilco_call *call)
{
    struct workshop *w = context;

    (void)pthread_mutex_lock(&w->lock);
    w->running++;
    w->running_max = w->running > w->running_max ? w->running : w->running_max;
    w->calls[w->count++] = wilco_call_ref(call);
    (void)pthread_cond_signal(&w->changed);
    (void)pthread_mutex_unlock(&w->lock);
}

static struct wilco_call *
take_work(struct workshop *w)
{
    struct wilco_call *call = NULL;

    (void)pthread_mutex_lock(&w->lock);
    while (w->taken == w->count && !w->is_closed) {
        (void)pthread_cond_wait(&w->changed, &w->lock);
    }
    if (w->taken < w->count) {
        call = w->calls[w->taken++];
    }
    (void)pthread_mutex_unlock(&w->lock);
    return call;
}

static void *
work(void *context)
{
    struct workshop *w = context;
    struct wilco_call *call = NULL;

    while ((call = take_work(w)) != NULL) {
        (void)pthread_mutex_lock(&w->lock);
        w->running--; /* before the answer: what comes in its place may come at once */
        (void)pthread_mutex_unlock(&w->lock);
        (void)wilco_reply_bytes(call, WILCO_TEXT("done"));
        wilco_call_unref(call);
    }
    return NULL;
}

struct answers {
    struct gate came;
    atomic_uint good, busy, other;
};

static void
on_answer(void *context, enum wilco_status status, const struct wilco_message *response)
{
    struct answers *a = context;

    if (status == WILCO_OK) {
        atomic_fetch_add(&a->good, 1);
    } else if (status == WILCO_EREMOTE && wilco_message_status(response) == 429) {
        atomic_fetch_add(&a->busy, 1);
    } else {
        atomic_fetch_add(&a->other, 1);
    }
    gate_raise(&a->came);
}

static void
check_limit(const struct wilco_responder *responder, uint16_t receive_maximum)
{
    const struct wilco_request request = {.topic = "work", .timeout_ms = 60000};
    struct wilco_options options = {.client_id = "works", .receive_maximum = receive_maximum};
    struct workshop w = {.count = 0};
    struct answers answers = {.good = 0};
    pthread_t workers[WORKERS];
    struct wilco *asker = NULL;
    struct wilco *works = NULL;
    struct scenario s;

    scenario_open(&s, 2);
    gate_init(&answers.came);
    (void)pthread_mutex_init(&w.lock, NULL);
    (void)pthread_cond_init(&w.changed, NULL);
    asker = scenario_client(&s, "asker");
    options.url = s.url;
    assert_int_equal(wilco_open(&works, &options), WILCO_OK);
    assert_int_equal(wilco_respond(works, responder, put_in_workshop, &w, NULL), WILCO_OK);
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_create(&workers[i], NULL, work, &w), 0);
    }
    for (unsigned i = 0; i < CALLS; i++) {
        assert_int_equal(wilco_request_start(asker, &request, on_answer, &answers, NULL), WILCO_OK);
    }
    assert_true(gate_wait(&answers.came, CALLS));
    assert_true(w.running_max <= LIMIT);
    assert_int_equal(atomic_load(&answers.good), w.count);
    assert_int_equal(atomic_load(&answers.good) + atomic_load(&answers.busy), CALLS);
    assert_true(responder->queue_max == 0 || atomic_load(&answers.busy) == 0);
    (void)pthread_mutex_lock(&w.lock);
    w.is_closed = true;
    (void)pthread_cond_broadcast(&w.changed);
    (void)pthread_mutex_unlock(&w.lock);
    for (unsigned i = 0; i < WORKERS; i++) {
        (void)pthread_join(workers[i], NULL);
    }
    wilco_close(asker);
    wilco_close(works);
    scenario_close(&s);
    (void)pthread_mutex_destroy(&w.lock);
    (void)pthread_cond_destroy(&w.changed);
    gate_fini(&answers.came);
}

static void
never_more_than_the_limit(void **state)
{
    (void)state;
    check_limit(&(struct wilco_responder){.filter = "work", .concurrency_max = LIMIT}, 0);
    check_limit(
        &(struct wilco_responder){.filter = "work", .concurrency_max = LIMIT, .queue_max = CALLS},
        0);
    /* Here it is the server that waits. */
    check_limit(
        &(struct wilco_responder){
            .filter = "work", .concurrency_max = LIMIT, .queue_max = LIMIT, .ack_late = true},
        LIMIT);
}

/* ---- Words about a request ---- */

struct watched {
    struct gate came, changed;
    struct wilco_call *call;
};

static void
on_change(void *context, struct wilco_call *call)
{
    struct watched *w = context;

    (void)call;
    gate_raise(&w->changed);
}

static void
watch(void *context, struct wilco_call *call)
{
    struct watched *w = context;

    w->call = wilco_call_ref(call);
    wilco_call_watch(call, on_change, w);
    gate_raise(&w->came);
}

static void
a_request_is_taken_back_while_it_runs(void **state)
{
    const struct wilco_request request = {.topic = "slow", .timeout_ms = 60000};
    struct answers answers = {.good = 0};
    struct watched w = {.call = NULL};
    struct wilco *asker = NULL;
    struct wilco *works = NULL;
    struct scenario s;
    uint64_t call = 0;

    (void)state;
    scenario_open(&s, 2);
    gate_init(&answers.came);
    gate_init(&w.came);
    gate_init(&w.changed);
    asker = scenario_client(&s, "asker");
    works = scenario_client(&s, "works");
    scenario_respond(works, "slow", "g", watch, &w);
    assert_int_equal(wilco_request_start(asker, &request, on_answer, &answers, &call), WILCO_OK);
    assert_true(gate_wait(&w.came, 1));
    assert_false(wilco_call_is_cancelled(w.call));
    assert_int_equal(wilco_request_cancel(asker, call), WILCO_OK);
    assert_true(gate_wait(&w.changed, 1));
    assert_true(wilco_call_is_cancelled(w.call));
    assert_int_equal(wilco_reply_bytes(w.call, WILCO_TEXT("late")), WILCO_ECANCELLED);
    wilco_call_unref(w.call);
    wilco_close(asker);
    wilco_close(works);
    scenario_close(&s);
    gate_fini(&answers.came);
    gate_fini(&w.came);
    gate_fini(&w.changed);
}

/* ---- Members that leave ---- */

#define MEMBERS 3U
#define TURNS   4U

static void
answer_at_once(void *context, struct wilco_call *call)
{
    (void)context;
    (void)wilco_reply_bytes(call, WILCO_TEXT("here"));
}

struct load {
    struct wilco *asker;
    struct answers answers;
    atomic_uint asked;
    atomic_bool is_over;
};

static void ask_on(struct load *l);

static void
on_load_answer(void *context, enum wilco_status status, const struct wilco_message *response)
{
    struct load *l = context;

    if (!atomic_load(&l->is_over)) {
        ask_on(l);
    }
    on_answer(&l->answers, status, response);
}

static void
ask_on(struct load *l)
{
    const struct wilco_request request = {.topic = "rolling", .timeout_ms = 60000};

    atomic_fetch_add(&l->asked, 1);
    if (wilco_request_start(l->asker, &request, on_load_answer, l, NULL) != WILCO_OK) {
        atomic_fetch_add(&l->answers.other, 1);
        gate_raise(&l->answers.came);
    }
}

static void
a_rolling_restart_fails_nobody(void **state)
{
    const char *const filter = "rolling";
    struct wilco *members[MEMBERS];
    struct load l = {.asked = 0};
    struct scenario s;

    (void)state;
    scenario_open(&s, 2);
    gate_init(&l.answers.came);
    for (unsigned i = 0; i < MEMBERS; i++) {
        members[i] = scenario_client(&s, NULL);
        scenario_respond(members[i], filter, "g", answer_at_once, NULL);
    }
    l.asker = scenario_client(&s, "asker");
    for (unsigned i = 0; i < 64; i++) {
        ask_on(&l);
    }
    for (unsigned turn = 0; turn < TURNS * MEMBERS; turn++) {
        struct wilco **member = &members[turn % MEMBERS];

        assert_true(gate_wait(&l.answers.came, gate_count(&l.answers.came) + 200));
        assert_int_equal(wilco_responder_stop(*member, filter, 30000), WILCO_OK);
        wilco_close(*member);
        *member = scenario_client(&s, NULL);
        scenario_respond(*member, filter, "g", answer_at_once, NULL);
    }
    atomic_store(&l.is_over, true);
    assert_true(gate_wait(&l.answers.came, atomic_load(&l.asked)));
    assert_int_equal(atomic_load(&l.answers.other) + atomic_load(&l.answers.busy), 0);
    print_message("%u requests\n", atomic_load(&l.asked));
    wilco_close(l.asker);
    for (unsigned i = 0; i < MEMBERS; i++) {
        wilco_close(members[i]);
    }
    scenario_close(&s);
    gate_fini(&l.answers.came);
}

static void
a_responder_is_stopped_with_work_left(void **state)
{
    const struct wilco_request request = {.topic = "slow", .timeout_ms = 60000};
    struct answers answers = {.good = 0};
    struct watched w = {.call = NULL};
    struct wilco *asker = NULL;
    struct wilco *works = NULL;
    struct scenario s;

    (void)state;
    scenario_open(&s, 2);
    gate_init(&answers.came);
    gate_init(&w.came);
    gate_init(&w.changed);
    asker = scenario_client(&s, "asker");
    works = scenario_client(&s, "works");
    assert_int_equal(wilco_responder_stop(works, "slow", 1), WILCO_ENOTFOUND);
    scenario_respond(works, "slow", "g", watch, &w);
    assert_int_equal(wilco_request_start(asker, &request, on_answer, &answers, NULL), WILCO_OK);
    assert_true(gate_wait(&w.came, 1));
    assert_int_equal(wilco_responder_stop(works, "slow", 20), WILCO_ETIMEDOUT);
    assert_true(gate_wait(&answers.came, 1)); /* 503 */
    assert_int_equal(atomic_load(&answers.other), 1);
    assert_int_equal(wilco_reply_bytes(w.call, WILCO_TEXT("late")), WILCO_ECANCELLED);
    wilco_call_unref(w.call);
    assert_int_equal(wilco_responder_stop(works, "slow", 1), WILCO_ENOTFOUND);
    wilco_close(asker);
    wilco_close(works);
    scenario_close(&s);
    gate_fini(&answers.came);
    gate_fini(&w.came);
    gate_fini(&w.changed);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_times_the_same_is_executed_once),
        cmocka_unit_test(never_more_than_the_limit),
        cmocka_unit_test(a_request_is_taken_back_while_it_runs),
        cmocka_unit_test(a_rolling_restart_fails_nobody),
        cmocka_unit_test(a_responder_is_stopped_with_work_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
