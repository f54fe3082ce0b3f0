#include "base/histogram.h"

#include <stddef.h>

static uint64_t
get(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static void
put(_Atomic uint64_t *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_relaxed);
}

static unsigned
log2_of(uint64_t value)
{
    return 63U - (unsigned)__builtin_clzll(value);
}

/* Values below HISTOGRAM_STEPS are their own buckets; above, each power of two has as many. */
static size_t
bucket_of(uint64_t value)
{
    unsigned power = 0;
    size_t bucket = (size_t)value;

    if (value >= HISTOGRAM_STEPS) {
        power = log2_of(value) - log2_of(HISTOGRAM_STEPS);
        bucket = HISTOGRAM_STEPS * ((size_t)power + 1) + ((value >> power) - HISTOGRAM_STEPS);
    }
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The highest value of a bucket. */
static uint64_t
upper_end(size_t bucket)
{
    uint64_t power = bucket / HISTOGRAM_STEPS;

    if (power == 0) {
        return bucket;
    }
    return ((HISTOGRAM_STEPS + bucket % HISTOGRAM_STEPS + 1) << (power - 1)) - 1;
}

void
histogram_record(struct histogram *h, uint64_t value)
{
    _Atomic uint64_t *bucket = &h->buckets[bucket_of(value)];

    put(bucket, get(bucket) + 1);
    put(&h->count, get(&h->count) + 1);
    put(&h->sum, get(&h->sum) + value);
    if (value > get(&h->max)) {
        put(&h->max, value);
    }
}

void
histogram_add(struct histogram *sum, const struct histogram *more)
{
    put(&sum->count, get(&sum->count) + get(&more->count));
    put(&sum->sum, get(&sum->sum) + get(&more->sum));
    if (get(&more->max) > get(&sum->max)) {
        put(&sum->max, get(&more->max));
    }
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        put(&sum->buckets[i], get(&sum->buckets[i]) + get(&more->buckets[i]));
    }
}

uint64_t
histogram_percentile(const struct histogram *h, unsigned permille)
{
    uint64_t all = 0;
    uint64_t seen = 0;
    uint64_t wanted = 0;

    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) { /* not `count`, which may be ahead of them */
        all += get(&h->buckets[i]);
    }
    wanted = (all * permille + 999) / 1000;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS && all > 0; i++) {
        seen += get(&h->buckets[i]);
        if (seen >= wanted && seen > 0) {
            return upper_end(i) < get(&h->max) ? upper_end(i) : get(&h->max);
        }
    }
    return 0;
}
