/* Enhanced authentication (MQTT 5.0, 4.12): the packets around what a method says.
 *
 * CONNECT names a method that the broker has: on_connect() comes here instead of accepting, the
 * connection is CONN_AUTHENTICATING, and CONNECT is kept until the method is content. In that state
 * there is no session yet, only AUTH and DISCONNECT are taken [MQTT-3.1.2-30], and the time to
 * CONNECT goes on running. Later the client may authenticate again, beside all other traffic. */
#include "broker/core/handlers.h"

#include "broker/core/auth.h"
#include "broker/core/login.h"
#include "broker/core/reply.h"
#include "broker/core/session.h"
#include "wire/disconnect.h"

#define FAILED    "the authentication failed"
#define TOO_LARGE "an AUTH is larger than the client's Maximum Packet Size"
#define NO_MEMORY "the broker has no memory for the authentication"

static struct auth_data
data_of(const struct wire_properties *v)
{
    return (struct auth_data){
        .is_there = wire_properties_has(v, WIRE_AUTHENTICATION_DATA),
        .bytes = v->authentication_data,
    };
}

/* Without Reason String [MQTT-3.15.2-2] and User Properties [MQTT-3.15.2-3]. false: larger than the
 * client's Maximum Packet Size. */
static bool
say(struct conn *c, uint8_t reason_code)
{
    struct wire_any packet = {.type = WIRE_AUTH, .as.disconnect = {.reason_code = reason_code}};

    auth_fill(c->auth, &packet.as.disconnect.properties);
    return reply_packet(c, &packet);
}

static void
log_success(const struct conn *c, struct span client_id)
{
    log_event(c->shard->broker->log, LOG_DEBUG, "authenticated", "client=%s method=%s user=%s",
              LOG_TEXT(client_id), c->auth->method->name,
              LOG_TEXT(span_of(c->auth->user, c->auth->user_bytes)));
}

/* The method is content: CONNECT is served as if it came now. */
static enum wilco_status
accept_connect(struct conn *c, struct span user)
{
    struct wire_connect p;
    enum wilco_status status = auth_adopt_user(c->auth, user);

    if (status == WILCO_OK) {
        status = wire_connect_decode(&p, span_of(c->auth->connect, c->auth->connect_bytes));
    }
    if (status != WILCO_OK) { /* memory: the packet was decoded before */
        return connect_refuse(c, WIRE_REASON_QUOTA_EXCEEDED, NO_MEMORY);
    }
    log_success(c, p.client_id);
    status = connect_accept(c, &p, span_of(c->auth->user, c->auth->user_bytes));
    auth_finish(c->auth);
    auth_forget_connect(c->auth);
    return status;
}

static enum wilco_status
conclude_connect(struct conn *c, const struct auth_verdict *v)
{
    switch (v->outcome) {
    case AUTH_CONTINUES: /* [MQTT-4.12.0-2] */
        return say(c, WIRE_REASON_CONTINUE_AUTHENTICATION)
                   ? WILCO_OK
                   : connect_refuse(c, WIRE_REASON_PACKET_TOO_LARGE, TOO_LARGE);
    case AUTH_SUCCEEDED: return accept_connect(c, v->user);
    case AUTH_FAILED: break;
    }
    c->shard->stats.logins_failed++;
    return connect_refuse(c, v->reason_code, FAILED); /* [MQTT-4.12.0-4] */
}

enum wilco_status
connect_authenticate(struct conn *c, const struct wire_connect *p, struct span body)
{
    struct conn_origin origin;
    const struct auth_claim claim = {
        .client_id = p->client_id,
        .user_name = p->user_name,
        .data = data_of(&p->properties),
        .origin = &origin,
        .now_ms = c->shard->now_ms,
    };
    struct auth_verdict verdict;
    enum wilco_status status = WILCO_ENOMEM;

    login_origin(c, &origin);
    c->auth =
        auth_new(c->shard->broker->alloc,
                 auth_method_find(c->shard->broker, p->properties.authentication_method), body);
    if (c->auth != NULL) {
        c->state = CONN_AUTHENTICATING;
        status = auth_start(c->auth, &claim, &verdict);
    }
    return status == WILCO_OK ? conclude_connect(c, &verdict)
                              : connect_refuse(c, WIRE_REASON_QUOTA_EXCEEDED, NO_MEMORY);
}

/* An AUTH packet, of this connection's method [MQTT-4.12.0-5], [MQTT-4.12.1-1]. */
static enum wilco_status
decode(struct conn *c, const struct frame *f, struct wire_disconnect *out)
{
    enum wilco_status status =
        wire_disconnect_decode(out, WIRE_AUTH, f->body, (enum wire_version)c->version);

    if (status != WILCO_OK) {
        return status;
    }
    return span_equal(out->properties.authentication_method, span_of_text(c->auth->method->name))
               ? WILCO_OK
               : WILCO_EPROTOCOL;
}

static enum wilco_status
on_answer(struct conn *c, const struct frame *f)
{
    struct wire_disconnect p;
    struct auth_verdict verdict;
    enum wilco_status status = decode(c, f, &p);

    if (status != WILCO_OK) {
        return status;
    }
    if (p.reason_code != WIRE_REASON_CONTINUE_AUTHENTICATION) { /* [MQTT-4.12.0-3] */
        return WILCO_EPROTOCOL;
    }
    auth_step(c->auth, data_of(&p.properties), &verdict);
    return conclude_connect(c, &verdict);
}

enum wilco_status
on_authenticating(struct conn *c, const struct frame *f)
{
    struct wire_disconnect p;
    enum wilco_status status = WILCO_EPROTOCOL; /* [MQTT-3.1.2-30] */

    if (f->type == WIRE_AUTH) {
        return on_answer(c, f);
    }
    if (f->type == WIRE_DISCONNECT) {
        status = wire_disconnect_decode(&p, f->type, f->body, (enum wire_version)c->version);
    }
    if (status == WILCO_OK) {
        conn_break(c);
    }
    return status;
}

/* Re-authentication. */

static enum wilco_status
fail_again(struct conn *c, uint8_t reason_code, const char *why) /* [MQTT-4.12.1-2] */
{
    bool is_allowed = wire_reason_is_valid(reason_code, WIRE_DISCONNECT);

    conn_end_because(c, is_allowed ? reason_code : (uint8_t)WIRE_REASON_NOT_AUTHORIZED, why);
    return WILCO_OK;
}

static enum wilco_status
succeed_again(struct conn *c, struct span user)
{
    if (auth_adopt_user(c->auth, user) != WILCO_OK) { /* never memory: it has one */
        return fail_again(c, WIRE_REASON_NOT_AUTHORIZED, "it is another user than before");
    }
    if (!say(c, WIRE_REASON_SUCCESS)) {
        return fail_again(c, WIRE_REASON_PACKET_TOO_LARGE, TOO_LARGE);
    }
    auth_finish(c->auth);
    log_success(c, session_client_id(c->session));
    return WILCO_OK;
}

static enum wilco_status
conclude_again(struct conn *c, const struct auth_verdict *v)
{
    switch (v->outcome) {
    case AUTH_CONTINUES:
        return say(c, WIRE_REASON_CONTINUE_AUTHENTICATION)
                   ? WILCO_OK
                   : fail_again(c, WIRE_REASON_PACKET_TOO_LARGE, TOO_LARGE);
    case AUTH_SUCCEEDED: return succeed_again(c, v->user);
    case AUTH_FAILED: break;
    }
    return fail_again(c, v->reason_code, FAILED);
}

static enum wilco_status
start_again(struct conn *c, const struct wire_properties *p, struct auth_verdict *verdict)
{
    struct conn_origin origin;
    const struct auth_claim claim = {
        .client_id = session_client_id(c->session),
        .data = data_of(p),
        .origin = &origin,
        .now_ms = c->shard->now_ms,
    };

    login_origin(c, &origin);
    return auth_start(c->auth, &claim, verdict);
}

enum wilco_status
on_auth(struct conn *c, const struct frame *f)
{
    struct wire_disconnect p;
    struct auth_verdict verdict;
    enum wilco_status status = WILCO_OK;

    if (c->auth == NULL || c->auth->method == NULL) { /* [MQTT-4.12.0-7] */
        conn_refuse_because(c, WIRE_REASON_PROTOCOL_ERROR,
                            "an AUTH, but no Authentication Method in CONNECT");
        return WILCO_OK;
    }
    status = decode(c, f, &p);
    if (status != WILCO_OK) {
        return status;
    }
    if (p.reason_code == WIRE_REASON_CONTINUE_AUTHENTICATION && c->auth->exchange != NULL) {
        auth_step(c->auth, data_of(&p.properties), &verdict);
    } else if (p.reason_code == WIRE_REASON_RE_AUTHENTICATE && c->auth->exchange == NULL) {
        if (start_again(c, &p.properties, &verdict) != WILCO_OK) {
            return fail_again(c, WIRE_REASON_QUOTA_EXCEEDED, NO_MEMORY);
        }
    } else {
        return WILCO_EPROTOCOL;
    }
    return conclude_again(c, &verdict);
}
