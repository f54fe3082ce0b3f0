#include "broker/core/request_stats.h"

bool
request_stats_table_init(struct request_stats_table *t, const struct wilco_alloc *a,
                         uint32_t capacity)
{
    *t = (struct request_stats_table){.alloc = a, .capacity = capacity};
    t->items = mem_zalloc(a, capacity * sizeof(*t->items));
    return t->items != NULL;
}

void
request_stats_table_fini(struct request_stats_table *t)
{
    for (uint32_t i = 0; t->items != NULL && i < t->capacity; i++) {
        mem_free(t->alloc, atomic_load_explicit(&t->items[i], memory_order_relaxed));
    }
    mem_free(t->alloc, t->items);
    t->items = NULL;
}

struct request_stats *
request_stats_of(struct request_stats_table *t, uint32_t service)
{
    struct request_stats *stats = atomic_load_explicit(&t->items[service], memory_order_relaxed);

    if (WILCO_UNLIKELY(stats == NULL)) {
        stats = mem_zalloc(t->alloc, sizeof(*stats));
        atomic_store_explicit(&t->items[service], stats, memory_order_release);
    }
    return stats;
}

const struct request_stats *
request_stats_read(const struct request_stats_table *t, uint32_t service)
{
    return atomic_load_explicit(&t->items[service], memory_order_acquire);
}

static void
add(_Atomic uint64_t *sum, const _Atomic uint64_t *more)
{
    atomic_store_explicit(sum,
                          atomic_load_explicit(sum, memory_order_relaxed) +
                              atomic_load_explicit(more, memory_order_relaxed),
                          memory_order_relaxed);
}

void
request_stats_add(struct request_stats *sum, const struct request_stats *more)
{
    add(&sum->requests, &more->requests);
    add(&sum->answered, &more->answered);
    add(&sum->errors, &more->errors);
    add(&sum->failed, &more->failed);
    histogram_add(&sum->queue, &more->queue);
    histogram_add(&sum->service, &more->service);
    histogram_add(&sum->back, &more->back);
}
