#include "broker/core/topic_tree.h"

#include "base/hash.h"
#include "wire/topic.h"

#include <assert.h>

/* A filter is a path from the root, one node a level; who subscribed to it hangs at its last node.
 * Children by name are found through one hash table for the whole tree, keyed by parent and text;
 * the children "+" and "#" are pointers in the node. A node with neither audience nor children is
 * unlinked at once.
 *
 * Matching goes down the tree with a stack of nodes still to be visited: each that is taken off
 * leaves two at most, one level deeper, so the stack is never higher than the topic is deep, and
 * one. */

struct topic_tree_node {
    struct reclaim_node reclaim;
    struct audience audience;
    struct topic_tree_node *parent;           /* as long as this one; NULL: the root */
    _Atomic(struct topic_tree_node *) plus;   /* the child "+" */
    _Atomic(struct topic_tree_node *) number; /* the child "#" */
    _Atomic uint32_t literals;                /* how many children by name */
    uint32_t level_bytes;
    uint8_t level[];
};

typedef _Atomic(struct topic_tree_node *) node_link;

void
topic_tree_init(struct topic_tree *t, struct reclaim *r, uint64_t hash_seed)
{
    *t = (struct topic_tree){.reclaim = r, .hash_seed = hash_seed};
    rcu_table_init(&t->edges, r);
}

static struct topic_tree_node *
follow(const node_link *link)
{
    return atomic_load_explicit(link, memory_order_acquire);
}

/* The filters "+" and "#" below `n`, and so on down the chain of "+". */
static void
free_wildcards(struct topic_tree *t, struct topic_tree_node *n)
{
    while (n != NULL) {
        struct topic_tree_node *plus = follow(&n->plus);
        struct topic_tree_node *number = follow(&n->number);

        if (number != NULL) {
            audience_fini(&number->audience, t->reclaim->alloc);
            mem_free(t->reclaim->alloc, number);
        }
        audience_fini(&n->audience, t->reclaim->alloc);
        mem_free(t->reclaim->alloc, n);
        n = plus;
    }
}

void
topic_tree_fini(struct topic_tree *t)
{
    struct topic_tree_node *n;
    size_t cursor = 0;

    while ((n = rcu_table_each(&t->edges, &cursor)) != NULL) {
        free_wildcards(t, n);
    }
    free_wildcards(t, follow(&t->root));
    rcu_table_fini(&t->edges);
    topic_tree_init(t, t->reclaim, t->hash_seed);
}

static uint64_t
level_hash(const struct topic_tree *t, struct span level)
{
    return hash_bytes(level, t->hash_seed);
}

/* Addresses differ in their middle bits: spread them over all. */
static uint64_t
edge_hash(const struct topic_tree_node *parent, uint64_t hash_of_level)
{
    uint64_t spread = (uint64_t)(uintptr_t)parent * UINT64_C(0x9E3779B97F4A7C15);

    return hash_of_level ^ spread ^ spread >> 32;
}

static struct topic_tree_node *
find_literal(const struct topic_tree *t, const struct topic_tree_node *parent, struct span level,
             uint64_t hash_of_level)
{
    struct rcu_table_walk w = rcu_table_find(&t->edges, edge_hash(parent, hash_of_level));
    struct topic_tree_node *n;

    while ((n = rcu_table_next(&w)) != NULL) {
        if (n->parent == parent && span_equal(span_of(n->level, n->level_bytes), level)) {
            return n;
        }
    }
    return NULL;
}

/* The link to a child that is a wildcard; NULL for a child by name. */
static node_link *
wildcard_link(struct topic_tree_node *parent, struct span level)
{
    if (level.len != 1) {
        return NULL;
    }
    return level.data[0] == '+' ? &parent->plus : level.data[0] == '#' ? &parent->number : NULL;
}

static struct topic_tree_node *
find_child(const struct topic_tree *t, struct topic_tree_node *parent, struct span level)
{
    const node_link *link = wildcard_link(parent, level);

    return link != NULL ? follow(link) : find_literal(t, parent, level, level_hash(t, level));
}

static bool
is_bare(const struct topic_tree_node *n)
{
    return audience_is_empty(&n->audience) && follow(&n->plus) == NULL &&
           follow(&n->number) == NULL &&
           atomic_load_explicit(&n->literals, memory_order_relaxed) == 0;
}

static void
unlink_node(struct topic_tree *t, struct topic_tree_node *n)
{
    struct topic_tree_node *parent = n->parent;
    struct span level = span_of(n->level, n->level_bytes);
    node_link *link = parent == NULL ? NULL : wildcard_link(parent, level);

    if (parent == NULL) {
        atomic_store_explicit(&t->root, NULL, memory_order_release);
    } else if (link != NULL) {
        atomic_store_explicit(link, NULL, memory_order_release);
    } else {
        rcu_table_remove(&t->edges, edge_hash(parent, level_hash(t, level)), n);
        atomic_fetch_sub_explicit(&parent->literals, 1, memory_order_relaxed);
    }
}

/* Takes out `n`, then its parent, and so on, as far up as they are bare. */
static void
prune(struct topic_tree *t, struct topic_tree_node *n)
{
    while (n != NULL && is_bare(n)) {
        struct topic_tree_node *parent = n->parent;

        unlink_node(t, n);
        reclaim_later(t->reclaim, &n->reclaim);
        n = parent;
    }
}

/* Readers find a new child by name from the moment it is in the table, so it is counted before. */
static enum wilco_status
link_node(struct topic_tree *t, struct topic_tree_node *n)
{
    struct span level = span_of(n->level, n->level_bytes);
    node_link *link = n->parent == NULL ? &t->root : wildcard_link(n->parent, level);
    enum wilco_status st = WILCO_OK;

    if (link != NULL) {
        atomic_store_explicit(link, n, memory_order_release);
        return st;
    }
    atomic_fetch_add_explicit(&n->parent->literals, 1, memory_order_relaxed);
    st = rcu_table_add(&t->edges, edge_hash(n->parent, level_hash(t, level)), n);
    if (st != WILCO_OK) {
        atomic_fetch_sub_explicit(&n->parent->literals, 1, memory_order_relaxed);
    }
    return st;
}

/* NULL: out of memory. */
static struct topic_tree_node *
add_node(struct topic_tree *t, struct topic_tree_node *parent, struct span level)
{
    struct topic_tree_node *n = mem_zalloc(t->reclaim->alloc, sizeof(*n) + level.len);

    if (n == NULL) {
        return NULL;
    }
    n->parent = parent;
    n->audience.is_in_tree = true;
    n->level_bytes = (uint32_t)level.len;
    if (level.len > 0) {
        memcpy(n->level, level.data, level.len);
    }
    if (link_node(t, n) != WILCO_OK) {
        mem_free(t->reclaim->alloc, n);
        return NULL;
    }
    return n;
}

/* The node of the filter, made with its whole path. NULL: out of memory, and nothing was made. */
static struct topic_tree_node *
make_path(struct topic_tree *t, struct span filter)
{
    struct topic_levels levels = topic_levels_of(filter);
    struct topic_tree_node *n = follow(&t->root);
    struct span level;

    if (n == NULL) {
        n = add_node(t, NULL, SPAN_EMPTY);
    }
    while (n != NULL && topic_level_next(&levels, &level)) {
        struct topic_tree_node *child = find_child(t, n, level);

        if (child == NULL) {
            child = add_node(t, n, level);
        }
        if (child == NULL) {
            prune(t, n);
        }
        n = child;
    }
    return n;
}

enum wilco_status
topic_tree_put(struct topic_tree *t, struct span filter, const struct subscriber *who,
               bool *existed)
{
    struct topic_tree_node *n = make_path(t, filter);
    enum wilco_status st;

    if (n == NULL) {
        return WILCO_ENOMEM;
    }
    st = audience_put(&n->audience, t->reclaim, who, existed);
    prune(t, n);
    return st;
}

struct audience *
topic_tree_find(const struct topic_tree *t, struct span filter)
{
    struct topic_levels levels = topic_levels_of(filter);
    struct topic_tree_node *n = follow(&t->root);
    struct span level;

    while (n != NULL && topic_level_next(&levels, &level)) {
        n = find_child(t, n, level);
    }
    return n == NULL ? NULL : &n->audience;
}

void
topic_tree_tidy(struct topic_tree *t, struct audience *a)
{
    prune(t, CONTAINER_OF(a, struct topic_tree_node, audience));
}

/* One match in progress: the topic, cut into levels as far as they were asked for, and the nodes
 * still to be visited. Both lie in the steps of `out`. */
struct walk {
    const struct topic_tree *tree;
    struct topic_matches *out;
    struct topic_levels rest;
    size_t levels;
    size_t nodes;
    enum wilco_status status;
};

/* Sees to it that level number `depth` is known; false: the topic has no such level, or the walk
 * has failed. */
static bool
know_level(struct walk *w, size_t depth)
{
    struct span level;

    if (depth < w->levels) {
        return true;
    }
    assert(depth == w->levels);
    if (w->status != WILCO_OK || !topic_level_next(&w->rest, &level)) {
        return false;
    }
    w->status = topic_matches_reserve_steps(w->out, depth + 1);
    if (w->status != WILCO_OK) {
        return false;
    }
    w->out->steps[depth].level = level;
    w->out->steps[depth].hash = level_hash(w->tree, level);
    w->levels++;
    return true;
}

static void
push(struct walk *w, const struct topic_tree_node *n, size_t depth)
{
    if (n == NULL || w->status != WILCO_OK) {
        return;
    }
    w->status = topic_matches_reserve_steps(w->out, w->nodes + 1);
    if (w->status == WILCO_OK) {
        w->out->steps[w->nodes].node = n;
        w->out->steps[w->nodes].depth = depth;
        w->nodes++;
    }
}

static void
collect(struct walk *w, const struct topic_tree_node *n)
{
    if (n != NULL && w->status == WILCO_OK) {
        w->status = audience_collect(&n->audience, w->out);
    }
}

/* `n` matches the first `depth` levels. `wildcards` says whether it may be left by one. */
static void
visit(struct walk *w, const struct topic_tree_node *n, size_t depth, bool wildcards)
{
    if (wildcards) {
        collect(w, follow(&n->number)); /* also when no level is left (MQTT 5.0, 4.7.1.2) */
    }
    if (!know_level(w, depth)) {
        collect(w, n);
        return;
    }
    if (wildcards) {
        push(w, follow(&n->plus), depth + 1);
    }
    if (atomic_load_explicit(&n->literals, memory_order_relaxed) > 0) {
        push(w, find_literal(w->tree, n, w->out->steps[depth].level, w->out->steps[depth].hash),
             depth + 1);
    }
}

enum wilco_status
topic_tree_collect(const struct topic_tree *t, struct span topic, struct topic_matches *out)
{
    struct walk w = {.tree = t, .out = out, .rest = topic_levels_of(topic)};
    const struct topic_tree_node *root = follow(&t->root);

    if (WILCO_LIKELY(root == NULL)) {
        return WILCO_OK;
    }
    visit(&w, root, 0, topic.data[0] != '$'); /* [MQTT-4.7.2-1] */
    while (w.nodes > 0 && w.status == WILCO_OK) {
        const struct topic_step *next = &out->steps[--w.nodes];

        visit(&w, next->node, next->depth, true);
    }
    return w.status;
}

/* Filled from the last level to the first. */
enum wilco_status
topic_tree_filter_of(const struct audience *a, struct buffer *out)
{
    const struct topic_tree_node *n =
        CONTAINER_OF((void *)(uintptr_t)a, struct topic_tree_node, audience);
    size_t bytes = 0;
    enum wilco_status st = WILCO_OK;

    for (const struct topic_tree_node *i = n; i->parent != NULL; i = i->parent) {
        bytes += i->level_bytes + 1;
    }
    st = buffer_reserve(out, bytes);
    if (st != WILCO_OK || bytes == 0) {
        return st;
    }
    out->len = bytes - 1; /* no "/" behind the last level */
    for (const struct topic_tree_node *i = n; i->parent != NULL; i = i->parent) {
        bytes -= i->level_bytes + 1;
        if (i->level_bytes > 0) {
            memcpy(out->data + bytes, i->level, i->level_bytes);
        }
        if (i != n) {
            out->data[bytes + i->level_bytes] = '/';
        }
    }
    return WILCO_OK;
}
