#define _POSIX_C_SOURCE 200809L

#include "client/callbacks.h"

#include "client/call.h"

/* What CORE_STATE and CORE_ENDED tell, taken while the lock is held. */
struct change {
    struct wilco_state state;
    struct wilco_error why;
};

static void
run_callback(struct wilco *c, struct core_event *event, const struct change *change)
{
    switch (event->kind) {
    case CORE_MESSAGE: event->to.on_message(event->context, event->message); break;
    case CORE_CALL:
        event->call->client = c;
        client_ref(c);
        event->to.on_request(event->context, event->call);
        wilco_call_unref(event->call);
        break;
    case CORE_CHANGED:
        event->to.changed(event->context, event->call);
        wilco_call_unref(event->call);
        break;
    case CORE_RESPONSE:
        event->to.on_response(event->context, event->status,
                              message_as_response(event->message, event->status));
        break;
    case CORE_PUBLISHED:
        event->to.published(event->context, event->status, event->reason_code);
        break;
    case CORE_OPERATION:
        event->to.subscribed(event->context, event->status, event->reason_code);
        break;
    case CORE_STATE:
    case CORE_ENDED:
        if (c->state_changed != NULL) {
            c->state_changed(c->context, &change->state);
        }
        break;
    }
    wilco_message_unref(event->message);
}

void
callbacks_tell(struct wilco *c)
{
    struct core_event event;
    struct change change;

    while (!(c->is_stopping && core_state(c->core) != CORE_CLOSED) &&
           core_next_event(c->core, &event, client_now_ms(c))) {
        if (event.kind == CORE_STATE || event.kind == CORE_ENDED) {
            core_describe_state(c->core, &event, &change.state, &change.why);
        }
        (void)pthread_mutex_unlock(&c->lock);
        run_callback(c, &event, &change);
        (void)pthread_mutex_lock(&c->lock);
    }
}

void
callbacks_authenticate(struct wilco *c)
{
    struct core_challenge asked;
    struct wilco_bytes answer = {.data = NULL};
    bool goes_on = false;

    if (!core_next_challenge(c->core, &asked)) {
        return;
    }
    (void)pthread_mutex_unlock(&c->lock);
    goes_on = asked.authenticate(asked.context, &asked.challenge, &answer);
    (void)pthread_mutex_lock(&c->lock);
    core_answer_challenge(c->core, goes_on, span_of(answer.data, answer.len), client_now_ms(c));
}
