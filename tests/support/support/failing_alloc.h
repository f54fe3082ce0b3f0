#ifndef WILCO_SUPPORT_FAILING_ALLOC_H
#define WILCO_SUPPORT_FAILING_ALLOC_H

#include "base/alloc.h"

#include <stdatomic.h>

/* An allocator that counts, and that says no once at the allocation you name, or from there on. Run
 * a scenario with fail_at 0, 1, 2, ... until `attempts` stays below it: every allocation has then
 * failed once. Safe from any thread. */
struct failing_alloc {
    struct wilco_alloc alloc; /* hand out &alloc */
    size_t fail_at;           /* which attempt fails, counted from 1; 0: none */
    size_t fails_from;        /* from which on all fail; 0: from none */
    atomic_size_t attempts;   /* allocations and reallocations asked for */
    atomic_size_t live;       /* blocks not yet freed */
};

void failing_alloc_init(struct failing_alloc *f, size_t fail_at);

#endif
