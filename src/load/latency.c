#include "load/latency.h"

#include <math.h>

static unsigned
log2_of(uint64_t value)
{
    return 63U - (unsigned)__builtin_clzll(value);
}

/* Values below LATENCY_STEPS are their own buckets; above, each power of two has as many. */
static size_t
bucket_of(uint64_t ns)
{
    unsigned power = ns < LATENCY_STEPS ? 0 : log2_of(ns) - log2_of(LATENCY_STEPS);
    size_t bucket = LATENCY_STEPS * power + (ns >> power);

    return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

/* The highest value of a bucket. */
static uint64_t
upper_end(size_t bucket)
{
    uint64_t power = bucket < LATENCY_STEPS ? 0 : bucket / LATENCY_STEPS - 1;

    return ((bucket - LATENCY_STEPS * power + 1) << power) - 1;
}

void
latency_record(struct latency *l, uint64_t ns)
{
    l->count++;
    l->sum_ns += ns;
    l->max_ns = ns > l->max_ns ? ns : l->max_ns;
    l->buckets[bucket_of(ns)]++;
}

uint64_t
latency_percentile(const struct latency *l, double percent)
{
    uint64_t wanted = (uint64_t)ceil((double)l->count * percent / 100);
    uint64_t seen = 0;

    for (size_t i = 0; i < LATENCY_BUCKETS && l->count > 0; i++) {
        seen += l->buckets[i];
        if (seen >= wanted && seen > 0) {
            return upper_end(i) < l->max_ns ? upper_end(i) : l->max_ns;
        }
    }
    return l->max_ns;
}
