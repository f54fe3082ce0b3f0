#ifndef WILCO_BROKER_CORE_SYS_REQUESTS_H
#define WILCO_BROKER_CORE_SYS_REQUESTS_H

#include "broker/core/shard.h"

/* The part of $SYS that is about who was asked: for each filter and group at which requests have
 * arrived (service_table.h) a retained message below $SYS/rr/, whose payload is a JSON object with
 * the figures of request_stats.h. docs/sys.md describes it. */

/* What was published last, by number, so that only what has changed is published again. All zero:
 * nothing. */
struct sys_requests {
    const struct wilco_alloc *alloc;
    uint64_t *published; /* sums over the counters */
    uint32_t capacity;
};

/* false: out of memory. */
bool sys_requests_init(struct sys_requests *r, const struct wilco_alloc *a, uint32_t capacity);
void sys_requests_fini(struct sys_requests *r);

/* Adds up what all shards have seen and publishes what has changed; by whoever samples (sys.c). */
void sys_requests_sample(struct sys_requests *r, struct shard *s);
/* Just adds up, for one number of service_table.h. By anybody. */
void sys_requests_add_up(struct request_stats *sum, const struct broker *b, uint32_t service);

#endif
