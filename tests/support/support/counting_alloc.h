#ifndef WILCO_SUPPORT_COUNTING_ALLOC_H
#define WILCO_SUPPORT_COUNTING_ALLOC_H

#include "base/alloc.h"

#include <stdatomic.h>

/* The system's memory, with a count of what is in use. Safe from any thread. Large blocks are
 * counted apart, as pools keep those for later. */
#define COUNTING_LARGE_BYTES 1024U

struct counting_alloc {
    struct wilco_alloc alloc; /* hand out &alloc */
    atomic_size_t small;      /* blocks */
    atomic_size_t large;
    atomic_size_t bytes;
};

void counting_alloc_init(struct counting_alloc *c);

#endif
