#include "client/core_private.h"

/* Requests that come again: a server sends one again after a connection was lost, a requester asks
 * again with the same correlation. Each delivery is answered, for each may be waited for. */

#define KEEP_MS 10000U /* an answer whose request has no deadline */

static bool
is_known_again(const struct wilco_message *m)
{
    return m->correlation_data.len > 0;
}

void
core_forget(struct core *c, struct repeat *r)
{
    struct responder *responder = r->responder;

    wheel_stop(&c->calls.timers, &r->timer);
    if (r->sending != NULL) {
        r->sending->repeat = NULL;
    }
    if (r->pieces != NULL) {
        r->pieces->repeat = NULL;
    }
    repeats_remove(&c->calls.repeats, r);
    responder_unref(responder);
}

void
core_retire(struct core *c, struct repeat *r)
{
    repeats_retire(&c->calls.repeats, r);
    core_forget(c, r);
}

/* `r` NULL: it is forgotten. */
static void
repeat_answer(struct core *c, const struct wilco_message *m, const struct repeat *r,
              uint64_t deadline_ms)
{
    static const struct wilco_reply lost = {
        .status = 500,
        .status_text = "executed before; the answer was not kept",
    };

    if (r != NULL && r->answer.data != NULL) {
        core_answer_again(c, r->responder, r->answer, deadline_ms);
    } else {
        core_answer(c, m, deadline_ms, &lost);
    }
}

/* A server that has not seen our PUBACK sends a request again when a connection has been made anew,
 * however late that is, and its properties do not tell its age. */
static bool
is_of_before(const struct core *c, const struct wilco_message *m)
{
    return m->is_dup && repeats_had(&c->calls.repeats, m->response_topic, m->correlation_data);
}

bool
core_repeat_call(struct core *c, const struct wilco_message *m, const struct responder *r,
                 uint64_t deadline_ms)
{
    struct repeat *known = NULL;
    struct wilco_call *call = NULL;

    if (r->repeat_off || !is_known_again(m)) {
        return false;
    }
    known = repeats_find(&c->calls.repeats, m->response_topic, m->correlation_data);
    if (known == NULL && !is_of_before(c, m)) {
        return false;
    }
    c->calls.repeated_count++;
    call = known == NULL ? NULL : known->call;
    if (call != NULL && call->arrival != NULL) {
        core_restart_arrival(c, call, m);
    } else if (call != NULL) {
        call->repeated++;
    } else if (known == NULL || known->pieces == NULL) { /* otherwise the answer is on its way */
        repeat_answer(c, m, known, deadline_ms);
    }
    return true;
}

/* Forgets the oldest answers until so much more fits, where that is allowed. */
static void
make_room(struct core *c, struct repeat_budget *budget, size_t more)
{
    struct repeat *oldest = NULL;

    while (!budget->is_strict && !repeat_budget_fits(budget, more) &&
           (oldest = repeat_budget_oldest(budget)) != NULL) {
        c->calls.forgotten_count++;
        core_retire(c, oldest);
    }
}

enum wilco_status
core_remember(struct core *c, struct wilco_call *call)
{
    const struct wilco_message *m = call->message;
    struct responder *r = call->responder;
    struct repeats *all = &c->calls.repeats;
    struct repeat *repeat = NULL;
    enum wilco_status st = WILCO_OK;

    if (!is_known_again(m) || repeats_find(all, m->response_topic, m->correlation_data) != NULL) {
        return WILCO_OK;
    }
    make_room(c, &r->budget, repeat_bytes(m->response_topic, m->correlation_data));
    st = repeats_add(all, &r->budget, m->response_topic, m->correlation_data, &repeat);
    if (st != WILCO_OK) {
        return st == WILCO_ELIMIT && !r->budget.is_strict ? WILCO_OK : st;
    }
    repeat->responder = responder_ref(r);
    repeat->call = call;
    repeat->deadline_ms = call->deadline_ms;
    repeat->qos = m->qos;
    call->repeat = repeat;
    return WILCO_OK;
}

void
core_keep_until_deadline(struct core *c, struct repeat *r)
{
    if (r->deadline_ms == UINT64_MAX) {
        r->deadline_ms = c->now_ms + KEEP_MS;
    }
    r->timer.kind = TIMER_REPEAT;
    wheel_start(&c->calls.timers, &r->timer, r->deadline_ms);
}

void
core_keep_answer(struct core *c, struct wilco_call *call, struct outgoing *answer)
{
    struct repeat *r = call->repeat;

    if (r == NULL) {
        return;
    }
    call->repeat = NULL;
    if (r->responder->repeat_off) {
        core_forget(c, r);
        return;
    }
    if (answer->len <= r->budget->bytes_max) {
        make_room(c, r->budget, answer->len);
    }
    (void)repeats_answer(&c->calls.repeats, r, span_of(answer->bytes, answer->len));
    core_keep_until_deadline(c, r);
    if (responder_has_journal(r->responder)) {
        answer->repeat = r;
        r->sending = answer;
        core_log_answer(c, r);
    }
}
