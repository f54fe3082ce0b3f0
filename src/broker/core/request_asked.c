#include "broker/core/request_asked.h"

#include "base/hash.h"
#include "broker/core/message.h"
#include "broker/core/request.h"

#include <assert.h>

#define SPREAD UINT64_C(0x9E3779B97F4A7C15)

void
request_asked_init(struct request_asked *a, const struct wilco_alloc *alloc, uint64_t hash_seed)
{
    *a = (struct request_asked){.hash_seed = hash_seed};
    list_init(&a->unfiled);
    map_init(&a->by_key, alloc);
    map_init(&a->by_asker, alloc);
}

void
request_asked_fini(struct request_asked *a)
{
    assert(list_is_empty(&a->unfiled) && a->by_key.count == 0 && a->by_asker.count == 0);
    map_fini(&a->by_key);
    map_fini(&a->by_asker);
}

/* What it is a request by, or a word about one. */
static uint64_t
key_of(const struct request_asked *a, const struct message *m)
{
    uint64_t topic = hash_bytes(message_response_topic(m), a->hash_seed);

    return hash_bytes(message_correlation(m), topic + m->publisher * SPREAD);
}

static uint64_t
key_of_asker(const struct request_asked *a, uint64_t asker)
{
    return hash_bytes(span_of(&asker, sizeof(asker)), a->hash_seed);
}

void
request_asked_add(struct request_asked *a, struct request *r)
{
    list_push_back(&a->unfiled, &r->by_key.same);
    if (WILCO_UNLIKELY(r->message->request.ends_with_asker)) {
        r->is_with_asker = key_ring_add(&a->by_asker, &r->by_asker,
                                        key_of_asker(a, r->message->publisher)) == WILCO_OK;
    }
}

void
request_asked_remove(struct request_asked *a, struct request *r)
{
    if (WILCO_UNLIKELY(r->is_by_key)) {
        key_ring_remove(&a->by_key, &r->by_key);
        r->is_by_key = false;
    } else {
        list_remove(&r->by_key.same);
    }
    if (WILCO_UNLIKELY(r->is_with_asker)) {
        key_ring_remove(&a->by_asker, &r->by_asker);
        r->is_with_asker = false;
    }
}

static enum wilco_status
file_all(struct request_asked *a)
{
    enum wilco_status status = WILCO_OK;

    while (status == WILCO_OK && !list_is_empty(&a->unfiled)) {
        struct request *r = CONTAINER_OF(list_pop_front(&a->unfiled), struct request, by_key.same);

        status = key_ring_add(&a->by_key, &r->by_key, key_of(a, r->message));
        r->is_by_key = status == WILCO_OK;
        if (status != WILCO_OK) {
            list_push_back(&a->unfiled, &r->by_key.same);
        }
    }
    return status;
}

/* The topic as well: who may say something about a request is who could ask it. */
static bool
is_about(const struct message *op, const struct message *asked)
{
    return op->publisher == asked->publisher &&
           span_equal(message_correlation(op), message_correlation(asked)) &&
           span_equal(message_response_topic(op), message_response_topic(asked)) &&
           span_equal(message_topic(op), message_topic(asked));
}

struct request *
request_asked_next(const struct request *r)
{
    return CONTAINER_OF(r->by_key.same.next, struct request, by_key.same);
}

static size_t
count_copies(const struct request *first)
{
    const struct request *r = first;
    size_t count = 0;

    do {
        count++;
        r = request_asked_next(r);
    } while (r != first && r->message == first->message);
    return count;
}

struct request *
request_asked_find(struct request_asked *a, const struct message *op, size_t *copies)
{
    struct key_ring_node *oldest = NULL;

    *copies = 0;
    if (file_all(a) != WILCO_OK) {
        return NULL;
    }
    oldest = key_ring_oldest(&a->by_key, key_of(a, op));
    for (struct key_ring_node *n = oldest; n != NULL; n = key_ring_next(oldest, n)) {
        struct request *r = CONTAINER_OF(n, struct request, by_key);

        if (is_about(op, r->message)) {
            *copies = count_copies(r);
            return r;
        }
    }
    return NULL;
}

struct request *
request_asked_by(const struct request_asked *a, uint64_t asker)
{
    struct key_ring_node *oldest = key_ring_oldest(&a->by_asker, key_of_asker(a, asker));
    struct key_ring_node *n = oldest;

    while (n != NULL && CONTAINER_OF(n, struct request, by_asker)->message->publisher != asker) {
        n = key_ring_next(oldest, n);
    }
    return n == NULL ? NULL : CONTAINER_OF(n, struct request, by_asker);
}
