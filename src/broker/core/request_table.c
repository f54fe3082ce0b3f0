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

static uint64_t
key_of(const struct request_table *t, const struct session *holder, struct span topic,
       struct span correlation)
{
    return hash_bytes(correlation, hash_bytes(topic, t->hash_seed) + holder->id * SPREAD);
}

static bool
is_answered_by(const struct request *r, struct span topic, struct span correlation)
{
    return span_equal(message_correlation(r->message), correlation) &&
           span_equal(message_response_topic(r->message), topic);
}

static enum wilco_status
file(struct request_table *t, struct request *r)
{
    uint64_t key =
        key_of(t, r->holder, message_response_topic(r->message), message_correlation(r->message));
    enum wilco_status status = key_ring_add(&t->by_key, &r->by_answer, key);

    r->is_filed = status == WILCO_OK;
    return status;
}

/* Files what the holder has been asked since this was done last: the newest of its requests. */
static enum wilco_status
file_new(struct request_table *t, const struct session *holder)
{
    struct list *i = holder->requests.prev;
    enum wilco_status status = WILCO_OK;

    while (i != &holder->requests && !CONTAINER_OF(i, struct request, of_holder)->is_filed) {
        i = i->prev;
    }
    for (i = i->next; i != &holder->requests && status == WILCO_OK; i = i->next) {
        status = file(t, CONTAINER_OF(i, struct request, of_holder));
    }
    return status;
}

/* The oldest of those filed that has been sent to the holder: at QoS 0 one may overtake another.
 */
static struct request *
find_filed(const struct request_table *t, const struct session *holder, struct span topic,
           struct span correlation)
{
    struct key_ring_node *oldest =
        key_ring_oldest(&t->by_key, key_of(t, holder, topic, correlation));

    for (struct key_ring_node *n = oldest; n != NULL; n = key_ring_next(oldest, n)) {
        struct request *r = CONTAINER_OF(n, struct request, by_answer);

        if (r->stage != REQUEST_QUEUED && r->holder == holder &&
            is_answered_by(r, topic, correlation)) {
            return r;
        }
    }
    return NULL;
}

struct request *
request_table_find(struct request_table *t, const struct session *holder, struct span topic,
                   struct span correlation)
{
    unsigned looks = 0;

    for (struct list *i = holder->requests.next; i != &holder->requests; i = i->next) {
        struct request *r = CONTAINER_OF(i, struct request, of_holder);

        if (looks++ == REQUEST_LOOKS_MAX) {
            break;
        }
        if (r->stage != REQUEST_QUEUED && is_answered_by(r, topic, correlation)) {
            return r;
        }
    }
    if (holder->request_count <= REQUEST_LOOKS_MAX || file_new(t, holder) != WILCO_OK) {
        return NULL;
    }
    return find_filed(t, holder, topic, correlation);
}

/* Something that differs for most requests, and costs next to nothing. */
static uint64_t
fingerprint(const struct session *holder, struct span topic, struct span correlation)
{
    uint64_t word = 0;
    size_t len = correlation.len < sizeof(word) ? correlation.len : sizeof(word);

    if (len > 0) { /* the end of a UUIDv7 is random, its beginning is not */
        memcpy(&word, correlation.data + correlation.len - len, len);
    }
    return ((word + topic.len + correlation.len) * SPREAD ^ holder->id) & ~UINT64_C(1);
}

void
request_table_remove(struct request_table *t, struct request *r, bool was_answered)
{
    if (r->is_filed) {
        key_ring_remove(&t->by_key, &r->by_answer);
        r->is_filed = false;
    }
    t->ended[t->ended_count++ % REQUEST_ENDED_MAX] =
        fingerprint(r->holder, message_response_topic(r->message),
                    message_correlation(r->message)) |
        was_answered;
}

enum request_memory
request_table_recall(const struct request_table *t, const struct session *holder, struct span topic,
                     struct span correlation)
{
    uint64_t wanted = fingerprint(holder, topic, correlation);

    for (uint32_t i = 1; i <= REQUEST_ENDED_MAX; i++) {
        uint64_t ended = t->ended[(t->ended_count - i) % REQUEST_ENDED_MAX];

        if ((ended & ~UINT64_C(1)) == wanted) {
            return (ended & 1U) != 0 ? REQUEST_ENDED_ANSWERED : REQUEST_ENDED_UNANSWERED;
        }
    }
    return REQUEST_UNKNOWN;
}
