#ifndef WILCO_CLI_BENCH_PROGRESS_H
#define WILCO_CLI_BENCH_PROGRESS_H

#include "load/load.h"

#include <stdbool.h>

/* Says on standard error how far a run is: on a terminal in one line that is written over, else,
 * if it is wanted, in a line every few seconds. */
struct progress {
    const struct load_options *options;
    bool is_terminal, has_lines;
    uint64_t count;
    double said_at; /* seconds since measuring began */
};

struct progress progress_init(const struct load_options *o, bool is_quiet, bool is_verbose);
void progress_add(struct progress *p, const struct load_moment *m);
/* Leaves the line of the terminal as if nothing had been there. */
void progress_fini(struct progress *p);

#endif
