#include "broker/core/service_table.h"

#include "base/hash.h"
#include "base/map.h"

#include <assert.h>
#include <pthread.h>

struct service {
    struct map_node by_name;
    uint32_t number;
    uint32_t group_bytes;
    uint32_t filter_bytes;
    uint8_t text[]; /* the group, then the filter */
};

struct service_table {
    pthread_mutex_t lock;
    const struct wilco_alloc *alloc;
    uint64_t hash_seed;
    struct map by_name;
    uint32_t end;
    uint32_t capacity;
    struct service *items[]; /* by number */
};

struct service_table *
service_table_new(const struct wilco_alloc *a, uint64_t hash_seed, uint32_t max)
{
    uint32_t capacity = max + SERVICE_OTHER + 1;
    struct service_table *t = mem_zalloc(a, sizeof(*t) + capacity * sizeof(struct service *));

    if (t != NULL) {
        (void)pthread_mutex_init(&t->lock, NULL); /* cannot fail for a default mutex */
        t->alloc = a;
        t->hash_seed = hash_seed;
        t->capacity = capacity;
        t->end = SERVICE_OTHER + 1;
        map_init(&t->by_name, a);
    }
    return t;
}

void
service_table_free(struct service_table *t)
{
    if (t == NULL) {
        return;
    }
    for (uint32_t i = 0; i < t->end; i++) {
        mem_free(t->alloc, t->items[i]);
    }
    map_fini(&t->by_name);
    (void)pthread_mutex_destroy(&t->lock);
    mem_free(t->alloc, t);
}

static struct service_name
name_of(const struct service *s)
{
    return (struct service_name){
        .group = span_of(s->text, s->group_bytes),
        .filter = span_of(s->text + s->group_bytes, s->filter_bytes),
    };
}

static struct service *
find(const struct service_table *t, struct span group, struct span filter, uint64_t hash)
{
    for (struct map_node *n = map_first(&t->by_name, hash); n != NULL; n = map_next(n)) {
        struct service *s = CONTAINER_OF(n, struct service, by_name);

        if (span_equal(name_of(s).group, group) && span_equal(name_of(s).filter, filter)) {
            return s;
        }
    }
    return NULL;
}

/* NULL: no room, or no memory. */
static struct service *
add(struct service_table *t, struct span group, struct span filter, uint64_t hash)
{
    struct service *s =
        t->end == t->capacity ? NULL : mem_alloc(t->alloc, sizeof(*s) + group.len + filter.len);

    if (s == NULL) {
        return NULL;
    }
    s->group_bytes = (uint32_t)group.len;
    s->filter_bytes = (uint32_t)filter.len;
    if (group.len > 0) {
        memcpy(s->text, group.data, group.len);
    }
    memcpy(s->text + group.len, filter.data, filter.len);
    if (map_add(&t->by_name, &s->by_name, hash) != WILCO_OK) {
        mem_free(t->alloc, s);
        return NULL;
    }
    s->number = t->end;
    t->items[t->end++] = s;
    return s;
}

uint32_t
service_table_number(struct service_table *t, struct span group, struct span filter)
{
    uint64_t hash = hash_bytes(filter, hash_bytes(group, t->hash_seed));
    const struct service *s = NULL;
    uint32_t number = SERVICE_OTHER;

    (void)pthread_mutex_lock(&t->lock);
    s = find(t, group, filter, hash);
    if (s == NULL) {
        s = add(t, group, filter, hash);
    }
    if (s != NULL) {
        number = s->number;
    }
    (void)pthread_mutex_unlock(&t->lock);
    return number;
}

uint32_t
service_table_capacity(const struct service_table *t)
{
    return t->capacity;
}

uint32_t
service_table_end(struct service_table *t)
{
    uint32_t end = 0;

    (void)pthread_mutex_lock(&t->lock);
    end = t->end;
    (void)pthread_mutex_unlock(&t->lock);
    return end;
}

struct service_name
service_table_name(struct service_table *t, uint32_t number)
{
    struct service_name name = {.group = SPAN_EMPTY};

    (void)pthread_mutex_lock(&t->lock);
    assert(number > SERVICE_NONE && number < t->end);
    if (t->items[number] != NULL) {
        name = name_of(t->items[number]);
    }
    (void)pthread_mutex_unlock(&t->lock);
    return name;
}
