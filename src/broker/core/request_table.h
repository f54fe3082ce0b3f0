#ifndef WILCO_BROKER_CORE_REQUEST_TABLE_H
#define WILCO_BROKER_CORE_REQUEST_TABLE_H

#include "base/map.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

struct request;
struct session;

/* The requests of one shard's holders, found by what answers them; memory for new ones; and a short
 * memory of those that have ended, to tell a second or late response from one that nobody asked
 * for.
 *
 * Most responders answer in the order in which they were asked. So the oldest requests of the
 * holder are looked at first, and only when it is none of them the holder's requests are filed in
 * a hash table, by holder, Response Topic and Correlation Data: each once, at the first response
 * that comes out of order after it. */
#define REQUEST_LOOKS_MAX 4U /* requests looked at before the table is */
#define REQUEST_ENDED_MAX 1024U
#define REQUEST_FREE_MAX  4096U /* kept for reuse */

struct request_table {
    struct map by_key;
    const struct wilco_alloc *alloc;
    uint64_t hash_seed;
    struct request *free;
    uint32_t free_count;
    uint32_t ended_count;              /* ever, modulo 2^32 */
    uint64_t ended[REQUEST_ENDED_MAX]; /* fingerprints; the lowest bit: it was answered */
};

void request_table_init(struct request_table *t, const struct wilco_alloc *a, uint64_t hash_seed);
void request_table_fini(struct request_table *t); /* it is empty */

/* A new one, or one that is no more as it was then; its lists and its timer are unlinked. NULL: out
 * of memory. */
struct request *request_table_take(struct request_table *t);
void request_table_give_back(struct request_table *t, struct request *r);

/* The oldest request that the holder has been sent and that a message to this topic with this
 * Correlation Data answers; NULL: there is none, or no memory to find it. */
struct request *request_table_find(struct request_table *t, const struct session *holder,
                                   struct span topic, struct span correlation);
/* A request, which is still among its holder's, is about to end: takes it out if it is filed, and
 * remembers it. */
void request_table_remove(struct request_table *t, struct request *r, bool was_answered);

/* How the last one with this key ended. */
enum request_memory {
    REQUEST_UNKNOWN,
    REQUEST_ENDED_UNANSWERED,
    REQUEST_ENDED_ANSWERED,
};
/* What is remembered of a request that such a message would have answered: it can be mistaken, so
 * it is good for counting only. */
enum request_memory request_table_recall(const struct request_table *t,
                                         const struct session *holder, struct span topic,
                                         struct span correlation);

#endif
