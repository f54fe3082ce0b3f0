#include "client/core_private.h"
#include "client/responder.h"
#include "client/status_response.h"

#define TIMEOUT_MS 10000U
#define UUID_BYTES 16U

uint32_t
core_timeout_ms(const struct wilco_request *r)
{
    return r->timeout_ms == 0 ? TIMEOUT_MS : r->timeout_ms;
}

/* Lets go of the PUBLISH of a request that has ended: one that has not left will not. */
static void
detach_publication(struct request *request)
{
    struct outgoing *o = request->publication;

    if (o == NULL) {
        return;
    }
    request->publication = NULL;
    o->request = NULL;
    if (list_is_linked(&o->event.link)) {
        list_remove(&o->event.link);
        outgoing_unref(o);
    }
}

void
core_end_request(struct core *c, struct request *request, enum wilco_status status,
                 uint8_t reason_code)
{
    requester_end(&c->requester, request, status);
    detach_publication(request);
    request->reason_code = reason_code;
    core_push_event(c, &request->event, request->on_response == NULL);
}

void
core_judge_request(struct core *c, struct outgoing *o, uint8_t reason_code)
{
    if (o->request == NULL) {
        return; /* not a request, or answered already: the answer may overtake its PUBACK */
    }
    if (wire_reason_is_error(reason_code)) {
        core_end_request(c, o->request, WILCO_EREFUSED, reason_code);
    } else if (reason_code == WIRE_REASON_NO_MATCHING_SUBSCRIBERS) {
        core_end_request(c, o->request, WILCO_ENORESPONDER, reason_code);
    }
}

/* The subscription to `topic`: in the assigned inbox the one that requests use, whatever the
 * application subscribes to there. */
static struct subscription *
find_inbox(const struct core *c, struct span topic)
{
    return core_is_assigned(c, topic) ? subscriptions_find_assigned(&c->subscriptions, topic)
                                      : subscriptions_find(&c->subscriptions, topic);
}

/* The response topic of ours that `m` came for; NULL: none. */
static struct subscription *
inbox_of(const struct core *c, const struct wilco_message *m)
{
    struct subscription *s = find_inbox(c, m->topic);

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

/* What answers nobody, whatever its correlation: it was there before anybody asked, or it claims to
 * be the broker's where anybody may say so. */
static bool
is_no_answer(const struct wilco_message *m, const struct subscription *inbox)
{
    return m->retain || (inbox->inbox != INBOX_ASSIGNED && status_response_is(m));
}

/* What it means for its request that `m` came. */
static enum wilco_status
judge_response(struct wilco_message *m)
{
    m->is_status_response = status_response_is(m);
    if (m->is_status_response) {
        return status_response_outcome(m);
    }
    return wilco_message_status(m) >= 400 ? WILCO_EREMOTE : WILCO_OK;
}

void
core_match_response(struct core *c, struct wilco_message *m)
{
    struct subscription *inbox = inbox_of(c, m);
    struct request *request = NULL;

    if (inbox == NULL) {
        count_unasked(c, m);
        return;
    }
    m->is_wanted = true;
    if (is_no_answer(m, inbox)) {
        c->requester.counters.responses_unknown++;
        return;
    }
    request = requester_find(&c->requester, inbox, m->correlation_data);
    if (request == NULL) {
        requester_count_unmatched(&c->requester, inbox, m->correlation_data);
        return;
    }
    request->response = wilco_message_ref(m);
    core_end_request(c, request, judge_response(m), 0);
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
    while (!list_is_empty(&inbox->waiting)) {
        struct outgoing *o = CONTAINER_OF(inbox->waiting.next, struct outgoing, event.link);

        core_end_request(c, o->request, WILCO_EREFUSED, reason_code);
    }
    subscriptions_remove(&c->subscriptions, inbox);
}

void
core_end_overdue(struct core *c)
{
    struct request *request = NULL;

    wheel_advance(&c->requester.timers, c->now_ms);
    while ((request = requester_overdue(&c->requester)) != NULL) {
        core_end_request(c, request, WILCO_ETIMEDOUT, 0);
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

/* Whether its PUBLISH has not been sent, on any connection. */
static bool
is_unsent(const struct request *request)
{
    return request->publication != NULL && list_is_linked(&request->publication->event.link);
}

void
core_requests_after_reconnect(struct core *c, bool session_present)
{
    struct map_node *node = session_present ? NULL : map_walk(&c->requester.by_key, NULL);

    while (node != NULL) {
        struct request *request = CONTAINER_OF(node, struct request, by_key);

        node = map_walk(&c->requester.by_key, node);
        if (!is_unsent(request)) {
            core_end_request(c, request, WILCO_ELOST, 0);
        }
    }
}

enum wilco_status
core_cancel(struct core *c, uint64_t call)
{
    struct request *request = requester_find_call(&c->requester, call);

    if (request == NULL) {
        return WILCO_ENOTFOUND;
    }
    core_end_request(c, request, WILCO_ECANCELLED, 0);
    return WILCO_OK;
}

/* The subscription for responses to `topic`: the one there is, or a new one. */
static enum wilco_status
inbox_for(struct core *c, struct span topic, struct subscription **out)
{
    struct subscription *s = find_inbox(c, topic);

    if (s == NULL) {
        return core_add_inbox(c, topic, core_is_assigned(c, topic) ? INBOX_ASSIGNED : INBOX_ASKED,
                              out);
    }
    *out = s;
    return s->inbox == INBOX_NONE ? WILCO_EINVAL : WILCO_OK;
}

/* Files the waiter, then lets the PUBLISH go, or wait for the SUBACK. */
static enum wilco_status
file_and_send(struct core *c, struct subscription *inbox, struct outgoing *o,
              struct span correlation, uint64_t deadline_ms, struct request **out)
{
    enum wilco_status st = requester_add(&c->requester, inbox, correlation, deadline_ms, out);

    if (st != WILCO_OK) {
        return st;
    }
    o->request = *out;
    o->is_request = true;
    (*out)->publication = o;
    if (inbox->inbox == INBOX_ASKED) {
        list_push_back(&inbox->waiting, &o->event.link);
        return WILCO_OK;
    }
    st = core_dispatch(c, o);
    if (st != WILCO_OK) {
        requester_drop(&c->requester, *out);
    }
    return st;
}

static enum wilco_status
ask(struct core *c, const struct draft *d, uint64_t deadline_ms, struct request **out)
{
    const struct wire_properties *p = &d->packet.properties;
    struct subscription *inbox = NULL;
    struct outgoing *o = NULL;
    enum wilco_status st = core_encode(c, d, &o);

    if (st != WILCO_OK) {
        return st;
    }
    st = inbox_for(c, p->response_topic, &inbox);
    if (st == WILCO_OK) {
        st = file_and_send(c, inbox, o, p->correlation_data, deadline_ms, out);
    }
    if (st != WILCO_OK) {
        outgoing_unref(o);
    }
    return st;
}

enum wilco_status
core_request(struct core *c, const struct wilco_request *r, const struct core_asker *asker,
             uint64_t now_ms, uint64_t *call, uint8_t *reason_code)
{
    struct span topic =
        r->response_topic == NULL ? core_response_topic(c) : span_of_text(r->response_topic);
    struct span correlation = span_of_bytes(r->correlation_data);
    struct request *request = NULL;
    uint8_t uuid[UUID_BYTES];
    struct draft d;
    enum wilco_status st = draft_request(&d, r, core_timeout_ms(r), core_client_id(c));

    c->now_ms = now_ms;
    if (st == WILCO_OK && r->qos == 0 && d.packet.qos > c->server.maximum_qos) {
        d.packet.qos = c->server.maximum_qos; /* QoS 1 was our idea, not the caller's */
    }
    if (st == WILCO_OK) {
        st = core_admit(c, &d, reason_code);
    }
    if (st == WILCO_OK && correlation.data == NULL) {
        correlation = span_of(uuid, sizeof(uuid));
        st = random_uuid7(c->random, now_ms + c->unix_offset_ms, uuid);
    }
    if (st != WILCO_OK) {
        return st;
    }
    draft_set_address(&d, topic, correlation);
    st = ask(c, &d, now_ms + core_timeout_ms(r), &request);
    if (st == WILCO_OK) {
        request->on_response = asker->on_response;
        request->context = asker->context;
        request->error = asker->error;
        *call = request->call;
    }
    return st;
}

enum wilco_status
core_reply(struct core *c, const struct wilco_call *call, const struct wilco_reply *reply,
           uint64_t now_ms)
{
    uint64_t remaining_ms = message_remaining_ms(call->message, now_ms);
    struct outgoing *o = NULL;
    struct draft d;
    uint8_t reason_code = 0;
    enum wilco_status st = draft_reply(&d, call->message, reply, remaining_ms);

    c->now_ms = now_ms;
    if (st == WILCO_OK && remaining_ms == 0) {
        st = WILCO_ETIMEDOUT;
    }
    if (st == WILCO_OK && d.packet.qos > c->server.maximum_qos) { /* [MQTT-3.2.2-11] */
        d.packet.qos = c->server.maximum_qos;
    }
    if (st == WILCO_OK) {
        st = core_admit(c, &d, &reason_code);
    }
    if (st == WILCO_OK) {
        st = core_encode(c, &d, &o);
    }
    if (st != WILCO_OK) {
        return st;
    }
    st = core_dispatch(c, o);
    if (st != WILCO_OK) {
        outgoing_unref(o);
    }
    return st;
}
