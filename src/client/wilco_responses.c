#define _POSIX_C_SOURCE 200809L

#include "wilco/wilco.h"

#include "base/clock.h"
#include "client/client.h"
#include "client/explain.h"
#include "client/message.h"

/* Responses that are pulled. The client's thread puts them in, by callbacks like any other; whoever
 * wants them takes them out, and so says that there may be more. Counted twice: by its owner until
 * he closes it, and by the request until that has ended. What is in it is guarded by the client's
 * lock. */
struct wilco_responses {
    struct wilco *client; /* a reference */
    unsigned refs;
    struct list arrived; /* struct arrival */
    struct waiter waiter;
    uint64_t call;
    bool is_closed; /* by its owner */
    bool is_ended;
    enum wilco_status status;       /* how */
    struct wilco_message *response; /* the last one, until it is taken */
    struct wilco_error error;
    struct wilco_tally tally;
    struct wilco_error *error_wanted; /* the owner's, or NULL */
    struct wilco_tally *tally_wanted;
};

struct arrival {
    struct list link;
    struct wilco_message *message;
};

static struct wilco_message *
take_arrival(struct wilco_responses *r)
{
    struct list *node = list_pop_front(&r->arrived);
    struct arrival *arrival = node == NULL ? NULL : CONTAINER_OF(node, struct arrival, link);
    struct wilco_message *m = arrival == NULL ? NULL : arrival->message;

    if (arrival != NULL) {
        mem_free(r->client->alloc, arrival);
    }
    return m;
}

static void
drop_arrivals(struct wilco_responses *r)
{
    struct wilco_message *m = NULL;

    while ((m = take_arrival(r)) != NULL) {
        wilco_message_unref(m);
    }
    wilco_message_unref(r->response);
    r->response = NULL;
}

/* Under the lock, which outlives it. */
static void
release(struct wilco_responses *r)
{
    r->refs--;
    if (r->refs == 0) {
        drop_arrivals(r);
        waiter_fini(&r->waiter);
        mem_free(r->client->alloc, r);
    }
}

static void
put_part(void *context, const struct wilco_message *m)
{
    struct wilco_responses *r = context;
    struct wilco *c = r->client;
    struct arrival *arrival = mem_alloc(c->alloc, sizeof(*arrival));

    (void)pthread_mutex_lock(&c->lock);
    if (arrival == NULL && !r->is_ended) { /* it must not be lost unnoticed */
        r->is_ended = true;
        r->status = WILCO_ENOMEM;
    }
    if (arrival != NULL && !r->is_closed) {
        arrival->message = wilco_message_ref(m);
        list_push_back(&r->arrived, &arrival->link);
        arrival = NULL;
    }
    (void)pthread_cond_signal(&r->waiter.cond);
    (void)pthread_mutex_unlock(&c->lock);
    mem_free(c->alloc, arrival);
}

static void
put_end(void *context, enum wilco_status status, const struct wilco_message *response)
{
    struct wilco_responses *r = context;
    struct wilco *c = r->client;

    (void)pthread_mutex_lock(&c->lock);
    if (!r->is_ended) {
        r->is_ended = true;
        r->status = status;
        r->response = response == NULL ? NULL : wilco_message_ref(response);
    }
    if (!r->is_closed && r->error_wanted != NULL && status != WILCO_OK) {
        *r->error_wanted = r->error;
    }
    if (!r->is_closed && r->tally_wanted != NULL) {
        *r->tally_wanted = r->tally;
    }
    (void)pthread_cond_signal(&r->waiter.cond);
    release(r);
    (void)pthread_mutex_unlock(&c->lock);
    client_unref(c);
}

static struct wilco_responses *
responses_new(struct wilco *c, const struct wilco_request *request)
{
    struct wilco_responses *r = mem_zalloc(c->alloc, sizeof(*r));

    if (r == NULL || waiter_init(&r->waiter) != WILCO_OK) {
        mem_free(c->alloc, r);
        return NULL;
    }
    r->client = c;
    r->refs = 2;
    r->error_wanted = request->error;
    r->tally_wanted = request->tally;
    list_init(&r->arrived);
    client_ref(c); /* one for each reference to it */
    client_ref(c);
    return r;
}

/* It has never been used. */
static void
discard(struct wilco_responses *r)
{
    struct wilco *c = r->client;

    waiter_fini(&r->waiter);
    mem_free(c->alloc, r);
    client_unref(c);
    client_unref(c);
}

enum wilco_status
wilco_responses_open(struct wilco *client, const struct wilco_request *request,
                     struct wilco_responses **responses)
{
    struct wilco_responses *r = responses_new(client, request);
    struct core_asker asker = {.on_response = put_end, .context = r, .is_pulled = true};
    struct wilco_request wanted = *request;
    enum wilco_status st = WILCO_ENOMEM;

    *responses = NULL;
    if (r == NULL) {
        return st;
    }
    asker.error = &r->error;
    wanted.error = &r->error;
    wanted.tally = &r->tally;
    wanted.on_part = put_part;
    wanted.part_context = r;
    st = client_start_request(client, &wanted, &asker, &r->call);
    if (st != WILCO_OK) {
        if (request->error != NULL) {
            *request->error = r->error;
        }
        discard(r);
        return st;
    }
    *responses = r;
    return WILCO_OK;
}

/* What is there now; WILCO_AGAIN: nothing. */
static enum wilco_status
take(struct wilco_responses *r, struct wilco_message **response)
{
    struct wilco *c = r->client;

    *response = take_arrival(r);
    if (*response != NULL) {
        if (c->core != NULL) {
            core_take_parts(c->core, r->call, 1);
            client_asked(c, true);
        }
        return WILCO_OK;
    }
    if (!r->is_ended) {
        return WILCO_AGAIN;
    }
    *response = r->response;
    r->response = NULL;
    return r->status;
}

static uint64_t
deadline_after(uint32_t timeout_ms)
{
    return timeout_ms == UINT32_MAX ? UINT64_MAX : clock_monotonic_ms() + timeout_ms;
}

enum wilco_status
wilco_responses_next(struct wilco_responses *responses, uint32_t timeout_ms,
                     struct wilco_message **response)
{
    struct wilco *c = responses->client;
    uint64_t deadline_ms = deadline_after(timeout_ms);
    enum wilco_status st = client_enter(c, timeout_ms != 0);

    *response = NULL;
    if (st != WILCO_EINVAL) { /* closed or not: what has come is there */
        st = take(responses, response);
        while (st == WILCO_AGAIN && timeout_ms != 0 &&
               waiter_sleep(&responses->waiter, c, deadline_ms)) {
            st = take(responses, response);
        }
        if (st == WILCO_AGAIN) {
            st = take(responses, response);
        }
    }
    client_leave(c);
    return st;
}

void
wilco_responses_close(struct wilco_responses *responses)
{
    struct wilco *c = NULL;

    if (responses == NULL) {
        return;
    }
    c = responses->client;
    (void)pthread_mutex_lock(&c->lock);
    responses->is_closed = true;
    if (c->core != NULL && core_cancel(c->core, responses->call) == WILCO_OK) {
        client_asked(c, true);
    }
    drop_arrivals(responses);
    release(responses);
    (void)pthread_mutex_unlock(&c->lock);
    client_unref(c);
}
