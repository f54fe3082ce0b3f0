#ifndef WILCO_BROKER_CORE_NAME_TREE_H
#define WILCO_BROKER_CORE_NAME_TREE_H

#include "base/list.h"
#include "base/map.h"
#include "base/span.h"

/* Topic names as a tree of levels, each with an item of the caller's, to find the names that match
 * a filter without looking at the others. One thread at a time. */
struct name_node {
    struct map_node edge; /* by parent and level */
    struct name_node *parent;
    struct list children; /* in the order in which they came */
    struct list sibling;
    void *item; /* NULL: a name only as the beginning of others */
    size_t level_bytes;
    uint8_t level[];
};

struct name_tree {
    struct map edges;
    struct name_node *root; /* NULL when empty */
    const struct wilco_alloc *alloc;
    uint64_t hash_seed;
};

void name_tree_init(struct name_tree *t, const struct wilco_alloc *a, uint64_t hash_seed);
void name_tree_fini(struct name_tree *t); /* it is empty */

/* Gives the valid name, which is not there yet, its item. The node stays where it is until removed.
 * NULL: out of memory, and nothing has changed. */
struct name_node *name_tree_add(struct name_tree *t, struct span name, void *item);
void name_tree_remove(struct name_tree *t, struct name_node *n);

/* Goes through the names that match a filter, a name before the names below it. */
struct name_walk {
    const struct name_tree *tree;
    struct span *levels; /* of the filter, without a "#" at the end */
    size_t level_count;
    bool ends_in_number;    /* "#" */
    bool skips_dollar;      /* the first level is a wildcard */
    struct name_node *node; /* the next to look at; NULL: none is left */
    size_t depth;           /* its levels */
};

/* The filter is valid and stays as long as the walk. WILCO_ENOMEM: no name_walk_fini() is needed.
 */
WILCO_MUST_CHECK enum wilco_status name_walk_init(struct name_walk *w, const struct name_tree *t,
                                                  struct span filter);
void name_walk_fini(struct name_walk *w);
/* The item of the next name, which may be removed before the next call; NULL: no more. */
void *name_walk_next(struct name_walk *w);

#endif
