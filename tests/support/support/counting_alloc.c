#include "support/counting_alloc.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Before each block stands its size, in a place that keeps the block aligned for anything. */
struct head {
    _Alignas(max_align_t) size_t size;
};

static void
count(struct counting_alloc *c, size_t size, size_t one)
{ /* SIZE_MAX takes one away */
    if (size < COUNTING_LARGE_BYTES) {
        c->small += one;
    } else {
        c->large += one;
    }
}

static void *
counting_realloc(void *context, void *memory, size_t size)
{
    struct counting_alloc *c = context;
    struct head *old = memory == NULL ? NULL : (struct head *)memory - 1;
    size_t old_size = old == NULL ? 0 : old->size;
    struct head *h = realloc(old, sizeof(*h) + size);

    if (h == NULL) {
        return NULL;
    }
    h->size = size;
    if (memory != NULL) {
        count(c, old_size, SIZE_MAX);
    }
    count(c, size, 1);
    c->bytes += size - old_size; /* modulo */
    return h + 1;
}

static void *
counting_malloc(void *context, size_t size)
{
    return counting_realloc(context, NULL, size);
}

static void
counting_free(void *context, void *memory)
{
    struct counting_alloc *c = context;

    if (memory != NULL) {
        struct head *h = (struct head *)memory - 1;

        count(c, h->size, SIZE_MAX);
        c->bytes -= h->size;
        free(h);
    }
}

void
counting_alloc_init(struct counting_alloc *c)
{
    c->alloc = (struct wilco_alloc){counting_malloc, counting_realloc, counting_free, c};
    atomic_init(&c->small, 0);
    atomic_init(&c->large, 0);
    atomic_init(&c->bytes, 0);
}
