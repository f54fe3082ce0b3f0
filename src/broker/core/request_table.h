#ifndef WILCO_BROKER_CORE_REQUEST_TABLE_H
#define WILCO_BROKER_CORE_REQUEST_TABLE_H

#include "base/map.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

struct request;
struct session;

/* The requests of one shard's holders, by what answers them; memory for new ones; and a short
 * memory of those that have ended, to tell a second or late response from one that nobody asked
 * for. Keys are hashes over holder, Response Topic and Correlation Data. */
#define REQUEST_ENDED_MAX 1024U
#define REQUEST_FREE_MAX  4096U /* kept for reuse */

struct request_table {
    struct map by_key;
    const struct wilco_alloc *alloc;
    uint64_t hash_seed;
    struct request *free;
    uint32_t free_count;
    uint32_t ended_count;              /* ever, modulo 2^32 */
    uint64_t ended[REQUEST_ENDED_MAX]; /* keys; the lowest bit: it was answered */
};

void request_table_init(struct request_table *t, const struct wilco_alloc *a, uint64_t hash_seed);
void request_table_fini(struct request_table *t); /* it is empty */

/* NULL: out of memory. All zero. */
struct request *request_table_take(struct request_table *t);
void request_table_give_back(struct request_table *t, struct request *r);

uint64_t request_table_key(const struct request_table *t, uint64_t holder_id, struct span topic,
                           struct span correlation);
/* The oldest; NULL: there is none. */
struct request *request_table_find(const struct request_table *t, uint64_t key,
                                   const struct session *holder, struct span topic,
                                   struct span correlation);
/* Files it, its fields being set. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status request_table_add(struct request_table *t, struct request *r,
                                                     uint64_t key);
/* Takes it out, and remembers that it has ended. */
void request_table_remove(struct request_table *t, struct request *r, bool was_answered);

enum request_memory {
    REQUEST_UNKNOWN,
    REQUEST_ENDED_UNANSWERED,
    REQUEST_ENDED_ANSWERED,
};
enum request_memory request_table_recall(const struct request_table *t, uint64_t key);

#endif
