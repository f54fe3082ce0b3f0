#include "broker/core/inbox_filters.h"

#include "base/hash.h"
#include "base/map.h"
#include "wire/topic.h"

struct filter {
    struct map_node by_text;
    struct list link; /* in inbox_filters.wildcards, if it has any */
    struct subscription_how how;
    uint16_t bytes;
    uint8_t text[];
};

struct inbox_filters {
    struct map by_text; /* all of them */
    struct list wildcards;
    const struct wilco_alloc *alloc;
    uint64_t hash_seed;
};

struct inbox_filters *
inbox_filters_new(const struct wilco_alloc *a, uint64_t hash_seed)
{
    struct inbox_filters *f = mem_alloc(a, sizeof(*f));

    if (f != NULL) {
        map_init(&f->by_text, a);
        list_init(&f->wildcards);
        f->alloc = a;
        f->hash_seed = hash_seed;
    }
    return f;
}

static void
drop(struct inbox_filters *f, struct filter *one)
{
    map_remove(&f->by_text, &one->by_text);
    list_remove(&one->link);
    mem_free(f->alloc, one);
}

void
inbox_filters_free(struct inbox_filters *f)
{
    struct map_node *node = NULL;

    if (f == NULL) {
        return;
    }
    while ((node = map_any(&f->by_text)) != NULL) {
        drop(f, CONTAINER_OF(node, struct filter, by_text));
    }
    map_fini(&f->by_text);
    mem_free(f->alloc, f);
}

size_t
inbox_filters_count(const struct inbox_filters *f)
{
    return f == NULL ? 0 : f->by_text.count;
}

static struct filter *
find(const struct inbox_filters *f, struct span text)
{
    struct map_node *n = map_first(&f->by_text, hash_bytes(text, f->hash_seed));

    for (; n != NULL; n = map_next(n)) {
        struct filter *one = CONTAINER_OF(n, struct filter, by_text);

        if (span_equal(span_of(one->text, one->bytes), text)) {
            return one;
        }
    }
    return NULL;
}

struct subscription_how *
inbox_filters_find(struct inbox_filters *f, struct span filter)
{
    struct filter *one = find(f, filter);

    return one == NULL ? NULL : &one->how;
}

enum wilco_status
inbox_filters_add(struct inbox_filters *f, struct span filter, const struct subscription_how *how)
{
    struct filter *one = mem_zalloc(f->alloc, sizeof(*one) + filter.len);

    if (one == NULL) {
        return WILCO_ENOMEM;
    }
    one->how = *how;
    one->bytes = (uint16_t)filter.len;
    memcpy(one->text, filter.data, filter.len);
    if (map_add(&f->by_text, &one->by_text, hash_bytes(filter, f->hash_seed)) != WILCO_OK) {
        mem_free(f->alloc, one);
        return WILCO_ENOMEM;
    }
    if (topic_has_wildcard(filter)) {
        list_push_back(&f->wildcards, &one->link);
    }
    return WILCO_OK;
}

bool
inbox_filters_remove(struct inbox_filters *f, struct span filter)
{
    struct filter *one = find(f, filter);

    if (one != NULL) {
        drop(f, one);
    }
    return one != NULL;
}

/* First the one whose text is the topic, which can have no wildcard. */
const struct subscription_how *
inbox_filters_next(struct inbox_filters *f, struct inbox_filters_walk *w)
{
    if (w->at == NULL) {
        const struct filter *exact = find(f, w->topic);

        w->at = &f->wildcards;
        if (exact != NULL) {
            return &exact->how;
        }
    }
    for (w->at = w->at->next; w->at != &f->wildcards; w->at = w->at->next) {
        const struct filter *one =
            CONTAINER_OF((struct list *)(uintptr_t)w->at, struct filter, link);

        if (topic_matches(span_of(one->text, one->bytes), w->topic)) {
            return &one->how;
        }
    }
    return NULL;
}
