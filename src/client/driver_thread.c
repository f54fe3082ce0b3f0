#define _POSIX_C_SOURCE 200809L

#include "client/driver_thread.h"

#include "base/clock.h"
#include "client/call.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#define LAST_WORDS_MS 3000U /* without any of them being taken */
#define LAST_EARS_MS  1000U
#define INPUT_BYTES   65536U /* read at once */

struct driver {
    struct wilco *client;
    uint8_t input[INPUT_BYTES];
};

struct driver *
driver_new(struct wilco *c)
{
    struct driver *d = mem_alloc(c->alloc, sizeof(*d));

    if (d != NULL) {
        d->client = c;
    }
    return d;
}

void
driver_free(struct driver *d)
{
    if (d != NULL) {
        mem_free(d->client->alloc, d);
    }
}

static short
poll_events(unsigned interest)
{
    unsigned events = 0;

    events |= (interest & STREAM_READABLE) != 0 ? (unsigned)POLLIN : 0U;
    events |= (interest & STREAM_WRITABLE) != 0 ? (unsigned)POLLOUT : 0U;
    return (short)events;
}

static unsigned
interest_of(const struct wilco *c)
{
    unsigned interest = c->stream->ops->interest(c->stream, false);

    if (core_has_output(c->core)) {
        interest |= c->stream->ops->interest(c->stream, true);
    }
    return interest;
}

static int
timeout_until(uint64_t deadline_ms)
{
    uint64_t now_ms = clock_monotonic_ms();

    if (deadline_ms == UINT64_MAX) {
        return -1;
    }
    if (deadline_ms <= now_ms) {
        return 0;
    }
    return deadline_ms - now_ms < INT_MAX ? (int)(deadline_ms - now_ms) : INT_MAX;
}

static void
drain_wake(struct wilco *c)
{
    char bytes[16];

    if (c->is_woken) {
        while (read(c->wake[0], bytes, sizeof(bytes)) < 0 && errno == EINTR) {
        }
        c->is_woken = false;
    }
}

/* Sleeps, without the lock, until there is something to do or `deadline_ms`. Whether the connection
 * is ready. */
static bool
wait_for_work(struct wilco *c, uint64_t deadline_ms)
{
    struct pollfd fds[2] = {
        {.fd = stream_fd(c->stream), .events = poll_events(interest_of(c))},
        {.fd = c->wake[0], .events = POLLIN},
    };
    bool is_pending = c->stream->ops->has_pending(c->stream) || core_has_events(c->core);
    int ready = 0;

    c->poll_until_ms = deadline_ms;
    c->is_polling = true;
    (void)pthread_mutex_unlock(&c->lock);
    ready = poll(fds, 2, is_pending ? 0 : timeout_until(deadline_ms));
    (void)pthread_mutex_lock(&c->lock);
    c->is_polling = false;
    drain_wake(c);
    return is_pending || (ready > 0 && (fds[0].revents & ~POLLOUT) != 0);
}

static void
lose(struct wilco *c, enum wilco_status status, int error)
{
    char message[80] = "the server closed the connection";

    if (status != WILCO_ECLOSED) {
        (void)strerror_r(error, message, sizeof(message));
    }
    core_lost(c->core, message);
}

static void
read_once(struct driver *d)
{
    struct wilco *c = d->client;
    size_t len = 0;
    enum wilco_status st = stream_read(c->stream, d->input, INPUT_BYTES, &len);

    if (st == WILCO_OK) {
        core_feed(c->core, span_of(d->input, len), clock_monotonic_ms());
    } else if (st != WILCO_AGAIN) {
        lose(c, st, errno);
    }
}

/* One round of input and output: the answers that have come count before the deadlines that have
 * passed. */
static void
turn(struct driver *d)
{
    struct wilco *c = d->client;

    if (wait_for_work(c, core_deadline_ms(c->core))) {
        read_once(d);
    }
    core_tick(c->core, clock_monotonic_ms());
    client_settle(c);
    client_made_room(c);
}

static void
run_callback(struct wilco *c, struct core_event *event, const struct wilco_error *why)
{
    switch (event->kind) {
    case CORE_MESSAGE: event->to.on_message(event->context, event->message); break;
    case CORE_CALL:
        event->call->client = c;
        client_ref(c);
        event->to.on_request(event->context, event->call);
        wilco_call_unref(event->call);
        break;
    case CORE_CHANGED:
        event->to.changed(event->context, event->call);
        wilco_call_unref(event->call);
        break;
    case CORE_RESPONSE:
        event->to.on_response(event->context, event->status,
                              message_as_response(event->message, event->status));
        break;
    case CORE_PUBLISHED:
        event->to.published(event->context, event->status, event->reason_code);
        break;
    case CORE_OPERATION: break; /* is always awaited */
    case CORE_ENDED:
        if (c->closed != NULL) {
            c->closed(c->context, why);
        }
        break;
    }
    wilco_message_unref(event->message);
}

/* Runs the callbacks, without the lock. */
static void
tell(struct wilco *c)
{
    struct core_event event;
    struct wilco_error why = {.reason_code = 0};

    while (!(c->is_stopping && core_state(c->core) == CORE_OPEN) &&
           core_next_event(c->core, &event, clock_monotonic_ms())) {
        if (event.kind == CORE_ENDED) {
            (void)core_why(c->core, &why);
        }
        (void)pthread_mutex_unlock(&c->lock);
        run_callback(c, &event, &why);
        (void)pthread_mutex_lock(&c->lock);
    }
}

/* Sleeps, without the lock, until the connection is ready for `events`; false: not before
 * `deadline_ms`. */
static bool
linger(struct wilco *c, short events, uint64_t deadline_ms)
{
    struct pollfd p = {.fd = stream_fd(c->stream), .events = events};
    int ready = 0;

    (void)pthread_mutex_unlock(&c->lock);
    ready = poll(&p, 1, timeout_until(deadline_ms));
    (void)pthread_mutex_lock(&c->lock);
    return ready > 0 || clock_monotonic_ms() < deadline_ms;
}

/* Writes what is left, DISCONNECT included, as long as the server takes any of it, and reads on
 * until the server has closed too, so that nothing is lost on the way; but it does not wait long
 * for either. */
static void
say_last_words(struct driver *d)
{
    struct wilco *c = d->client;
    uint64_t deadline_ms = clock_monotonic_ms() + LAST_WORDS_MS;
    enum wilco_status st = WILCO_OK;
    size_t len = 0;

    while (core_has_output(c->core) && linger(c, POLLOUT, deadline_ms)) {
        if (client_flush(c)) {
            deadline_ms = clock_monotonic_ms() + LAST_WORDS_MS;
        }
    }
    c->stream->ops->finish(c->stream);
    deadline_ms = clock_monotonic_ms() + LAST_EARS_MS;
    while (st == WILCO_OK || (st == WILCO_AGAIN && linger(c, POLLIN, deadline_ms))) {
        bool is_late = clock_monotonic_ms() >= deadline_ms;

        st = is_late ? WILCO_ECLOSED : stream_read(c->stream, d->input, INPUT_BYTES, &len);
    }
    stream_close(c->stream); /* [MQTT-3.14.4-2] */
    c->stream = NULL;
}

static void *
thread_main(void *argument)
{
    struct driver *d = argument;
    struct wilco *c = d->client;

    (void)pthread_mutex_lock(&c->lock);
    while (core_state(c->core) == CORE_OPEN && !c->is_stopping) {
        do {
            tell(c);
        } while (client_write_journals(c));
        (void)client_flush(c);
        if (core_state(c->core) == CORE_OPEN && !c->is_stopping) {
            turn(d);
        }
    }
    if (c->is_stopping) {
        (void)client_write_journals(c); /* answers wait for it */
        core_close(c->core);
    }
    (void)client_write_journals(c);
    client_settle(c);
    client_made_room(c);
    (void)client_flush(c);
    tell(c);
    say_last_words(d);
    (void)pthread_mutex_unlock(&c->lock);
    driver_free(d);
    return NULL;
}

/* Lets the application answer, without the lock. */
static void
answer_challenge(struct wilco *c)
{
    struct core_challenge asked;
    struct wilco_bytes answer = {.data = NULL};
    bool goes_on = false;

    if (!core_next_challenge(c->core, &asked)) {
        return;
    }
    (void)pthread_mutex_unlock(&c->lock);
    goes_on = asked.authenticate(asked.context, &asked.challenge, &answer);
    (void)pthread_mutex_lock(&c->lock);
    core_answer_challenge(c->core, goes_on, span_of(answer.data, answer.len), clock_monotonic_ms());
}

void
driver_handshake(struct driver *d)
{
    struct wilco *c = d->client;

    (void)pthread_mutex_lock(&c->lock);
    while (core_state(c->core) == CORE_CONNECTING) {
        (void)client_flush(c);
        turn(d);
        answer_challenge(c);
    }
    (void)client_flush(c);
    (void)pthread_mutex_unlock(&c->lock);
}

/* With every signal blocked: they are the application's, and for its threads. */
static bool
create_thread(struct driver *d)
{
    struct wilco *c = d->client;
    sigset_t all, before;
    bool is_ok = false;

    (void)sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) {
        return false;
    }
    (void)pthread_mutex_lock(&c->lock); /* the thread is to know who it is */
    is_ok = pthread_create(&c->thread, NULL, thread_main, d) == 0;
    c->has_thread = is_ok;
    (void)pthread_mutex_unlock(&c->lock);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return is_ok;
}

enum wilco_status
driver_start(struct driver *d)
{
    return create_thread(d) ? WILCO_OK : WILCO_ENOMEM;
}

void
driver_stop(struct wilco *c)
{
    pthread_t thread;

    (void)pthread_mutex_lock(&c->lock);
    c->is_stopping = true;
    client_wake(c);
    thread = c->thread;
    (void)pthread_mutex_unlock(&c->lock);
    (void)pthread_join(thread, NULL);
}
