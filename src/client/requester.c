#include "client/requester.h"

#include "base/hash.h"
#include "client/outgoing.h"

#include <assert.h>

#define ANSWERED UINT64_C(1)

#define BUDGET_MAX_PERCENT 1000U /* ten tries */
#define TRY_PERCENT        100U

void
requester_init(struct requester *r, const struct wilco_alloc *a, uint64_t seed, size_t pending_max,
               unsigned retry_percent, uint64_t now_ms)
{
    *r = (struct requester){
        .alloc = a,
        .seed = seed,
        .pending_max = pending_max,
        .retry_percent = retry_percent,
        .budget_percent = BUDGET_MAX_PERCENT,
    };
    map_init(&r->by_key, a);
    map_init(&r->by_call, a);
    wheel_init(&r->deadlines, now_ms);
    wheel_init(&r->actions, now_ms);
}

void
requester_fini(struct requester *r)
{
    assert(requester_pending(r) == 0);
    map_fini(&r->by_key);
    map_fini(&r->by_call);
}

/* The response topic goes in by the number of its subscription. */
static uint64_t
key_hash(const struct requester *r, const struct subscription *inbox, struct span correlation)
{
    return hash_bytes(correlation, r->seed + inbox->id);
}

struct request *
requester_find(const struct requester *r, const struct subscription *inbox, struct span correlation)
{
    struct map_node *node = map_first(&r->by_key, key_hash(r, inbox, correlation));

    while (node != NULL) {
        struct request *request = CONTAINER_OF(node, struct request, by_key);

        if (request->inbox == inbox && span_equal(request_correlation(request), correlation)) {
            return request;
        }
        node = map_next(node);
    }
    return NULL;
}

struct request *
requester_find_call(const struct requester *r, uint64_t call)
{
    struct map_node *node = map_first(&r->by_call, call);

    return node == NULL ? NULL : CONTAINER_OF(node, struct request, by_call);
}

static struct request *
request_new(const struct requester *r, struct subscription *inbox, struct span correlation,
            struct span topic)
{
    struct request *request = mem_alloc(r->alloc, sizeof(*request) + correlation.len + topic.len);

    if (request != NULL) {
        *request = (struct request){
            .event.kind = EVENT_REQUEST,
            .call = r->last_call + 1,
            .inbox = inbox,
            .stage = WILCO_STAGE_UNSENT,
            .tally.expected = UINT32_MAX,
            .correlation_len = (uint16_t)correlation.len,
            .topic_len = (uint16_t)topic.len,
        };
        list_init(&request->tries);
        buffer_init(&request->whole, r->alloc, 0);
        if (correlation.len > 0) {
            memcpy(request->bytes, correlation.data, correlation.len);
        }
        memcpy(request->bytes + correlation.len, topic.data, topic.len);
    }
    return request;
}

static enum wilco_status
file(struct requester *r, struct request *request)
{
    uint64_t hash = key_hash(r, request->inbox, request_correlation(request));

    if (map_add(&r->by_key, &request->by_key, hash) != WILCO_OK) {
        return WILCO_ENOMEM;
    }
    if (map_add(&r->by_call, &request->by_call, request->call) != WILCO_OK) {
        map_remove(&r->by_key, &request->by_key);
        return WILCO_ENOMEM;
    }
    return WILCO_OK;
}

enum wilco_status
requester_add(struct requester *r, struct subscription *inbox, struct span correlation,
              struct span topic, uint64_t deadline_ms, struct request **out)
{
    struct request *request = NULL;

    assert(correlation.len <= UINT16_MAX);
    if (requester_find(r, inbox, correlation) != NULL) {
        return WILCO_EINVAL;
    }
    if (requester_pending(r) >= r->pending_max) {
        return WILCO_ELIMIT;
    }
    request = request_new(r, inbox, correlation, topic);
    if (request == NULL || file(r, request) != WILCO_OK) {
        mem_free(r->alloc, request);
        return WILCO_ENOMEM;
    }
    wheel_start(&r->deadlines, &request->deadline, deadline_ms);
    inbox->request_count++;
    r->last_call++;
    if (r->budget_percent < BUDGET_MAX_PERCENT) {
        r->budget_percent += r->retry_percent;
    }
    *out = request;
    return WILCO_OK;
}

static void
take_out(struct requester *r, struct request *request)
{
    map_remove(&r->by_key, &request->by_key);
    map_remove(&r->by_call, &request->by_call);
    wheel_stop(&r->deadlines, &request->deadline);
    wheel_stop(&r->actions, &request->action);
    request->inbox->request_count--;
}

void
request_free(struct requester *r, struct request *request)
{
    wilco_message_unref(request->response);
    upload_free(request->upload);
    buffer_fini(&request->whole);
    if (request->original != NULL) {
        outgoing_unref(request->original);
    }
    mem_free(r->alloc, request);
}

struct upload *
upload_new(const struct wilco_alloc *a, struct span payload, size_t *total)
{
    struct upload *u = mem_alloc(a, sizeof(*u) + payload.len);

    if (u != NULL) {
        *u = (struct upload){.alloc = a, .total = total, .len = payload.len};
        memcpy(u->bytes, payload.data, payload.len);
        *total += payload.len;
    }
    return u;
}

void
upload_free(struct upload *u)
{
    if (u != NULL) {
        *u->total -= u->len;
        mem_free(u->alloc, u);
    }
}

void
requester_drop(struct requester *r, struct request *request)
{
    take_out(r, request);
    request_free(r, request);
}

static bool
is_answer(enum wilco_status status)
{
    return status == WILCO_OK || status == WILCO_EREMOTE || status == WILCO_EPROTOCOL;
}

void
requester_end(struct requester *r, struct request *request, enum wilco_status status)
{
    uint64_t key = request->by_key.hash & ~ANSWERED;

    take_out(r, request);
    request->status = status;
    if (is_answer(status)) {
        key |= ANSWERED;
        r->counters.responses++;
    } else if (status == WILCO_ETIMEDOUT) {
        r->counters.timeouts++;
    }
    r->ended[r->ended_count % REQUESTER_ENDED_MAX] = key;
    r->ended_count++;
}

void
requester_count_unmatched(struct requester *r, const struct subscription *inbox,
                          struct span correlation, bool is_status)
{
    uint64_t key = key_hash(r, inbox, correlation) & ~ANSWERED;
    size_t count = r->ended_count < REQUESTER_ENDED_MAX ? r->ended_count : REQUESTER_ENDED_MAX;

    for (size_t i = 1; i <= count; i++) { /* the latest first */
        uint64_t ended = r->ended[(r->ended_count - i) % REQUESTER_ENDED_MAX];

        if (ended == key) {
            r->counters.responses_late += !is_status;
            return;
        }
        if (ended == (key | ANSWERED)) {
            r->counters.responses_duplicate += !is_status;
            return;
        }
    }
    r->counters.responses_unknown++;
}

bool
requester_take_try(struct requester *r)
{
    if (r->budget_percent < TRY_PERCENT) {
        return false;
    }
    r->budget_percent -= TRY_PERCENT;
    return true;
}

uint64_t
requester_deadline_ms(const struct requester *r)
{
    uint64_t deadline_ms = wheel_next_ms(&r->deadlines);
    uint64_t action_ms = wheel_next_ms(&r->actions);

    return deadline_ms < action_ms ? deadline_ms : action_ms;
}

void
requester_advance(struct requester *r, uint64_t now_ms)
{
    wheel_advance(&r->deadlines, now_ms);
    wheel_advance(&r->actions, now_ms);
}

struct request *
requester_overdue(struct requester *r)
{
    struct timer *t = wheel_pop(&r->deadlines);

    return t == NULL ? NULL : CONTAINER_OF(t, struct request, deadline);
}

struct request *
requester_due(struct requester *r)
{
    struct timer *t = wheel_pop(&r->actions);

    return t == NULL ? NULL : CONTAINER_OF(t, struct request, action);
}

struct request *
requester_any(struct requester *r)
{
    struct map_node *node = map_any(&r->by_key);

    return node == NULL ? NULL : CONTAINER_OF(node, struct request, by_key);
}
