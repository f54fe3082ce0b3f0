#ifndef WILCO_BROKER_CORE_TOPIC_TREE_H
#define WILCO_BROKER_CORE_TOPIC_TREE_H

#include "base/buffer.h"
#include "broker/core/audience.h"
#include "broker/core/rcu_table.h"

/* The filters with wildcards, as a tree of levels. Any number of readers without locks inside read
 * sections (rcu.h), one writer at a time. Without filters it has no memory and matching is one
 * load. */
struct topic_tree_node;

struct topic_tree {
    _Atomic(struct topic_tree_node *) root;
    struct rcu_table edges; /* from a node by the text of a level to the next node */
    struct reclaim *reclaim;
    uint64_t hash_seed;
};

void topic_tree_init(struct topic_tree *t, struct reclaim *r, uint64_t hash_seed);
void topic_tree_fini(struct topic_tree *t); /* no reader is left */

/* As audience_put() at a valid filter. */
WILCO_MUST_CHECK enum wilco_status topic_tree_put(struct topic_tree *t, struct span filter,
                                                  const struct subscriber *who, bool *existed);
/* For the writer. The audience at a valid filter; NULL: there is none. */
struct audience *topic_tree_find(const struct topic_tree *t, struct span filter);
/* For the writer, after audience_remove(): takes the audience out if nobody is left. */
void topic_tree_tidy(struct topic_tree *t, struct audience *a);

/* Adds the audience of every filter that matches the valid topic name; time goes with the depth of
 * the topic and the number of filters that match its beginning. WILCO_ENOMEM: `out` is incomplete.
 */
WILCO_MUST_CHECK enum wilco_status topic_tree_collect(const struct topic_tree *t, struct span topic,
                                                      struct topic_matches *out);

/* For readers. Puts the filter that an audience of this tree is at into `out`, which is empty.
 * WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status topic_tree_filter_of(const struct audience *a,
                                                        struct buffer *out);

#endif
