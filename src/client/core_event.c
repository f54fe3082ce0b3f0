#include "client/core_private.h"
#include "client/explain.h"

#include <stdio.h>

#define FILTER_SHOWN_MAX 100U /* bytes, in a text for people */

void
core_push_event(struct core *c, struct event_node *node, bool is_awaited)
{
    list_push_back(is_awaited ? &c->awaited : &c->events, &node->link);
}

void
core_push_state(struct core *c, bool is_connected)
{
    struct event_node *now = is_connected ? &c->connected : &c->disconnected;
    struct event_node *other = is_connected ? &c->disconnected : &c->connected;

    if (!c->tells_state) {
        return;
    }
    if (list_is_linked(&now->link)) { /* then the other one came in between */
        list_remove(&other->link);
        list_remove(&now->link);
    }
    core_push_event(c, now, false);
}

static void
take_publication(struct outgoing *o, struct core_event *out)
{
    *out = (struct core_event){
        .kind = CORE_PUBLISHED,
        .status = o->status,
        .reason_code = o->reason_code,
        .to.published = o->done,
        .context = o->context,
    };
    outgoing_unref(o);
}

static void
take_operation(struct core *c, struct operation *op, struct core_event *out)
{
    *out = (struct core_event){
        .kind = CORE_OPERATION,
        .status = op->status,
        .reason_code = op->reason_code,
        .to.subscribed = op->done,
        .context = op->context,
    };
    if (op->is_dropped) { /* nobody waits for it, but it is to be known */
        out->kind = CORE_STATE;
        out->state = WILCO_UNSUBSCRIBED;
        c->told = op; /* its filter is borrowed by whoever is told */
    } else {
        operation_free(op);
    }
}

static void
take_state(const struct core *c, const struct event_node *node, struct core_event *out)
{
    *out = (struct core_event){
        .kind = CORE_STATE,
        .state = node == &c->connected ? WILCO_CONNECTED : WILCO_DISCONNECTED,
    };
}

static void
describe_refusal(struct span filter, struct wilco_state *out, struct wilco_error *why)
{
    int len = (int)(filter.len < FILTER_SHOWN_MAX ? filter.len : FILTER_SHOWN_MAX);

    out->filter = (struct wilco_bytes){filter.data, filter.len};
    (void)snprintf(why->text, sizeof(why->text), "%.*s is not subscribed to any more: %s (0x%02X)",
                   len, (const char *)filter.data, wire_reason_text(why->reason_code),
                   (unsigned)why->reason_code);
    explain_in_one_line(why);
}

void
core_describe_state(const struct core *c, const struct core_event *event, struct wilco_state *out,
                    struct wilco_error *why)
{
    *out = (struct wilco_state){
        .kind = event->kind == CORE_ENDED ? WILCO_CLOSED : event->state,
        .why = why,
    };
    *why = (struct wilco_error){.reason_code = event->reason_code};
    switch (out->kind) {
    case WILCO_CONNECTED:
        out->session_present = c->session_present;
        out->why = NULL;
        break;
    case WILCO_DISCONNECTED:
        out->retry_ms = c->again.delay_ms;
        *why = c->why;
        break;
    case WILCO_CLOSED: *why = c->why; break;
    case WILCO_UNSUBSCRIBED: describe_refusal(operation_filter(c->told), out, why); break;
    }
}

/* Tells the asker what became of it, where he wants to read that. */
static void
report(const struct request *request)
{
    struct outcome outcome = {
        .status = request->status,
        .reason_code = request->reason_code,
        .stage = request->stage,
        .executed = request_executed(request),
        .text = request->why,
        .response = request->response,
    };

    if (request->response != NULL && !request->response->is_status_response) {
        outcome.stage = WILCO_STAGE_ANSWERED;
        outcome.executed = request->is_declined ? outcome.executed : WILCO_EXECUTED_YES;
    }
    explain_outcome(request->error, &outcome);
    if (request->tally_wanted != NULL) {
        *request->tally_wanted = request->tally;
    }
}

static void
take_request(struct core *c, struct request *request, struct core_event *out)
{
    report(request);
    *out = (struct core_event){
        .kind = CORE_RESPONSE,
        .status = request->status,
        .reason_code = request->reason_code,
        .message = request->response,
        .to.on_response = request->on_response,
        .context = request->context,
    };
    request->response = NULL; /* the receiver's now */
    request_free(&c->requester, request);
}

/* Whoever watches it wants to know; false: it is answered or on its way out. */
static bool
take_call(struct core *c, struct wilco_call *call, struct core_event *out)
{
    if (c->is_closing || call->changed == NULL || !call_try_ref(call)) {
        return false;
    }
    *out = (struct core_event){
        .kind = CORE_CHANGED,
        .call = call,
        .to.changed = call->changed,
        .context = call->changed_context,
    };
    return true;
}

/* Turns what ended into an event. A message is none by itself: it begins to be handed out, unless
 * the client is being closed. */
static bool
take(struct core *c, struct event_node *node, struct core_event *out)
{
    switch (node->kind) {
    case EVENT_PUBLISHED: take_publication(CONTAINER_OF(node, struct outgoing, event), out); break;
    case EVENT_OPERATION:
        take_operation(c, CONTAINER_OF(node, struct operation, event), out);
        break;
    case EVENT_STATE: take_state(c, node, out); break;
    case EVENT_REQUEST: take_request(c, CONTAINER_OF(node, struct request, event), out); break;
    case EVENT_CALL: return take_call(c, CONTAINER_OF(node, struct wilco_call, event), out);
    case EVENT_MESSAGE:
        c->handing_out = CONTAINER_OF(node, struct wilco_message, event);
        if (c->is_closing) {
            wilco_message_unref(c->handing_out);
            c->handing_out = NULL;
        }
        return false;
    }
    return true;
}

static struct event_node *
pop(struct list *from)
{
    struct list *node = list_pop_front(from);

    return node == NULL ? NULL : CONTAINER_OF(node, struct event_node, link);
}

bool
core_next_awaited(struct core *c, struct core_event *out)
{
    struct event_node *node = pop(&c->awaited);

    return node != NULL && take(c, node, out);
}

static bool
is_request(const struct wilco_message *m)
{
    return m->response_topic.data != NULL;
}

bool
core_has_events(const struct core *c)
{
    return c->handing_out != NULL || !list_is_empty(&c->events) ||
           !list_is_empty(&c->calls.ready) || core_calls_can_resume(c) || core_has_log(c) ||
           (c->state == CORE_CLOSED && !c->is_closing && !c->is_end_told);
}

/* `m`, which is a request, for whoever answers it. */
static void
offer_call(struct core *c, struct wilco_message *m, struct responder *r)
{
    enum wilco_status st = core_offer_call(c, m, r);

    if (st != WILCO_OK) {
        core_fail(c, st);
    }
}

/* What no subscription wants goes to whoever gets the rest; false: nobody does. */
static bool
hand_out_unmatched(struct core *c, struct wilco_message *m, struct core_event *out)
{
    if (m->is_wanted || c->is_closing) {
        return false;
    }
    if (is_request(m) && c->calls.unmatched != NULL) {
        m->is_wanted = true;
        offer_call(c, m, c->calls.unmatched);
        return core_next_call(c, out);
    }
    if (c->unmatched == NULL) {
        return false;
    }
    m->is_wanted = true;
    *out = (struct core_event){
        .kind = CORE_MESSAGE,
        .message = wilco_message_ref(m),
        .to.on_message = c->unmatched,
        .context = c->unmatched_context,
    };
    return true;
}

/* One of several responses, or a part of one, for whoever takes these; false: nobody does, or he
 * has had it. */
static bool
hand_out_part(struct core *c, struct wilco_message *m, struct core_event *out)
{
    wilco_message_fn *on_part = m->on_part;

    m->on_part = NULL;
    if (on_part == NULL || c->is_closing) {
        return false;
    }
    *out = (struct core_event){
        .kind = CORE_MESSAGE,
        .message = wilco_message_ref(m),
        .to.on_message = on_part,
        .context = m->part_context,
    };
    return true;
}

/* The message at hand for the next of those it is for; false: all have had it. */
static bool
hand_out(struct core *c, struct core_event *out)
{
    struct wilco_message *m = c->handing_out;
    struct subscription *s = NULL;

    if (hand_out_part(c, m, out)) {
        return true;
    }
    while (!c->is_closing && (s = subscriptions_next(&c->subscriptions, m)) != NULL) {
        m->is_wanted = true;
        if (s->to.responder == NULL) {
            *out = (struct core_event){
                .kind = CORE_MESSAGE,
                .message = wilco_message_ref(m),
                .to.on_message = s->to.on_message,
                .context = s->to.context,
            };
            return true;
        }
        if (!is_request(m)) {
            c->not_requests++;
            continue;
        }
        offer_call(c, m, s->to.responder);
        if (core_next_call(c, out)) {
            return true;
        }
    }
    if (hand_out_unmatched(c, m, out)) {
        return true;
    }
    c->handing_out = NULL;
    if (m->part_call != 0) {
        core_finish_part(c, m->part_call);
    }
    if (c->is_closing || m->is_wanted || !core_park_message(c, m)) {
        core_let_go(c, m);
    }
    return false;
}

static bool
next_end(struct core *c, struct core_event *out)
{
    if (c->state != CORE_CLOSED || c->is_closing || c->is_end_told) {
        return false;
    }
    c->is_end_told = true;
    *out = (struct core_event){.kind = CORE_ENDED, .status = c->status};
    return true;
}

bool
core_next_event(struct core *c, struct core_event *out, uint64_t now_ms)
{
    c->now_ms = now_ms;
    operation_free(c->told);
    c->told = NULL;
    core_calls_resume(c);
    if (core_next_call(c, out)) {
        return true;
    }
    while (c->handing_out != NULL || !list_is_empty(&c->events)) {
        if (c->handing_out != NULL ? hand_out(c, out) : take(c, pop(&c->events), out)) {
            return true;
        }
    }
    return next_end(c, out);
}

static void
drop_all(struct core *c, struct list *from)
{
    struct event_node *node = NULL;
    struct core_event event;

    while ((node = pop(from)) != NULL) {
        if (take(c, node, &event)) {
            wilco_message_unref(event.message);
            operation_free(c->told);
            c->told = NULL;
        }
    }
}

static void
drop_held(struct core *c)
{
    struct list *node = NULL;

    while ((node = list_pop_front(&c->calls.held)) != NULL) {
        wilco_message_unref(CONTAINER_OF(node, struct wilco_message, event.link));
    }
}

void
core_drop_events(struct core *c)
{
    c->is_closing = true;
    wilco_message_unref(c->handing_out);
    c->handing_out = NULL;
    drop_held(c);
    core_drop_parked(c);
    drop_all(c, &c->events);
    drop_all(c, &c->awaited);
    operation_free(c->told);
    c->told = NULL;
}
