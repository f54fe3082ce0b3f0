#include "client/core_private.h"
#include "client/status_response.h"

/* Requests from being asked to their end. How they are tried is core_try.c's affair, what comes
 * back for them core_response.c's. */

#define TIMEOUT_MS      10000U
#define UUID_BYTES      16U
#define PARTS_PERMITTED 1000000000U /* what `rr-more` can say */

uint32_t
core_timeout_ms(const struct wilco_request *r)
{
    return r->timeout_ms == 0 ? TIMEOUT_MS : r->timeout_ms;
}

void
core_end_request(struct core *c, struct request *request, enum wilco_status status,
                 uint8_t reason_code)
{
    requester_end(&c->requester, request, status);
    core_drop_tries(request);
    request->reason_code = reason_code;
    core_push_event(c, &request->event, request->on_response == NULL);
}

void
core_stop_request(struct core *c, struct request *request, enum wilco_status status)
{
    core_tell_holders_to_stop(c, request);
    core_end_request(c, request, status, 0);
}

/* Its time is over. For one that takes what comes that is an end like any other. */
static void
end_overdue(struct core *c, struct request *request)
{
    bool is_enough = request->plan.is_open_ended && request->tally.answered > 0;

    core_end_request(c, request, is_enough ? WILCO_OK : WILCO_ETIMEDOUT, 0);
}

void
core_tick_requests(struct core *c)
{
    struct request *request = NULL;

    requester_advance(&c->requester, c->now_ms);
    while ((request = requester_overdue(&c->requester)) != NULL) {
        end_overdue(c, request);
    }
    while ((request = requester_due(&c->requester)) != NULL) {
        core_act_on_request(c, request);
    }
}

void
core_abandon_requests(struct core *c)
{
    struct request *request = NULL;

    while ((request = requester_any(&c->requester)) != NULL) {
        core_end_request(c, request, WILCO_ECLOSED, 0);
    }
}

/* ---- A lost connection ---- */

static void
each_request(struct core *c, void (*act)(struct core *c, struct request *request))
{
    struct map_node *node = map_walk(&c->requester.by_key, NULL);

    while (node != NULL) {
        struct request *request = CONTAINER_OF(node, struct request, by_key);

        node = map_walk(&c->requester.by_key, node);
        act(c, request);
    }
}

static void
end_if_fast(struct core *c, struct request *request)
{
    if (request->plan.fails_fast) {
        core_end_request(c, request, WILCO_ECLOSED, 0);
    }
}

void
core_requests_after_loss(struct core *c)
{
    each_request(c, end_if_fast);
}

void
core_requests_after_reconnect(struct core *c, bool session_present)
{
    if (!session_present) {
        each_request(c, core_lose_tries);
    }
}

enum wilco_status
core_cancel(struct core *c, uint64_t call)
{
    struct request *request = requester_find_call(&c->requester, call);

    if (request == NULL) {
        return WILCO_ENOTFOUND;
    }
    core_stop_request(c, request, WILCO_ECANCELLED);
    return WILCO_OK;
}

/* ---- Asking ---- */

static uint32_t
responses_max(const struct wilco_request *r)
{
    if (r->responses_max != 0) {
        return r->responses_max;
    }
    return r->scatter ? UINT32_MAX : 1;
}

static struct request_plan
plan_of(const struct wilco_request *r, uint64_t now_ms)
{
    bool takes_parts = r->parts_max != 0 || r->response_bytes_max == 0;
    bool is_hedged = r->hedge_after_ms != 0 && r->idempotent;

    return (struct request_plan){
        .timeout_ms = core_timeout_ms(r),
        .wait_until_ms = r->responder_wait_ms == 0 ? 0 : now_ms + r->responder_wait_ms,
        .tries_left = r->retries_max == 0 && is_hedged ? 1 : r->retries_max,
        .hedge_after_ms = is_hedged ? r->hedge_after_ms : 0,
        .is_idempotent = r->idempotent,
        .fails_fast = r->fail_fast,
        .is_scattered = r->scatter,
        .is_open_ended = r->responses_max == UINT32_MAX,
        .until_empty = r->until_empty,
        .responses_max = responses_max(r),
        .stall_ms = r->stall_ms,
        .parts_max = chunk_credit(r->parts_max, r->response_bytes_max),
        .response_bytes_max = r->response_bytes_max,
        .on_part = takes_parts ? r->on_part : NULL,
        .part_context = r->part_context,
    };
}

/* Whether it may have to be sent a second time. */
static bool
needs_original(const struct request_plan *plan)
{
    return plan->tries_left > 0 || plan->wait_until_ms != 0 || plan->is_idempotent;
}

/* The subscription for responses to `topic`: the one there is, or a new one. */
static enum wilco_status
inbox_for(struct core *c, struct span topic, struct subscription **out)
{
    struct subscription *s = core_find_inbox(c, topic);

    if (s == NULL) {
        return core_add_inbox(c, topic, core_is_assigned(c, topic) ? INBOX_ASSIGNED : INBOX_ASKED,
                              out);
    }
    *out = s;
    return s->inbox == INBOX_NONE ? WILCO_EINVAL : WILCO_OK;
}

/* Files the waiter, then lets the PUBLISH go, or wait for the SUBACK. */
static enum wilco_status
file_and_send(struct core *c, struct outgoing *o, const struct draft *d,
              const struct request_plan *plan, struct request **out)
{
    const struct wire_properties *p = &d->packet.properties;
    uint64_t deadline_ms = c->now_ms + plan->timeout_ms;
    struct subscription *inbox = NULL;
    enum wilco_status st = inbox_for(c, p->response_topic, &inbox);

    if (st == WILCO_OK) {
        st = requester_add(&c->requester, inbox, p->correlation_data, d->packet.topic, deadline_ms,
                           out);
    }
    if (st != WILCO_OK) {
        return st;
    }
    (*out)->plan = *plan;
    o->is_request = true;
    if (needs_original(plan)) {
        outgoing_ref(o);
        (*out)->original = o;
    }
    st = core_begin_try(c, *out, o);
    if (st != WILCO_OK) {
        requester_drop(&c->requester, *out);
    }
    return st;
}

/* With its payload, or without where that has to go in pieces. */
static enum wilco_status
ask(struct core *c, const struct wilco_request *r, struct draft *d, struct request_plan *plan,
    struct request **out)
{
    struct upload *upload = NULL;
    struct outgoing *o = NULL;
    enum wilco_status st = r->chunked ? WILCO_ELIMIT : core_encode(c, d, &o);

    if (st == WILCO_ELIMIT) {
        st = core_encode_head(c, d, plan, &upload, &o);
    }
    if (st != WILCO_OK) {
        return st;
    }
    st = file_and_send(c, o, d, plan, out);
    if (st != WILCO_OK) {
        outgoing_unref(o);
        upload_free(upload);
    } else {
        (*out)->upload = upload;
    }
    return st;
}

static uint32_t
size_as_number(size_t bytes)
{
    return bytes < CHUNK_UNSAID ? (uint32_t)bytes : CHUNK_UNSAID - 1;
}

/* The request as a PUBLISH, but for where its response goes. */
static enum wilco_status
draft_of(struct core *c, const struct wilco_request *r, struct draft *d, uint8_t *reason_code)
{
    enum wilco_status st = draft_request(d, r, core_timeout_ms(r), core_client_id(c));

    if (st == WILCO_OK &&
        (r->parts_max > PARTS_PERMITTED || (r->response_bytes_max != 0 && responses_max(r) != 1))) {
        st = WILCO_EINVAL;
    }
    if (st == WILCO_OK && r->response_bytes_max != 0) {
        draft_take(d, size_as_number(r->response_bytes_max), c->packet_bytes_max);
    }
    if (st == WILCO_OK && r->qos == 0 && d->packet.qos > c->server.maximum_qos) {
        d->packet.qos = c->server.maximum_qos; /* QoS 1 was our idea, not the caller's */
    }
    if (st == WILCO_OK && r->fail_fast && c->state != CORE_OPEN) {
        st = WILCO_ECLOSED;
    }
    return st == WILCO_OK ? core_admit(c, d, reason_code) : st;
}

enum wilco_status
core_request(struct core *c, const struct wilco_request *r, const struct core_asker *asker,
             uint64_t now_ms, uint64_t *call, uint8_t *reason_code)
{
    struct span topic =
        r->response_topic == NULL ? core_response_topic(c) : span_of_text(r->response_topic);
    struct span correlation = span_of_bytes(r->correlation_data);
    struct request_plan plan = plan_of(r, now_ms);
    struct request *request = NULL;
    uint8_t uuid[UUID_BYTES];
    struct draft d;
    enum wilco_status st = WILCO_OK;

    c->now_ms = now_ms;
    plan.is_pulled = asker->is_pulled && plan.on_part != NULL;
    st = draft_of(c, r, &d, reason_code);
    if (st == WILCO_OK && correlation.data == NULL) {
        correlation = span_of(uuid, sizeof(uuid));
        st = random_uuid7(c->random, now_ms + c->unix_offset_ms, uuid);
    }
    if (st != WILCO_OK) {
        return st;
    }
    draft_set_address(&d, topic, correlation);
    st = ask(c, r, &d, &plan, &request);
    if (st == WILCO_OK) {
        request->on_response = asker->on_response;
        request->context = asker->context;
        request->error = asker->error;
        request->tally_wanted = r->tally;
        *call = request->call;
    }
    return st;
}
