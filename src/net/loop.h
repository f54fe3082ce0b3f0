#ifndef WILCO_NET_LOOP_H
#define WILCO_NET_LOOP_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* A small event loop over epoll, for the broker (Linux). One thread waits; but any thread that
 * holds the lock of what the loop serves may watch, unwatch, arm the timer (a timerfd) or wake the
 * waiter. Events are pulled: the owner waits (without the lock), then asks for them one by one
 * (with it). */
struct loop;

/* Something watched; embedded in its owner. `kind` is the owner's, to know what to cast to. */
struct loop_source {
    int fd;
    uint8_t kind;
    uint8_t interest; /* LOOP_READABLE | LOOP_WRITABLE, as last watched */
};

enum loop_readiness {
    LOOP_READABLE = 1, /* also: closed by the peer, or broken */
    LOOP_WRITABLE = 2,
};

struct loop_event {
    struct loop_source *source; /* NULL: the timer or a wake-up; time to look at everything */
    unsigned ready;             /* enum loop_readiness */
};

struct loop *loop_new(const struct wilco_alloc *a); /* NULL: out of memory or descriptors; errno */
void loop_free(struct loop *l);

/* Level-triggered. Watching again changes the interest (0: no more, as loop_unwatch()); an
 * unchanged interest costs no system call. `exclusive`, always the same for the same source: of
 * several loops that watch the same listening socket only one is woken. WILCO_EIO: errno. */
WILCO_MUST_CHECK enum wilco_status loop_watch(struct loop *l, struct loop_source *s,
                                              unsigned interest, bool exclusive);
void loop_unwatch(struct loop *l, struct loop_source *s); /* before the descriptor is closed */
/* The same where nothing but closing the descriptor follows, the last one of its socket: that ends
 * the watch too, so it costs no system call. */
void loop_forget(struct loop_source *s);
/* `to` is watched in place of `from`, for the same; they have the same descriptor. WILCO_EIO:
 * errno; neither is watched. */
WILCO_MUST_CHECK enum wilco_status loop_pass_on(struct loop *l, struct loop_source *from,
                                                struct loop_source *to);

/* Wakes the waiter at `deadline_ms` of clock_monotonic_ms(); UINT64_MAX: no more. The same deadline
 * again costs no system call. */
void loop_arm(struct loop *l, uint64_t deadline_ms);
void loop_wake(struct loop *l); /* from any thread, no lock needed; also from a signal handler */

/* Sleeps until something is ready (`block`) or looks without sleeping; a signal ends it, too. All
 * events of the last wait must have been pulled. WILCO_EIO: errno. */
WILCO_MUST_CHECK enum wilco_status loop_wait(struct loop *l, bool block);
/* The events of the last wait; false when there are no more. A source may be unwatched at any time,
 * but is freed only after all events of a wait that may name it have been pulled. */
bool loop_next(struct loop *l, struct loop_event *out);

#endif
