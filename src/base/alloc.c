#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static void *
system_malloc(void *context, size_t size)
{
    (void)context;
    return malloc(size);
}

static void *
system_realloc(void *context, void *memory, size_t size)
{
    (void)context;
    return realloc(memory, size);
}

static void
system_free(void *context, void *memory)
{
    (void)context;
    free(memory);
}

const struct wilco_alloc *
alloc_system(void)
{
    static const struct wilco_alloc a = {
        .alloc = system_malloc,
        .realloc = system_realloc,
        .free = system_free,
    };

    return &a;
}

void *
mem_alloc(const struct wilco_alloc *a, size_t size)
{
    return a->alloc(a->context, size);
}

void *
mem_zalloc(const struct wilco_alloc *a, size_t size)
{
    void *memory = mem_alloc(a, size);

    if (memory != NULL) {
        memset(memory, 0, size);
    }
    return memory;
}

void *
mem_realloc(const struct wilco_alloc *a, void *memory, size_t size)
{
    return a->realloc(a->context, memory, size);
}

void
mem_free(const struct wilco_alloc *a, void *memory)
{
    if (memory != NULL) {
        a->free(a->context, memory);
    }
}
