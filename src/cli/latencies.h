#ifndef WILCO_CLI_LATENCIES_H
#define WILCO_CLI_LATENCIES_H

#include <stdint.h>

/* How often which time was taken, in microseconds: in buckets whose width grows with the time,
 * within 1/64 of it, so that there is room for any number. All zero: empty. */
#define LATENCIES_STEPS UINT64_C(64) /* to each power of two */
#define LATENCIES_POWERS                                                                           \
    UINT64_C(34) /* times from 2^39 us (six days) on are in the last bucket                        \
                  */
#define LATENCIES_BUCKETS (LATENCIES_STEPS * (LATENCIES_POWERS + 1))

struct latencies {
    uint64_t count, max_us;
    uint64_t buckets[LATENCIES_BUCKETS];
};

void latencies_add(struct latencies *l, uint64_t us);
/* What `percent` of 100 do not exceed: the upper end of its bucket, and never above the highest. 0
 * when there is none. */
uint64_t latencies_percentile(const struct latencies *l, unsigned percent);

/* A time for people: "850 us", "1.2 ms", "3.4 s". */
struct latency_text {
    char text[24];
};
struct latency_text latency_text(uint64_t us);

#endif
