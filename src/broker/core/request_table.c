#include "broker/core/request_table.h"

#include "base/hash.h"
#include "broker/core/message.h"
#include "broker/core/request.h"

#include <assert.h>

#define SPREAD UINT64_C(0x9E3779B97F4A7C15)

void
request_table_init(struct request_table *t, const struct wilco_alloc *a, uint64_t hash_seed)
{
    *t = (struct request_table){.alloc = a, .hash_seed = hash_seed};
    map_init(&t->by_key, a);
}

void
request_table_fini(struct request_table *t)
{
    assert(t->by_key.count == 0);
    while (t->free != NULL) {
        struct request *next = t->free->next_free;

        mem_free(t->alloc, t->free);
        t->free = next;
    }
    map_fini(&t->by_key);
}

struct request *
request_table_take(struct request_table *t)
{
    struct request *r = t->free;

    if (r == NULL) {
        return mem_zalloc(t->alloc, sizeof(*r));
    }
    t->free = r->next_free;
    t->free_count--;
    *r = (struct request){.service = 0};
    return r;
}

void
request_table_give_back(struct request_table *t, struct request *r)
{
    if (t->free_count == REQUEST_FREE_MAX) {
        mem_free(t->alloc, r);
        return;
    }
    r->next_free = t->free;
    t->free = r;
    t->free_count++;
}

uint64_t
request_table_key(const struct request_table *t, uint64_t holder_id, struct span topic,
                  struct span correlation)
{
    return hash_bytes(correlation, hash_bytes(topic, t->hash_seed) + holder_id * SPREAD);
}

static bool
is_for(const struct request *r, const struct session *holder, struct span topic,
       struct span correlation)
{
    return r->holder == holder && span_equal(message_correlation(r->message), correlation) &&
           span_equal(message_response_topic(r->message), topic);
}

struct request *
request_table_find(const struct request_table *t, uint64_t key, const struct session *holder,
                   struct span topic, struct span correlation)
{
    for (struct map_node *n = map_first(&t->by_key, key); n != NULL; n = map_next(n)) {
        struct request *r = CONTAINER_OF(n, struct request, by_key);

        if (is_for(r, holder, topic, correlation)) {
            return r;
        }
    }
    return NULL;
}

enum wilco_status
request_table_add(struct request_table *t, struct request *r, uint64_t key)
{
    struct request *oldest = request_table_find(
        t, key, r->holder, message_response_topic(r->message), message_correlation(r->message));

    list_init(&r->same_key);
    if (oldest != NULL) {
        r->by_key.hash = key;
        list_push_back(&oldest->same_key, &r->same_key);
        return WILCO_OK;
    }
    return map_add(&t->by_key, &r->by_key, key);
}

static bool
is_oldest(const struct request_table *t, const struct request *r)
{
    return request_table_find(t, r->by_key.hash, r->holder, message_response_topic(r->message),
                              message_correlation(r->message)) == r;
}

void
request_table_remove(struct request_table *t, struct request *r, bool was_answered)
{
    uint64_t key = r->by_key.hash;

    if (!list_is_linked(&r->same_key)) {
        map_remove(&t->by_key, &r->by_key);
    } else if (is_oldest(t, r)) {
        struct request *next = CONTAINER_OF(r->same_key.next, struct request, same_key);
        enum wilco_status status = map_add(&t->by_key, &next->by_key, key);

        assert(status == WILCO_OK); /* the map is not empty */
        (void)status;
        map_remove(&t->by_key, &r->by_key);
    }
    list_remove(&r->same_key);
    t->ended[t->ended_count++ % REQUEST_ENDED_MAX] = (key & ~UINT64_C(1)) | was_answered;
}

enum request_memory
request_table_recall(const struct request_table *t, uint64_t key)
{
    for (size_t i = 0; i < REQUEST_ENDED_MAX; i++) {
        if (((t->ended[i] ^ key) & ~UINT64_C(1)) == 0) {
            return (t->ended[i] & 1U) != 0 ? REQUEST_ENDED_ANSWERED : REQUEST_ENDED_UNANSWERED;
        }
    }
    return REQUEST_UNKNOWN;
}
