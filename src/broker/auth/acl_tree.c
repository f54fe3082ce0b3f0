/* Matching walks down the tree as far as the topic leads it and comes back up without a stack:
 * where it was in the topic follows from where it is, as each edge stands for one level. */
#include "broker/auth/acl_tree.h"

#include "base/hash.h"
#include "base/list.h"
#include "wire/topic.h"

/* What the level stands for that leads to a node; the order in which they are tried. */
enum edge {
    EDGE_TEXT,
    EDGE_ANY,       /* "+" */
    EDGE_CLIENT_ID, /* "%c" */
    EDGE_USER,      /* "%u" */
    EDGES,
};

struct acl_node {
    struct map_node by_edge;
    struct acl_node *parent;
    struct acl_node *special[EDGES]; /* but for EDGE_TEXT */
    struct acl_node *next_made;
    struct span level;
    size_t number;
    enum edge edge;
    struct acl_lines here;
    struct acl_lines below; /* of a "#" behind it */
};

static void
add_line(uint32_t *sum, uint32_t line)
{
    if (line != 0 && (*sum == 0 || line < *sum)) {
        *sum = line;
    }
}

void
acl_lines_add(struct acl_lines *sum, const struct acl_lines *more)
{
    add_line(&sum->deny, more->deny);
    add_line(&sum->read, more->read);
    add_line(&sum->write, more->write);
}

void
acl_tree_init(struct acl_tree *t, const struct wilco_alloc *a, uint64_t hash_seed)
{
    *t = (struct acl_tree){.alloc = a, .hash_seed = hash_seed};
    map_init(&t->edges, a);
}

void
acl_tree_fini(struct acl_tree *t)
{
    map_fini(&t->edges);
    while (t->nodes != NULL) {
        struct acl_node *n = t->nodes;

        t->nodes = n->next_made;
        mem_free(t->alloc, n);
    }
}

static struct acl_node *
new_node(struct acl_tree *t, struct acl_node *parent)
{
    struct acl_node *n = mem_zalloc(t->alloc, sizeof(*n));

    if (n != NULL) {
        n->parent = parent;
        n->number = t->count++;
        n->next_made = t->nodes;
        t->nodes = n;
    }
    return n;
}

struct acl_node *
acl_tree_root(struct acl_tree *t)
{
    return new_node(t, NULL);
}

static uint64_t
hash_of(const struct acl_tree *t, const struct acl_node *parent, struct span level)
{
    return hash_bytes(level, t->hash_seed ^ parent->number * UINT64_C(0x9E3779B97F4A7C15));
}

static struct acl_node *
text_child(const struct acl_tree *t, const struct acl_node *parent, struct span level)
{
    struct map_node *at = map_first(&t->edges, hash_of(t, parent, level));

    for (; at != NULL; at = map_next(at)) {
        struct acl_node *n = CONTAINER_OF(at, struct acl_node, by_edge);

        if (n->parent == parent && span_equal(n->level, level)) {
            return n;
        }
    }
    return NULL;
}

static enum edge
edge_of(struct span level, bool has_names)
{
    if (span_equal(level, SPAN_LITERAL("+"))) {
        return EDGE_ANY;
    }
    if (has_names && span_equal(level, SPAN_LITERAL("%c"))) {
        return EDGE_CLIENT_ID;
    }
    return has_names && span_equal(level, SPAN_LITERAL("%u")) ? EDGE_USER : EDGE_TEXT;
}

/* The node behind this level, made if need be. NULL: out of memory. */
static struct acl_node *
child(struct acl_tree *t, struct acl_node *parent, struct span level, bool has_names)
{
    enum edge edge = edge_of(level, has_names);
    struct acl_node *n = edge == EDGE_TEXT ? text_child(t, parent, level) : parent->special[edge];

    if (n != NULL) {
        return n;
    }
    n = new_node(t, parent);
    if (n == NULL) {
        return NULL;
    }
    n->level = level;
    n->edge = edge;
    if (edge != EDGE_TEXT) {
        parent->special[edge] = n;
    } else if (map_add(&t->edges, &n->by_edge, hash_of(t, parent, level)) != WILCO_OK) {
        return NULL; /* it stays without a way to it */
    }
    return n;
}

enum wilco_status
acl_tree_put(struct acl_tree *t, struct acl_node *root, struct span filter, bool has_names,
             const struct acl_lines *lines)
{
    struct topic_levels levels = topic_levels_of(filter);
    struct acl_node *n = root;
    struct span level = SPAN_EMPTY;

    while (topic_level_next(&levels, &level)) {
        if (span_equal(level, SPAN_LITERAL("#"))) { /* the last one */
            acl_lines_add(&n->below, lines);
            return WILCO_OK;
        }
        n = child(t, n, level, has_names);
        if (n == NULL) {
            return WILCO_ENOMEM;
        }
    }
    acl_lines_add(&n->here, lines);
    return WILCO_OK;
}

/* Where matching is. */
struct place {
    const struct acl_node *node;
    struct span topic;
    size_t
        at; /* the level of the topic that is next begins here; behind the topic: there is none */
};

static struct span
level_at(const struct place *p)
{
    const uint8_t *start = p->topic.data + p->at;
    size_t left = p->topic.len - p->at;
    const uint8_t *slash = left == 0 ? NULL : memchr(start, '/', left);

    return span_of(start, slash == NULL ? left : (size_t)(slash - start));
}

/* Where the level before the one at `at` begins. */
static size_t
level_before(const struct place *p)
{
    size_t at = p->at - 1; /* the "/", or the end */

    while (at > 0 && p->topic.data[at - 1] != '/') {
        at--;
    }
    return at;
}

static bool
is_dollar(const struct place *p)
{
    return p->at == 0 && p->topic.data[0] == '$';
}

static bool
is_named(struct span name, struct span level)
{
    return name.len > 0 && span_equal(name, level);
}

/* The node that this edge leads to, if it stands for the next level of the topic. */
static const struct acl_node *
follow(const struct acl_tree *t, const struct place *p, enum edge edge,
       const struct access_subject *who)
{
    const struct acl_node *n = p->node->special[edge];

    switch (edge) {
    case EDGE_TEXT: return text_child(t, p->node, level_at(p));
    case EDGE_CLIENT_ID: return n != NULL && is_named(who->client_id, level_at(p)) ? n : NULL;
    case EDGE_USER: return n != NULL && is_named(who->user, level_at(p)) ? n : NULL;
    default: return n;
    }
}

static void
arrive(const struct place *p, struct acl_lines *out)
{
    if (p->at > p->topic.len) {
        acl_lines_add(out, &p->node->here);
    }
    if (!is_dollar(p)) {
        acl_lines_add(out, &p->node->below);
    }
}

/* One level further; false: no edge from `edge` on leads there. */
static bool
descend(const struct acl_tree *t, struct place *p, enum edge edge, const struct access_subject *who)
{
    unsigned last = is_dollar(p) ? EDGE_TEXT : EDGES - 1;

    for (unsigned e = edge; e <= last && p->at <= p->topic.len; e++) {
        const struct acl_node *n = follow(t, p, (enum edge)e, who);

        if (n != NULL) {
            p->at += level_at(p).len + 1;
            p->node = n;
            return true;
        }
    }
    return false;
}

void
acl_tree_collect(const struct acl_tree *t, const struct acl_node *root, struct span topic,
                 const struct access_subject *who, struct acl_lines *out)
{
    struct place p = {.node = root, .topic = topic};
    unsigned edge = EDGE_TEXT; /* to be tried next */

    arrive(&p, out);
    for (;;) {
        if (edge < EDGES && descend(t, &p, (enum edge)edge, who)) {
            arrive(&p, out);
            edge = EDGE_TEXT;
        } else if (p.node == root) {
            return;
        } else {
            edge = (unsigned)p.node->edge + 1;
            p.at = level_before(&p);
            p.node = p.node->parent;
        }
    }
}
