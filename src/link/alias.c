#include "link/alias.h"

#include "base/hash.h"

#include <assert.h>

/* A topic with its alias; the links are used for the aliases that we give out. */
struct alias_topic {
    struct map_node by_topic;
    struct list by_use;
    size_t len;
    size_t capacity;
    uint16_t alias;
    uint8_t bytes[];
};

static struct alias_topic *
topic_new(const struct wilco_alloc *a, uint16_t alias, struct span topic)
{
    struct alias_topic *e = mem_alloc(a, sizeof(*e) + topic.len);

    if (e != NULL) {
        *e = (struct alias_topic){.alias = alias, .len = topic.len, .capacity = topic.len};
        memcpy(e->bytes, topic.data, topic.len);
    }
    return e;
}

static size_t
topic_bytes(const struct alias_topic *e)
{
    return e == NULL ? 0 : sizeof(*e) + e->capacity;
}

static struct span
topic_span(const struct alias_topic *e)
{
    return span_of(e->bytes, e->len);
}

void
alias_in_init(struct alias_in *t, const struct wilco_alloc *a, uint16_t maximum)
{
    *t = (struct alias_in){.alloc = a, .maximum = maximum};
}

void
alias_in_fini(struct alias_in *t)
{
    for (size_t i = 0; t->topics != NULL && i < t->maximum; i++) {
        mem_free(t->alloc, t->topics[i]);
    }
    mem_free(t->alloc, t->topics);
    t->topics = NULL;
    t->bytes = 0;
}

static enum wilco_status
alias_in_bind(struct alias_in *t, uint16_t alias, struct span topic)
{
    struct alias_topic *fresh = topic_new(t->alloc, alias, topic);
    size_t table_bytes = t->maximum * sizeof(struct alias_topic *);
    struct alias_topic **at = NULL;

    if (fresh == NULL) {
        return WILCO_ENOMEM;
    }
    if (t->topics == NULL) {
        t->topics = mem_zalloc(t->alloc, table_bytes);
        if (t->topics == NULL) {
            mem_free(t->alloc, fresh);
            return WILCO_ENOMEM;
        }
        t->bytes = table_bytes;
    }
    at = &t->topics[alias - 1];
    t->bytes = t->bytes + topic_bytes(fresh) - topic_bytes(*at);
    mem_free(t->alloc, *at);
    *at = fresh;
    return WILCO_OK;
}

enum wilco_status
alias_in_apply(struct alias_in *t, uint16_t alias, struct span *topic)
{
    const struct alias_topic *bound = NULL;

    if (alias == 0 || alias > t->maximum) {
        return WILCO_EPROTOCOL; /* [MQTT-3.3.2-8, 3.3.2-9] */
    }
    bound = t->topics == NULL ? NULL : t->topics[alias - 1];
    if (topic->len > 0) {
        bool is_same = bound != NULL && span_equal(*topic, topic_span(bound));

        return is_same ? WILCO_OK : alias_in_bind(t, alias, *topic);
    }
    if (bound == NULL) {
        return WILCO_EPROTOCOL;
    }
    *topic = topic_span(bound);
    return WILCO_OK;
}

void
alias_out_init(struct alias_out *t, const struct wilco_alloc *a, uint16_t maximum)
{
    /* Publishers choose the topics, but they do not know where the table lies. */
    *t = (struct alias_out){.alloc = a, .maximum = maximum, .seed = (uintptr_t)t};
    map_init(&t->by_topic, a);
    list_init(&t->by_use);
}

static void
alias_out_unlink(struct alias_out *t, struct alias_topic *e)
{
    map_remove(&t->by_topic, &e->by_topic);
    list_remove(&e->by_use);
}

void
alias_out_fini(struct alias_out *t)
{
    while (!list_is_empty(&t->by_use)) {
        struct alias_topic *e = CONTAINER_OF(t->by_use.next, struct alias_topic, by_use);

        alias_out_unlink(t, e);
        mem_free(t->alloc, e);
    }
    map_fini(&t->by_topic);
    t->bytes = 0;
    t->used = 0;
}

static struct alias_topic *
alias_out_find(const struct alias_out *t, uint64_t hash, struct span topic)
{
    for (struct map_node *n = map_first(&t->by_topic, hash); n != NULL; n = map_next(n)) {
        struct alias_topic *e = CONTAINER_OF(n, struct alias_topic, by_topic);

        if (span_equal(topic_span(e), topic)) {
            return e;
        }
    }
    return NULL;
}

/* The entry used longest ago, unlinked, now for `topic`; in the old memory when that suffices. */
static struct alias_topic *
alias_out_recycle(struct alias_out *t, struct span topic)
{
    struct alias_topic *old = CONTAINER_OF(t->by_use.next, struct alias_topic, by_use);
    struct alias_topic *fresh = NULL;

    if (topic.len <= old->capacity) {
        alias_out_unlink(t, old);
        memcpy(old->bytes, topic.data, topic.len);
        old->len = topic.len;
        return old;
    }
    fresh = topic_new(t->alloc, old->alias, topic);
    if (fresh != NULL) {
        t->bytes = t->bytes + topic_bytes(fresh) - topic_bytes(old);
        alias_out_unlink(t, old);
        mem_free(t->alloc, old);
    }
    return fresh;
}

/* An entry for `topic` that is in no table yet; NULL: out of memory. */
static struct alias_topic *
alias_out_entry(struct alias_out *t, struct span topic)
{
    struct alias_topic *e = NULL;

    if (t->used == t->maximum) {
        return alias_out_recycle(t, topic);
    }
    e = topic_new(t->alloc, (uint16_t)(t->used + 1), topic);
    t->used = (uint16_t)(t->used + (e != NULL));
    t->bytes += topic_bytes(e);
    return e;
}

static uint16_t
alias_out_bind(struct alias_out *t, uint64_t hash, struct span topic)
{
    struct alias_topic *e = alias_out_entry(t, topic);

    if (e == NULL) {
        return 0;
    }
    if (map_add(&t->by_topic, &e->by_topic, hash) != WILCO_OK) {
        assert(t->used == 1); /* only the first buckets can fail, so `e` was to be the only one */
        mem_free(t->alloc, e);
        t->bytes = 0;
        t->used = 0;
        return 0;
    }
    list_push_back(&t->by_use, &e->by_use);
    return e->alias;
}

uint16_t
alias_out_assign(struct alias_out *t, struct span topic, bool *is_new)
{
    uint64_t hash = 0;
    struct alias_topic *e = NULL;

    *is_new = true;
    if (t->maximum == 0 || topic.len < ALIAS_TOPIC_BYTES_MIN) {
        return 0;
    }
    hash = hash_bytes(topic, t->seed);
    e = alias_out_find(t, hash, topic);
    if (e == NULL) {
        return alias_out_bind(t, hash, topic);
    }
    list_remove(&e->by_use);
    list_push_back(&t->by_use, &e->by_use);
    *is_new = false;
    return e->alias;
}
