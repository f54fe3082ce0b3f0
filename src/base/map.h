#ifndef WILCO_BASE_MAP_H
#define WILCO_BASE_MAP_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* A hash table of nodes embedded in their owners. The caller hashes (base/hash.h) and compares
 * keys; the table owns its buckets only: none before the first node, and a large table goes back to
 * the allocator when its last node leaves. */
struct map_node {
    struct map_node *next;
    uint64_t hash;
};

struct map {
    struct map_node **buckets;
    size_t bucket_count; /* zero or a power of two */
    size_t count;
    size_t first; /* the buckets before this one are empty */
    const struct wilco_alloc *alloc;
};

void map_init(struct map *m, const struct wilco_alloc *a);
void map_fini(struct map *m); /* the nodes are the caller's affair */

/* The first node with this hash, then the next one: compare keys and stop at yours. NULL: none
 * left. */
struct map_node *map_first(const struct map *m, uint64_t hash);
struct map_node *map_next(const struct map_node *node);

/* Files `node` under `hash`. Does not look for an equal key. WILCO_ENOMEM only while the map is
 * empty: growing later is optional and its failure costs speed alone. */
WILCO_MUST_CHECK enum wilco_status map_add(struct map *m, struct map_node *node, uint64_t hash);
void map_remove(struct map *m, struct map_node *node); /* must be in the map */
/* Any node, for emptying a map; NULL when it is empty. Linear over a whole emptying when each is
 * removed before the next call. */
struct map_node *map_any(struct map *m);
/* Every node once, in no particular order: the one after `node`, or the first for NULL; NULL at the
 * end. Ask for the next one before you remove one; nothing may be added meanwhile. */
struct map_node *map_walk(const struct map *m, const struct map_node *node);

#endif
