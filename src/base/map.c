#include "base/map.h"

#include <assert.h>

#define BUCKETS_MIN 16U

void
map_init(struct map *m, const struct wilco_alloc *a)
{
    *m = (struct map){.alloc = a};
}

void
map_fini(struct map *m)
{
    mem_free(m->alloc, m->buckets);
    map_init(m, m->alloc);
}

static size_t
bucket_of(const struct map *m, uint64_t hash)
{
    return (size_t)hash & (m->bucket_count - 1);
}

static struct map_node *
skip_to(struct map_node *node, uint64_t hash)
{
    while (node != NULL && node->hash != hash) {
        node = node->next;
    }
    return node;
}

struct map_node *
map_first(const struct map *m, uint64_t hash)
{
    return m->count == 0 ? NULL : skip_to(m->buckets[bucket_of(m, hash)], hash);
}

struct map_node *
map_next(const struct map_node *node)
{
    return skip_to(node->next, node->hash);
}

static void
put(struct map *m, struct map_node *node)
{
    size_t at = bucket_of(m, node->hash);

    node->next = m->buckets[at];
    m->buckets[at] = node;
    if (at < m->first) {
        m->first = at;
    }
}

static enum wilco_status
resize(struct map *m, size_t bucket_count)
{
    struct map old = *m;

    m->buckets = mem_zalloc(m->alloc, bucket_count * sizeof(struct map_node *));
    if (m->buckets == NULL) {
        *m = old;
        return WILCO_ENOMEM;
    }
    m->bucket_count = bucket_count;
    m->first = bucket_count;
    for (size_t i = 0; i < old.bucket_count; i++) {
        while (old.buckets[i] != NULL) {
            struct map_node *node = old.buckets[i];

            old.buckets[i] = node->next;
            put(m, node);
        }
    }
    mem_free(m->alloc, old.buckets);
    return WILCO_OK;
}

enum wilco_status
map_add(struct map *m, struct map_node *node, uint64_t hash)
{
    if (m->count >= m->bucket_count) {
        enum wilco_status st = resize(m, m->count == 0 ? BUCKETS_MIN : m->bucket_count * 2);

        if (st != WILCO_OK && m->count == 0) {
            return st;
        }
    }
    node->hash = hash;
    put(m, node);
    m->count++;
    return WILCO_OK;
}

void
map_remove(struct map *m, struct map_node *node)
{
    struct map_node **at = &m->buckets[bucket_of(m, node->hash)];

    while (*at != node) {
        assert(*at != NULL);
        at = &(*at)->next;
    }
    *at = node->next;
    node->next = NULL;
    m->count--;
    if (m->count == 0 && m->bucket_count > BUCKETS_MIN) {
        map_fini(m);
    }
}

struct map_node *
map_any(struct map *m)
{
    if (m->count == 0) {
        return NULL;
    }
    while (m->buckets[m->first] == NULL) {
        m->first++;
    }
    return m->buckets[m->first];
}

struct map_node *
map_walk(const struct map *m, const struct map_node *node)
{
    size_t at = m->first;

    if (node != NULL && node->next != NULL) {
        return node->next;
    }
    if (node != NULL) {
        at = bucket_of(m, node->hash) + 1;
    }
    while (m->count > 0 && at < m->bucket_count && m->buckets[at] == NULL) {
        at++;
    }
    return m->count > 0 && at < m->bucket_count ? m->buckets[at] : NULL;
}
