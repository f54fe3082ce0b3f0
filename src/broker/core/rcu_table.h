#ifndef WILCO_BROKER_CORE_RCU_TABLE_H
#define WILCO_BROKER_CORE_RCU_TABLE_H

#include "base/compiler.h"
#include "base/status.h"
#include "broker/core/reclaim.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* A hash table of pointers: any number of readers without locks inside read sections (rcu.h), one
 * writer at a time. Open addressing with the hash beside the pointer, so that a probe touches no
 * item but those it is looking for. The caller hashes and compares; the table owns no item. An
 * empty table has no memory. */
struct rcu_table_entry {
    _Atomic uint64_t hash;
    _Atomic(void *) item; /* NULL: never used; the entry itself: item removed, look further */
};

struct rcu_table_entries {
    struct reclaim_node reclaim;
    size_t capacity; /* a power of two, always with an entry that is NULL */
    struct rcu_table_entry at[];
};

struct rcu_table {
    _Atomic(struct rcu_table_entries *) entries;
    struct reclaim *reclaim;
    size_t live;   /* items */
    size_t filled; /* entries that are not NULL */
};

void rcu_table_init(struct rcu_table *t, struct reclaim *reclaim);
void rcu_table_fini(struct rcu_table *t); /* no reader is left; the items are the caller's affair */

/* Files `item` under `hash`. Does not look for an equal one. WILCO_ENOMEM: nothing has changed. */
WILCO_MUST_CHECK enum wilco_status rcu_table_add(struct rcu_table *t, uint64_t hash, void *item);
/* `item` must be there. New readers no longer find it; it may be given to the same reclaim at once.
 */
void rcu_table_remove(struct rcu_table *t, uint64_t hash, const void *item);

/* Walks over all items, for emptying: the next one from `*cursor` on, which starts at 0; NULL at
 * the end. */
void *rcu_table_each(const struct rcu_table *t, size_t *cursor);

/* Walks over the items with one hash. */
struct rcu_table_walk {
    const struct rcu_table_entries *entries;
    uint64_t hash;
    size_t at;
};

static inline struct rcu_table_walk
rcu_table_find(const struct rcu_table *t, uint64_t hash)
{
    return (struct rcu_table_walk){
        .entries = atomic_load_explicit(&t->entries, memory_order_acquire),
        .hash = hash,
        .at = (size_t)hash,
    };
}

/* The next item filed under the hash: compare keys, an item may be another's that has moved in.
 * NULL: none left. */
static inline void *
rcu_table_next(struct rcu_table_walk *w)
{
    while (w->entries != NULL) {
        const struct rcu_table_entry *e = &w->entries->at[w->at++ & (w->entries->capacity - 1)];
        void *item = atomic_load_explicit(&e->item, memory_order_acquire);

        if (item == NULL) {
            break;
        }
        if (atomic_load_explicit(&e->hash, memory_order_relaxed) == w->hash && item != e) {
            return item;
        }
    }
    return NULL;
}

#endif
