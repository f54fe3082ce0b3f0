#define _POSIX_C_SOURCE 200809L /* inet_ntop */

#include "broker/core/login.h"

#include "base/hash.h"
#include "base/secret.h"
#include "broker/core/auth.h"
#include "broker/core/handlers.h"
#include "broker/core/session.h"

#include <arpa/inet.h>
#include <assert.h>

#define NO_MEMORY "the broker has no memory for the authentication"
#define UNKNOWN   "the broker does not know this user any more"
#define TOO_LATE  "the authentication took too long: try again later"

/* Accounts. */

static bool
take_bytes(struct shard *s, size_t len)
{
    if (s->login_bytes + len > s->broker->settings.login_bytes_max) {
        return false;
    }
    s->login_bytes += len;
    return true;
}

static void
forget_bytes(struct conn *c)
{
    struct login *l = &c->auth->login;

    c->shard->login_bytes -= c->auth->connect_bytes + l->behind.len;
    auth_forget_connect(c->auth);
    buffer_fini(&l->behind);
}

/* Tickets. */

static uint64_t
hash_of(const struct shard *s, uint64_t number)
{
    return hash_bytes(span_of(&number, sizeof(number)), s->broker->hash_seed);
}

static struct conn *
find(const struct shard *s, uint64_t number)
{
    struct map_node *n = map_first(&s->logins, hash_of(s, number));

    while (n != NULL && CONTAINER_OF(n, struct login, by_ticket)->ticket != number) {
        n = map_next(n);
    }
    return n == NULL ? NULL : CONTAINER_OF(n, struct login, by_ticket)->conn;
}

static void
close_ticket(struct conn *c)
{
    struct login *l = &c->auth->login;

    if (l->ticket != 0) {
        map_remove(&c->shard->logins, &l->by_ticket);
        l->ticket = 0;
        forget_bytes(c);
    }
}

void
login_forget(struct conn *c)
{
    if (c->auth != NULL) {
        close_ticket(c);
    }
}

bool
login_is_pending(const struct conn *c)
{
    return c->auth != NULL && (c->auth->login.ticket != 0 || c->auth->login.refusal != 0);
}

/* What has ended is of no use to a connection that goes on, unless it has an end itself. */
static void
drop_unless_limited(struct conn *c)
{
    if (c->auth != NULL && c->auth->method == NULL && c->auth->ends_ms == UINT64_MAX) {
        auth_free(c->auth);
        c->auth = NULL;
    }
}

bool
login_limit(struct conn *c, uint64_t valid_ms)
{
    uint64_t left_ms = UINT64_MAX - c->shard->now_ms;

    if (valid_ms == 0) {
        if (c->auth != NULL) {
            c->auth->ends_ms = UINT64_MAX;
        }
        return true;
    }
    if (c->auth == NULL) {
        c->auth = auth_new(c->shard->broker->alloc, NULL, SPAN_EMPTY);
    }
    if (c->auth == NULL) {
        return false;
    }
    c->auth->ends_ms = valid_ms < left_ms ? c->shard->now_ms + valid_ms : UINT64_MAX;
    conn_update_timer(c);
    return true;
}

uint64_t
login_ends_ms(const struct conn *c)
{
    return c->auth == NULL ? UINT64_MAX : c->auth->ends_ms;
}

/* Verdicts. */

void
login_origin(struct conn *c, struct conn_origin *out)
{
    const struct broker_host *host = &c->shard->broker->host;

    *out = (struct conn_origin){.address_bytes = 0};
    if (host->describe != NULL) {
        host->describe(c, out);
    }
}

/* With what is needed to find out who it is, or to keep it out; never the password. */
static void
log_failure(struct conn *c, const struct wire_connect *p, const struct login_verdict *v)
{
    char from[INET6_ADDRSTRLEN] = "local";
    struct conn_origin origin;

    if (!log_gate_passes(c->shard)) {
        return;
    }
    login_origin(c, &origin);
    if (origin.address_bytes > 0) {
        (void)inet_ntop(origin.address_bytes == 4 ? AF_INET : AF_INET6, origin.address, from,
                        sizeof(from));
    }
    log_event(c->shard->broker->log, LOG_INFO, "login_failed",
              "from=%s client=%s user=%s reason=\"%s\" why=\"%s\"", from, LOG_TEXT(p->client_id),
              LOG_TEXT(p->user_name), wire_reason_text(v->reason_code),
              v->why == NULL ? "" : v->why);
}

static enum wilco_status
refuse(struct conn *c, const struct login_verdict *v)
{
    const struct wilco_alloc *a = c->shard->broker->alloc;

    if (v->delay_ms > 0 && c->auth == NULL) {
        c->auth = auth_new(a, NULL, SPAN_EMPTY);
    }
    if (v->delay_ms == 0 || c->auth == NULL) {
        return connect_turn_away(c, v->reason_code, v->why);
    }
    c->state = CONN_AUTHENTICATING;
    c->auth->login.refusal = v->reason_code;
    c->auth->login.why = v->why;
    wheel_start(&c->shard->wheel, &c->timer, c->shard->now_ms + v->delay_ms);
    return WILCO_AGAIN;
}

static enum wilco_status
conclude(struct conn *c, const struct wire_connect *p, const struct login_verdict *v)
{
    if (v->reason_code != WIRE_REASON_SUCCESS) {
        c->shard->stats.logins_failed++;
        log_failure(c, p, v);
        return refuse(c, v);
    }
    if (!login_limit(c, v->valid_ms)) {
        return connect_refuse(c, WIRE_REASON_QUOTA_EXCEEDED, NO_MEMORY);
    }
    c->login_is_revocable = v->is_revocable;
    return connect_accept(c, p, v->user);
}

/* The password has been copied by who checks it. */
static bool
begin_to_wait(struct conn *c, const struct wire_connect *p, struct span body, uint64_t number)
{
    struct shard *s = c->shard;
    struct auth *a = NULL;

    if (!take_bytes(s, body.len)) {
        return false;
    }
    a = auth_new(s->broker->alloc, NULL, body);
    if (a == NULL || map_add(&s->logins, &a->login.by_ticket, hash_of(s, number)) != WILCO_OK) {
        auth_free(a);
        s->login_bytes -= body.len;
        return false;
    }
    if (p->has_password) {
        secret_wipe(a->connect + (p->password.data - body.data), p->password.len);
    }
    buffer_init(&a->login.behind, s->broker->alloc, SIZE_MAX);
    a->login.conn = c;
    a->login.ticket = number;
    c->auth = a;
    c->state = CONN_AUTHENTICATING;
    return true;
}

enum wilco_status
login_begin(struct conn *c, const struct wire_connect *p, struct span body)
{
    const struct broker *b = c->shard->broker;
    const struct login_ticket ticket = {.shard = c->shard, .number = ++c->shard->last_login};
    struct conn_origin origin;
    const struct login_claim claim = {
        .entrance = c->entrance,
        .origin = &origin,
        .client_id = p->client_id,
        .has_user_name = p->has_user_name,
        .has_password = p->has_password,
        .user_name = p->user_name,
        .password = p->password,
        .now_ms = c->shard->now_ms,
    };
    struct login_verdict verdict = {.reason_code = WIRE_REASON_SUCCESS};

    login_origin(c, &origin);
    if (b->authenticator->check(b->authenticator->context, &claim, ticket, &verdict) ==
        LOGIN_DECIDED) {
        return conclude(c, p, &verdict);
    }
    return begin_to_wait(c, p, body, ticket.number)
               ? WILCO_AGAIN
               : connect_refuse(c, WIRE_REASON_SERVER_BUSY, NO_MEMORY);
}

void
login_keep(struct conn *c, struct span bytes)
{
    struct login *l = &c->auth->login;

    if (l->ticket == 0 || bytes.len == 0) { /* it will be refused: what it says does not matter */
        return;
    }
    if (!take_bytes(c->shard, bytes.len)) {
        (void)!connect_refuse(c, WIRE_REASON_QUOTA_EXCEEDED,
                              "too much has been sent before the CONNACK");
    } else if (buffer_append(&l->behind, bytes) != WILCO_OK) {
        c->shard->login_bytes -= bytes.len;
        (void)!connect_refuse(c, WIRE_REASON_QUOTA_EXCEEDED, NO_MEMORY);
    }
}

/* The authenticator may have been replaced since it was asked. */
static bool
is_outdated(const struct conn *c, const struct login_verdict *v)
{
    const struct authenticator *a = c->shard->broker->authenticator;

    return v->reason_code == WIRE_REASON_SUCCESS && v->is_revocable && a != NULL &&
           a->still_knows != NULL && !a->still_knows(a->context, c->entrance, v->user);
}

/* CONNECT is served as if it came now, and then what came behind it. */
static void
take_verdict(struct conn *c, const struct login_verdict *v)
{
    struct wire_connect p;
    struct span connect = span_of(c->auth->connect, c->auth->connect_bytes);
    struct buffer behind = c->auth->login.behind;
    struct login *l = &c->auth->login;
    enum wilco_status status = wire_connect_decode(&p, connect); /* it was decoded before */

    assert(status == WILCO_OK);
    c->shard->login_bytes -= behind.len;
    buffer_init(&l->behind, c->shard->broker->alloc, SIZE_MAX);
    map_remove(&c->shard->logins, &l->by_ticket);
    l->ticket = 0;
    status = is_outdated(c, v) ? connect_refuse(c, WIRE_REASON_NOT_AUTHORIZED, UNKNOWN)
                               : conclude(c, &p, v);
    c->shard->login_bytes -= c->auth->connect_bytes;
    auth_forget_connect(c->auth);
    if (c->state == CONN_CONNECTED) {
        drop_unless_limited(c);
        conn_go_on(c, buffer_span(&behind));
    }
    if (c->state == CONN_ENDING) {
        conn_leave(c);
    }
    conn_touch(c); /* it may be read again */
    buffer_fini(&behind);
    (void)status; /* WILCO_OK or WILCO_AGAIN */
}

void
login_timer_fired(struct conn *c)
{
    struct login *l = &c->auth->login;

    if (l->refusal != 0) {
        (void)!connect_turn_away(c, l->refusal, l->why);
        l->refusal = 0;
    } else {
        c->shard->stats.connect_timeouts++;
        close_ticket(c);
        (void)!connect_refuse(c, WIRE_REASON_SERVER_UNAVAILABLE, TOO_LATE);
    }
}

static bool
is_revoked(const struct authenticator *a, const struct session *s)
{
    return s->conn != NULL && s->conn->state == CONN_CONNECTED && s->conn->login_is_revocable &&
           !a->still_knows(a->context, s->conn->entrance, session_user(s));
}

void
login_review(struct shard *s)
{
    const struct authenticator *a = s->broker->authenticator;
    const struct map *sessions = &s->sessions.by_client_id;

    s->has_login_review = false;
    if (a == NULL || a->still_knows == NULL) {
        return;
    }
    for (struct map_node *n = map_walk(sessions, NULL); n != NULL; n = map_walk(sessions, n)) {
        struct session *session = CONTAINER_OF(n, struct session, by_client_id);

        if (is_revoked(a, session)) {
            conn_end_because(session->conn, WIRE_REASON_NOT_AUTHORIZED, UNKNOWN);
        }
    }
}

void
login_answer_send(struct login_answer *a)
{
    struct shard *s = a->ticket.shard;
    const struct broker_host *host = &s->broker->host;

    mailbox_push(&s->login_answers, &a->node); /* `a` may be gone then */
    if (host->wake != NULL) {
        host->wake(host->context, s->index);
    }
}

static void
read_answers(struct shard *s, bool is_wanted)
{
    struct mailbox_node *node = mailbox_take(&s->login_answers);

    while (node != NULL) {
        struct login_answer *a = CONTAINER_OF(node, struct login_answer, node);
        struct conn *c = is_wanted ? find(s, a->ticket.number) : NULL;

        node = node->next;
        if (c != NULL && c->state == CONN_AUTHENTICATING) {
            take_verdict(c, &a->verdict);
        }
        a->release(a);
    }
}

void
login_take_answers(struct shard *s)
{
    read_answers(s, true);
}

void
login_drop_answers(struct shard *s)
{
    read_answers(s, false);
}
