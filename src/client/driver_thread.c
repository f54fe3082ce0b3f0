#define _POSIX_C_SOURCE 200809L

#include "client/driver_thread.h"

#include "base/clock.h"
#include "client/callbacks.h"
#include "client/transport.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#define LAST_WORDS_MS 3000U /* without any of them being taken */
#define LAST_EARS_MS  1000U

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
        {.fd = transport_fd(c), .events = transport_events(c)},
        {.fd = c->wake[0], .events = POLLIN},
    };
    bool is_pending = transport_has_pending(c) || core_has_events(c->core);
    int ready = 0;

    c->poll_until_ms = deadline_ms;
    c->is_polling = true;
    (void)pthread_mutex_unlock(&c->lock);
    ready = poll(fds, 2, is_pending ? 0 : timeout_until(deadline_ms));
    (void)pthread_mutex_lock(&c->lock);
    c->is_polling = false;
    drain_wake(c);
    return is_pending || (ready > 0 && transport_is_readable(c, fds[0].revents));
}

/* One round of input and output: the answers that have come count before the deadlines that have
 * passed. */
static void
turn(struct wilco *c)
{
    transport_follow(c);
    (void)client_flush(c);
    if (wait_for_work(c, transport_deadline_ms(c))) {
        transport_read(c);
    }
    core_tick(c->core, client_now_ms(c));
    callbacks_authenticate(c);
    client_settle(c);
    client_made_room(c);
}

/* Sleeps, without the lock, until the connection can be written or read; false: not before
 * `deadline_ms`. */
static bool
linger(struct wilco *c, bool writing, uint64_t deadline_ms)
{
    struct pollfd p = {.fd = stream_fd(c->stream),
                       .events = transport_events_of(c->stream, writing)};
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
say_last_words(struct wilco *c)
{
    uint64_t deadline_ms = clock_monotonic_ms() + LAST_WORDS_MS;
    enum wilco_status st = WILCO_OK;
    size_t len = 0;

    while (core_has_output(c->core) && linger(c, true, deadline_ms)) {
        if (client_flush(c)) {
            deadline_ms = clock_monotonic_ms() + LAST_WORDS_MS;
        }
    }
    c->stream->ops->finish(c->stream);
    deadline_ms = clock_monotonic_ms() + LAST_EARS_MS;
    while (st == WILCO_OK || (st == WILCO_AGAIN && linger(c, false, deadline_ms))) {
        bool is_late = clock_monotonic_ms() >= deadline_ms;

        st = is_late ? WILCO_ECLOSED : stream_read(c->stream, c->input, CLIENT_INPUT_BYTES, &len);
    }
    stream_close(c->stream); /* [MQTT-3.14.4-2] */
    c->stream = NULL;
}

static void *
thread_main(void *argument)
{
    struct wilco *c = argument;

    (void)pthread_mutex_lock(&c->lock);
    while (core_state(c->core) != CORE_CLOSED && !c->is_stopping) {
        do {
            callbacks_tell(c);
        } while (client_write_journals(c));
        if (core_state(c->core) != CORE_CLOSED && !c->is_stopping) {
            turn(c);
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
    callbacks_tell(c);
    if (c->stream != NULL) {
        say_last_words(c);
    }
    transport_drop(c);
    (void)pthread_mutex_unlock(&c->lock);
    return NULL;
}

void
driver_handshake(struct wilco *c)
{
    (void)pthread_mutex_lock(&c->lock);
    while (core_state(c->core) == CORE_CONNECTING) {
        turn(c);
    }
    (void)client_flush(c);
    (void)pthread_mutex_unlock(&c->lock);
}

/* With every signal blocked: they are the application's, and for its threads. */
enum wilco_status
driver_start(struct wilco *c)
{
    sigset_t all, before;
    bool is_ok = false;

    (void)sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) {
        return WILCO_ENOMEM;
    }
    (void)pthread_mutex_lock(&c->lock); /* the thread is to know who it is */
    is_ok = pthread_create(&c->thread, NULL, thread_main, c) == 0;
    c->has_thread = is_ok;
    (void)pthread_mutex_unlock(&c->lock);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return is_ok ? WILCO_OK : WILCO_ENOMEM;
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
