#include "broker/core/rcu_table.h"

#include <assert.h>

/* Entries are written hash first, pointer last. A removed entry is marked by pointing to itself and
 * may be used again: a reader that mixes the old hash with the new pointer is sent on by its own
 * comparison of keys, and the entry of an item that stays is never touched. Growing and shrinking
 * copies the entries that are live and publishes the copy; the old ones stay as they are until
 * their readers are done. */

#define CAPACITY_MIN 8U

void
rcu_table_init(struct rcu_table *t, struct reclaim *reclaim)
{
    *t = (struct rcu_table){.reclaim = reclaim};
}

static struct rcu_table_entries *
current(const struct rcu_table *t)
{
    return atomic_load_explicit(&t->entries, memory_order_relaxed); /* we are the writer */
}

static void *
item_of(const struct rcu_table_entry *e)
{
    return atomic_load_explicit(&e->item, memory_order_relaxed);
}

static struct rcu_table_entry *
entry_at(struct rcu_table_entries *entries, size_t at)
{
    return &entries->at[at & (entries->capacity - 1)];
}

void
rcu_table_fini(struct rcu_table *t)
{
    mem_free(t->reclaim->alloc, current(t));
    rcu_table_init(t, t->reclaim);
}

/* Puts an item into the first entry that is free; whether that had never been used. */
static bool
put(struct rcu_table_entries *entries, uint64_t hash, void *item)
{
    struct rcu_table_entry *e = entry_at(entries, (size_t)hash);
    bool was_unused;

    for (size_t at = (size_t)hash + 1; item_of(e) != NULL && item_of(e) != e; at++) {
        e = entry_at(entries, at);
    }
    was_unused = item_of(e) == NULL;
    atomic_store_explicit(&e->hash, hash, memory_order_relaxed);
    atomic_store_explicit(&e->item, item, memory_order_release);
    return was_unused;
}

static void
publish(struct rcu_table *t, struct rcu_table_entries *entries)
{
    struct rcu_table_entries *old = current(t);

    atomic_store_explicit(&t->entries, entries, memory_order_release);
    t->filled = t->live;
    if (old != NULL) {
        reclaim_later(t->reclaim, &old->reclaim);
    }
}

/* Moves the items to a table with room for `count`, half full at most. */
static enum wilco_status
rebuild(struct rcu_table *t, size_t count)
{
    struct rcu_table_entries *entries;
    size_t capacity = CAPACITY_MIN;
    size_t cursor = 0;
    void *item;

    while (capacity / 2 < count) {
        capacity *= 2;
    }
    entries = mem_zalloc(t->reclaim->alloc, sizeof(*entries) + capacity * sizeof(entries->at[0]));
    if (entries == NULL) {
        return WILCO_ENOMEM;
    }
    entries->capacity = capacity;
    while ((item = rcu_table_each(t, &cursor)) != NULL) {
        (void)put(entries,
                  atomic_load_explicit(&current(t)->at[cursor - 1].hash, memory_order_relaxed),
                  item);
    }
    publish(t, entries);
    return WILCO_OK;
}

enum wilco_status
rcu_table_add(struct rcu_table *t, uint64_t hash, void *item)
{
    struct rcu_table_entries *entries = current(t);

    if (entries == NULL || t->filled >= entries->capacity / 4 * 3) {
        enum wilco_status st = rebuild(t, t->live + 1);

        if (st != WILCO_OK) {
            return st;
        }
        entries = current(t);
    }
    t->filled += put(entries, hash, item);
    t->live++;
    return WILCO_OK;
}

/* Marks the entry as removed; or, where a run of entries ends, cleans up the marks at its end. */
static void
clear(struct rcu_table *t, size_t at)
{
    struct rcu_table_entries *entries = current(t);
    struct rcu_table_entry *e = entry_at(entries, at);

    atomic_store_explicit(&e->item, e, memory_order_release);
    if (item_of(entry_at(entries, at + 1)) != NULL) {
        return;
    }
    while (item_of(e) == e) {
        atomic_store_explicit(&e->item, NULL, memory_order_release);
        t->filled--;
        e = entry_at(entries, --at);
    }
}

void
rcu_table_remove(struct rcu_table *t, uint64_t hash, const void *item)
{
    struct rcu_table_entries *entries = current(t);
    size_t at = (size_t)hash;

    while (item_of(entry_at(entries, at)) != item) {
        assert(item_of(entry_at(entries, at)) != NULL);
        at++;
    }
    clear(t, at);
    t->live--;
    if (t->live == 0) {
        publish(t, NULL);
    } else if (entries->capacity > CAPACITY_MIN && t->live < entries->capacity / 8) {
        (void)rebuild(t, t->live); /* when there is no memory, the large one stays */
    }
}

void *
rcu_table_each(const struct rcu_table *t, size_t *cursor)
{
    struct rcu_table_entries *entries = current(t);

    while (entries != NULL && *cursor < entries->capacity) {
        const struct rcu_table_entry *e = &entries->at[(*cursor)++];
        void *item = item_of(e);

        if (item != NULL && item != e) {
            return item;
        }
    }
    return NULL;
}
