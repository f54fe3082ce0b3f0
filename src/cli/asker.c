#define _POSIX_C_SOURCE 200809L

#include "cli/asker.h"

#include "cli/exit_code.h"
#include "cli/memory.h"
#include "cli/say.h"
#include "cli/wake.h"

#include <assert.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* The main thread asks, into a free place; the library's thread frees the place when the request
 * has ended, and wakes the main thread. */

struct place {
    struct asker *asker;
    struct place *next_free;
    char *topic;
    uint64_t call, tag, due_us;
    struct wilco_error error;
};

struct asker {
    struct asker_plan plan;
    struct place *places;

    pthread_mutex_t lock; /* of the rest, and of the plan's part() and ended() */
    struct place *free;
    size_t in_flight;
    int exit_code; /* of the first that failed */
    struct asker_outcome outcome;
};

struct asker *
asker_new(const struct asker_plan *plan)
{
    struct asker *a = memory_get(1, sizeof(*a));

    a->plan = *plan;
    a->places = memory_get(plan->in_flight_max, sizeof(*a->places));
    for (size_t i = 0; i < plan->in_flight_max; i++) {
        a->places[i] = (struct place){.asker = a, .next_free = a->free};
        a->free = &a->places[i];
    }
    (void)pthread_mutex_init(&a->lock, NULL);
    return a;
}

void
asker_free(struct asker *a)
{
    (void)pthread_mutex_destroy(&a->lock);
    for (size_t i = 0; i < a->plan.in_flight_max; i++) {
        free(a->places[i].topic);
    }
    free(a->places);
    free(a);
}

/* ---- When one has ended ---- */

static void
count_one(struct asker *a, enum wilco_status status, uint64_t due_us)
{
    if (status == WILCO_OK) {
        a->outcome.answered++;
        latencies_add(&a->outcome.latencies, wake_now_us() - due_us);
    } else {
        assert(-(int)status < (int)ASKER_STATUSES);
        a->outcome.failed[-(int)status]++;
    }
}

static void
end_one(struct place *p, enum wilco_status status, const struct wilco_message *response)
{
    struct asker *a = p->asker;
    const struct ending ending = {p->tag, p->topic, status, response, &p->error};
    int exit_code;

    (void)pthread_mutex_lock(&a->lock);
    count_one(a, status, p->due_us);
    exit_code = a->plan.ended(a->plan.context, &ending);
    if (a->exit_code == EXIT_CODE_OK) {
        a->exit_code = exit_code;
    }
    p->next_free = a->free;
    a->free = p;
    a->in_flight--;
    (void)pthread_mutex_unlock(&a->lock);
    wake_up();
}

static void
on_response(void *context, enum wilco_status status, const struct wilco_message *response)
{
    end_one(context, status, response);
}

static void
on_part(void *context, const struct wilco_message *part)
{
    const struct place *p = context;
    struct asker *a = p->asker;

    (void)pthread_mutex_lock(&a->lock);
    a->plan.part(a->plan.context, part);
    (void)pthread_mutex_unlock(&a->lock);
}

/* ---- Asking ---- */

static struct place *
take_place(struct asker *a)
{
    struct place *p;

    (void)pthread_mutex_lock(&a->lock);
    p = a->free;
    assert(p != NULL);
    a->free = p->next_free;
    a->in_flight++;
    (void)pthread_mutex_unlock(&a->lock);
    return p;
}

static size_t
in_flight(struct asker *a)
{
    size_t count;

    (void)pthread_mutex_lock(&a->lock);
    count = a->in_flight;
    (void)pthread_mutex_unlock(&a->lock);
    return count;
}

static void
ask(struct asker *a, struct question *q)
{
    struct place *p = take_place(a);
    enum wilco_status status;

    free(p->topic);
    p->topic = memory_text("%s", q->request.topic);
    p->tag = q->tag;
    p->due_us = q->due_us;
    p->error = (struct wilco_error){0};
    q->request.error = &p->error;
    if (a->plan.part != NULL) {
        q->request.on_part = on_part;
        q->request.part_context = p;
    }
    a->outcome.asked++;
    status = wilco_request_start(a->plan.connection->client, &q->request, on_response, p, &p->call);
    if (status != WILCO_OK) {
        end_one(p, status, NULL);
    }
}

static void
wait_until(uint64_t due_us)
{
    uint64_t now_us = wake_now_us();
    uint64_t wait_ms = due_us <= now_us ? 0 : (due_us - now_us + 999) / 1000;

    if (wait_ms > 0) {
        wake_wait(wait_ms > INT_MAX ? INT_MAX : (int)wait_ms);
    }
}

static bool
is_over(const struct asker *a)
{
    return wake_signalled() || atomic_load(&a->plan.connection->is_lost) ||
           a->plan.is_over(a->plan.context);
}

static enum asker_next
take_turn(struct asker *a)
{
    struct question q = {.due_us = wake_now_us()};
    enum asker_next next;

    if (in_flight(a) == a->plan.in_flight_max) {
        wake_wait(-1);
        return ASKER_AGAIN;
    }
    next = a->plan.next(a->plan.context, &q);
    if (next == ASKER_ASK) {
        ask(a, &q);
    } else if (next == ASKER_LATER) {
        wait_until(q.due_us);
    }
    return next;
}

static void
cancel_all(struct asker *a)
{
    (void)pthread_mutex_lock(&a->lock);
    if (a->plan.cancelled != NULL) {
        a->plan.cancelled(a->plan.context);
    }
    (void)pthread_mutex_unlock(&a->lock);
    for (size_t i = 0; i < a->plan.in_flight_max; i++) {
        if (a->places[i].call != 0) {
            (void)wilco_request_cancel(a->plan.connection->client, a->places[i].call);
        }
    }
}

static void
wait_for_rest(struct asker *a)
{
    bool is_cancelled = false;

    while (in_flight(a) > 0) {
        if (!is_cancelled && (wake_signalled() || a->plan.is_over(a->plan.context))) {
            cancel_all(a);
            is_cancelled = true;
        } else {
            wake_wait(-1);
        }
    }
}

int
asker_run(struct asker *a)
{
    enum asker_next next = ASKER_AGAIN;

    while (next != ASKER_END && next != ASKER_FAILED && !is_over(a)) {
        next = take_turn(a);
    }
    wait_for_rest(a);
    return next == ASKER_FAILED ? EXIT_CODE_USAGE : a->exit_code;
}

/* ---- What it came to ---- */

const struct asker_outcome *
asker_outcome(const struct asker *a)
{
    return &a->outcome;
}

uint64_t
asker_outcome_failed(const struct asker_outcome *o)
{
    uint64_t failed = 0;

    for (size_t i = 0; i < ASKER_STATUSES; i++) {
        failed += o->failed[i];
    }
    return failed;
}

/* ": 2 no responder, 1 the deadline passed" */
static void
write_reasons(char *out, size_t size, const struct asker_outcome *o)
{
    size_t used = 0;

    *out = '\0';
    for (size_t i = 1; i < ASKER_STATUSES && used < size; i++) {
        if (o->failed[i] > 0) {
            used += (size_t)snprintf(out + used, size - used, "%s%" PRIu64 " %s",
                                     used == 0 ? ": " : ", ", o->failed[i],
                                     wilco_status_text((enum wilco_status)(-(int)i)));
        }
    }
}

void
asker_say_outcome(const struct asker_outcome *o)
{
    char reasons[512];

    write_reasons(reasons, sizeof(reasons), o);
    say_note("%" PRIu64 " asked, %" PRIu64 " answered, %" PRIu64 " failed%s", o->asked, o->answered,
             asker_outcome_failed(o), reasons);
    if (o->answered > 0) {
        say_note("answered after p50 %s, p99 %s, max %s",
                 latency_text(latencies_percentile(&o->latencies, 50)).text,
                 latency_text(latencies_percentile(&o->latencies, 99)).text,
                 latency_text(o->latencies.max_us).text);
    }
}
