#include "client/core_private.h"

/* Words about a request in progress, for whoever holds it (`rr-op`). Only a broker of ours passes
 * them on, so nobody else is told. */

static enum wilco_status
send_op(struct core *c, const struct request *request, struct span op, uint32_t more)
{
    uint64_t deadline_ms = request->deadline.deadline_ms;
    struct outgoing *o = NULL;
    struct draft d;
    enum wilco_status st;

    draft_op(&d, request_topic(request), op, more,
             deadline_ms > c->now_ms ? deadline_ms - c->now_ms : 1);
    draft_set_address(&d, span_of(request->inbox->filter, request->inbox->len),
                      request_correlation(request));
    d.packet.qos = c->server.maximum_qos < 1 ? 0 : 1;
    st = outgoing_new(&o, &c->account, &d, c->server.packet_bytes_max);
    if (st != WILCO_OK) {
        return st;
    }
    st = core_dispatch(c, o);
    if (st != WILCO_OK) {
        outgoing_unref(o);
    }
    return st;
}

static bool
has_holders(const struct core *c, const struct request *request)
{
    return c->state != CORE_CLOSED && request->inbox->inbox == INBOX_ASSIGNED &&
           request->tries_sent > request->tries_refused;
}

void
core_tell_holders_to_stop(struct core *c, const struct request *request)
{
    if (has_holders(c, request)) { /* if there is no room for it, its deadline stops them */
        (void)send_op(c, request, SPAN_LITERAL("cancel"), 0);
    }
}

/* Half of what may be on its way has been taken: as much may follow. */
void
core_take_parts(struct core *c, uint64_t call, uint32_t count)
{
    struct request *request = requester_find_call(&c->requester, call);

    if (request == NULL || request->plan.parts_max == 0) {
        return;
    }
    request->parts_done += count;
    if (request->parts_done < (request->plan.parts_max + 1) / 2 || !has_holders(c, request)) {
        return;
    }
    if (send_op(c, request, SPAN_LITERAL("credit"), request->parts_done) == WILCO_OK) {
        request->parts_done = 0;
    } else {
        core_end_request(c, request, WILCO_ENOMEM, 0); /* it would wait for ever */
    }
}

void
core_finish_part(struct core *c, uint64_t call)
{
    const struct request *request = requester_find_call(&c->requester, call);

    if (request != NULL && !request->plan.is_pulled) {
        core_take_parts(c, call, 1);
    }
}
