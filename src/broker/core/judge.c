#include "broker/core/judge.h"

#include "broker/core/inbox.h"
#include "broker/core/judge_op.h"
#include "broker/core/limits.h"
#include "broker/core/message.h"
#include "broker/core/publish.h"
#include "broker/core/request.h"
#include "broker/core/service_answer.h"
#include "broker/core/service_figures.h"
#include "broker/core/status_response.h"
#include "broker/core/v3_response.h"

#define NS_PER_S        UINT64_C(1000000000)
#define MAY_NOT_RECEIVE "the requester may not receive what is published to the Response Topic"
#define ACCEPTED        ((struct verdict){.reason_code = WIRE_REASON_SUCCESS})

/* What has been found out about a message so far. */
struct matter {
    struct conn *conn;
    const struct wire_publish *p;
    struct request_terms terms;     /* of a request, or a word about one */
    const char *nonsense;           /* what is wrong with them; NULL: nothing */
    struct response_terms response; /* of a response to a request that is known */
    bool is_request;
    bool is_op;               /* a word about a request, and no request itself */
    bool is_to_inbox;         /* its topic */
    enum request_failure why; /* why a request is refused, if it is */
    bool was_told;            /* and its publisher was told so */
    bool is_question;         /* to the broker itself (service_question.h) */
    bool is_by_grant;         /* a response whose publisher may not publish to its topic */
    struct request *answered; /* the request it responds to; NULL: none that is known */
};

static struct verdict
refuse(uint8_t reason_code, const char *why)
{
    return (struct verdict){.reason_code = reason_code, .why = why};
}

const char *
judge_response_topic(const struct broker *b, const struct access_subject *who,
                     const struct session *session, struct span topic)
{
    if (inbox_holds(topic)) {
        return session != NULL && inbox_owns(session, topic)
                   ? NULL
                   : "the Response Topic is in the inbox of another client";
    }
    if (topic.data[0] == '$') {
        return "the Response Topic begins with $: nobody may publish there";
    }
    return access_may(b->access, who, ACCESS_RECEIVE, topic) ? NULL : MAY_NOT_RECEIVE;
}

/* The same for a client that is connected, whose permissions are remembered. */
static const char *
judge_place_of_response(struct session *session, struct span topic)
{
    const struct access_subject who = session_subject(session);

    if (inbox_holds(topic) || topic.data[0] == '$') {
        return judge_response_topic(session->shard->broker, &who, session, topic);
    }
    return session_may(session, ACCESS_RECEIVE, topic) ? NULL : MAY_NOT_RECEIVE;
}

/* Requests per second: each takes its part of a second, the second to come included, so that as
 * many may come at once. */
static bool
take_turn(struct session *s)
{
    uint64_t per_second = s->shard->broker->settings.requests_per_second_max;
    uint64_t now_ns = s->shard->now_us * 1000;
    uint64_t from_ns = s->asks_paid_ns > now_ns ? s->asks_paid_ns : now_ns;
    uint64_t each_ns = per_second == 0 ? 0 : NS_PER_S / per_second;

    if (from_ns + each_ns > now_ns + NS_PER_S) {
        return false;
    }
    s->asks_paid_ns = from_ns + each_ns;
    return true;
}

static bool
is_within_quota(struct session *s)
{
    uint64_t in_flight_max = s->shard->broker->settings.requests_in_flight_max;

    return take_turn(s) && (in_flight_max == 0 || session_asks_in_flight(s) < in_flight_max);
}

bool
judge_is_forged(const struct broker *b, struct span client_id, const struct request_terms *terms)
{
    return terms->source_id.data != NULL && b->settings.verify_source_id != 0 &&
           (terms->has_two_sources || !span_equal(terms->source_id, client_id));
}

static struct verdict
refuse_request(struct matter *m, uint8_t reason_code, enum request_failure failure, const char *why)
{
    m->why = failure;
    return refuse(reason_code, why);
}

/* What becomes of it is told to the requester alone. */
static const char *
judge_trace(const struct matter *m)
{
    const struct session *session = m->conn->session;
    struct span topic = m->terms.trace;

    if (WILCO_LIKELY(topic.data == NULL)) {
        return NULL;
    }
    if (!session->wants_status) {
        return "rr-trace is for clients that say rr=1 in their CONNECT";
    }
    return inbox_owns(session, topic) ? NULL : "the rr-trace is not in the inbox of the requester";
}

static struct verdict
judge_request(struct matter *m)
{
    struct session *session = m->conn->session;
    const struct broker *b = session->shard->broker;
    struct span client_id = session_client_id(session);
    struct span place = m->p->properties.response_topic;
    const char *why = judge_place_of_response(session, place);

    if (why != NULL) {
        permission_denied(session, ACCESS_RECEIVE, place);
        return refuse(WIRE_REASON_NOT_AUTHORIZED, why);
    }
    if (WILCO_UNLIKELY(m->nonsense != NULL)) {
        return refuse_request(m, WIRE_REASON_IMPLEMENTATION_SPECIFIC_ERROR, REQUEST_MALFORMED,
                              m->nonsense);
    }
    why = judge_trace(m);
    if (why != NULL) {
        return refuse(WIRE_REASON_NOT_AUTHORIZED, why);
    }
    if (judge_is_forged(b, client_id, &m->terms)) {
        return refuse(WIRE_REASON_NOT_AUTHORIZED, JUDGE_FORGED);
    }
    if (!is_within_quota(session)) {
        return refuse_request(m, WIRE_REASON_QUOTA_EXCEEDED, REQUEST_QUOTA,
                              request_failure_words(REQUEST_QUOTA));
    }
    return ACCEPTED;
}

/* A request is refused: its publisher may want to hear of it in a status response as well, unless
 * not even the broker may publish there. */
static void
tell_refused(const struct matter *m, const struct verdict *v)
{
    struct session *session = m->conn->session;
    const struct status_facts facts = {.why = m->why, .stage = REQUEST_REJECTED, .words = v->why};

    request_failure_count(&session->shard->stats, m->why);
    if (judge_place_of_response(session, m->p->properties.response_topic) == NULL) {
        status_refuse(session, m->p, &facts);
    }
}

/* The broker's own topics (4.7.2): [U-3.3.4-3], [U-4.7.2-1]. It can be asked about services. */
static struct verdict
judge_own_topic(struct matter *m)
{
    const struct settings *settings = &m->conn->shard->broker->settings;
    struct service_question question;

    if (!service_topic_holds(m->p->topic) || settings->request_tracking == 0) {
        return refuse(WIRE_REASON_NOT_AUTHORIZED, NULL);
    }
    m->is_question = service_question_read(&question, m->p->topic);
    if (!m->is_question) {
        return refuse(
            WIRE_REASON_TOPIC_NAME_INVALID,
            "below $SRV there are PING, INFO and STATS, /<name> and /<name>/<id> of each");
    }
    if (!m->is_request || m->p->retain) {
        return refuse(WIRE_REASON_IMPLEMENTATION_SPECIFIC_ERROR,
                      "a question to $SRV has a Response Topic, and is not retained");
    }
    return ACCEPTED;
}

/* Who was asked may answer him who asked, and nobody else, whatever he may publish. */
static struct verdict
judge_response(struct matter *m)
{
    struct session *session = m->conn->session;

    response_terms_read(&m->response, &m->p->properties);
    if (m->response.is_by_broker) {
        return refuse(WIRE_REASON_NOT_AUTHORIZED, "only the broker may say rr-src=broker");
    }
    m->is_by_grant = !m->is_to_inbox && !session_may(session, ACCESS_PUBLISH, m->p->topic);
    if (WILCO_UNLIKELY(m->is_by_grant) && m->p->retain) {
        permission_denied(session, ACCESS_PUBLISH, m->p->topic);
        return refuse(WIRE_REASON_NOT_AUTHORIZED,
                      "this client may answer, but not leave the answer at this topic");
    }
    return ACCEPTED;
}

/* What nobody asked for must not get into an inbox; elsewhere whoever may publish may respond, and
 * so may who was asked, whether he may publish or not. */
static struct verdict
judge_destination(struct matter *m)
{
    struct session *session = m->conn->session;
    struct span topic = m->p->topic;
    struct span correlation = m->p->properties.correlation_data;

    m->is_to_inbox = inbox_holds(topic);
    if (m->answered == NULL) {
        m->answered = request_find(session, topic, correlation);
    }
    if (m->answered != NULL) {
        return judge_response(m);
    }
    if (m->is_to_inbox) {
        request_count_stray(session, topic, correlation);
        return refuse(WIRE_REASON_NOT_AUTHORIZED,
                      "no response to this Response Topic with this Correlation Data is expected "
                      "from this client (any more)");
    }
    if (WILCO_UNLIKELY(topic.data[0] == '$')) {
        struct verdict verdict = judge_own_topic(m);

        if (verdict.reason_code != WIRE_REASON_SUCCESS) {
            return verdict;
        }
    }
    if (!session_may(session, ACCESS_PUBLISH, topic)) {
        permission_denied(session, ACCESS_PUBLISH, topic);
        return refuse(WIRE_REASON_NOT_AUTHORIZED, "this client may not publish to this topic");
    }
    return ACCEPTED;
}

static struct message *
make_message(const struct matter *m)
{
    struct shard *s = m->conn->shard;
    struct session *session = m->conn->session;
    const struct access_subject author = session_subject(session);
    struct message *message =
        message_new_by(s->broker->alloc, m->p, session->id, s->now_ms, &author);

    if (message == NULL) {
        return NULL;
    }
    message->received_us = s->now_us;
    if (m->is_request) {
        message_ask(message, m->p, &m->terms, s->broker->hash_seed);
        message->request.wants_status = session->wants_status;
        message->request.is_to_inbox = inbox_holds(m->p->properties.response_topic);
        message->request.is_traced = m->terms.trace.data != NULL;
    }
    if (m->answered != NULL && (!m->p->retain || m->is_to_inbox)) {
        /* What is retained is not for the requester alone, and will be sent again and again. */
        request_mark_response(m->answered, message, m->response.has_more);
    }
    return message;
}

/* `*receivers`: how many it is on its way to. */
static enum wilco_status
send_on_its_way(const struct matter *m, struct message *message, size_t *receivers)
{
    struct shard *s = m->conn->shard;

    if (m->is_to_inbox) { /* nothing in it is retained */
        return inbox_send(s, message, message->responds_to, receivers);
    }
    if (WILCO_UNLIKELY(m->is_by_grant)) {
        *receivers = publish_to_session(s, message, message->responds_to);
        return WILCO_OK;
    }
    return m->p->retain ? publish_and_retain(s, message, receivers) /* [MQTT-3.3.1-8] */
                        : publish_message(s, message, receivers);
}

/* How many it came to. */
static struct verdict
conclude(const struct matter *m, size_t receivers)
{
    const struct settings *settings = &m->conn->shard->broker->settings;

    return receivers == 0 && entrance_tells_no_matching_subscribers(m->conn->entrance, settings)
               ? refuse(WIRE_REASON_NO_MATCHING_SUBSCRIBERS, NULL)
               : ACCEPTED;
}

/* The last response to a request of a service says that it is an error. */
static void
note_error(const struct matter *m)
{
    bool is_last = !m->response.has_more || m->answered->more == 0;

    if (m->response.status >= RESPONSE_ERROR && is_last && m->answered->holder->services != NULL) {
        service_figures_error(m->answered, &m->p->properties);
    }
}

/* The request that it answers has its answer. */
static void
settle_answered(const struct matter *m, uint64_t sent_before)
{
    if (m->answered != NULL) {
        note_error(m);
        request_answered(m->answered, &m->response,
                         m->conn->shard->stats.publish_sent > sent_before);
    }
}

static struct verdict
accept_message(struct matter *m)
{
    uint64_t sent_before = m->conn->shard->stats.publish_sent;
    struct message *message = make_message(m);
    enum wilco_status status = WILCO_ENOMEM;
    size_t receivers = 0;
    struct verdict verdict;

    if (message != NULL) {
        if (message->in_exchange) {
            conn_note_exchange(m->conn);
        }
        status = send_on_its_way(m, message, &receivers);
        message_unref(message);
    }
    if (status != WILCO_OK) {
        m->was_told = message != NULL && status == WILCO_ENOMEM; /* publish.c did */
        return refuse_request(m, WIRE_REASON_QUOTA_EXCEEDED,
                              status == WILCO_ENOMEM ? REQUEST_NO_MEMORY : REQUEST_QUOTA, NULL);
    }
    if (m->is_request && WILCO_UNLIKELY(m->terms.ends_with_asker)) {
        m->conn->session->has_asked_on = true;
    }
    settle_answered(m, sent_before);
    verdict = conclude(m, receivers);
    if (m->is_request && WILCO_UNLIKELY(m->terms.is_fan)) {
        verdict.is_counted = true;
        verdict.receivers = (uint32_t)receivers;
    }
    return verdict;
}

/* What it says of itself. A response may say what it likes. */
static void
read_terms(struct matter *m)
{
    const struct wire_properties *v = &m->p->properties;

    if (m->is_request) {
        (void)!request_terms_read(&m->terms, v, &m->nonsense); /* which says what is wrong */
        m->is_op = m->terms.op != REQUEST_OP_NONE ||
                   (WILCO_UNLIKELY(m->nonsense != NULL) && request_terms_name_op(v));
    }
}

/* Without a Response Topic, and no response either. */
static bool
is_stray_op(const struct matter *m)
{
    return !m->is_request && m->answered == NULL &&
           m->conn->shard->broker->settings.request_tracking != 0 &&
           request_terms_name_op(&m->p->properties);
}

static struct verdict
answer_question(struct matter *m)
{
    struct session *session = m->conn->session;
    struct service_question question;
    bool is_answered =
        service_question_read(&question, m->p->topic) && service_answer(session, m->p, &question);

    conn_note_exchange(m->conn);
    if (!is_answered) {
        request_failure_count(&session->shard->stats, REQUEST_NO_SERVICE);
    }
    return conclude(m, is_answered);
}

static struct verdict
consider(struct matter *m)
{
    const struct settings *limits = &m->conn->shard->broker->settings;
    const struct wire_properties *v = &m->p->properties;
    struct verdict verdict;

    if (!limits_allow_topic(limits, m->p->topic)) {
        return refuse(WIRE_REASON_TOPIC_NAME_INVALID, NULL);
    }
    if (!limits_allow_properties(limits, v)) {
        return refuse(WIRE_REASON_QUOTA_EXCEEDED, NULL);
    }
    if (m->p->retain && !limits_allow_retained(limits, v)) {
        return refuse(WIRE_REASON_IMPLEMENTATION_SPECIFIC_ERROR,
                      "requests and responses must not be retained here");
    }
    read_terms(m);
    if (WILCO_UNLIKELY(m->is_op)) {
        m->is_request = false;
        return judge_op(m->conn, m->p, &m->terms, m->nonsense);
    }
    verdict = judge_destination(m);
    if (verdict.reason_code == WIRE_REASON_SUCCESS && m->is_request) {
        verdict = judge_request(m);
    } else if (verdict.reason_code == WIRE_REASON_SUCCESS && WILCO_UNLIKELY(is_stray_op(m))) {
        verdict = refuse(WIRE_REASON_IMPLEMENTATION_SPECIFIC_ERROR, JUDGE_OP_NEEDS);
    }
    if (verdict.reason_code != WIRE_REASON_SUCCESS) {
        return verdict;
    }
    return WILCO_UNLIKELY(m->is_question) ? answer_question(m) : accept_message(m);
}

/* Field by field: what is only of a request, or of a response, is written when it is one. */
static void
take_up(struct matter *m, struct conn *c, const struct wire_publish *p)
{
    m->conn = c;
    m->p = p;
    m->nonsense = NULL;
    m->answered = NULL;
    m->why = REQUEST_FORBIDDEN;
    m->is_request = wire_properties_has(&p->properties, WIRE_RESPONSE_TOPIC) &&
                    c->shard->broker->settings.request_tracking != 0;
    m->is_op = false;
    m->is_question = false;
    m->is_to_inbox = false;
    m->is_by_grant = false;
    m->was_told = false;
}

struct verdict
judge_message(struct conn *c, const struct wire_publish *p)
{
    struct stats *stats = &c->shard->stats;
    struct matter m;
    WILCO_NOT_CLEARED struct v3_response response;
    struct verdict verdict;
    bool is_refused = false;

    take_up(&m, c, p);
    if (WILCO_UNLIKELY(c->version != WIRE_V5) &&
        v3_response_read(&response, c->session, c->entrance, p)) {
        m.p = &response.p;
        m.answered = response.request;
    }
    verdict = consider(&m);
    is_refused = wire_reason_is_error(verdict.reason_code);
    stats->rr_requests += m.is_request;
    stats->publish_refused += is_refused;
    if (WILCO_UNLIKELY(is_refused) && m.is_request && !m.was_told) {
        tell_refused(&m, &verdict);
    }
    stats_count_reason(stats, verdict.reason_code);
    return verdict;
}
