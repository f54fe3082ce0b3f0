#define _POSIX_C_SOURCE 200809L

#include "cli/asker.h"

#include "cli/exit_code.h"
#include "cli/lines.h"
#include "cli/memory.h"
#include "cli/payload_template.h"
#include "cli/say.h"
#include "cli/wake.h"

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* The main thread asks, into a free place; the library's thread frees the place when the request
 * has ended, and wakes the main thread. In an open loop a request is due at a time that the ones
 * before have no influence on, and its latency counts from there. */

struct place {
    struct asker *asker;
    struct place *next_free;
    uint64_t call;
    uint64_t due_us;
    struct wilco_error error;
};

struct asker {
    struct asker_options o;
    struct lines lines;
    uint64_t start_us;
    uint64_t count_max; /* UINT64_MAX: as many as there are lines */
    bool is_at_end;     /* of the lines */
    struct place *places;
    size_t place_count;

    pthread_mutex_t lock; /* of the writer and the rest */
    struct place *free;
    size_t in_flight;
    int exit_code; /* of the first that failed */
    struct asker_outcome outcome;
};

static uint64_t
count_max(const struct asker_options *o)
{
    if (o->repeat->count.is_set) {
        return o->repeat->count.value;
    }
    return o->by_line || o->repeat->rate > 0 ? UINT64_MAX : 1;
}

#define IN_FLIGHT_BY_RATE 1024U

static size_t
place_count(const struct repeat *r)
{
    if (r->in_flight.is_set) {
        return r->in_flight.value;
    }
    return r->rate > 0 ? IN_FLIGHT_BY_RATE : 1;
}

struct asker *
asker_new(const struct asker_options *options)
{
    struct asker *a = memory_get(1, sizeof(*a));

    a->o = *options;
    a->lines = lines_of(STDIN_FILENO);
    a->count_max = count_max(options);
    a->place_count = place_count(options->repeat);
    a->places = memory_get(a->place_count, sizeof(*a->places));
    for (size_t i = 0; i < a->place_count; i++) {
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
    lines_fini(&a->lines);
    free(a->places);
    free(a);
}

const struct asker_outcome *
asker_outcome(const struct asker *a)
{
    return &a->outcome;
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

/* Under the lock, so that two threads never write at once. */
static void
note_end(struct asker *a, struct place *p, enum wilco_status status,
         const struct wilco_message *response)
{
    int exit_code =
        response_writer_end(a->o.writer, a->o.request->topic, status, response, &p->error);

    count_one(a, status, p->due_us);
    if (a->exit_code == EXIT_CODE_OK && exit_code != EXIT_CODE_OK) {
        a->exit_code = exit_code;
        a->o.writer->fails_quietly = a->count_max > 1; /* of many, the first failure is told */
    }
    p->next_free = a->free;
    a->free = p;
    a->in_flight--;
}

static void
end_one(struct place *p, enum wilco_status status, const struct wilco_message *response)
{
    struct asker *a = p->asker;

    (void)pthread_mutex_lock(&a->lock);
    note_end(a, p, status, response);
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
    response_writer_part(a->o.writer, part);
    (void)pthread_mutex_unlock(&a->lock);
}

/* ---- Asking ---- */

static struct place *
take_place(struct asker *a)
{
    struct place *p;

    (void)pthread_mutex_lock(&a->lock);
    p = a->free;
    if (p != NULL) {
        a->free = p->next_free;
        a->in_flight++;
    }
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
show_request(const struct asker *a, const struct wilco_request *r)
{
    const struct wilco_publish p = {
        .topic = r->topic,
        .payload = r->payload,
        .content_type = r->content_type,
        .response_topic = r->response_topic,
        .correlation_data = r->correlation_data,
        .user_properties = r->user_properties,
        .user_property_count = r->user_property_count,
    };

    if (a->o.writer->show) {
        struct view view = view_of_publish(&p);

        output_show(stderr, "request", &view);
        view_fini(&view);
    }
}

static void
ask(struct asker *a, struct wilco_bytes payload, uint64_t due_us)
{
    struct wilco_request r = *a->o.request;
    struct place *p = take_place(a);
    enum wilco_status status;

    assert(p != NULL);
    p->due_us = due_us;
    p->error = (struct wilco_error){0};
    r.payload = payload;
    r.error = &p->error;
    r.on_part = on_part;
    r.part_context = p;
    a->outcome.asked++;
    show_request(a, &r);
    status = wilco_request_start(a->o.connection->client, &r, on_response, p, &p->call);
    if (status != WILCO_OK) {
        end_one(p, status, NULL);
    }
}

static uint64_t
time_of_day_ms(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void
ask_from_template(struct asker *a, uint64_t due_us)
{
    struct wilco_bytes text = a->o.request->payload;
    size_t len = 0;
    char *payload;

    if (!a->o.repeat->count.is_set) {
        ask(a, text, due_us);
        return;
    }
    payload = payload_template_fill(text, a->outcome.asked + 1, time_of_day_ms(), &len);
    ask(a, (struct wilco_bytes){payload, len}, due_us);
    free(payload);
}

/* False when reading has failed, which has been said. */
static bool
ask_from_line(struct asker *a, uint64_t due_us)
{
    struct wilco_bytes line;
    int error = 0;

    switch (lines_next(&a->lines, &line, &error)) {
    case LINES_READ: ask(a, line, due_us > 0 ? due_us : wake_now_us()); break;
    case LINES_WOKEN: break;
    case LINES_END: a->is_at_end = true; break;
    case LINES_FAILED: say("cannot read standard input: %s", say_errno(error).text); return false;
    }
    return true;
}

static uint64_t
next_due_us(const struct asker *a)
{
    return a->start_us + (uint64_t)((double)a->outcome.asked * 1e6 / a->o.repeat->rate);
}

/* True when the next one may be asked now; otherwise it has waited a little. */
static bool
wait_until_due(struct asker *a, uint64_t *due_us)
{
    uint64_t now_us = wake_now_us();

    if (in_flight(a) == a->place_count) {
        wake_wait(-1);
        return false;
    }
    if (a->o.repeat->rate > 0) {
        uint64_t next_us = next_due_us(a), wait_ms = 0;

        if (next_us > now_us) {
            wait_ms = (next_us - now_us + 999) / 1000;
            wake_wait(wait_ms > INT_MAX ? INT_MAX : (int)wait_ms);
            return false;
        }
        *due_us = next_us;
        return true;
    }
    *due_us = a->o.by_line ? 0 : now_us; /* a line is asked for when it has come */
    return true;
}

static bool
is_over(const struct asker *a)
{
    return a->is_at_end || a->outcome.asked >= a->count_max || wake_signalled() ||
           atomic_load(&a->o.writer->is_broken) || atomic_load(&a->o.connection->is_lost);
}

static void
cancel_all(struct asker *a)
{
    (void)pthread_mutex_lock(&a->lock);
    a->o.writer->fails_quietly = true;
    (void)pthread_mutex_unlock(&a->lock);
    for (size_t i = 0; i < a->place_count; i++) {
        if (a->places[i].call != 0) {
            (void)wilco_request_cancel(a->o.connection->client, a->places[i].call);
        }
    }
}

/* Until all have ended; a signal cancels them, so that their responders are told. */
static void
wait_for_rest(struct asker *a)
{
    bool is_cancelled = false;

    while (in_flight(a) > 0) {
        bool is_enough = wake_signalled() || atomic_load(&a->o.writer->is_broken);

        if (is_enough && !is_cancelled) {
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
    bool can_read = true;
    uint64_t due_us = 0;

    a->start_us = wake_now_us();
    while (can_read && !is_over(a)) {
        if (!wait_until_due(a, &due_us)) {
            continue;
        }
        if (a->o.by_line) {
            can_read = ask_from_line(a, due_us);
        } else {
            ask_from_template(a, due_us);
        }
    }
    wait_for_rest(a);
    if (!can_read || atomic_load(&a->o.writer->is_broken)) {
        return EXIT_CODE_USAGE;
    }
    return a->exit_code;
}
