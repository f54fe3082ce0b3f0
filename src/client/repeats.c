#include "client/repeats.h"

#include "base/hash.h"

#include <assert.h>

void
repeats_init(struct repeats *t, const struct wilco_alloc *a, uint64_t seed)
{
    memset(t, 0, sizeof(*t));
    t->alloc = a;
    t->seed = seed;
    map_init(&t->by_key, a);
}

void
repeats_fini(struct repeats *t)
{
    assert(t->by_key.count == 0);
    map_fini(&t->by_key);
}

static uint64_t
key_hash(const struct repeats *t, struct span topic, struct span correlation)
{
    return hash_bytes(correlation, hash_bytes(topic, t->seed));
}

struct repeat *
repeats_find(const struct repeats *t, struct span topic, struct span correlation)
{
    struct map_node *node = map_first(&t->by_key, key_hash(t, topic, correlation));

    while (node != NULL) {
        struct repeat *r = CONTAINER_OF(node, struct repeat, by_key);

        if (span_equal(repeat_topic(r), topic) && span_equal(repeat_correlation(r), correlation)) {
            return r;
        }
        node = map_next(node);
    }
    return NULL;
}

static bool
is_past(const struct repeats *t, uint64_t key)
{
    size_t count = t->past_count < REPEATS_PAST_MAX ? t->past_count : REPEATS_PAST_MAX;

    for (size_t i = 0; i < count; i++) {
        if (t->past[i] == key) {
            return true;
        }
    }
    return false;
}

static void
note_past(struct repeats *t, uint64_t key)
{
    t->past[t->past_count % REPEATS_PAST_MAX] = key;
    t->past_count++;
}

bool
repeats_had(const struct repeats *t, struct span topic, struct span correlation)
{
    return is_past(t, key_hash(t, topic, correlation));
}

/* The same request may be asked again, and is another delivery then. */
static uint64_t
delivery_hash(const struct repeats *t, struct span topic, struct span correlation,
              uint16_t packet_id)
{
    uint64_t key = key_hash(t, topic, correlation);

    return hash_bytes(span_of(&packet_id, sizeof(packet_id)), key);
}

void
repeats_decline(struct repeats *t, struct span topic, struct span correlation, uint16_t packet_id)
{
    note_past(t, delivery_hash(t, topic, correlation, packet_id));
}

bool
repeats_declined(const struct repeats *t, struct span topic, struct span correlation,
                 uint16_t packet_id)
{
    return is_past(t, delivery_hash(t, topic, correlation, packet_id));
}

enum wilco_status
repeats_add(struct repeats *t, struct repeat_budget *budget, struct span topic,
            struct span correlation, struct repeat **out)
{
    size_t bytes = repeat_bytes(topic, correlation);
    struct repeat *r = NULL;

    assert(topic.len <= UINT16_MAX && correlation.len <= UINT16_MAX);
    if (!repeat_budget_fits(budget, bytes)) {
        return WILCO_ELIMIT;
    }
    r = mem_alloc(t->alloc, bytes);
    if (r == NULL) {
        return WILCO_ENOMEM;
    }
    *r = (struct repeat){
        .budget = budget,
        .deadline_ms = UINT64_MAX,
        .topic_len = (uint16_t)topic.len,
        .correlation_len = (uint16_t)correlation.len,
    };
    memcpy(r->key, topic.data, topic.len);
    memcpy(r->key + topic.len, correlation.data, correlation.len);
    if (map_add(&t->by_key, &r->by_key, key_hash(t, topic, correlation)) != WILCO_OK) {
        mem_free(t->alloc, r);
        return WILCO_ENOMEM;
    }
    budget->bytes += bytes;
    *out = r;
    return WILCO_OK;
}

bool
repeats_answer(struct repeats *t, struct repeat *r, struct span answer)
{
    uint8_t *copy = NULL;

    r->call = NULL;
    list_remove(&r->link);
    list_push_back(&r->budget->answered, &r->link);
    if (answer.data != NULL && repeat_budget_fits(r->budget, answer.len)) {
        copy = mem_alloc(t->alloc, answer.len);
    }
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, answer.data, answer.len);
    r->answer = span_of(copy, answer.len);
    r->budget->bytes += answer.len;
    return true;
}

void
repeats_forget_answer(struct repeats *t, struct repeat *r)
{
    r->budget->bytes -= r->answer.len;
    mem_free(t->alloc, (uint8_t *)(uintptr_t)r->answer.data);
    r->answer = SPAN_EMPTY;
}

void
repeats_retire(struct repeats *t, const struct repeat *r)
{
    note_past(t, key_hash(t, repeat_topic(r), repeat_correlation(r)));
}

void
repeats_remove(struct repeats *t, struct repeat *r)
{
    assert(!timer_is_running(&r->timer));
    map_remove(&t->by_key, &r->by_key);
    list_remove(&r->link);
    repeats_forget_answer(t, r);
    r->budget->bytes -= repeat_bytes(repeat_topic(r), repeat_correlation(r));
    mem_free(t->alloc, r);
}

struct repeat *
repeats_any(struct repeats *t)
{
    struct map_node *node = map_any(&t->by_key);

    return node == NULL ? NULL : CONTAINER_OF(node, struct repeat, by_key);
}

struct repeat *
repeat_budget_oldest(const struct repeat_budget *budget)
{
    return list_is_empty(&budget->answered)
               ? NULL
               : CONTAINER_OF(budget->answered.next, struct repeat, link);
}
