#include "client/core_private.h"

/* Words about a request that is being served: its requester takes it back, or has room for more
 * parts. A broker that knows requests lets only him say so; with any other, whoever knows Response
 * Topic and Correlation Data. */

void
core_call_changed(struct core *c, struct wilco_call *call)
{
    if (call->place == CALL_OUT && call->responder != NULL && call->changed != NULL &&
        !list_is_linked(&call->event.link)) {
        core_push_event(c, &call->event, false);
    }
}

void
core_watch_call(struct core *c, struct wilco_call *call, wilco_call_fn *changed, void *context)
{
    call->changed = changed;
    call->changed_context = context;
    if (call->over != WILCO_OK) {
        core_call_changed(c, call);
    }
}

static void
cancel(struct core *c, struct wilco_call *call)
{
    c->calls.cancelled_count++;
    call->is_cancelled = true;
    core_end_call(c, call, WILCO_ECANCELLED);
}

static void
give_credit(struct core *c, struct wilco_call *call, uint32_t more)
{
    call->credit = more < UINT32_MAX - call->credit ? call->credit + more : UINT32_MAX;
    if (call->place == CALL_ARRIVING) {
        core_ask_for_pieces(c, call);
    } else {
        core_call_changed(c, call);
    }
}

static void
control(struct core *c, struct wilco_call *call, const struct wilco_message *m,
        const struct call_terms *t)
{
    if (t->op == CALL_CANCEL) {
        cancel(c, call);
    } else if (t->op == CALL_CREDIT) {
        give_credit(c, call, t->more);
    } else {
        core_take_piece(c, call, m, &t->chunk);
    }
}

/* An answer is on its way. */
static void
control_sending(struct core *c, struct sending *s, const struct call_terms *t)
{
    if (t->op == CALL_CANCEL) {
        c->calls.cancelled_count++;
        core_drop_sending(c, s);
    } else if (t->op == CALL_CREDIT) {
        core_credit_sending(c, s, t->more);
    }
}

void
core_control_call(struct core *c, const struct wilco_message *m, const struct call_terms *t)
{
    struct repeat *known = repeats_find(&c->calls.repeats, m->response_topic, m->correlation_data);

    if (t->op == CALL_OTHER) {
        c->calls.unknown_count++;
    } else if (known != NULL && known->call != NULL) {
        control(c, known->call, m, t);
    } else if (known != NULL && known->pieces != NULL) {
        control_sending(c, known->pieces, t);
    } /* otherwise the answer has crossed it */
}

bool
core_calls_can_resume(const struct core *c)
{
    return c->calls.stalled > 0 && c->account.bytes + c->output.bytes <= c->queue_bytes_max / 2;
}

void
core_calls_resume(struct core *c)
{
    if (!core_calls_can_resume(c)) {
        return;
    }
    LIST_EACH(node, &c->calls.all)
    {
        struct wilco_call *call = CONTAINER_OF(node, struct wilco_call, all);

        if (call->wants_room) {
            call->wants_room = false;
            core_call_changed(c, call);
        }
    }
    c->calls.stalled = 0;
    core_sendings_resume(c);
}
