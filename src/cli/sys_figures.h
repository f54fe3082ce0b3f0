#ifndef WILCO_CLI_SYS_FIGURES_H
#define WILCO_CLI_SYS_FIGURES_H

#include "wilco/wilco.h"

#include <stdbool.h>
#include <stdint.h>

/* What a broker says of itself below $SYS (docs/sys.md): the last value of each topic, and how fast
 * numbers rise. Any thread; times are the caller's, in microseconds. */
struct sys_figures;

/* So many topics are remembered; those that come later are passed over. */
#define SYS_FIGURES_MAX 16384U

struct sys_figures *sys_figures_new(void);
void sys_figures_free(struct sys_figures *f);

void sys_figures_put(struct sys_figures *f, struct wilco_bytes topic, struct wilco_bytes value,
                     uint64_t now_us);

/* The text there, to be given back with free(); NULL: the broker has not said it. */
char *sys_figures_text(struct sys_figures *f, const char *topic);

struct sys_number {
    bool is_known;
    uint64_t value;
    double per_second; /* between the last two times that it was said; below 0: not known */
};
struct sys_number sys_figures_number(struct sys_figures *f, const char *topic, uint64_t now_us);

/* How long responders take for requests to a filter, in a group ("": none). */
struct sys_latency {
    bool is_known;
    uint64_t p50_us, p99_us;
};
struct sys_latency sys_figures_latency(struct sys_figures *f, const char *filter,
                                       const char *group);

#endif
