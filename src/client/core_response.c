#include "client/core_private.h"
#include "client/status_response.h"

#define PROTOCOL_MAJOR 1U /* of Azure mRPC, which we speak */

/* What comes for a request: its response, one of several, a part of one, or the broker's word that
 * there will be none. */

struct subscription *
core_find_inbox(const struct core *c, struct span topic)
{
    return core_is_assigned(c, topic) ? subscriptions_find_assigned(&c->subscriptions, topic)
                                      : subscriptions_find(&c->subscriptions, topic);
}

/* The response topic of ours that `m` came for; NULL: none. */
static struct subscription *
inbox_of(const struct core *c, const struct wilco_message *m)
{
    struct subscription *s = core_find_inbox(c, m->topic);

    if (s == NULL || s->inbox == INBOX_NONE) {
        return NULL;
    }
    if (s->inbox != INBOX_ASSIGNED && m->has_identifiers && !message_names(m, s->id)) {
        return NULL;
    }
    return s;
}

/* What comes to the assigned inbox before anybody has asked, as after a resumed session, is a
 * response nevertheless, and nothing for whoever gets the rest. */
static void
count_unasked(struct core *c, struct wilco_message *m)
{
    if (span_equal(m->topic, buffer_span(&c->assigned_inbox))) {
        m->is_wanted = true;
        c->requester.counters.responses_unknown++;
    }
}

/* ---- Several responses ---- */

static bool
is_gathering(const struct request *request)
{
    return request->plan.responses_max != 1;
}

void
core_arm_stall(struct core *c, struct request *request)
{
    if (request->plan.stall_ms != 0) {
        wheel_start(&c->requester.actions, &request->action, c->now_ms + request->plan.stall_ms);
    } else {
        wheel_stop(&c->requester.actions, &request->action);
    }
}

/* Goes to `on_part` when it is its turn. */
static void
give_part(struct core *c, struct request *request, struct wilco_message *m)
{
    m->on_part = request->plan.on_part;
    m->part_context = request->plan.part_context;
    m->part_call = request->call;
    core_arm_stall(c, request);
}

/* Whether all that it went to have been heard of. */
static bool
is_complete(const struct request *request)
{
    const struct wilco_tally *t = &request->tally;

    return request->plan.is_scattered && t->expected != UINT32_MAX &&
           t->answered + t->lost >= t->expected;
}

void
core_check_tally(struct core *c, struct request *request)
{
    if (is_complete(request) && request->tally.answered > 0) {
        core_end_request(c, request, WILCO_OK, 0);
    }
}

static bool
is_last(const struct request *request, const struct wilco_message *m)
{
    return request->tally.answered >= request->plan.responses_max ||
           (request->plan.until_empty && m->payload.len == 0) || is_complete(request);
}

static void
gather(struct core *c, struct request *request, struct wilco_message *m)
{
    if (!is_last(request, m)) {
        give_part(c, request, m);
        return;
    }
    request->response = wilco_message_ref(m);
    if (!is_complete(request)) {
        core_tell_holders_to_stop(c, request);
    }
    core_end_request(c, request, WILCO_OK, 0);
}

/* ---- One response, whole or in parts ---- */

/* Whether `m` comes next in its stream, if it says so: one that has come already is passed over,
 * and one that is missing ends the request. */
static bool
is_in_turn(struct core *c, struct request *request, const struct wilco_message *m)
{
    struct span text = span_of_bytes(wilco_message_user_property(m, "rr-seq"));
    uint32_t number = 0;

    if (is_gathering(request) || text.data == NULL || !message_number(text, &number)) {
        return true;
    }
    if (number <= request->parts_seen) {
        c->requester.counters.responses_duplicate++;
        return false;
    }
    if (number > request->parts_seen + 1) {
        request->why = "a part of the response is missing";
        core_stop_request(c, request, WILCO_ELOST);
        return false;
    }
    return true;
}

static void
take_part(struct core *c, struct request *request, struct wilco_message *m)
{
    request->parts_seen++;
    request->parts_given = request->plan.on_part != NULL;
    give_part(c, request, m);
}

/* What it means for its request that `m` came. */
static enum wilco_status
judge(const struct wilco_message *m)
{
    if (message_protocol_major(m) > PROTOCOL_MAJOR) {
        return WILCO_EPROTOCOL;
    }
    return wilco_message_status(m) >= 400 ? WILCO_EREMOTE : WILCO_OK;
}

static bool
is_busy(const struct wilco_message *m)
{
    return wilco_message_status(m) == 429;
}

void
core_take_response(struct core *c, struct request *request, struct wilco_message *m)
{
    enum wilco_status status = judge(m);

    request->tally.answered++;
    if (is_gathering(request)) {
        gather(c, request, m);
        return;
    }
    if (is_busy(m) && request->parts_seen == 0) { /* it has not begun: somebody else may */
        struct try_failure why = {
            .status = status,
            .stage = WILCO_STAGE_ANSWERED,
            .executed = WILCO_EXECUTED_NO,
            .response = wilco_message_ref(m),
            .is_busy = true,
        };

        request->tally.answered--;
        core_fail_try(c, request, &why);
        return;
    }
    request->response = wilco_message_ref(m);
    if (request->open_tries > 1) {
        core_tell_holders_to_stop(c, request);
    }
    core_end_request(c, request, status, 0);
}

/* ---- The broker's word ---- */

/* One of those that a scattered request went to will not answer. */
static void
lose_one(struct core *c, struct request *request, const struct try_failure *why)
{
    request->tally.lost++;
    if (!is_complete(request)) {
        return;
    }
    if (request->tally.answered > 0) {
        core_end_request(c, request, WILCO_OK, 0);
        return;
    }
    request->stage = why->stage;
    request->response = wilco_message_ref(why->response);
    core_end_request(c, request, why->status, 0);
}

static void
take_status(struct core *c, struct request *request, struct wilco_message *m)
{
    struct try_failure why = {
        .status = status_response_outcome(m),
        .stage = status_response_stage(m),
        .executed = status_response_executed(m),
        .response = m,
        .is_busy = is_busy(m),
    };
    bool is_rejected = why.stage == WILCO_STAGE_REJECTED;
    bool is_owed = is_rejected && request->statuses_owed > 0;

    m->is_status_response = true;
    if (!is_owed && core_is_overtaken(request, &why)) {
        return;
    }
    if (is_rejected && core_is_owed(request)) {
        return;
    }
    if (request->plan.is_scattered && !is_rejected) {
        lose_one(c, request, &why);
    } else {
        why.response = wilco_message_ref(m);
        core_fail_try(c, request, &why);
    }
}

/* ---- */

static bool
has_arrived(const struct arrivals *a, uint16_t packet_id)
{
    for (unsigned i = 0; i < ARRIVED_MAX && i < a->count; i++) {
        if (a->ids[i] == packet_id) {
            return true;
        }
    }
    return false;
}

/* When a connection is lost with our PUBACK on its way, the server sends again what we have had. It
 * would count twice, and the broker's word on one try would be taken for that on the next. */
static bool
has_come_before(struct request *request, const struct wilco_message *m)
{
    struct arrivals *a = &request->arrivals;

    if (m->qos != 1) {
        return false;
    }
    if (a->session != m->session) {
        *a = (struct arrivals){.session = m->session};
    }
    if (m->is_dup && has_arrived(a, m->packet_id)) {
        return true;
    }
    a->ids[a->count++ % ARRIVED_MAX] = m->packet_id;
    return false;
}

static void
take(struct core *c, struct request *request, struct wilco_message *m, bool is_status)
{
    if (has_come_before(request, m)) {
        c->requester.counters.responses_duplicate += !is_status;
    } else if (is_status) {
        take_status(c, request, m);
    } else if (!is_in_turn(c, request, m) ||
               (!is_gathering(request) && core_take_chunk(c, request, m))) {
        return;
    } else if (request->plan.parts_max != 0 && wilco_message_is_part(m)) {
        take_part(c, request, m);
    } else {
        core_take_response(c, request, m);
    }
}

void
core_match_response(struct core *c, struct wilco_message *m)
{
    struct subscription *inbox = inbox_of(c, m);
    struct request *request = NULL;
    bool is_status = false;

    if (inbox == NULL) {
        count_unasked(c, m);
        return;
    }
    m->is_wanted = true;
    is_status = status_response_is(m);
    /* What was there before anybody asked answers nobody, nor does what claims to be the broker's
     * where anybody may say so. */
    if (m->retain || (is_status && inbox->inbox != INBOX_ASSIGNED)) {
        c->requester.counters.responses_unknown++;
        return;
    }
    request = requester_find(&c->requester, inbox, m->correlation_data);
    if (request != NULL) {
        take(c, request, m, is_status);
    } else {
        requester_count_unmatched(&c->requester, inbox, m->correlation_data, is_status);
    }
}

enum wilco_status
core_inbox_granted(struct core *c, struct subscription *inbox)
{
    enum wilco_status st = WILCO_OK;

    inbox->inbox = INBOX_GRANTED;
    while (st == WILCO_OK && !list_is_empty(&inbox->waiting)) {
        struct outgoing *o = CONTAINER_OF(inbox->waiting.next, struct outgoing, event.link);

        list_remove(&o->event.link);
        st = core_dispatch(c, o);
        if (st != WILCO_OK) {
            list_push_back(&inbox->waiting, &o->event.link); /* the connection ends now */
        }
    }
    return st;
}

void
core_inbox_refused(struct core *c, struct subscription *inbox, uint8_t reason_code)
{
    core_end_requests_of(c, inbox, WILCO_EREFUSED, reason_code);
    subscriptions_remove(&c->subscriptions, inbox);
}
