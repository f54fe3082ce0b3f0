#include "cli/latencies.h"

#include <stddef.h>
#include <stdio.h>

/* Below LATENCIES_STEPS each time has its bucket; above, each power of two has that many. */
static size_t
bucket_of(uint64_t us)
{
    uint64_t power = 0, bucket;

    while (us >> power >= 2 * LATENCIES_STEPS) {
        power++;
    }
    bucket = us < LATENCIES_STEPS ? us : power * LATENCIES_STEPS + (us >> power);
    return (size_t)(bucket < LATENCIES_BUCKETS ? bucket : LATENCIES_BUCKETS - 1);
}

static uint64_t
upper_end(size_t bucket)
{
    uint64_t power = bucket < 2 * LATENCIES_STEPS ? 0 : bucket / LATENCIES_STEPS - 1;

    return ((bucket - power * LATENCIES_STEPS + 1) << power) - 1;
}

void
latencies_add(struct latencies *l, uint64_t us)
{
    l->buckets[bucket_of(us)]++;
    l->count++;
    l->max_us = us > l->max_us ? us : l->max_us;
}

uint64_t
latencies_percentile(const struct latencies *l, unsigned percent)
{
    uint64_t seen = 0;

    for (size_t i = 0; i < LATENCIES_BUCKETS; i++) {
        seen += l->buckets[i];
        if (l->count > 0 && seen * 100 >= l->count * percent) {
            uint64_t end = upper_end(i);

            return end < l->max_us && i + 1 < LATENCIES_BUCKETS ? end : l->max_us;
        }
    }
    return 0;
}

struct latency_text
latency_text(uint64_t us)
{
    struct latency_text t;

    if (us < 1000) {
        (void)snprintf(t.text, sizeof(t.text), "%u us", (unsigned)us);
    } else if (us < 1000000) {
        (void)snprintf(t.text, sizeof(t.text), "%.1f ms", (double)us / 1e3);
    } else {
        (void)snprintf(t.text, sizeof(t.text), "%.1f s", (double)us / 1e6);
    }
    return t;
}
