#ifndef WILCO_BROKER_AUTH_HASH_POOL_H
#define WILCO_BROKER_AUTH_HASH_POOL_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/list.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* Threads for what takes long, such as checking a password, so that the shards need not wait. They
 * have a low priority: what the shards have to do comes first. What waits for them is bounded. Safe
 * from any thread. */
struct hash_pool;

struct hash_job {
    struct list link;
    /* In a thread of the pool. It is the caller's again then. */
    void (*run)(struct hash_job *job);
    /* In its place, when the pool ends before the job's turn has come. */
    void (*drop)(struct hash_job *job);
};

#define HASH_POOL_THREADS_MAX 64U

/* `jobs_max` may wait, beside those that run. There is no thread before there is a job for it, as
 * the process may not be what it is to be yet; there will be `threads` at most. NULL: out of
 * memory. */
struct hash_pool *hash_pool_new(unsigned threads, size_t jobs_max, const struct wilco_alloc *a);
/* Takes the job over. false: too many wait, or the system gives no thread at all, and it is still
 * the caller's. */
bool hash_pool_add(struct hash_pool *p, struct hash_job *job);
/* Runs what has begun, drops what waits, and takes nothing more. Harmless twice. */
void hash_pool_stop(struct hash_pool *p);
void hash_pool_free(struct hash_pool *p); /* stops it; NULL is allowed */

#endif
