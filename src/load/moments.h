#ifndef WILCO_LOAD_MOMENTS_H
#define WILCO_LOAD_MOMENTS_H

#include "load/latency.h"
#include "load/load.h"

/* What a run measures, cut into moments for whoever watches it. The time is the caller's. */
struct moments {
    const struct load_options *options;
    struct latency latency; /* of the present one */
    uint64_t interval_ns;
    uint64_t start_ns; /* when measuring began */
    uint64_t begin_ns; /* when the present one did */
};

/* All zero before. `options` has a `watch`. */
void moments_start(struct moments *m, const struct load_options *options, uint64_t now_ns);
/* Tells of the present one if its time is over, and begins the next. */
void moments_look(struct moments *m, uint64_t now_ns);
/* Tells of what is left. */
void moments_end(struct moments *m, uint64_t now_ns);

#endif
