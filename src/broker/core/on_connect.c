/* CONNECT: decode, check, find or make the session, answer, go on where the session was left. */
#include "broker/core/handlers.h"

#include "broker/core/auth.h"
#include "broker/core/deliver.h"
#include "broker/core/explain.h"
#include "broker/core/inbox.h"
#include "broker/core/judge.h"
#include "broker/core/limits.h"
#include "broker/core/login.h"
#include "broker/core/message.h"
#include "broker/core/reply.h"
#include "broker/core/session.h"
#include "link/fault.h"
#include "wire/connect.h"
#include "wire/topic.h"

#define ASSIGNED_ID_CHARS 22U /* 132 random bits */

/* Answers with `reason_code` and ends the connection [MQTT-3.2.2-7]. */
enum wilco_status
connect_turn_away(struct conn *c, uint8_t reason_code, const char *why)
{
    struct wire_any packet = {.type = WIRE_CONNACK, .as.connack = {.reason_code = reason_code}};

    if (c->version != WIRE_V5) {
        packet.as.connack.reason_code = wire_connack_return_code(reason_code);
    }
    c->shard->stats.connects_refused++;
    (void)reply_with_reason(c, &packet, &packet.as.connack.properties, why);
    conn_end(c, reason_code); /* no DISCONNECT: the client is not connected yet [MQTT-3.14.0-1],
                                 [MQTT-3.1.4-6] */
    return WILCO_OK;
}

enum wilco_status
connect_refuse(struct conn *c, uint8_t reason_code, const char *why)
{
    if (log_gate_passes(c->shard)) {
        log_event(c->shard->broker->log, LOG_INFO, "connect_refused", "reason=\"%s\" why=\"%s\"",
                  wire_reason_text(reason_code), why == NULL ? "" : why);
    }
    return connect_turn_away(c, reason_code, why);
}

static enum wilco_status
refuse(struct conn *c, uint8_t reason_code)
{
    return connect_refuse(c, reason_code, explain(WIRE_CONNACK, reason_code));
}

/* The version to answer in when CONNECT asked for one that we do not have, or could not be read. */
static uint8_t
version_to_refuse_in(const struct wire_connect *p)
{
    return p->version == WIRE_V31 || p->version == WIRE_V311 ? (uint8_t)p->version
                                                             : (uint8_t)WIRE_V5;
}

static enum wilco_status /* [MQTT-3.1.4-1] */
refuse_undecodable(struct conn *c, const struct wire_connect *p, enum wilco_status status)
{
    char why[EXPLAIN_BYTES_MAX] = "";

    c->version = version_to_refuse_in(p);
    if (status == WILCO_ENOTFOUND) { /* [MQTT-3.1.2-1], [MQTT-3.1.2-2] */
        return refuse(c, WIRE_REASON_UNSUPPORTED_PROTOCOL_VERSION);
    }
    explain_fault(WIRE_CONNECT, status, why);
    if (c->version != WIRE_V5) { /* no return code means this: close without one */
        conn_refuse_because(c, fault_reason(status), why);
        return WILCO_OK;
    }
    c->shard->stats.protocol_errors++;
    return connect_refuse(c, fault_reason(status), why);
}

static bool
has_method(const struct wire_connect *p)
{
    return wire_properties_has(&p->properties, WIRE_AUTHENTICATION_METHOD);
}

/* The broker's own topics (4.7.2) are nobody's to publish to. */
static bool
may_have_will(const struct conn *c, const struct wire_connect *p, struct span user)
{
    const struct access_subject who = {.client_id = p->client_id, .user = user};

    return p->will.topic.data[0] != '$' &&
           access_may(c->shard->broker->access, &who, ACCESS_PUBLISH, p->will.topic);
}

/* The session that the client will go on with, as existing_session() will find. */
static const struct session *
session_to_resume(const struct conn *c, const struct wire_connect *p)
{
    const struct session *s = session_table_find(&c->shard->sessions, p->client_id);

    return s == NULL || p->clean_start || (s->conn != NULL && s->expiry_s == 0) ? NULL : s;
}

/* A will with a Response Topic is a request [U-3.1.3-3], and judged as one. */
static uint8_t
objection_to_request(const struct conn *c, const struct wire_connect *p, struct span user)
{
    const struct broker *b = c->shard->broker;
    const struct wire_properties *v = &p->will.properties;
    const struct access_subject who = {.client_id = p->client_id, .user = user};
    struct request_terms terms;
    const char *why = NULL;

    if (!wire_properties_has(v, WIRE_RESPONSE_TOPIC) || b->settings.request_tracking == 0) {
        return WIRE_REASON_SUCCESS;
    }
    if (judge_response_topic(b, &who, session_to_resume(c, p), v->response_topic) != NULL) {
        return WIRE_REASON_NOT_AUTHORIZED;
    }
    if (request_terms_read(&terms, v, &why) != WILCO_OK || terms.op != REQUEST_OP_NONE) {
        return WIRE_REASON_IMPLEMENTATION_SPECIFIC_ERROR;
    }
    return judge_is_forged(b, p->client_id, &terms) ? WIRE_REASON_NOT_AUTHORIZED
                                                    : WIRE_REASON_SUCCESS;
}

static uint8_t
objection_to_will(const struct conn *c, const struct wire_connect *p, struct span user)
{
    const struct settings *limits = &c->shard->broker->settings;
    uint8_t reason_code = WIRE_REASON_SUCCESS;

    if (!topic_name_is_valid(p->will.topic) || !limits_allow_topic(limits, p->will.topic)) {
        return WIRE_REASON_TOPIC_NAME_INVALID;
    }
    if (!may_have_will(c, p, user)) { /* [MQTT-3.1.4-2] */
        return WIRE_REASON_NOT_AUTHORIZED;
    }
    if (p->will.retain && !limits_allow_retained(limits, &p->will.properties)) {
        return WIRE_REASON_IMPLEMENTATION_SPECIFIC_ERROR;
    }
    reason_code = objection_to_request(c, p, user);
    return reason_code == WIRE_REASON_SUCCESS
               ? limits_on_message(limits, p->will.qos, p->will.retain)
               : reason_code;
}

/* WIRE_REASON_SUCCESS, or why this CONNECT cannot be served, whoever sends it. */
static uint8_t
objection(const struct conn *c, const struct wire_connect *p)
{
    if (p->client_id.len == 0 &&
        (p->version == WIRE_V31 || (p->version == WIRE_V311 && !p->clean_start))) {
        return WIRE_REASON_CLIENT_IDENTIFIER_NOT_VALID; /* MQTT 3.1.1 [MQTT-3.1.3-8] */
    }
    if (has_method(p) &&
        auth_method_find(c->shard->broker, p->properties.authentication_method) == NULL) {
        return WIRE_REASON_BAD_AUTHENTICATION_METHOD; /* [MQTT-4.12.0-1] */
    }
    return WIRE_REASON_SUCCESS;
}

/* A session belongs to who made it, and so does its Client Identifier as long as it is there.
 * Nobody but its user can go on with it, end it or disturb it. */
static bool
is_of_another(const struct conn *c, const struct wire_connect *p, struct span user)
{
    const struct session *s = session_table_find(&c->shard->sessions, p->client_id);

    return s != NULL && !span_equal(session_user(s), user);
}

/* What the connection remembers of CONNECT. */
static void
adopt(struct conn *c, const struct wire_connect *p)
{
    const struct wire_properties *v = &p->properties;
    const struct settings *limits = &c->shard->broker->settings;

    c->version = (uint8_t)p->version;
    c->keep_alive_s = limits_keep_alive(limits, p->keep_alive);
    c->wants_reasons = !wire_properties_has(v, WIRE_REQUEST_PROBLEM_INFORMATION) ||
                       v->request_problem_information != 0; /* [MQTT-3.1.2-29] */
    if (wire_properties_has(v, WIRE_MAXIMUM_PACKET_SIZE)) {
        c->packet_bytes_max = v->maximum_packet_size;
    }
    c->topic_alias_maximum = v->topic_alias_maximum < limits->topic_alias_out_max
                                 ? v->topic_alias_maximum /* [MQTT-3.1.2-26] */
                                 : (uint16_t)limits->topic_alias_out_max;
}

/* A name that no session has [MQTT-3.2.2-16], and that hashes to this shard, so that its owner
 * finds it here again. */
static enum wilco_status
assign_client_id(const struct shard *s, char out[ASSIGNED_ID_CHARS + 1])
{
    enum wilco_status status = WILCO_OK;

    do {
        status = random_token(s->broker->random, out, ASSIGNED_ID_CHARS);
    } while (status == WILCO_OK && (broker_shard_of(s->broker, span_of_text(out)) != s ||
                                    session_table_find(&s->sessions, span_of_text(out)) != NULL));
    return status;
}

/* Ends whatever the client identifier still has that must not live on; what stays is returned. */
static struct session *
existing_session(struct shard *s, const struct wire_connect *p, struct span client_id)
{
    struct session *session = session_table_find(&s->sessions, client_id);

    if (session != NULL && session->conn != NULL) { /* [MQTT-3.1.4-3] */
        struct conn *old = session->conn;

        conn_end(old, WIRE_REASON_SESSION_TAKEN_OVER);
        session = session_detach(session, old->will_is_due); /* no loss to its groups */
    }
    if (session != NULL && p->clean_start) { /* [MQTT-3.1.2-4], [MQTT-3.1.4-4] */
        session_end(session);
        session = NULL;
    }
    return session;
}

static uint32_t
expiry_asked_for(const struct wire_connect *p)
{
    if (p->version != WIRE_V5) {
        return p->clean_start ? 0 : UINT32_MAX;
    }
    return p->properties.session_expiry_interval; /* absent: 0 */
}

/* A will with a Response Topic is a request when its time comes. It does not end with its
 * requester, who is gone by then. */
static void
ask_with(const struct session *session, struct message *m, const struct wire_publish *will)
{
    const struct broker *b = session->shard->broker;
    struct request_terms terms;
    const char *why = NULL;

    if (b->settings.request_tracking != 0 &&
        request_terms_read(&terms, &will->properties, &why) == WILCO_OK) {
        terms.ends_with_asker = false;
        message_ask(m, will, &terms, b->hash_seed);
        m->request.wants_status = session->wants_status;
        m->request.is_to_inbox = inbox_holds(will->properties.response_topic);
    }
}

/* What a client says of requests: whether it takes status responses, and wants an inbox; in one it
 * need not subscribe if it knows that much of us (User Property `rr`=`1`). */
static enum wilco_status
prepare_for_requests(const struct conn *c, struct session *session, const struct wire_connect *p)
{
    struct span value = SPAN_EMPTY;
    enum wilco_status status = WILCO_OK;

    if (c->shard->broker->settings.request_tracking == 0) {
        return WILCO_OK;
    }
    session->wants_status = wire_properties_user(&p->properties, SPAN_LITERAL("rr"), &value) &&
                            span_equal(value, SPAN_LITERAL("1"));
    if (p->properties.request_response_information != 0) {
        status = inbox_give(session, span_of_text(c->entrance->inbox_prefix), p->user_name);
        if (status == WILCO_OK && session->wants_status) {
            inbox_assign(session);
        }
    }
    return status;
}

static enum wilco_status
set_will(struct session *session, const struct wire_connect *p)
{
    const struct wire_publish will = {
        .qos = p->will.qos,
        .retain = p->will.retain, /* [MQTT-3.1.2-14], [MQTT-3.1.2-15] */
        .topic = p->will.topic,
        .properties = p->will.properties,
        .payload = p->will.payload,
    };
    const struct access_subject author = session_subject(session);
    struct shard *s = session->shard;
    struct message *m = NULL;

    if (p->has_will) {
        m = message_new_by(s->broker->alloc, &will, session->id, s->now_ms, &author);
        if (m == NULL) {
            return WILCO_ENOMEM;
        }
        ask_with(session, m, &will);
    }
    session_set_will(session, m, p->will.properties.will_delay_interval);
    return WILCO_OK;
}

/* CONNACK says only what differs from what the standard assumes [MQTT-3.1.4-5]. There is one only
 * [MQTT-3.2.0-2], before all else [MQTT-3.2.0-1], with Response Information only if it was asked
 * for [MQTT-3.1.2-28] and without User Properties [MQTT-3.2.2-20]. false: the client's Maximum
 * Packet Size does not leave room for it.
 */
static bool
accept_connect(struct conn *c, const struct wire_connect *p, bool session_present,
               struct span assigned)
{
    struct wire_any packet = {
        .type = WIRE_CONNACK,
        .as.connack = {.session_present = session_present && p->version != WIRE_V31}};
    struct wire_properties *v = &packet.as.connack.properties;

    if (p->version == WIRE_V5) {
        limits_announce(&c->shard->broker->settings, v);
        if (c->keep_alive_s != p->keep_alive) { /* [MQTT-3.2.2-22]; -21 is the client's part */
            v->server_keep_alive = c->keep_alive_s;
            wire_properties_set(v, WIRE_SERVER_KEEP_ALIVE);
        }
        if (c->session->expiry_s != expiry_asked_for(p)) { /* [U-3.2.2-8] */
            v->session_expiry_interval = c->session->expiry_s;
            wire_properties_set(v, WIRE_SESSION_EXPIRY_INTERVAL);
        }
        if (assigned.len > 0) { /* [MQTT-3.1.3-7] */
            v->assigned_client_identifier = assigned;
            wire_properties_set(v, WIRE_ASSIGNED_CLIENT_IDENTIFIER);
        }
        if (p->properties.request_response_information != 0 && c->session->inbox != NULL) {
            v->response_information = inbox_topic(c->session);
            wire_properties_set(v, WIRE_RESPONSE_INFORMATION);
        }
        if (c->auth != NULL &&
            c->auth->method != NULL) { /* [MQTT-4.12.0-5]; without a method, none [MQTT-4.12.0-6] */
            auth_fill(c->auth, v);
        }
    }
    return reply_packet(c, &packet);
}

static uint16_t
quota_for(const struct conn *c, const struct wire_connect *p)
{
    uint64_t inflight_max = c->shard->broker->settings.inflight_max;

    if (wire_properties_has(&p->properties, WIRE_RECEIVE_MAXIMUM) &&
        p->properties.receive_maximum < inflight_max) {
        return p->properties.receive_maximum;
    }
    return (uint16_t)inflight_max;
}

/* Finds or makes the session and joins it with the connection. */
static enum wilco_status
join(struct conn *c, const struct wire_connect *p, struct span client_id, struct span user,
     bool *session_present)
{
    uint64_t expiry_max_s = c->shard->broker->settings.session_expiry_max_s;
    uint32_t expiry_s = expiry_asked_for(p);
    bool may_stay = expiry_s > 0 && expiry_max_s > 0;
    struct session *session = existing_session(c->shard, p, client_id);
    enum wilco_status status = WILCO_OK;

    *session_present = session != NULL; /* [MQTT-3.1.2-5], [MQTT-3.2.2-3] */
    if (session == NULL) {              /* [MQTT-3.1.2-6] */
        status = session_new(&session, c->shard, client_id, user);
    }
    if (status != WILCO_OK) {
        return status;
    }
    status = may_stay ? session_allow_absence(session) : WILCO_OK;
    if (status == WILCO_OK) {
        status = prepare_for_requests(c, session, p);
    }
    if (status == WILCO_OK) {
        status = set_will(session, p);
    }
    if (status != WILCO_OK) {
        if (!*session_present) {
            session_free(session);
        }
        return status;
    }
    session->expiry_s = expiry_s < expiry_max_s ? expiry_s : (uint32_t)expiry_max_s;
    session_attach(session, c);
    return WILCO_OK;
}

/* A client that comes back gets in even when all places are taken: its old connection goes. */
static bool
find_place(struct conn *c, struct span client_id)
{
    const struct session *old = session_table_find(&c->shard->sessions, client_id);
    bool comes_back = old != NULL && old->conn != NULL;
    bool has_place = conn_take_place(c) || comes_back;

    if (!has_place) {
        conn_give_place_back(c);
    }
    return has_place;
}

enum wilco_status
connect_accept(struct conn *c, const struct wire_connect *p, struct span user)
{
    char assigned[ASSIGNED_ID_CHARS + 1] = "";
    struct span client_id = p->client_id;
    bool session_present = false;
    enum wilco_status status = WILCO_OK;
    uint8_t reason_code = WIRE_REASON_SUCCESS;

    if (is_of_another(c, p, user)) {
        return connect_refuse(c, WIRE_REASON_NOT_AUTHORIZED,
                              "this Client Identifier is in use by another user");
    }
    reason_code = p->has_will ? objection_to_will(c, p, user) : (uint8_t)WIRE_REASON_SUCCESS;
    if (reason_code != WIRE_REASON_SUCCESS) {
        return refuse(c, reason_code);
    }
    if (client_id.len == 0) { /* [MQTT-3.1.3-6] */
        status = assign_client_id(c->shard, assigned);
        client_id = span_of_text(assigned);
    }
    if (status == WILCO_OK && !find_place(c, client_id)) {
        return refuse(c, WIRE_REASON_SERVER_BUSY);
    }
    if (status == WILCO_OK) {
        status = join(c, p, client_id, user, &session_present);
    }
    if (status != WILCO_OK) { /* sessions_max, or memory */
        return refuse(c, status == WILCO_EIO ? WIRE_REASON_SERVER_UNAVAILABLE
                                             : WIRE_REASON_QUOTA_EXCEEDED);
    }
    if (!accept_connect(c, p, session_present, span_of_text(assigned))) {
        c->will_is_due = false; /* it was never accepted */
        return refuse(c, WIRE_REASON_PACKET_TOO_LARGE);
    }
    if (c->state == CONN_ENDING) { /* out of memory */
        return WILCO_OK;
    }
    c->shard->stats.connections++;
    conn_start(c);
    deliver_resume(c->session, quota_for(c, p));
    log_event(c->shard->broker->log, LOG_DEBUG, "connected",
              "client=%s version=%u session_present=%d", LOG_TEXT(client_id), (unsigned)c->version,
              session_present);
    return WILCO_OK;
}

enum wilco_status
on_connect(struct conn *c, const struct frame *f)
{
    const struct settings *limits = &c->shard->broker->settings;
    struct wire_connect p;
    uint8_t reason_code = WIRE_REASON_SUCCESS;
    enum wilco_status status = wire_connect_decode(&p, f->body);

    if (status != WILCO_OK) {
        return refuse_undecodable(c, &p, status);
    }
    adopt(c, &p);
    if (!limits_allow_properties(limits, &p.properties) ||
        !limits_allow_properties(limits, &p.will.properties)) {
        return connect_refuse(c, WIRE_REASON_QUOTA_EXCEEDED, LIMITS_TOO_MANY_PROPERTIES);
    }
    reason_code = objection(c, &p);
    if (reason_code != WIRE_REASON_SUCCESS) {
        return refuse(c, reason_code);
    }
    if (has_method(&p)) {
        return connect_authenticate(c, &p, f->body);
    }
    return c->shard->broker->authenticator == NULL ? connect_accept(c, &p, SPAN_EMPTY)
                                                   : login_begin(c, &p, f->body);
}
