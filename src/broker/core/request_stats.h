#ifndef WILCO_BROKER_CORE_REQUEST_STATS_H
#define WILCO_BROKER_CORE_REQUEST_STATS_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/histogram.h"

#include <stdbool.h>

/* What one shard has seen of the requests at one filter or group (service_table.h): how many, how
 * they ended, and how long each part of their way took, in microseconds. Written by the shard, read
 * by all. */
struct request_stats {
    _Atomic uint64_t requests; /* copies that holders have got, or should have */
    _Atomic uint64_t answered;
    _Atomic uint64_t errors;  /* of these, those whose `__stat` is 400 or more */
    _Atomic uint64_t failed;  /* ended without a response */
    struct histogram queue;   /* from the broker's having the request to its being sent */
    struct histogram service; /* until the response is there */
    struct histogram back;    /* until the response is sent to the requester */
};

/* One shard's, by number. */
struct request_stats_table {
    const struct wilco_alloc *alloc;
    _Atomic(struct request_stats *) *items;
    uint32_t capacity;
};

/* For numbers below `capacity`. false: out of memory. */
bool request_stats_table_init(struct request_stats_table *t, const struct wilco_alloc *a,
                              uint32_t capacity);
void request_stats_table_fini(struct request_stats_table *t);

/* For the shard: made when it is first asked for. NULL: out of memory, nothing is counted. */
struct request_stats *request_stats_of(struct request_stats_table *t, uint32_t service);
/* For anybody; NULL: nothing has been counted. */
const struct request_stats *request_stats_read(const struct request_stats_table *t,
                                               uint32_t service);
/* Adds all that `more` has counted; `sum` is the caller's own. */
void request_stats_add(struct request_stats *sum, const struct request_stats *more);

static inline void
request_stats_increment(_Atomic uint64_t *counter)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

#endif
