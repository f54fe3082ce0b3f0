#include "support/failing_alloc.h"

#include <stdlib.h>

static int
says_no(struct failing_alloc *f)
{
    size_t attempt = atomic_fetch_add(&f->attempts, 1) + 1;

    return attempt == f->fail_at || (f->fails_from > 0 && attempt >= f->fails_from);
}

static void *
failing_malloc(void *context, size_t size)
{
    struct failing_alloc *f = context;
    void *memory = says_no(f) ? NULL : malloc(size);

    f->live += memory != NULL;
    return memory;
}

static void *
failing_realloc(void *context, void *memory, size_t size)
{
    struct failing_alloc *f = context;
    void *moved = says_no(f) ? NULL : realloc(memory, size);

    f->live += memory == NULL && moved != NULL;
    return moved;
}

static void
failing_free(void *context, void *memory)
{
    struct failing_alloc *f = context;

    f->live -= memory != NULL;
    free(memory);
}

void
failing_alloc_init(struct failing_alloc *f, size_t fail_at)
{
    f->alloc = (struct wilco_alloc){failing_malloc, failing_realloc, failing_free, f};
    f->fail_at = fail_at;
    f->fails_from = 0;
    atomic_init(&f->attempts, 0);
    atomic_init(&f->live, 0);
}
