#include "cli/pair_map.h"

#include "cli/memory.h"

#include <stdlib.h>
#include <string.h>

struct node {
    struct node *next;       /* in its bucket, later ones first */
    struct node *next_added; /* in the order of putting */
    uint64_t hash, value;
    size_t a_len, b_len;
    unsigned char bytes[];
};

struct pair_map {
    struct node **buckets;
    size_t bucket_count; /* a power of two */
    size_t count, max;
    struct node *first, *last; /* in the order of putting */
};

#define BUCKETS_FIRST 1024U

struct pair_map *
pair_map_new(size_t max)
{
    struct pair_map *m = memory_get(1, sizeof(*m));

    m->max = max;
    m->bucket_count = BUCKETS_FIRST;
    m->buckets = memory_get(m->bucket_count, sizeof(struct node *));
    return m;
}

void
pair_map_free(struct pair_map *m)
{
    struct node *next;

    for (struct node *n = m->first; n != NULL; n = next) {
        next = n->next_added;
        free(n);
    }
    free(m->buckets);
    free(m);
}

/* FNV-1a. Who makes many keys collide slows down his own recording. */
static uint64_t
hash_more(uint64_t hash, struct wilco_bytes bytes)
{
    const unsigned char *at = bytes.data;

    for (size_t i = 0; i < bytes.len; i++) {
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static uint64_t
hash_of(struct wilco_bytes a, struct wilco_bytes b)
{
    uint64_t hash = hash_more(UINT64_C(0xcbf29ce484222325), a);

    return hash_more(hash * UINT64_C(0x100000001b3), b);
}

static struct node **
bucket_of(const struct pair_map *m, uint64_t hash)
{
    return &m->buckets[(hash ^ hash >> 32) & (m->bucket_count - 1)];
}

static void
copy(unsigned char *to, struct wilco_bytes bytes)
{
    if (bytes.len > 0) {
        memcpy(to, bytes.data, bytes.len);
    }
}

static bool
is_same(const unsigned char *at, struct wilco_bytes bytes)
{
    return bytes.len == 0 || memcmp(at, bytes.data, bytes.len) == 0;
}

/* In the order of putting, so that later ones come to the front. */
static void
grow(struct pair_map *m)
{
    free(m->buckets);
    m->bucket_count *= 2;
    m->buckets = memory_get(m->bucket_count, sizeof(struct node *));
    for (struct node *n = m->first; n != NULL; n = n->next_added) {
        struct node **bucket = bucket_of(m, n->hash);

        n->next = *bucket;
        *bucket = n;
    }
}

static void
drop_first(struct pair_map *m)
{
    struct node *n = m->first;
    struct node **at = bucket_of(m, n->hash);

    while (*at != n) {
        at = &(*at)->next;
    }
    *at = n->next;
    m->first = n->next_added;
    m->last = m->first == NULL ? NULL : m->last;
    m->count--;
    free(n);
}

void
pair_map_put(struct pair_map *m, struct wilco_bytes a, struct wilco_bytes b, uint64_t value)
{
    struct node *n = memory_get(1, sizeof(*n) + a.len + b.len);
    struct node **bucket;

    if (m->max != 0 && m->count == m->max) {
        drop_first(m);
    }
    if (m->count == m->bucket_count) {
        grow(m);
    }
    *n = (struct node){.hash = hash_of(a, b), .value = value, .a_len = a.len, .b_len = b.len};
    copy(n->bytes, a);
    copy(n->bytes + a.len, b);
    bucket = bucket_of(m, n->hash);
    n->next = *bucket;
    *bucket = n;
    if (m->last == NULL) {
        m->first = n;
    } else {
        m->last->next_added = n;
    }
    m->last = n;
    m->count++;
}

bool
pair_map_get(const struct pair_map *m, struct wilco_bytes a, struct wilco_bytes b, uint64_t *value)
{
    uint64_t hash = hash_of(a, b);

    for (const struct node *n = *bucket_of(m, hash); n != NULL; n = n->next) {
        if (n->hash == hash && n->a_len == a.len && n->b_len == b.len && is_same(n->bytes, a) &&
            is_same(n->bytes + a.len, b)) {
            *value = n->value;
            return true;
        }
    }
    return false;
}
