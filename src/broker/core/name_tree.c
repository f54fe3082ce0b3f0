#include "broker/core/name_tree.h"

#include "base/hash.h"
#include "wire/topic.h"

#include <assert.h>

/* The walk needs no stack: it goes down to the first child that may match, else across to the next
 * sibling, else up until there is one. It has always moved on before it hands out an item, and
 * where it has moved to keeps every node above it alive, so the item's own node may go. */

void
name_tree_init(struct name_tree *t, const struct wilco_alloc *a, uint64_t hash_seed)
{
    *t = (struct name_tree){.alloc = a, .hash_seed = hash_seed};
    map_init(&t->edges, a);
}

void
name_tree_fini(struct name_tree *t)
{
    assert(t->root == NULL);
    map_fini(&t->edges);
}

static uint64_t
edge_hash(const struct name_tree *t, const struct name_node *parent, struct span level)
{
    uint64_t spread = (uint64_t)(uintptr_t)parent * UINT64_C(0x9E3779B97F4A7C15);

    return hash_bytes(level, t->hash_seed) ^ spread ^ spread >> 32;
}

static struct name_node *
find_child(const struct name_tree *t, const struct name_node *parent, struct span level)
{
    struct map_node *at = map_first(&t->edges, edge_hash(t, parent, level));

    for (; at != NULL; at = map_next(at)) {
        struct name_node *n = CONTAINER_OF(at, struct name_node, edge);

        if (n->parent == parent && span_equal(span_of(n->level, n->level_bytes), level)) {
            return n;
        }
    }
    return NULL;
}

/* Takes out `n`, then its parent, and so on, as far up as nothing needs them. */
static void
prune(struct name_tree *t, struct name_node *n)
{
    while (n != NULL && n->item == NULL && list_is_empty(&n->children)) {
        struct name_node *parent = n->parent;

        if (parent == NULL) {
            t->root = NULL;
        } else {
            map_remove(&t->edges, &n->edge);
            list_remove(&n->sibling);
        }
        mem_free(t->alloc, n);
        n = parent;
    }
}

/* NULL: out of memory. */
static struct name_node *
add_node(struct name_tree *t, struct name_node *parent, struct span level)
{
    struct name_node *n = mem_zalloc(t->alloc, sizeof(*n) + level.len);

    if (n == NULL) {
        return NULL;
    }
    n->parent = parent;
    list_init(&n->children);
    n->level_bytes = level.len;
    if (level.len > 0) {
        memcpy(n->level, level.data, level.len);
    }
    if (parent == NULL) {
        t->root = n;
    } else if (map_add(&t->edges, &n->edge, edge_hash(t, parent, level)) == WILCO_OK) {
        list_push_back(&parent->children, &n->sibling);
    } else {
        mem_free(t->alloc, n);
        n = NULL;
    }
    return n;
}

struct name_node *
name_tree_add(struct name_tree *t, struct span name, void *item)
{
    struct topic_levels levels = topic_levels_of(name);
    struct name_node *n = t->root == NULL ? add_node(t, NULL, SPAN_EMPTY) : t->root;
    struct span level;

    while (n != NULL && topic_level_next(&levels, &level)) {
        struct name_node *child = find_child(t, n, level);

        if (child == NULL) {
            child = add_node(t, n, level);
        }
        if (child == NULL) {
            prune(t, n);
        }
        n = child;
    }
    if (n != NULL) {
        assert(n->item == NULL);
        n->item = item;
    }
    return n;
}

void
name_tree_remove(struct name_tree *t, struct name_node *n)
{
    n->item = NULL;
    prune(t, n);
}

static bool
is_level(struct span level, char wildcard)
{
    return level.len == 1 && level.data[0] == (uint8_t)wildcard;
}

enum wilco_status
name_walk_init(struct name_walk *w, const struct name_tree *t, struct span filter)
{
    struct topic_levels rest = topic_levels_of(filter);
    struct span *levels =
        mem_alloc(t->alloc, topic_level_count(filter) * sizeof(*levels)); /* never 0 */
    size_t count = 0;

    if (levels == NULL) {
        return WILCO_ENOMEM;
    }
    while (topic_level_next(&rest, &levels[count])) {
        count++;
    }
    *w = (struct name_walk){
        .tree = t,
        .levels = levels,
        .level_count = count,
        .ends_in_number = is_level(levels[count - 1], '#'),
        .skips_dollar = is_level(levels[0], '+') || is_level(levels[0], '#'),
        .node = t->root,
    };
    w->level_count -= w->ends_in_number;
    return WILCO_OK;
}

void
name_walk_fini(struct name_walk *w)
{
    mem_free(w->tree->alloc, w->levels);
}

/* Whether every child of a node at `depth` may match. */
static bool
is_open(const struct name_walk *w, size_t depth)
{
    return depth < w->level_count ? is_level(w->levels[depth], '+') : w->ends_in_number;
}

/* The first child of `parent` behind `at`, one of them or the head of the list, that may match;
 * NULL: none. */
static struct name_node *
next_child(const struct name_walk *w, const struct name_node *parent, const struct list *at)
{
    for (struct list *l = at->next; l != &parent->children; l = l->next) {
        struct name_node *n = CONTAINER_OF(l, struct name_node, sibling);
        bool is_dollar = parent == w->tree->root && n->level_bytes > 0 && n->level[0] == '$';

        if (!is_dollar || !w->skips_dollar) { /* [MQTT-4.7.2-1] */
            return n;
        }
    }
    return NULL;
}

static struct name_node *
first_child(const struct name_walk *w, const struct name_node *parent, size_t depth)
{
    if (is_open(w, depth)) {
        return next_child(w, parent, &parent->children);
    }
    return depth < w->level_count ? find_child(w->tree, parent, w->levels[depth]) : NULL;
}

static void
advance(struct name_walk *w)
{
    struct name_node *n = w->node;
    struct name_node *next = first_child(w, n, w->depth);

    if (next != NULL) {
        w->depth++;
    }
    while (next == NULL && n->parent != NULL) {
        const struct name_node *child = n;

        n = n->parent;
        if (is_open(w, w->depth - 1)) {
            next = next_child(w, n, &child->sibling);
        }
        w->depth -= next == NULL;
    }
    w->node = next;
}

void *
name_walk_next(struct name_walk *w)
{
    while (w->node != NULL) {
        bool is_match =
            w->depth == w->level_count || (w->depth > w->level_count && w->ends_in_number);
        void *item = w->node->item;

        advance(w);
        if (is_match && item != NULL) {
            return item;
        }
    }
    return NULL;
}
