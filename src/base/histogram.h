#ifndef WILCO_BASE_HISTOGRAM_H
#define WILCO_BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

/* How often which values came, in buckets whose width grows with the value: exact up to
 * HISTOGRAM_STEPS, then within 1/HISTOGRAM_STEPS of it. One writer, which takes no lock and no
 * locked instruction; any number of readers at any time. All zero: empty. */
#define HISTOGRAM_STEPS   UINT64_C(8)  /* to each power of two */
#define HISTOGRAM_POWERS  UINT64_C(34) /* values from 2^37 on are in the last bucket */
#define HISTOGRAM_BUCKETS (HISTOGRAM_STEPS * (HISTOGRAM_POWERS + 1))

struct histogram {
    _Atomic uint64_t count;
    _Atomic uint64_t sum;
    _Atomic uint64_t max;
    _Atomic uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_record(struct histogram *h, uint64_t value);
/* Adds what `more` has; `sum` is the caller's own. */
void histogram_add(struct histogram *sum, const struct histogram *more);

/* The value below or at which `permille` of 1000 are: the upper end of its bucket, and never above
 * the highest value there was. 0 when there is none. */
uint64_t histogram_percentile(const struct histogram *h, unsigned permille);

#endif
