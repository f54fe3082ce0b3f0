#include "broker/core/standing.h"

static uint32_t
get(const _Atomic uint32_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static void
put(_Atomic uint32_t *word, uint64_t value)
{
    atomic_store_explicit(word, value < UINT32_MAX ? (uint32_t)value : UINT32_MAX,
                          memory_order_relaxed);
}

void
standing_reset(struct standing *s)
{
    put(&s->held, 0);
    put(&s->coming, 0);
    put(&s->latency_us, 0);
    put(&s->strikes, 0);
    atomic_store_explicit(&s->answered_ms, 0, memory_order_relaxed);
    atomic_store_explicit(&s->out_until_ms, 0, memory_order_relaxed);
}

void
standing_answered(struct standing *s, uint64_t took_us, uint64_t now_ms)
{
    uint64_t before = get(&s->latency_us);

    put(&s->latency_us, before == 0 ? took_us + 1 : (before * 7 + took_us + 7) / 8);
    put(&s->strikes, 0);
    atomic_store_explicit(&s->answered_ms, now_ms, memory_order_relaxed);
}

bool
standing_missed(struct standing *s, const struct settings *limits, uint64_t now_ms)
{
    uint64_t strikes = (uint64_t)get(&s->strikes) + 1;

    put(&s->strikes, strikes);
    if (limits->outlier_deadlines == 0 || strikes < limits->outlier_deadlines) {
        return false;
    }
    atomic_store_explicit(&s->out_until_ms, now_ms + limits->outlier_pause_ms,
                          memory_order_relaxed);
    return true;
}

bool
standing_is_out(const struct standing *s, const struct settings *limits, uint64_t now_ms)
{
    if (limits->outlier_deadlines == 0 || get(&s->strikes) < limits->outlier_deadlines) {
        return false;
    }
    return now_ms < atomic_load_explicit(&s->out_until_ms, memory_order_relaxed) ||
           get(&s->held) > 0;
}

uint32_t
standing_latency_us(const struct standing *s, uint64_t now_ms)
{
    uint64_t at_ms = atomic_load_explicit(&s->answered_ms, memory_order_relaxed);
    uint64_t halves = now_ms > at_ms ? (now_ms - at_ms) / STANDING_HALF_MS : 0;

    return halves > 31 ? 0 : get(&s->latency_us) >> halves;
}
