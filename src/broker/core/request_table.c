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

/* The oldest of those filed with this key. */
static struct request *
find_filed(const struct request_table *t, uint64_t key, const struct session *holder,
           struct span topic, struct span correlation)
{
    for (struct map_node *n = map_first(&t->by_key, key); n != NULL; n = map_next(n)) {
        struct request *r = CONTAINER_OF(n, struct request, by_key);

        if (r->holder == holder && is_answered_by(r, topic, correlation)) {
            return r;
        }
    }
    return NULL;
}

/* Of several with one key only the oldest is in the map, and the others behind it in a ring. */
static enum wilco_status
file(struct request_table *t, struct request *r)
{
    struct span topic = message_response_topic(r->message);
    struct span correlation = message_correlation(r->message);
    uint64_t key = key_of(t, r->holder, topic, correlation);
    struct request *oldest = find_filed(t, key, r->holder, topic, correlation);
    enum wilco_status status = WILCO_OK;

    list_init(&r->same_key);
    if (oldest != NULL) {
        r->by_key.hash = key;
        list_push_back(&oldest->same_key, &r->same_key);
    } else {
        status = map_add(&t->by_key, &r->by_key, key);
    }
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

/* Of those with the same key, of which this is the oldest, the oldest that has been sent to the
 * holder: at QoS 0 one may overtake another. NULL: none has. */
static struct request *
oldest_sent(struct request *oldest)
{
    struct request *r = oldest;

    while (r != NULL && r->stage == REQUEST_QUEUED) {
        r = CONTAINER_OF(r->same_key.next, struct request, same_key);
        if (r == oldest) {
            return NULL;
        }
    }
    return r;
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
    return oldest_sent(
        find_filed(t, key_of(t, holder, topic, correlation), holder, topic, correlation));
}

static void
take_out(struct request_table *t, struct request *r)
{
    struct request *next = CONTAINER_OF(r->same_key.next, struct request, same_key);
    bool is_alone = !list_is_linked(&r->same_key);

    if (!is_alone && find_filed(t, r->by_key.hash, r->holder, message_response_topic(r->message),
                                message_correlation(r->message)) == r) {
        enum wilco_status status = map_add(&t->by_key, &next->by_key, r->by_key.hash);

        assert(status == WILCO_OK); /* the map is not empty */
        (void)status;
        is_alone = true;
    }
    if (is_alone) {
        map_remove(&t->by_key, &r->by_key);
    }
    list_remove(&r->same_key);
    r->is_filed = false;
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
        take_out(t, r);
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
