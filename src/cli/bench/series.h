#ifndef WILCO_CLI_BENCH_SERIES_H
#define WILCO_CLI_BENCH_SERIES_H

#include "load/load.h"

/* How a run went over time, in a bounded number of points: when there are too many, each two
 * become one, whose latencies are the higher ones of both. So does a short rest at the end. */
#define SERIES_POINTS_MAX 400U

struct series {
    struct load_moment points[SERIES_POINTS_MAX];
    size_t count;
    unsigned moments_per_point; /* 0 as long as there is none */
    unsigned moments_in_last;
};

void series_add(struct series *s, const struct load_moment *m);

#endif
