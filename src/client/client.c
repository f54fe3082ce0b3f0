#define _POSIX_C_SOURCE 200809L

#include "client/client.h"

#include "base/clock.h"
#include "client/transport.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#define SPANS_PER_WRITE 32U

static bool
open_wake_pipe(int wake[2])
{
    if (pipe(wake) != 0) {
        wake[0] = -1;
        wake[1] = -1;
        return false;
    }
    for (int i = 0; i < 2; i++) {
        if (fcntl(wake[i], F_SETFL, O_NONBLOCK) != 0 || fcntl(wake[i], F_SETFD, FD_CLOEXEC) != 0) {
            return false;
        }
    }
    return true;
}

/* A condition variable that goes by the monotonic clock. */
static bool
cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    bool is_ok = false;

    if (pthread_condattr_init(&attributes) != 0) {
        return false;
    }
    is_ok = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
            pthread_cond_init(cond, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    return is_ok;
}

static bool
init_parts(struct wilco *c)
{
    if (pthread_mutex_init(&c->lock, NULL) != 0) {
        return false;
    }
    if (!cond_init(&c->room)) {
        (void)pthread_mutex_destroy(&c->lock);
        return false;
    }
    return true;
}

struct wilco *
client_new(const struct wilco_alloc *a, enum wilco_io io)
{
    struct wilco *c = mem_zalloc(a, sizeof(*c));

    if (c == NULL || !init_parts(c)) {
        mem_free(a, c);
        return NULL;
    }
    c->alloc = a;
    atomic_init(&c->refs, 1);
    c->io = io;
    c->wake[0] = -1;
    c->wake[1] = -1;
    c->input = io == WILCO_IO_NONE ? NULL : mem_alloc(a, CLIENT_INPUT_BYTES);
    if ((io == WILCO_IO_THREAD && !open_wake_pipe(c->wake)) ||
        (io != WILCO_IO_NONE && c->input == NULL)) {
        client_dismantle(c);
        client_unref(c);
        return NULL;
    }
    return c;
}

uint64_t
client_now_ms(const struct wilco *c)
{
    return c->now_ms == NULL ? clock_monotonic_ms() : c->now_ms(c->context);
}

void
client_ref(struct wilco *c)
{
    (void)atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
}

void
client_unref(struct wilco *c)
{
    if (atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) == 1) {
        assert(c->core == NULL && c->stream == NULL);
        (void)pthread_cond_destroy(&c->room);
        (void)pthread_mutex_destroy(&c->lock);
        mem_free(c->alloc, c);
    }
}

void
client_dismantle(struct wilco *c)
{
    (void)pthread_mutex_lock(&c->lock);
    transport_drop(c);
    tls_client_free(c->tls);
    c->tls = NULL;
    mem_free(c->alloc, c->input);
    c->input = NULL;
    core_free(c->core);
    c->core = NULL;
    for (int i = 0; i < 2; i++) {
        if (c->wake[i] >= 0) {
            (void)close(c->wake[i]);
            c->wake[i] = -1;
        }
    }
    client_made_room(c);
    (void)pthread_mutex_unlock(&c->lock);
}

enum wilco_status
client_enter(struct wilco *c, bool waits)
{
    client_ref(c);
    (void)pthread_mutex_lock(&c->lock);
    if (waits && (c->io != WILCO_IO_THREAD || client_is_own_thread(c))) {
        return WILCO_EINVAL;
    }
    return c->core == NULL ? WILCO_ECLOSED : WILCO_OK;
}

void
client_leave(struct wilco *c)
{
    bool wakes = c->wants_wake;

    c->wants_wake = false;
    (void)pthread_mutex_unlock(&c->lock);
    if (wakes) {
        c->wake_loop(c->context);
    }
    client_unref(c);
}

bool
client_is_own_thread(const struct wilco *c)
{
    return c->has_thread && pthread_equal(pthread_self(), c->thread);
}

void
client_settle(struct wilco *c)
{
    struct core_event event;

    while (core_next_awaited(c->core, &event)) {
        struct waiter *w = event.context;

        w->is_done = true;
        w->status = event.status;
        w->reason_code = event.reason_code;
        w->message = event.message;
        (void)pthread_cond_signal(&w->cond);
    }
}

void
client_made_room(struct wilco *c)
{
    if (c->room_waiters > 0) {
        (void)pthread_cond_broadcast(&c->room);
    }
}

/* Whether what the core wants to write can be written. */
static bool
has_transport(const struct wilco *c)
{
    return (c->stream != NULL || c->io == WILCO_IO_NONE) &&
           c->connection == core_connection(c->core);
}

bool
client_flush(struct wilco *c)
{
    struct span spans[SPANS_PER_WRITE];
    enum wilco_status st = WILCO_OK;
    bool has_written = false;

    while (st == WILCO_OK && c->stream != NULL && has_transport(c) && core_has_output(c->core)) {
        size_t count = core_output(c->core, spans, SPANS_PER_WRITE);
        size_t len = 0;

        st = c->is_write_broken ? WILCO_EIO : stream_write(c->stream, spans, count, &len);
        if (st == WILCO_OK) {
            core_wrote(c->core, len);
            has_written = true;
        } else if (st != WILCO_AGAIN) {
            c->is_write_broken = true;
            core_discard_output(c->core);
        }
    }
    if (has_written) {
        client_made_room(c);
    }
    return has_written;
}

void
client_wake(struct wilco *c)
{
    static const char byte = 0;
    ssize_t n = 0;

    if (c->is_woken) {
        return;
    }
    if (c->io != WILCO_IO_THREAD) {
        c->wants_wake = c->wake_loop != NULL;
        c->is_woken = true;
        return;
    }
    do {
        n = write(c->wake[1], &byte, 1);
    } while (n < 0 && errno == EINTR);
    c->is_woken = true;
}

void
client_asked(struct wilco *c, bool is_patient)
{
    client_settle(c);
    if (c->io == WILCO_IO_THREAD ? !c->is_polling && is_patient : c->is_processing) {
        return; /* whoever serves the client is awake and looks before he sleeps */
    }
    if (!is_patient) {
        (void)client_flush(c);
    }
    if ((has_transport(c) && core_has_output(c->core)) || core_has_events(c->core) ||
        ((is_patient || c->io != WILCO_IO_THREAD) &&
         core_deadline_ms(c->core) < c->poll_until_ms)) {
        client_wake(c);
    }
}

enum wilco_status
waiter_init(struct waiter *w)
{
    *w = (struct waiter){.is_done = false};
    return cond_init(&w->cond) ? WILCO_OK : WILCO_ENOMEM;
}

void
waiter_fini(struct waiter *w)
{
    (void)pthread_cond_destroy(&w->cond);
}

/* `deadline_ms` of our clock on the one that conditions wait by, which may stand still while the
 * machine sleeps and ours does not. */
static struct timespec
cond_deadline(uint64_t deadline_ms)
{
    uint64_t now_ms = clock_monotonic_ms();
    uint64_t left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
    struct timespec t = {.tv_sec = 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)(left_ms / 1000);
    t.tv_nsec += (long)(left_ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000;
    }
    return t;
}

/* Sleeps until `cond` or `deadline_ms`; false: it is past that. */
static bool
sleep_on(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t deadline_ms)
{
    struct timespec until;

    if (deadline_ms == UINT64_MAX) {
        (void)pthread_cond_wait(cond, lock);
        return true;
    }
    until = cond_deadline(deadline_ms);
    return pthread_cond_timedwait(cond, lock, &until) != ETIMEDOUT;
}

void
waiter_wait(struct waiter *w, struct wilco *c, uint64_t deadline_ms)
{
    while (!w->is_done) {
        if (!sleep_on(&w->cond, &c->lock, deadline_ms) && !w->is_done) {
            core_tick(c->core, client_now_ms(c));
            client_asked(c, true);
        }
    }
}

bool
waiter_sleep(struct waiter *w, struct wilco *c, uint64_t deadline_ms)
{
    return sleep_on(&w->cond, &c->lock, deadline_ms);
}

void
client_wait_for_room(struct wilco *c, uint64_t deadline_ms)
{
    if (client_flush(c)) {
        return;
    }
    client_asked(c, true);
    c->room_waiters++;
    (void)sleep_on(&c->room, &c->lock, deadline_ms);
    c->room_waiters--;
}
