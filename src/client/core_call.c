#include "client/core_private.h"

/* Requests to answer, from when they are taken off the messages that came to when the core lets go
 * of them. A call is in one of these places:
 *
 *     waiting   in its responder's queue, for others to be answered
 *     arriving  started, but its payload comes in pieces
 *     starting  until that is in the journal, if there is one
 *     ready     started, to be handed out with the next event
 *     out       the application has it; it may be over nevertheless: taken back, or too late
 *
 * and then the core knows it no more. A call that is out counts for concurrency_max until it is
 * answered or let go of, over or not: the handler may still be at it. */

void
core_calls_init(struct core *c, uint64_t seed)
{
    list_init(&c->calls.all);
    list_init(&c->calls.ready);
    list_init(&c->calls.held);
    list_init(&c->calls.journaled);
    list_init(&c->calls.parked);
    list_init(&c->calls.sendings);
    wheel_init(&c->calls.timers, c->now_ms);
    repeats_init(&c->calls.repeats, c->alloc, seed);
}

/* ---- Letting go ---- */

/* Acknowledges what nothing holds back any more, in the order of arrival [MQTT-4.6.0-2, 4.6.0-3].
 */
static void
release_held(struct core *c)
{
    while (!list_is_empty(&c->calls.held)) {
        struct wilco_message *m =
            CONTAINER_OF(c->calls.held.next, struct wilco_message, event.link);

        if (m->holds > 0) {
            return;
        }
        list_remove(&m->event.link);
        core_finish_message(c, m);
    }
}

void
core_let_go(struct core *c, struct wilco_message *m)
{
    list_push_back(&c->calls.held, &m->event.link);
    release_held(c);
}

static void
release_ack(struct core *c, struct wilco_call *call)
{
    if (call->holds_ack) {
        call->holds_ack = false;
        call->message->holds--;
        release_held(c);
    }
}

/* It is over: nothing is waited for on its behalf. Whoever has it need not know yet. */
static void
close_call(struct core *c, struct wilco_call *call, enum wilco_status over)
{
    call->over = over;
    wheel_stop(&c->calls.timers, &call->timer);
    if (call->repeat != NULL && call->repeat->call == call) {
        if (call->place == CALL_OUT) {
            core_retire(c, call->repeat);
        } else {
            core_forget(c, call->repeat);
        }
    }
    call->repeat = NULL;
    c->calls.stalled -= call->wants_room;
    call->wants_room = false;
    core_drop_arrival(c, call);
    release_ack(c, call);
}

void
core_start_waiting(struct core *c, struct responder *r)
{
    struct list *node = NULL;

    while (responder_has_room(r) && !r->is_stopping &&
           (node = list_pop_front(&r->waiting)) != NULL) {
        r->waiting_count--;
        core_start_call(c, CONTAINER_OF(node, struct wilco_call, link));
    }
}

/* Takes a call that is over from everything the core knows. */
void
core_leave_call(struct core *c, struct wilco_call *call)
{
    struct responder *r = call->responder;

    list_remove(&call->all);
    list_remove(&call->link);
    list_remove(&call->event.link);
    call->responder = NULL;
    r->active_count -= call->is_active;
    call->is_active = false;
    core_start_waiting(c, r);
    responder_unref(r);
}

/* A call that nobody was given. */
static void
discard(struct core *c, struct wilco_call *call)
{
    call->responder->waiting_count -= call->place == CALL_WAITING;
    core_leave_call(c, call);
    call_free(call);
}

void
core_end_call(struct core *c, struct wilco_call *call, enum wilco_status over)
{
    if (call->over == WILCO_OK) {
        close_call(c, call, over);
    }
    if (call->place != CALL_OUT) {
        discard(c, call);
    } else if (over == WILCO_EINVAL) { /* answered */
        core_leave_call(c, call);
    } else {
        core_call_changed(c, call);
    }
}

void
core_release_call(struct core *c, struct wilco_call *call, uint64_t now_ms)
{
    static const struct wilco_reply silent = {.status = 500,
                                              .status_text = "the handler did not answer"};

    if (call->responder == NULL) {
        return;
    }
    if (call->over == WILCO_OK && core_reply(c, call, &silent, now_ms) != WILCO_OK &&
        call->over == WILCO_OK) {
        close_call(c, call, WILCO_ECLOSED);
    }
    if (call->responder != NULL) {
        core_leave_call(c, call);
    }
}

void
core_calls_fini(struct core *c)
{
    struct repeat *repeat = NULL;

    core_logs_drop(c);
    core_drop_sendings(c);
    while (!list_is_empty(&c->calls.all)) {
        struct wilco_call *call = CONTAINER_OF(c->calls.all.next, struct wilco_call, all);

        if (call->over == WILCO_OK) {
            close_call(c, call, WILCO_ECLOSED);
        }
        if (call->place == CALL_OUT) {
            core_leave_call(c, call);
        } else {
            discard(c, call);
        }
    }
    while ((repeat = repeats_any(&c->calls.repeats)) != NULL) {
        core_forget(c, repeat);
    }
    repeats_fini(&c->calls.repeats);
    responder_unref(c->calls.unmatched);
}

/* ---- Taking on ---- */

static void
start_timer(struct core *c, struct wilco_call *call)
{
    uint64_t until_ms = call->deadline_ms;
    uint32_t timeout_ms = call->responder->execution_timeout_ms;

    if (call->place == CALL_OUT && timeout_ms > 0 && c->now_ms + timeout_ms < until_ms) {
        until_ms = c->now_ms + timeout_ms;
    }
    call->timer.kind = TIMER_CALL;
    if (until_ms != UINT64_MAX) {
        wheel_start(&c->calls.timers, &call->timer, until_ms);
    }
}

void
core_call_ready(struct core *c, struct wilco_call *call)
{
    call->place = CALL_READY;
    list_push_back(&c->calls.ready, &call->link);
    if (!call->responder->ack_late) {
        release_ack(c, call);
    }
}

void
core_begin_call(struct core *c, struct wilco_call *call)
{
    call->place = CALL_STARTING;
    start_timer(c, call);
    if (responder_has_journal(call->responder) && call->repeat != NULL) {
        core_log_start(c, call);
    } else {
        core_call_ready(c, call);
    }
}

void
core_start_call(struct core *c, struct wilco_call *call)
{
    call->is_active = true;
    call->responder->active_count++;
    if (call->arrival == NULL) {
        core_begin_call(c, call);
        return;
    }
    call->place = CALL_ARRIVING;
    start_timer(c, call);
    core_ask_for_pieces(c, call);
}

bool
core_place_call(struct core *c, struct wilco_call *call)
{
    struct responder *r = call->responder;

    if (r->waiting_count == 0 && responder_has_room(r)) {
        core_start_call(c, call);
        return true;
    }
    if (r->waiting_count >= r->queue_max) {
        return false;
    }
    call->place = CALL_WAITING;
    start_timer(c, call);
    list_push_back(&r->waiting, &call->link);
    r->waiting_count++;
    return true;
}

/* The next one to be handed out that somebody still waits for; NULL: none. */
static struct wilco_call *
next_ready(struct core *c)
{
    struct list *node = NULL;

    while (!c->is_closing && (node = list_pop_front(&c->calls.ready)) != NULL) {
        struct wilco_call *call = CONTAINER_OF(node, struct wilco_call, link);

        if (c->now_ms < call->deadline_ms) {
            return call;
        }
        c->calls.expired_count++;
        core_end_call(c, call, WILCO_ETIMEDOUT);
    }
    return NULL;
}

bool
core_next_call(struct core *c, struct core_event *out)
{
    struct wilco_call *call = next_ready(c);

    if (call == NULL) {
        return false;
    }
    c->calls.count++;
    call->place = CALL_OUT;
    start_timer(c, call);
    atomic_store_explicit(&call->refs, 1, memory_order_relaxed);
    *out = (struct core_event){
        .kind = CORE_CALL,
        .call = call,
        .to.on_request = call->responder->on_request,
        .context = call->responder->context,
    };
    return true;
}

/* ---- Time ---- */

static void
on_late_call(struct core *c, struct wilco_call *call)
{
    if (c->now_ms < call->deadline_ms) {
        core_answer_overdue(c, call);
    } else if (call->place != CALL_OUT) {
        c->calls.expired_count++;
    }
    core_end_call(c, call, WILCO_ETIMEDOUT);
}

void
core_calls_tick(struct core *c)
{
    struct timer *t = NULL;

    wheel_advance(&c->calls.timers, c->now_ms);
    while ((t = wheel_pop(&c->calls.timers)) != NULL) {
        switch ((enum timer_kind)t->kind) {
        case TIMER_CALL: on_late_call(c, CONTAINER_OF(t, struct wilco_call, timer)); break;
        case TIMER_REPEAT: core_retire(c, CONTAINER_OF(t, struct repeat, timer)); break;
        case TIMER_SENDING: core_drop_sending(c, CONTAINER_OF(t, struct sending, timer)); break;
        case TIMER_PARKED: core_let_parked_go(c); break;
        }
    }
}
