#define _POSIX_C_SOURCE 200809L

#include "net/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

/* The owner's lock guards `armed_ms` and the interest of the sources. `events`, `next` and `count`
 * belong to the waiting thread. The wake-up flag is shared by all: it is set by the first of many
 * wake-ups, which alone writes to the eventfd, and cleared when the waiter is told. What was put
 * somewhere before the wake-up is therefore seen by a waiter that looks after it was told.
 *
 * The eventfd and the timer are watched edge-triggered, so that nobody needs to read them. */

#define EVENTS_PER_WAIT 256
#define NO_DEADLINE     UINT64_MAX

struct loop {
    const struct wilco_alloc *alloc;
    int epoll_fd;
    struct loop_source wake;
    struct loop_source timer;
    atomic_bool is_woken;
    uint64_t armed_ms; /* NO_DEADLINE also when the timer has fired */
    int next;
    int count;
    struct epoll_event events[EVENTS_PER_WAIT];
};

static bool
watch_edges(struct loop *l, struct loop_source *s)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = s};

    return s->fd >= 0 && epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, s->fd, &event) == 0;
}

struct loop *
loop_new(const struct wilco_alloc *a)
{
    struct loop *l = mem_zalloc(a, sizeof(*l));

    if (l == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    l->alloc = a;
    l->armed_ms = NO_DEADLINE;
    atomic_init(&l->is_woken, false);
    l->wake.fd = -1;
    l->timer.fd = -1;
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll_fd >= 0) {
        l->wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        l->timer.fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK); /* base/clock.h */
    }
    if (!watch_edges(l, &l->wake) || !watch_edges(l, &l->timer)) {
        loop_free(l);
        return NULL;
    }
    return l;
}

static void
close_if_open(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}

void
loop_free(struct loop *l)
{
    int error = errno;

    if (l == NULL) {
        return;
    }
    close_if_open(l->timer.fd);
    close_if_open(l->wake.fd);
    close_if_open(l->epoll_fd);
    mem_free(l->alloc, l);
    errno = error;
}

static uint32_t
epoll_mask(unsigned interest, bool exclusive)
{
    uint32_t mask = 0;

    if ((interest & LOOP_READABLE) != 0) {
        mask |= EPOLLIN | EPOLLRDHUP;
    }
    if ((interest & LOOP_WRITABLE) != 0) {
        mask |= EPOLLOUT;
    }
    if (exclusive) { /* goes with EPOLLIN and EPOLLOUT only */
        mask = (mask & ~(uint32_t)EPOLLRDHUP) | EPOLLEXCLUSIVE;
    }
    return mask;
}

enum wilco_status
loop_watch(struct loop *l, struct loop_source *s, unsigned interest, bool exclusive)
{
    struct epoll_event event = {.events = epoll_mask(interest, exclusive), .data.ptr = s};
    int change = s->interest == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

    if (interest == s->interest) {
        return WILCO_OK;
    }
    if (interest == 0 || exclusive) { /* an exclusive watch cannot be changed */
        loop_unwatch(l, s);
        change = EPOLL_CTL_ADD;
    }
    if (interest != 0 && epoll_ctl(l->epoll_fd, change, s->fd, &event) != 0) {
        return WILCO_EIO;
    }
    s->interest = (uint8_t)interest;
    return WILCO_OK;
}

void
loop_unwatch(struct loop *l, struct loop_source *s)
{
    if (s->interest != 0) {
        (void)epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
        s->interest = 0;
    }
}

void
loop_forget(struct loop_source *s)
{
    s->interest = 0;
}

enum wilco_status
loop_pass_on(struct loop *l, struct loop_source *from, struct loop_source *to)
{
    struct epoll_event event = {.events = epoll_mask(from->interest, false), .data.ptr = to};

    assert(from->fd == to->fd && from->interest != 0);
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, to->fd, &event) != 0) {
        loop_unwatch(l, from);
        return WILCO_EIO;
    }
    to->interest = from->interest;
    from->interest = 0;
    return WILCO_OK;
}

void
loop_arm(struct loop *l, uint64_t deadline_ms)
{
    struct itimerspec when = {.it_value = {.tv_sec = 0}};
    int failed = 0;

    if (deadline_ms == l->armed_ms) {
        return;
    }
    l->armed_ms = deadline_ms;
    if (deadline_ms != NO_DEADLINE) {
        when.it_value.tv_sec = (time_t)(deadline_ms / 1000);
        when.it_value.tv_nsec = (long)(deadline_ms % 1000) * 1000000 + (deadline_ms == 0);
    }
    failed = timerfd_settime(l->timer.fd, TFD_TIMER_ABSTIME, &when, NULL);
    assert(failed == 0);
    (void)failed;
}

void
loop_wake(struct loop *l)
{
    const uint64_t one = 1;
    int error = errno;

    if (!atomic_exchange(&l->is_woken, true)) {
        ssize_t written = write(l->wake.fd, &one, sizeof(one));

        (void)written; /* it would take 2^64 - 1 of them to fail */
    }
    errno = error;
}

enum wilco_status
loop_wait(struct loop *l, bool block)
{
    int n = 0;

    assert(l->next == l->count);
    n = epoll_wait(l->epoll_fd, l->events, EVENTS_PER_WAIT, block ? -1 : 0);
    if (n < 0 && errno != EINTR) {
        return WILCO_EIO;
    }
    l->next = 0;
    l->count = n < 0 ? 0 : n;
    return WILCO_OK;
}

static unsigned
readiness(uint32_t mask)
{
    unsigned ready = 0;

    if ((mask & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
        ready |= LOOP_READABLE;
    }
    if ((mask & EPOLLOUT) != 0) {
        ready |= LOOP_WRITABLE;
    }
    return ready;
}

bool
loop_next(struct loop *l, struct loop_event *out)
{
    const struct epoll_event *event = NULL;
    struct loop_source *s = NULL;

    if (l->next == l->count) {
        return false;
    }
    event = &l->events[l->next++];
    s = event->data.ptr;
    *out = (struct loop_event){.source = s, .ready = readiness(event->events)};
    if (s == &l->wake) {
        (void)atomic_exchange(&l->is_woken, false);
        out->source = NULL;
    } else if (s == &l->timer) {
        l->armed_ms = NO_DEADLINE;
        out->source = NULL;
    }
    return true;
}
