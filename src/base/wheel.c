/* How it works. A time is read as a number with the base 64: digit 0 counts milliseconds, digit 1
 * counts 64 ms, and so on. A timer waits on the level of the highest digit in which its deadline
 * and the present differ, in the slot of that digit. So all timers of a level are due before any of
 * the level above, the first occupied slot of the lowest occupied level comes next, and a slot is
 * never occupied while the present is inside it, save on level 0, where it holds what is due at
 * once. When the present enters a slot of a higher level, its timers move down. The top level goes
 * round: a deadline further away than it reaches waits in the slot that comes last, and is filed
 * again there. */
#include "base/wheel.h"

#include <assert.h>

#define DIGIT_BITS 6U
#define DIGIT_MASK ((uint64_t)WHEEL_SLOTS - 1)
#define TOP        (WHEEL_LEVELS - 1U)
#define LATEST_MS  ((UINT64_C(1) << 48) - 1)

_Static_assert(WHEEL_SLOTS == 1U << DIGIT_BITS, "a slot per value of a digit");
_Static_assert(WHEEL_LEVELS <= 8, "a timer has three bits for its level");

void
wheel_init(struct wheel *w, uint64_t now_ms)
{
    *w = (struct wheel){.now_ms = now_ms};
    list_init(&w->expired);
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        for (unsigned slot = 0; slot < WHEEL_SLOTS; slot++) {
            list_init(&w->slots[level][slot]);
        }
    }
}

static unsigned
level_for(uint64_t now_ms, uint64_t deadline_ms)
{
    unsigned level = 0;

    while (level < TOP && (now_ms ^ deadline_ms) >> (DIGIT_BITS * (level + 1)) != 0) {
        level++;
    }
    return level;
}

static void
file_timer(struct wheel *w, struct timer *t)
{
    uint64_t due_ms = t->deadline_ms < w->now_ms ? w->now_ms : t->deadline_ms;
    unsigned level = level_for(w->now_ms, due_ms);
    uint64_t here = w->now_ms >> (DIGIT_BITS * level);
    uint64_t ahead = (due_ms >> (DIGIT_BITS * level)) - here;
    uint64_t slot = (here + (ahead < DIGIT_MASK ? ahead : DIGIT_MASK)) & DIGIT_MASK;

    t->level = level & 7U;
    t->slot = slot & DIGIT_MASK;
    list_push_back(&w->slots[level][slot], &t->link);
    w->occupied[level] |= UINT64_C(1) << slot;
}

void
wheel_stop(struct wheel *w, struct timer *t)
{
    if (!timer_is_running(t)) {
        return;
    }
    list_remove(&t->link);
    /* Right for an expired timer too: an empty slot it once was in has no bit set. */
    if (list_is_empty(&w->slots[t->level][t->slot])) {
        w->occupied[t->level] &= ~(UINT64_C(1) << t->slot);
    }
}

void
wheel_start(struct wheel *w, struct timer *t, uint64_t deadline_ms)
{
    wheel_stop(w, t);
    t->deadline_ms = (deadline_ms < LATEST_MS ? deadline_ms : LATEST_MS) & LATEST_MS;
    file_timer(w, t);
}

static uint64_t
rotate_right(uint64_t bits, unsigned n)
{
    return n == 0 ? bits : bits >> n | bits << (64 - n);
}

/* The occupied slot that comes next, and when it begins; false: all are empty. */
static bool
next_slot(const struct wheel *w, unsigned *level_out, uint64_t *begin_ms)
{
    unsigned level = 0;
    uint64_t here, occupied;

    while (level < WHEEL_LEVELS && w->occupied[level] == 0) {
        level++;
    }
    if (level == WHEEL_LEVELS) {
        return false;
    }
    here = w->now_ms >> (DIGIT_BITS * level);
    occupied = rotate_right(w->occupied[level], (unsigned)(here & DIGIT_MASK));
    *level_out = level;
    *begin_ms = (here + WILCO_LOWEST_BIT(occupied)) << (DIGIT_BITS * level);
    return true;
}

/* Empties the slot of `level` that begins now: to the expired ones, or down to finer slots. */
static void
enter_slot(struct wheel *w, unsigned level)
{
    uint64_t slot = w->now_ms >> (DIGIT_BITS * level) & DIGIT_MASK;
    struct list *node;

    w->occupied[level] &= ~(UINT64_C(1) << slot);
    while ((node = list_pop_front(&w->slots[level][slot])) != NULL) {
        struct timer *t = CONTAINER_OF(node, struct timer, link);

        if (level == 0) {
            assert(t->deadline_ms <= w->now_ms);
            list_push_back(&w->expired, node);
        } else {
            file_timer(w, t);
        }
    }
}

void
wheel_advance(struct wheel *w, uint64_t now_ms)
{
    unsigned level = 0;
    uint64_t begin_ms = 0;

    if (now_ms < w->now_ms) {
        now_ms = w->now_ms;
    }
    while (next_slot(w, &level, &begin_ms) && begin_ms <= now_ms) {
        w->now_ms = begin_ms;
        enter_slot(w, level);
    }
    w->now_ms = now_ms;
}

struct timer *
wheel_pop(struct wheel *w)
{
    struct list *node = list_pop_front(&w->expired);

    return node == NULL ? NULL : CONTAINER_OF(node, struct timer, link);
}

uint64_t
wheel_next_ms(const struct wheel *w)
{
    unsigned level = 0;
    uint64_t begin_ms = 0;

    if (!list_is_empty(&w->expired)) {
        return w->now_ms;
    }
    return next_slot(w, &level, &begin_ms) ? begin_ms : WHEEL_NO_DEADLINE;
}
