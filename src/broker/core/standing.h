#ifndef WILCO_BROKER_CORE_STANDING_H
#define WILCO_BROKER_CORE_STANDING_H

#include "broker/core/settings.h"

#include <stdatomic.h>
#include <stdbool.h>

/* How a session stands as a responder: what choosing a member of a group looks at (share.c). Part
 * of its slot in the session table: written by the shard that owns the session, but for `coming`;
 * read by all, for whom each number is one that was true a moment ago. All zero: nothing is known.
 */
struct standing {
    _Atomic uint32_t held;        /* requests it has and has not answered */
    _Atomic uint32_t coming;      /* requests that other shards have sent it, not yet arrived */
    _Atomic uint32_t latency_us;  /* recent time to answer, on average; 0: not known */
    _Atomic uint32_t strikes;     /* deadlines it let pass since it last answered */
    _Atomic uint64_t answered_ms; /* when `latency_us` was true */
    _Atomic uint64_t out_until_ms;
};

/* A new session takes the slot over. */
void standing_reset(struct standing *s);

static inline void
standing_set_held(struct standing *s, uint32_t held)
{
    atomic_store_explicit(&s->held, held, memory_order_relaxed);
}

/* It has answered, after so long. */
void standing_answered(struct standing *s, uint64_t took_us, uint64_t now_ms);
/* It has let a deadline pass. True: with this one (settings.outlier_deadlines) it is left out, for
 * settings.outlier_pause_ms; then it is tried with one request at a time until it answers. */
bool standing_missed(struct standing *s, const struct settings *limits, uint64_t now_ms);
bool standing_is_out(const struct standing *s, const struct settings *limits, uint64_t now_ms);

static inline uint32_t
standing_load(const struct standing *s)
{
    return atomic_load_explicit(&s->held, memory_order_relaxed) +
           atomic_load_explicit(&s->coming, memory_order_relaxed);
}

/* What was slow long ago may be fast by now: what is known halves every STANDING_HALF_MS. */
#define STANDING_HALF_MS 5000U
uint32_t standing_latency_us(const struct standing *s, uint64_t now_ms);

#endif
