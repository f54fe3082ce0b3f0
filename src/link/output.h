#ifndef WILCO_LINK_OUTPUT_H
#define WILCO_LINK_OUTPUT_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>

/* Bytes waiting to be written to one peer, gathered so that one writev per connection and tick is
 * enough. Small things are copied into chunks borrowed from a pool that many outputs share; large
 * ones are referenced and released when they have been written. An empty output owns nothing. One
 * thread at a time for a pool and all its outputs. */
struct output_shelf {
    struct output_chunk *free;
    size_t count;
    size_t max; /* chunks kept for reuse; more are given back to the allocator */
};

struct output_pool {
    const struct wilco_alloc *alloc;
    struct output_shelf small; /* an output's first chunk, if that is enough for what comes first */
    struct output_shelf large;
};

struct output {
    struct output_chunk *first;
    struct output_chunk *last;
    size_t bytes; /* not yet written, copied and referenced */
};

#define OUTPUT_CHUNK_BYTES 16384U /* what a large chunk holds */
#define OUTPUT_SMALL_BYTES 864U   /* and a small one: 1 KiB with what goes with it */
#define OUTPUT_REFERENCE_BYTES                                                                     \
    2048U /* from this size on it pays to reference rather than to copy */

/* `free_bytes_max`: about as much is kept for reuse, of large chunks and of small ones. */
void output_pool_init(struct output_pool *p, const struct wilco_alloc *a, size_t free_bytes_max);
void output_pool_fini(struct output_pool *p);

/* `len` contiguous bytes (at most OUTPUT_CHUNK_BYTES) to write into; NULL: out of memory. They
 * count only once output_commit() says how many were used, before any other call on this output. A
 * reservation of which nothing is used leaves a chunk behind until output_clear(). */
uint8_t *output_reserve(struct output *o, struct output_pool *p, size_t len);
void output_commit(struct output *o, size_t len);
/* Copies `bytes`, however many. All or nothing: after WILCO_ENOMEM the output is as before. */
WILCO_MUST_CHECK enum wilco_status output_copy(struct output *o, struct output_pool *p,
                                               struct span bytes);
/* Refers to `bytes`, which stay valid until release(owner) is called, once: after they were
 * written, or when the output is cleared (at once when there are none). release() must not touch
 * this output. After WILCO_ENOMEM nothing is referenced and nothing released. */
WILCO_MUST_CHECK enum wilco_status output_reference(struct output *o, struct output_pool *p,
                                                    struct span bytes, void (*release)(void *owner),
                                                    void *owner);

/* What to write next, in order, at most `max` spans; the number of spans. They are valid until the
 * next call that changes the output. */
size_t output_spans(const struct output *o, struct span *spans, size_t max);
/* `len` bytes (at most output.bytes) were written. */
void output_consume(struct output *o, struct output_pool *p, size_t len);
void output_clear(struct output *o, struct output_pool *p); /* for the end of a connection, too */

static inline bool
output_is_empty(const struct output *o)
{
    return o->bytes == 0;
}

#endif
