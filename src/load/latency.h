#ifndef WILCO_LOAD_LATENCY_H
#define WILCO_LOAD_LATENCY_H

#include <stddef.h>
#include <stdint.h>

/* How often which latency came, to three significant figures, like an HDR histogram (the one of
 * base/ has one and is for running brokers). All zero: empty. */
#define LATENCY_STEPS   UINT64_C(1024) /* to each power of two */
#define LATENCY_POWERS  UINT64_C(30)   /* 2^40 nanoseconds and more are in the last bucket */
#define LATENCY_BUCKETS (LATENCY_STEPS * (LATENCY_POWERS + 1))

struct latency {
    uint64_t count;
    uint64_t sum_ns;
    uint64_t max_ns;
    uint64_t buckets[LATENCY_BUCKETS];
};

void latency_record(struct latency *l, uint64_t ns);
/* The nanoseconds that `percent` of 100 do not exceed: the upper end of their bucket, and never
 * above the highest. 0 when there is none. */
uint64_t latency_percentile(const struct latency *l, double percent);

#endif
