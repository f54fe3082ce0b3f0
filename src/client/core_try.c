#include "client/core_private.h"

/* How a request is tried: at first by one publication; by another one when that failed and was not
 * executed, or may be executed twice; and, if the asker wishes, by a second one while the first is
 * still open. A try fails by an acknowledgement or by the broker's word. The broker says both of a
 * try that it rejects, in either order: the second is then owed, and means nothing. */

#define PAUSE_FIRST_MS 20U
#define PAUSE_MAX_MS   1000U

static enum wilco_status
send_try(struct core *c, struct request *request, struct outgoing *o)
{
    if (request->inbox->inbox == INBOX_ASKED) {
        list_push_back(&request->inbox->waiting, &o->event.link);
        return WILCO_OK;
    }
    return core_dispatch(c, o);
}

/* When a second try goes out beside this one. */
static void
arm_hedge(struct core *c, struct request *request)
{
    if (request->plan.hedge_after_ms != 0 && request->plan.tries_left > 0) {
        wheel_start(&c->requester.actions, &request->action,
                    c->now_ms + request->plan.hedge_after_ms);
    }
}

enum wilco_status
core_begin_try(struct core *c, struct request *request, struct outgoing *o)
{
    enum wilco_status st;

    o->request = request;
    list_push_back(&request->tries, &o->try_link);
    request->open_tries++;
    st = send_try(c, request, o);
    if (st != WILCO_OK) {
        list_remove(&o->try_link);
        o->request = NULL;
        request->open_tries--;
        return st;
    }
    arm_hedge(c, request);
    return WILCO_OK;
}

void
core_note_sent(struct outgoing *o)
{
    struct request *request = o->request;

    if (request != NULL && !o->is_sent) {
        request->tries_sent++;
        if (request->stage == WILCO_STAGE_UNSENT) {
            request->stage = WILCO_STAGE_SENT;
        }
    }
    o->is_sent = true;
}

void
core_note_resent(struct outgoing *o)
{
    if (o->request != NULL) {
        o->request->tries_sent += o->qos == 1;
        o->is_resent = !o->is_judged;
    }
}

bool
core_is_overtaken(struct request *request, const struct try_failure *why)
{
    LIST_EACH(node, &request->tries)
    {
        const struct outgoing *o = CONTAINER_OF(node, struct outgoing, try_link);

        if (o->is_resent && (o->qos == 1 || why->status == WILCO_EREFUSED)) {
            request->tries_refused += o->qos == 1 && why->executed == WILCO_EXECUTED_NO;
            return true;
        }
    }
    return false;
}

void
core_drop_tries(struct request *request)
{
    struct list *node = NULL;

    while ((node = list_pop_front(&request->tries)) != NULL) {
        struct outgoing *o = CONTAINER_OF(node, struct outgoing, try_link);

        o->request = NULL;
        if (list_is_linked(&o->event.link)) { /* it has not left, and will not */
            list_remove(&o->event.link);
            outgoing_unref(o);
        }
    }
}

static enum wilco_status
try_again(struct core *c, struct request *request)
{
    const struct request_plan *plan = &request->plan;
    uint64_t deadline_ms = request->deadline.deadline_ms;
    struct outgoing *o = NULL;
    enum wilco_status st;

    if (request->open_tries == 0) {
        core_restart_chunks(request);
    }
    if (c->now_ms < plan->wait_until_ms && request->open_tries == 0) { /* the second clock begins */
        deadline_ms = c->now_ms + plan->timeout_ms;
        wheel_start(&c->requester.deadlines, &request->deadline, deadline_ms);
    }
    st = outgoing_again(&o, request->original, span_of(request->inbox->filter, request->inbox->len),
                        deadline_ms - c->now_ms, c->server.packet_bytes_max);
    if (st != WILCO_OK) {
        return st;
    }
    st = core_begin_try(c, request, o);
    if (st != WILCO_OK) {
        outgoing_unref(o);
    }
    return st;
}

/* From half of what doubles each time to all of it. */
static uint64_t
pause_ms(struct core *c, const struct request *request)
{
    uint64_t full_ms =
        request->pauses < 6 ? (uint64_t)PAUSE_FIRST_MS << request->pauses : PAUSE_MAX_MS;
    uint64_t random = 0;

    if (random_u64(c->random, &random) != WILCO_OK) {
        return full_ms;
    }
    return full_ms / 2 + random % (full_ms / 2 + 1);
}

/* Whether it does no harm, and may help, to ask again. */
static bool
is_worth_trying(const struct request *request, const struct try_failure *why)
{
    if ((why->executed != WILCO_EXECUTED_NO && !request->plan.is_idempotent) ||
        request->parts_given) {
        return false;
    }
    switch (why->status) {
    case WILCO_ENORESPONDER:
    case WILCO_ELOST:
    case WILCO_ECLOSED: return true;
    case WILCO_EREFUSED:
    case WILCO_EREMOTE: return why->is_busy;
    default: return false;
    }
}

/* Nobody is open any more: whether there will be another try, for which the action timer runs. */
static bool
plan_next_try(struct core *c, struct request *request, const struct try_failure *why)
{
    struct request_plan *plan = &request->plan;
    uint64_t at_ms = c->now_ms + pause_ms(c, request);

    if (request->original == NULL) {
        return false;
    }
    if (why->status == WILCO_ENORESPONDER && at_ms < plan->wait_until_ms) {
        wheel_start(&c->requester.deadlines, &request->deadline,
                    plan->wait_until_ms + plan->timeout_ms);
    } else if (plan->tries_left > 0 && is_worth_trying(request, why) &&
               at_ms < request->deadline.deadline_ms && requester_take_try(&c->requester)) {
        plan->tries_left--;
    } else {
        return false;
    }
    request->pauses++;
    wheel_start(&c->requester.actions, &request->action, at_ms);
    return true;
}

void
core_fail_try(struct core *c, struct request *request, const struct try_failure *why)
{
    if (request->open_tries == 0) { /* it has failed already, and the next one has not begun */
        wilco_message_unref(why->response);
        return;
    }
    request->open_tries--;
    request->tries_refused += why->executed == WILCO_EXECUTED_NO && request->tries_sent > 0;
    if (request->open_tries > 0 || plan_next_try(c, request, why)) {
        wilco_message_unref(why->response);
        return;
    }
    if (why->stage != WILCO_STAGE_UNKNOWN) {
        request->stage = why->stage;
    }
    request->response = why->response;
    request->is_declined = true;
    core_end_request(c, request, why->status, why->reason_code);
}

static unsigned
count_unsent(const struct request *request)
{
    unsigned count = 0;

    LIST_EACH(node, &request->tries)
    {
        count += !CONTAINER_OF(node, struct outgoing, try_link)->is_sent;
    }
    return count;
}

void
core_lose_tries(struct core *c, struct request *request)
{
    const struct try_failure why = {
        .status = WILCO_ELOST,
        .executed = WILCO_EXECUTED_MAYBE,
    };
    unsigned unsent = count_unsent(request);

    while (request->open_tries > unsent) {
        core_fail_try(c, request, &why);
    }
}

/* How many responders the server says that it went to. */
static void
note_count(struct request *request, const struct wire_properties *p)
{
    struct span text;
    uint32_t count = 0;

    if (request->plan.is_scattered && wire_properties_user(p, SPAN_LITERAL("rr-count"), &text) &&
        message_number(text, &count)) {
        request->tally.expected = count;
    }
}

void
core_judge_request(struct core *c, struct outgoing *o, const struct wire_ack *ack)
{
    struct request *request = o->request;
    struct try_failure why = {
        .reason_code = ack->reason_code,
        .stage = WILCO_STAGE_REJECTED,
        .executed = WILCO_EXECUTED_NO,
        .is_busy = ack->reason_code == WIRE_REASON_QUOTA_EXCEEDED,
    };

    if (request == NULL || o->is_judged) {
        return; /* not a request, or answered already: the answer may overtake its PUBACK */
    }
    o->is_judged = true;
    o->is_resent = false;
    if (wire_reason_is_error(ack->reason_code)) {
        why.status = WILCO_EREFUSED;
    } else if (ack->reason_code == WIRE_REASON_NO_MATCHING_SUBSCRIBERS) {
        why.status = WILCO_ENORESPONDER;
    } else {
        request->stage =
            request->stage < WILCO_STAGE_ACCEPTED ? WILCO_STAGE_ACCEPTED : request->stage;
        note_count(request, &ack->properties);
        core_check_tally(c, request);
        return;
    }
    request->statuses_owed += request->inbox->inbox == INBOX_ASSIGNED;
    core_fail_try(c, request, &why);
}

bool
core_is_owed(struct request *request)
{
    if (request->statuses_owed > 0) {
        request->statuses_owed--;
        return true;
    }
    LIST_EACH(node, &request->tries)
    {
        struct outgoing *o = CONTAINER_OF(node, struct outgoing, try_link);

        if (o->is_sent && !o->is_judged) { /* its acknowledgement will say the same */
            o->is_judged = true;
            break;
        }
    }
    return false;
}

/* The stall of a request that has had responses; otherwise the time for another try. */
void
core_act_on_request(struct core *c, struct request *request)
{
    enum wilco_status st = WILCO_OK;

    if (request->whole.len > 0 && request->open_tries > 0) {
        request->why = "no further piece of the response has come";
        core_stop_request(c, request, WILCO_ETIMEDOUT);
        return;
    }
    if (request->tally.answered > 0 || (request->parts_seen > 0 && request->open_tries > 0)) {
        core_stop_request(c, request, WILCO_OK);
        return;
    }
    if (request->open_tries == 0) {
        st = try_again(c, request);
    } else if (request->plan.tries_left > 0 && requester_take_try(&c->requester)) {
        request->plan.tries_left--;
        st = try_again(c, request);
    }
    if (st != WILCO_OK && request->open_tries == 0) {
        core_end_request(c, request, st, 0);
    }
}

enum wilco_executed
request_executed(const struct request *request)
{
    if (request->tries_sent > request->tries_refused) {
        return WILCO_EXECUTED_MAYBE;
    }
    return WILCO_EXECUTED_NO;
}
