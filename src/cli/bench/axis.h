#ifndef WILCO_CLI_BENCH_AXIS_H
#define WILCO_CLI_BENCH_AXIS_H

#include "cli/bench/figure.h"

#include <stddef.h>

/* One axis of a plot: where a value lies on it, and which values have a line and a word. */
enum axis_scale {
    AXIS_LINEAR,
    AXIS_LOG,    /* values above 0 */
    AXIS_RARITY, /* percentiles: 90, 99 and 99.9 are equally far from each other */
};

#define AXIS_TICKS_MAX 16U

struct axis {
    enum axis_scale scale;
    double min, max;
    double ticks[AXIS_TICKS_MAX];
    size_t tick_count;
    struct figure (*text)(double value);
};

/* From 0 to the first tick that is not below `max`, or to `max` itself. */
struct axis axis_linear(double max, struct figure (*text)(double));
struct axis axis_span(double max, struct figure (*text)(double));
struct axis axis_log(double min, double max, struct figure (*text)(double)); /* whole decades */
struct axis axis_rarity(double max_percent);

/* From 0, the beginning, to 1, the end; what lies outside is put there. */
double axis_place(const struct axis *a, double value);

#endif
