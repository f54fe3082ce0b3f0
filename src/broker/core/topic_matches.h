#ifndef WILCO_BROKER_CORE_TOPIC_MATCHES_H
#define WILCO_BROKER_CORE_TOPIC_MATCHES_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a subscription asks for: the options of SUBSCRIBE (MQTT 5.0, 3.8.3.1) that matter for
 * delivery, and the Subscription Identifier (0: none). */
struct subscription_how {
    uint32_t identifier;
    uint8_t qos;
    bool no_local;
    bool retain_as_published;
    bool is_observer; /* `rr-observe`=1: it watches, and is nobody to answer requests */
};

/* One matching subscription. */
struct topic_match {
    uint64_t session_id;
    struct subscription_how how;
};

struct audience;
struct topic_group;

/* One matching filter. */
struct topic_found {
    const struct audience *audience;
    size_t first; /* of its subscriptions among the items; the next filter's follow */
};

/* The tree's walk (topic_tree.h): of one level of the topic its text and hash, and of one node that
 * is still to be visited where it is and how deep. */
struct topic_step {
    struct span level;
    uint64_t hash;
    const struct topic_tree_node *node;
    size_t depth;
};

/* Where matches are gathered; reused from call to call, so that a steady state allocates nothing.
 */
struct topic_matches {
    struct topic_match *items;
    size_t count;
    size_t capacity;
    struct topic_group **groups;
    size_t group_count;
    size_t group_capacity;
    struct topic_found *found; /* the filters */
    size_t filters;            /* how many matched: up to 1, no session can be named twice */
    size_t filter_capacity;
    struct topic_step *steps; /* scratch */
    size_t step_capacity;
    const struct wilco_alloc *alloc;
};

void topic_matches_init(struct topic_matches *m, const struct wilco_alloc *a);
void topic_matches_fini(struct topic_matches *m);
void topic_matches_clear(struct topic_matches *m); /* keeps its memory */

/* For those who gather. Makes room for `more` items behind those that are there. */
WILCO_MUST_CHECK enum wilco_status topic_matches_grow(struct topic_matches *m, size_t more);
WILCO_MUST_CHECK enum wilco_status topic_matches_add_group(struct topic_matches *m,
                                                           struct topic_group *g);
WILCO_MUST_CHECK enum wilco_status topic_matches_grow_filters(struct topic_matches *m);
/* Makes room for `count` steps at least; those that are there stay. */
WILCO_MUST_CHECK enum wilco_status topic_matches_grow_steps(struct topic_matches *m, size_t count);

static inline WILCO_MUST_CHECK enum wilco_status
topic_matches_reserve(struct topic_matches *m, size_t more)
{
    return WILCO_LIKELY(m->capacity - m->count >= more) ? WILCO_OK : topic_matches_grow(m, more);
}

static inline WILCO_MUST_CHECK enum wilco_status
topic_matches_reserve_steps(struct topic_matches *m, size_t count)
{
    return WILCO_LIKELY(m->step_capacity >= count) ? WILCO_OK : topic_matches_grow_steps(m, count);
}

/* One more filter: its subscriptions are the items from number `first` on. */
static inline WILCO_MUST_CHECK enum wilco_status
topic_matches_add_audience(struct topic_matches *m, const struct audience *a, size_t first)
{
    if (WILCO_UNLIKELY(m->filters == m->filter_capacity)) {
        enum wilco_status st = topic_matches_grow_filters(m);

        if (st != WILCO_OK) {
            return st;
        }
    }
    m->found[m->filters++] = (struct topic_found){.audience = a, .first = first};
    return WILCO_OK;
}

/* How many subscriptions filter number `i` has among the items. */
static inline size_t
topic_matches_of(const struct topic_matches *m, size_t i)
{
    return (i + 1 < m->filters ? m->found[i + 1].first : m->count) - m->found[i].first;
}

#endif
