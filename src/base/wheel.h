#ifndef WILCO_BASE_WHEEL_H
#define WILCO_BASE_WHEEL_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>

/* A hierarchical timer wheel with millisecond slots: starting, stopping and firing cost the same
 * whatever the number of timers. Timers live inside their owners; `kind` tells the owner of the
 * wheel what to cast to. Time is given, never asked. A timer never fires early. It is three words
 * long, because every connection has one. */
struct timer {
    struct list link;
    uint64_t deadline_ms : 48; /* a later deadline counts as the last of these, 8000 years on */
    uint64_t kind : 7;
    uint64_t level : 3, slot : 6; /* the wheel's: where it waits */
};

/* 64^6 ms is two years; later deadlines wait in the last slot. */
#define WHEEL_LEVELS 6
#define WHEEL_SLOTS  64 /* per level */

struct wheel {
    struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
    uint64_t occupied[WHEEL_LEVELS]; /* a bit per slot that is not empty */
    struct list expired;
    uint64_t now_ms;
};

#define WHEEL_NO_DEADLINE UINT64_MAX

void wheel_init(struct wheel *w, uint64_t now_ms);
/* (Re)starts `t`, whose memory was zero-filled before the first start. A deadline that has passed
 * fires at the next wheel_advance(), which may be to the same millisecond. */
void wheel_start(struct wheel *w, struct timer *t, uint64_t deadline_ms);
void wheel_stop(struct wheel *w, struct timer *t); /* harmless when it is not running */
static inline bool
timer_is_running(const struct timer *t)
{
    return list_is_linked(&t->link);
}
/* Moves to `now_ms` (never backwards: an earlier time counts as the present one). Then call
 * wheel_pop() until it gives NULL. */
void wheel_advance(struct wheel *w, uint64_t now_ms);
struct timer *wheel_pop(struct wheel *w); /* an expired timer, stopped; NULL: none left */
/* When to call wheel_advance() next: never later than the earliest deadline, possibly earlier.
 * WHEEL_NO_DEADLINE when no timer runs. */
uint64_t wheel_next_ms(const struct wheel *w);

#endif
