#include "broker/core/retained.h"

#include "base/hash.h"
#include "broker/core/name_tree.h"
#include "broker/core/session_id.h"
#include "wire/topic.h"

#include <assert.h>
#include <pthread.h>

#define ROOM_STEPS  64U /* messages looked at, at most, to make room for one */
#define MATCHES_MIN 16U

struct entry {
    struct map_node by_topic;
    struct list age; /* in retained.ages or retained.own */
    struct name_node *place;
    struct message *message;
};

struct retained {
    pthread_mutex_t lock;
    struct map by_topic;
    struct name_tree names; /* items are entries */
    struct list ages;       /* the front is looked at first when room is needed */
    struct list own;        /* entries of the broker itself, which no limit counts */
    size_t count;           /* without them */
    size_t bytes;           /* likewise */
    struct retained_limits limits;
    const struct wilco_alloc *alloc;
    uint64_t hash_seed;
};

struct retained *
retained_new(const struct wilco_alloc *a, uint64_t hash_seed, struct retained_limits limits)
{
    struct retained *r = mem_zalloc(a, sizeof(*r));

    if (r == NULL) {
        return NULL;
    }
    (void)pthread_mutex_init(&r->lock, NULL); /* cannot fail for a default mutex */
    map_init(&r->by_topic, a);
    name_tree_init(&r->names, a, hash_seed);
    list_init(&r->ages);
    list_init(&r->own);
    r->limits = limits;
    r->alloc = a;
    r->hash_seed = hash_seed;
    return r;
}

/* No client publishes where the broker does (4.7.2), so an entry stays what it is. */
static bool
is_own(const struct message *m)
{
    return m->publisher == SESSION_ID_NONE;
}

static void
remove_entry(struct retained *r, struct entry *e)
{
    if (!is_own(e->message)) {
        r->count--;
        r->bytes -= e->message->packet_bytes;
    }
    map_remove(&r->by_topic, &e->by_topic);
    name_tree_remove(&r->names, e->place);
    list_remove(&e->age);
    message_unref(e->message);
    mem_free(r->alloc, e);
}

static void
remove_all(struct retained *r, struct list *entries)
{
    while (!list_is_empty(entries)) {
        remove_entry(r, CONTAINER_OF(entries->next, struct entry, age));
    }
}

void
retained_free(struct retained *r)
{
    if (r == NULL) {
        return;
    }
    remove_all(r, &r->ages);
    remove_all(r, &r->own);
    map_fini(&r->by_topic);
    name_tree_fini(&r->names);
    pthread_mutex_destroy(&r->lock);
    mem_free(r->alloc, r);
}

static struct entry *
find(const struct retained *r, struct span topic)
{
    struct map_node *at = map_first(&r->by_topic, hash_bytes(topic, r->hash_seed));

    for (; at != NULL; at = map_next(at)) {
        struct entry *e = CONTAINER_OF(at, struct entry, by_topic);

        if (span_equal(message_topic(e->message), topic)) {
            return e;
        }
    }
    return NULL;
}

/* Whether `m` fits when it takes the place of `old`, which may be NULL. */
static bool
fits(const struct retained *r, const struct entry *old, const struct message *m)
{
    size_t bytes = r->bytes - (old == NULL ? 0 : old->message->packet_bytes);

    if (is_own(m)) {
        return true;
    }
    return (old != NULL || r->count < r->limits.count_max) && bytes <= r->limits.bytes_max &&
           m->packet_bytes <= r->limits.bytes_max - bytes;
}

/* Goes round the messages, a few at each call, and removes those that have expired. */
static void
make_room(struct retained *r, uint64_t now_ms)
{
    for (size_t i = 0; i < ROOM_STEPS && !list_is_empty(&r->ages); i++) {
        struct entry *e = CONTAINER_OF(r->ages.next, struct entry, age);

        if (message_is_expired(e->message, now_ms)) {
            remove_entry(r, e);
        } else {
            list_remove(&e->age);
            list_push_back(&r->ages, &e->age);
        }
    }
}

static enum wilco_status
add_entry(struct retained *r, struct message *m)
{
    struct entry *e = mem_zalloc(r->alloc, sizeof(*e));

    if (e == NULL) {
        return WILCO_ENOMEM;
    }
    e->place = name_tree_add(&r->names, message_topic(m), e);
    if (e->place == NULL) {
        mem_free(r->alloc, e);
        return WILCO_ENOMEM;
    }
    if (map_add(&r->by_topic, &e->by_topic, hash_bytes(message_topic(m), r->hash_seed)) !=
        WILCO_OK) {
        name_tree_remove(&r->names, e->place);
        mem_free(r->alloc, e);
        return WILCO_ENOMEM;
    }
    e->message = message_ref(message_share(m));
    if (is_own(m)) {
        list_push_back(&r->own, &e->age);
        return WILCO_OK;
    }
    r->count++;
    r->bytes += m->packet_bytes;
    list_push_back(&r->ages, &e->age);
    return WILCO_OK;
}

static void
replace(struct retained *r, struct entry *e, struct message *m)
{
    struct message *old = e->message;

    e->message = message_ref(message_share(m));
    assert(is_own(old) == is_own(m));
    if (!is_own(m)) {
        r->bytes = r->bytes - old->packet_bytes + m->packet_bytes;
    }
    message_unref(old);
}

static enum wilco_status
set(struct retained *r, struct message *m, uint64_t now_ms)
{
    struct entry *e = find(r, message_topic(m));

    if (message_payload(m).len == 0) {
        if (e != NULL) {
            remove_entry(r, e);
        }
        return WILCO_OK;
    }
    if (!fits(r, e, m)) {
        make_room(r, now_ms);
        e = find(r, message_topic(m)); /* it may have been one of them */
        if (!fits(r, e, m)) {
            return WILCO_ELIMIT;
        }
    }
    if (e == NULL) {
        return add_entry(r, m);
    }
    replace(r, e, m);
    return WILCO_OK;
}

enum wilco_status
retained_set(struct retained *r, struct message *m, uint64_t now_ms)
{
    enum wilco_status st;

    pthread_mutex_lock(&r->lock);
    st = set(r, m, now_ms);
    pthread_mutex_unlock(&r->lock);
    return st;
}

static enum wilco_status
matches_add(struct retained_matches *out, struct message *m)
{
    if (out->count == out->capacity) {
        size_t capacity = out->capacity == 0 ? MATCHES_MIN : out->capacity * 2;
        struct message **items =
            mem_realloc(out->alloc, out->items, capacity * sizeof(struct message *));

        if (items == NULL) {
            return WILCO_ENOMEM;
        }
        out->items = items;
        out->capacity = capacity;
    }
    out->items[out->count++] = message_ref(m);
    return WILCO_OK;
}

/* One that matches; NULL is allowed. */
static enum wilco_status
collect(struct retained *r, struct entry *e, uint64_t now_ms, struct retained_matches *out)
{
    if (e == NULL) {
        return WILCO_OK;
    }
    if (message_is_expired(e->message, now_ms)) { /* [MQTT-3.3.2-5] */
        remove_entry(r, e);
        return WILCO_OK;
    }
    return matches_add(out, e->message);
}

static enum wilco_status
collect_all(struct retained *r, struct span filter, uint64_t now_ms, struct retained_matches *out)
{
    struct name_walk walk;
    struct entry *e;
    enum wilco_status st = name_walk_init(&walk, &r->names, filter);

    if (st != WILCO_OK) {
        return st;
    }
    while (st == WILCO_OK && (e = name_walk_next(&walk)) != NULL) {
        st = collect(r, e, now_ms, out);
    }
    name_walk_fini(&walk);
    return st;
}

enum wilco_status
retained_match(struct retained *r, struct span filter, uint64_t now_ms,
               struct retained_matches *out, const struct wilco_alloc *a)
{
    enum wilco_status st;

    *out = (struct retained_matches){.alloc = a};
    pthread_mutex_lock(&r->lock);
    st = topic_has_wildcard(filter) ? collect_all(r, filter, now_ms, out)
                                    : collect(r, find(r, filter), now_ms, out);
    pthread_mutex_unlock(&r->lock);
    if (st != WILCO_OK) {
        retained_matches_fini(out);
    }
    return st;
}

void
retained_matches_fini(struct retained_matches *m)
{
    for (size_t i = 0; i < m->count; i++) {
        message_unref(m->items[i]);
    }
    mem_free(m->alloc, m->items);
    *m = (struct retained_matches){.alloc = m->alloc};
}

size_t
retained_count(struct retained *r)
{
    size_t count;

    pthread_mutex_lock(&r->lock);
    count = r->count;
    pthread_mutex_unlock(&r->lock);
    return count;
}

size_t
retained_bytes(struct retained *r)
{
    size_t bytes;

    pthread_mutex_lock(&r->lock);
    bytes = r->bytes;
    pthread_mutex_unlock(&r->lock);
    return bytes;
}
