#include "client/core_private.h"

/* The end of a responder. Requests that had come before the UNSUBACK are still served, so its
 * subscription stays until they are taken off the events. */

static struct subscription *
find(const struct core *c, const char *filter)
{
    struct span wanted = span_of_text(filter);
    struct subscription *s = subscriptions_find(&c->subscriptions, wanted);

    return s != NULL ? s : subscriptions_find_shared(&c->subscriptions, wanted);
}

enum wilco_status
core_responder_leave(struct core *c, const char *filter, struct responder **out)
{
    struct subscription *s = find(c, filter);
    enum wilco_status st = WILCO_OK;

    if (s == NULL || s->to.responder == NULL) {
        return WILCO_ENOTFOUND;
    }
    s->to.responder->is_leaving = true;
    s->to.responder->has_left = false;
    st = core_unsubscribe(c, filter, NULL);
    if (st != WILCO_OK) {
        s->to.responder->is_leaving = false;
        return st;
    }
    *out = responder_ref(s->to.responder);
    return WILCO_OK;
}

bool
core_responder_may_leave(const struct responder *r)
{
    return r->is_leaving;
}

bool
core_responder_is_idle(const struct core *c, const struct responder *r)
{
    return r->has_left && c->handing_out == NULL && list_is_empty(&c->events) &&
           r->waiting_count == 0 && r->active_count == 0 && list_is_empty(&r->log.answers) &&
           list_is_empty(&r->log.writing_answers);
}

static void
remove_subscription(struct core *c, const struct responder *r)
{
    LIST_EACH(node, &c->subscriptions.in_order)
    {
        struct subscription *s = CONTAINER_OF(node, struct subscription, link);

        if (s->to.responder == r) {
            subscriptions_remove(&c->subscriptions, s);
            return;
        }
    }
}

bool
core_responder_end(struct core *c, struct responder *r)
{
    static const struct wilco_reply leaving = {.status = 503, .status_text = "the responder ends"};
    struct list *node = c->calls.all.next;
    bool is_left = core_end_sendings(c, r, &leaving);

    if (!r->is_leaving) {
        responder_unref(r);
        return false;
    }
    r->is_stopping = true;
    while (node != &c->calls.all) {
        struct wilco_call *call = CONTAINER_OF(node, struct wilco_call, all);

        node = node->next;
        if (call->responder == r && call->over == WILCO_OK) {
            is_left = true;
            core_answer_call(c, call, &leaving);
            core_end_call(c, call, WILCO_ECANCELLED);
        }
    }
    remove_subscription(c, r);
    responder_unref(r);
    return is_left;
}
