#include "broker/core/topic_index.h"

#include "base/compiler.h"
#include "base/hash.h"
#include "broker/core/rcu_table.h"
#include "broker/core/topic_tree.h"
#include "wire/topic.h"

#include <assert.h>
#include <pthread.h>

/* A filter without wildcards. */
struct exact {
    struct reclaim_node reclaim;
    struct audience audience;
    uint16_t filter_bytes;
    uint8_t filter[];
};

struct topic_index {
    struct rcu_table exact; /* struct exact by filter */
    struct topic_tree tree;
    uint64_t hash_seed;
    const struct wilco_alloc *alloc;
    _Atomic uint64_t changes;
    char gap[WILCO_CACHE_LINE_BYTES]; /* what is before it is read for every message */
    struct reclaim reclaim;
    pthread_mutex_t writer;
    uint32_t last_group; /* the number given out last; the writer's */
    atomic_size_t count;
};

struct topic_index *
topic_index_new(const struct wilco_alloc *a, uint64_t hash_seed)
{
    struct topic_index *t = mem_zalloc(a, sizeof(*t));

    if (t == NULL) {
        return NULL;
    }
    t->alloc = a;
    t->hash_seed = hash_seed;
    atomic_init(&t->changes, 1);
    reclaim_init(&t->reclaim, a);
    rcu_table_init(&t->exact, &t->reclaim);
    topic_tree_init(&t->tree, &t->reclaim, hash_seed);
    (void)pthread_mutex_init(&t->writer, NULL); /* cannot fail for a default mutex */
    return t;
}

void
topic_index_free(struct topic_index *t)
{
    struct exact *e;
    size_t cursor = 0;

    if (t == NULL) {
        return;
    }
    while ((e = rcu_table_each(&t->exact, &cursor)) != NULL) {
        audience_fini(&e->audience, t->alloc);
        mem_free(t->alloc, e);
    }
    rcu_table_fini(&t->exact);
    topic_tree_fini(&t->tree);
    reclaim_fini(&t->reclaim);
    pthread_mutex_destroy(&t->writer);
    mem_free(t->alloc, t);
}

static inline struct exact *
find(const struct topic_index *t, struct span filter, uint64_t hash)
{
    struct rcu_table_walk w = rcu_table_find(&t->exact, hash);
    struct exact *e;

    while ((e = rcu_table_next(&w)) != NULL) {
        if (span_equal(span_of(e->filter, e->filter_bytes), filter)) {
            return e;
        }
    }
    return NULL;
}

/* The first subscriber of a filter. */
static enum wilco_status
put_new(struct topic_index *t, struct span filter, uint64_t hash, const struct subscriber *who)
{
    struct exact *e = mem_zalloc(t->alloc, sizeof(*e) + filter.len);
    enum wilco_status st = WILCO_ENOMEM;
    bool existed;

    if (e == NULL) {
        return st;
    }
    e->filter_bytes = (uint16_t)filter.len;
    memcpy(e->filter, filter.data, filter.len);
    st = audience_put(&e->audience, &t->reclaim, who, &existed);
    if (st == WILCO_OK) {
        st = rcu_table_add(&t->exact, hash, e);
    }
    if (st != WILCO_OK) {
        audience_fini(&e->audience, t->alloc);
        mem_free(t->alloc, e);
    }
    return st;
}

static enum wilco_status
put(struct topic_index *t, struct span filter, const struct subscriber *who, bool *existed)
{
    uint64_t hash;
    struct exact *e;

    if (topic_has_wildcard(filter)) {
        return topic_tree_put(&t->tree, filter, who, existed);
    }
    hash = hash_bytes(filter, t->hash_seed);
    e = find(t, filter, hash);
    if (e != NULL) {
        return audience_put(&e->audience, &t->reclaim, who, existed);
    }
    *existed = false;
    return put_new(t, filter, hash, who);
}

/* It comes again after four thousand million, which then stand for groups long gone. */
static uint32_t
next_group(struct topic_index *t)
{
    t->last_group = t->last_group == UINT32_MAX ? 1 : t->last_group + 1;
    return t->last_group;
}

/* By the writer, when it is made. */
static void
count_change(struct topic_index *t)
{
    (void)atomic_fetch_add_explicit(&t->changes, 1, memory_order_release);
}

enum wilco_status
topic_index_subscribe(struct topic_index *t, struct span filter, struct span group,
                      uint64_t session_id, const struct subscription_how *how, bool *existed)
{
    struct subscriber who = {.group = group, .session_id = session_id, .how = *how};
    enum wilco_status st;

    pthread_mutex_lock(&t->writer);
    who.group_number = group.len == 0 ? 0 : next_group(t);
    st = put(t, filter, &who, existed);
    if (st == WILCO_OK && !*existed) {
        atomic_fetch_add_explicit(&t->count, 1, memory_order_relaxed);
    }
    count_change(t);
    pthread_mutex_unlock(&t->writer);
    return st;
}

/* The audience at a filter; NULL: none. */
static struct audience *
audience_at(const struct topic_index *t, struct span filter)
{
    struct exact *e = NULL;

    if (topic_has_wildcard(filter)) {
        return topic_tree_find(&t->tree, filter);
    }
    e = find(t, filter, hash_bytes(filter, t->hash_seed));
    return e == NULL ? NULL : &e->audience;
}

/* After somebody has left. */
static void
tidy(struct topic_index *t, struct audience *a)
{
    struct exact *e = CONTAINER_OF(a, struct exact, audience);

    atomic_fetch_sub_explicit(&t->count, 1, memory_order_relaxed);
    if (a->is_in_tree) {
        topic_tree_tidy(&t->tree, a);
    } else if (audience_is_empty(a)) {
        rcu_table_remove(&t->exact, hash_bytes(span_of(e->filter, e->filter_bytes), t->hash_seed),
                         e);
        reclaim_later(&t->reclaim, &e->reclaim);
    }
}

/* A place is the address of an audience, or of a group, which knows its audience; what lies at
 * either begins at a multiple of eight bytes, so that there are bits to spare. */
#define PLACE_BITS ((uintptr_t)7)

static void *
address_of(uintptr_t place)
{
    return (void *)(place & ~PLACE_BITS); /* NOLINT(performance-no-int-to-ptr) */
}

uintptr_t
topic_index_find(struct topic_index *t, struct span filter, struct span group, uint64_t session_id)
{
    const struct subscriber who = {.group = group, .session_id = session_id};
    struct topic_group *g = NULL;
    struct audience *a;
    uintptr_t place = 0;

    pthread_mutex_lock(&t->writer);
    a = audience_at(t, filter);
    if (a != NULL && audience_has(a, &who, &g)) {
        place = g == NULL ? (uintptr_t)a : (uintptr_t)g | TOPIC_PLACE_SHARED;
        place |= filter.data[0] == '$' ? TOPIC_PLACE_DOLLAR : 0;
    }
    pthread_mutex_unlock(&t->writer);
    return place;
}

void
topic_index_leave(struct topic_index *t, uintptr_t place, uint64_t session_id)
{
    struct subscriber who = {.session_id = session_id};
    struct audience *a = address_of(place);
    bool existed;

    pthread_mutex_lock(&t->writer);
    if ((place & TOPIC_PLACE_SHARED) != 0) {
        const struct topic_group *g = address_of(place);

        a = g->audience;
        who.group = span_of(g->name, g->name_bytes);
    }
    existed = audience_remove(a, &t->reclaim, &who);
    assert(existed);
    (void)existed;
    tidy(t, a);
    count_change(t);
    pthread_mutex_unlock(&t->writer);
}

enum wilco_status
topic_index_match(struct topic_index *t, struct span topic, struct topic_matches *out)
{
    const struct exact *e = find(t, topic, hash_bytes(topic, t->hash_seed));
    enum wilco_status st = WILCO_OK;

    topic_matches_clear(out);
    if (e != NULL) {
        st = audience_collect(&e->audience, out);
    }
    return st == WILCO_OK ? topic_tree_collect(&t->tree, topic, out) : st;
}

enum wilco_status
topic_index_list(struct topic_index *t, struct span filter, struct span group,
                 struct topic_matches *out)
{
    struct audience *a = NULL;
    enum wilco_status st = WILCO_OK;

    topic_matches_clear(out);
    pthread_mutex_lock(&t->writer);
    a = audience_at(t, filter);
    if (a != NULL) {
        st = audience_list(a, group, out);
    }
    pthread_mutex_unlock(&t->writer);
    return st;
}

uint64_t
topic_index_hash(const struct topic_index *t, struct span topic)
{
    return hash_bytes(topic, t->hash_seed);
}

uint64_t
topic_index_changes(const struct topic_index *t)
{
    return atomic_load_explicit(&t->changes, memory_order_acquire);
}

struct reclaim *
topic_index_reclaim(struct topic_index *t)
{
    return &t->reclaim;
}

size_t
topic_index_count(const struct topic_index *t)
{
    return atomic_load_explicit(&t->count, memory_order_relaxed);
}

/* Any reader may write these numbers, for all would write the same. */
static void
number(struct audience *a, bool has_subscribers, struct span filter, struct service_table *services)
{
    struct topic_group *g = atomic_load_explicit(&a->groups, memory_order_acquire);

    if (has_subscribers) {
        atomic_store_explicit(&a->service, service_table_number(services, SPAN_EMPTY, filter),
                              memory_order_relaxed);
    }
    for (; g != NULL; g = atomic_load_explicit(&g->next, memory_order_acquire)) {
        struct span name = span_of(g->name, g->name_bytes);

        atomic_store_explicit(&g->service, service_table_number(services, name, filter),
                              memory_order_relaxed);
    }
}

void
topic_index_number(struct topic_index *t, struct span topic, const struct topic_matches *m,
                   struct service_table *services)
{
    for (size_t i = 0; i < m->filters; i++) {
        /* The matches are for looking only; the numbers are for everybody. */
        struct audience *a = (void *)(uintptr_t)m->found[i].audience;
        bool has_subscribers = topic_matches_of(m, i) > 0;
        struct buffer filter;

        buffer_init(&filter, t->alloc, TOPIC_BYTES_MAX + 1);
        if (!a->is_in_tree) {
            number(a, has_subscribers, topic, services);
        } else if (topic_tree_filter_of(a, &filter) == WILCO_OK) {
            number(a, has_subscribers, buffer_span(&filter), services);
        }
        buffer_fini(&filter);
    }
}
