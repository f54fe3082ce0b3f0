#define _POSIX_C_SOURCE 200809L

#include "cli/jobs.h"

#include "cli/job.h"
#include "cli/memory.h"
#include "cli/wake.h"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

struct waiting {
    struct wilco_call *call;
    uint64_t deadline_ms;
};

struct jobs {
    char *command;
    struct answers *answers;
    uint32_t timeout_ms;

    struct job *running; /* the first `running_count` are in use */
    size_t running_count, running_max;
    struct pollfd *polled; /* two for each, and one to be woken by */

    pthread_mutex_t lock; /* of the queue, which is a ring */
    struct waiting *queue;
    size_t queue_first, queue_count, queue_max;
    bool is_stopped;
};

struct jobs *
jobs_new(const struct jobs_options *options)
{
    struct jobs *jobs = memory_get(1, sizeof(*jobs));

    *jobs = (struct jobs){
        .command = memory_text("%s", options->command),
        .answers = options->answers,
        .timeout_ms = options->timeout_ms,
        .running = memory_get(options->concurrency_max, sizeof(*jobs->running)),
        .running_max = options->concurrency_max,
        .polled = memory_get(2 * (size_t)options->concurrency_max + 1, sizeof(*jobs->polled)),
        .queue = memory_get(options->queue_max, sizeof(*jobs->queue)),
        .queue_max = options->queue_max,
    };
    (void)pthread_mutex_init(&jobs->lock, NULL);
    wake_on_children();
    return jobs;
}

/* Taken back, most likely: the main thread looks. */
static void
on_change(void *context, struct wilco_call *call)
{
    (void)context;
    (void)call;
    wake_up();
}

void
jobs_add(struct jobs *jobs, struct wilco_call *call)
{
    uint32_t remaining_ms = wilco_call_remaining_ms(call);
    uint32_t timeout_ms = remaining_ms == UINT32_MAX ? jobs->timeout_ms : remaining_ms;
    struct waiting added = {.call = call, .deadline_ms = wake_now_ms() + timeout_ms};
    bool has_room, is_stopped;

    (void)pthread_mutex_lock(&jobs->lock);
    is_stopped = jobs->is_stopped;
    has_room = !is_stopped && jobs->queue_count < jobs->queue_max;
    if (has_room) {
        (void)wilco_call_ref(call);
        jobs->queue[(jobs->queue_first + jobs->queue_count++) % jobs->queue_max] = added;
    }
    (void)pthread_mutex_unlock(&jobs->lock);
    if (has_room) {
        wilco_call_watch(call, on_change, NULL);
        wake_up();
    } else if (is_stopped) {
        answer_error(jobs->answers, call, 503, "the responder ends");
    } else {
        answer_error(jobs->answers, call, 429, "the responder is busy");
    }
}

static bool
take_waiting(struct jobs *jobs, struct waiting *out)
{
    bool is_there;

    (void)pthread_mutex_lock(&jobs->lock);
    is_there = jobs->queue_count > 0;
    if (is_there) {
        *out = jobs->queue[jobs->queue_first];
        jobs->queue_first = (jobs->queue_first + 1) % jobs->queue_max;
        jobs->queue_count--;
    }
    (void)pthread_mutex_unlock(&jobs->lock);
    return is_there;
}

static void
start_waiting(struct jobs *jobs)
{
    struct waiting next;

    while (jobs->running_count < jobs->running_max && take_waiting(jobs, &next)) {
        if (wake_now_ms() >= next.deadline_ms) {
            answer_error(jobs->answers, next.call, 504, "the responder was too busy");
            wilco_call_unref(next.call);
        } else if (job_start(&jobs->running[jobs->running_count], jobs->command, next.call,
                             next.deadline_ms, jobs->answers)) {
            jobs->running_count++;
        }
    }
}

static int
time_to_wait(const struct jobs *jobs)
{
    uint64_t first_ms = UINT64_MAX, now_ms = wake_now_ms();

    for (size_t i = 0; i < jobs->running_count; i++) {
        uint64_t deadline_ms = job_deadline_ms(&jobs->running[i]);

        first_ms = deadline_ms < first_ms ? deadline_ms : first_ms;
    }
    if (first_ms <= now_ms) {
        return 0;
    }
    return first_ms - now_ms > INT_MAX ? -1 : (int)(first_ms - now_ms);
}

static void
advance(struct jobs *jobs)
{
    uint64_t now_ms = wake_now_ms();

    for (size_t i = jobs->running_count; i-- > 0;) {
        struct job *j = &jobs->running[i];

        job_advance(j, &jobs->polled[2 * i], now_ms);
        if (job_is_over(j, jobs->answers)) {
            *j = jobs->running[--jobs->running_count]; /* it had its turn */
        }
    }
}

void
jobs_turn(struct jobs *jobs)
{
    size_t count;

    start_waiting(jobs);
    count = 2 * jobs->running_count;
    for (size_t i = 0; i < jobs->running_count; i++) {
        job_poll_for(&jobs->running[i], &jobs->polled[2 * i]);
    }
    jobs->polled[count] = (struct pollfd){.fd = wake_descriptor(), .events = POLLIN};
    if (poll(jobs->polled, (nfds_t)count + 1, time_to_wait(jobs)) < 0) {
        return; /* a signal: its handler wakes the next turn */
    }
    if (jobs->polled[count].revents != 0) {
        wake_clear();
    }
    advance(jobs);
}

void
jobs_stop(struct jobs *jobs)
{
    struct waiting next;

    (void)pthread_mutex_lock(&jobs->lock);
    jobs->is_stopped = true;
    (void)pthread_mutex_unlock(&jobs->lock);
    for (size_t i = 0; i < jobs->running_count; i++) {
        job_abort(&jobs->running[i], jobs->answers);
    }
    jobs->running_count = 0;
    while (take_waiting(jobs, &next)) {
        answer_error(jobs->answers, next.call, 503, "the responder ends");
        wilco_call_unref(next.call);
    }
}

void
jobs_free(struct jobs *jobs)
{
    (void)pthread_mutex_destroy(&jobs->lock);
    free(jobs->queue);
    free(jobs->polled);
    free(jobs->running);
    free(jobs->command);
    free(jobs);
}
