#ifndef WILCO_BROKER_AUTH_ACL_TREE_H
#define WILCO_BROKER_AUTH_ACL_TREE_H

#include "base/alloc.h"
#include "base/map.h"
#include "base/status.h"
#include "broker/core/access.h"

/* Topic Filters of an ACL file, cut into levels, so that what a topic is asked about does not
 * depend on how many lines there are. One tree has many roots: a user each. Immutable once it is
 * made, and then for any thread. */
struct acl_tree {
    struct map edges; /* from a node by the text of a level to the next node */
    struct acl_node *nodes;
    const struct wilco_alloc *alloc;
    uint64_t hash_seed;
    size_t count; /* nodes ever made */
};
struct acl_node;

/* The lines that say so, counted from 1, the first of several; 0: none does. */
struct acl_lines {
    uint32_t deny;
    uint32_t read;
    uint32_t write;
};

void acl_tree_init(struct acl_tree *t, const struct wilco_alloc *a, uint64_t hash_seed);
void acl_tree_fini(struct acl_tree *t);
struct acl_node *acl_tree_root(struct acl_tree *t); /* a new one; NULL: out of memory */

/* Puts a valid filter below the root. Its bytes live as long as the tree. With `has_names` a level
 * that is just "%c" stands for the Client Identifier, and one that is just "%u" for the user name.
 * WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status acl_tree_put(struct acl_tree *t, struct acl_node *root,
                                                struct span filter, bool has_names,
                                                const struct acl_lines *lines);

/* Adds the lines of every filter below the root that matches the topic, for the client `who`. No
 * wildcard and no name stands for a first level that begins with "$", and no empty name for any. */
void acl_tree_collect(const struct acl_tree *t, const struct acl_node *root, struct span topic,
                      const struct access_subject *who, struct acl_lines *out);

/* The earlier of two lines each. */
void acl_lines_add(struct acl_lines *sum, const struct acl_lines *more);

#endif
