#ifndef WILCO_CLI_BENCH_REPORT_H
#define WILCO_CLI_BENCH_REPORT_H

#include "cli/bench/outcome.h"

/* Writes a page of HTML that needs nothing but itself: the figures, and plots of latency by
 * percentile, of throughput over time and of latency over time. */
void report_write(FILE *out, const struct outcome *o);

#endif
