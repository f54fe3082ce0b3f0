#ifndef WILCO_BASE_ALLOC_H
#define WILCO_BASE_ALLOC_H

#include <stddef.h>

/* Where memory comes from. Everything in the library and in the broker's core is given one of these
 * at birth and allocates from nowhere else, so that tests can make any allocation fail and
 * embedders can bring their own. The functions behave like malloc, realloc and free. */
struct wilco_alloc {
    void *(*alloc)(void *context, size_t size);
    void *(*realloc)(void *context, void *memory, size_t size);
    void (*free)(void *context, void *memory);
    void *context;
};

/* The C library's own allocator; static storage, safe from any thread. */
const struct wilco_alloc *alloc_system(void);

void *mem_alloc(const struct wilco_alloc *a, size_t size);  /* NULL: out of memory */
void *mem_zalloc(const struct wilco_alloc *a, size_t size); /* zero-filled; NULL: out of memory */
/* As realloc(): NULL leaves `memory` as it was. */
void *mem_realloc(const struct wilco_alloc *a, void *memory, size_t size);
void mem_free(const struct wilco_alloc *a, void *memory); /* NULL is allowed */

#endif
