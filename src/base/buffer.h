#ifndef WILCO_BASE_BUFFER_H
#define WILCO_BASE_BUFFER_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/span.h"
#include "base/status.h"

/* Owned bytes that grow, up to a ceiling. An empty buffer owns no memory. After any failure the
 * contents are as before. */
struct buffer {
    uint8_t *data;
    size_t len;
    size_t capacity;
    size_t bytes_max; /* len never exceeds this */
    const struct wilco_alloc *alloc;
};

void buffer_init(struct buffer *b, const struct wilco_alloc *a, size_t bytes_max);
void buffer_fini(struct buffer *b); /* frees; the buffer is then empty and usable again */

/* Makes room for `n` more bytes behind `len`. WILCO_ELIMIT above the ceiling, WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status buffer_reserve(struct buffer *b, size_t n);
WILCO_MUST_CHECK enum wilco_status buffer_append(struct buffer *b, struct span bytes);
/* Drops the first `n` bytes (n <= len) and moves the rest to the front. */
void buffer_consume(struct buffer *b, size_t n);

static inline struct span
buffer_span(const struct buffer *b)
{
    return span_of(b->data, b->len);
}

#endif
