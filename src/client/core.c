#include "client/core.h"

#include "client/core_private.h"
#include "client/explain.h"
#include "link/fault.h"
#include "link/keep_alive.h"

#include <stdio.h>
#include <string.h>

#define POOL_FREE_BYTES    65536U
#define CONNECT_TIMEOUT_MS 10000U
#define PACKET_BYTES_MAX   (16U << 20)
#define PENDING_MAX        65536U
#define RETRY_PERCENT      20U
#define QUEUE_BYTES_MAX    (16U << 20)
#define MORE_MAX           100U /* bytes of a server's text that are shown */

enum wilco_status
core_fault(struct core *c, enum wilco_status status, uint8_t reason_code, const char *text)
{
    c->fault_reason = reason_code;
    c->fault_text = text;
    return status;
}

static void
init_session(struct core *c, const struct wilco_options *o)
{
    output_pool_init(&c->pool, c->alloc, POOL_FREE_BYTES);
    buffer_init(&c->authentication.method, c->alloc, UINT16_MAX);
    buffer_init(&c->authentication.data, c->alloc, UINT16_MAX);
    buffer_init(&c->assigned_inbox, c->alloc, UINT16_MAX);
    buffer_init(&c->former_inbox, c->alloc, UINT16_MAX);
    c->packet_bytes_max = o->packet_bytes_max == 0 ? PACKET_BYTES_MAX : o->packet_bytes_max;
    framer_init(&c->framer, c->alloc, c->packet_bytes_max);
    alias_in_init(&c->aliases, c->alloc, ALIAS_MAXIMUM);
    send_window_init(&c->sent, c->alloc);
    c->receive_maximum = o->receive_maximum == 0 ? UINT16_MAX : o->receive_maximum;
    receive_window_init(&c->received, c->alloc, UINT16_MAX);
    receive_window_init(&c->unacknowledged, c->alloc, UINT16_MAX);
    receive_window_init(&c->unrepeated, c->alloc, UINT16_MAX);
    c->account.alloc = c->alloc;
    c->queue_bytes_max = o->queue_bytes_max == 0 ? QUEUE_BYTES_MAX : o->queue_bytes_max;
    c->keep_session = o->keep_session;
    c->unmatched = o->unmatched;
    c->unmatched_context = o->context;
    list_init(&c->queue);
    list_init(&c->events);
    list_init(&c->awaited);
    c->connected.kind = EVENT_STATE;
    c->disconnected.kind = EVENT_STATE;
    c->tells_state = o->state_changed != NULL;
    core_init_reconnecting(c, o);
}

static enum wilco_status
init_secrets(struct core *c, const struct wilco_options *o, uint64_t now_ms)
{
    size_t prefix = sizeof(INBOX_PREFIX) - 1;
    uint64_t seed = 0;
    enum wilco_status st = random_u64(c->random, &seed);

    subscriptions_init(&c->subscriptions, c->alloc, seed);
    requester_init(&c->requester, c->alloc, seed,
                   o->pending_max == 0 ? PENDING_MAX : o->pending_max,
                   o->retry_percent == 0 ? RETRY_PERCENT : o->retry_percent, now_ms);
    core_calls_init(c, seed);
    memcpy(c->inbox, INBOX_PREFIX, prefix);
    return st == WILCO_OK ? random_token(c->random, c->inbox + prefix, INBOX_RANDOM_CHARS) : st;
}

uint32_t
core_connect_timeout_ms(const struct wilco_options *o)
{
    return o->connect_timeout_ms == 0 ? CONNECT_TIMEOUT_MS : o->connect_timeout_ms;
}

enum wilco_status
core_new(struct core **out, const struct core_config *config, struct wilco_error *why)
{
    const struct wilco_options *o = config->options;
    struct core *c = mem_zalloc(config->alloc, sizeof(*c));
    enum wilco_status st = WILCO_OK;

    if (c == NULL) {
        return WILCO_ENOMEM;
    }
    c->alloc = config->alloc;
    c->random = config->random;
    c->now_ms = config->now_ms;
    c->unix_offset_ms = config->unix_ms - config->now_ms;
    c->connect_timeout_ms = core_connect_timeout_ms(o);
    init_session(c, o);
    core_init_limits(c);
    st = init_secrets(c, o, config->now_ms);
    if (st == WILCO_OK && o->unmatched_request != NULL) {
        st = responder_new(&c->calls.unmatched, c->alloc, NULL, o->unmatched_request, o->context);
    }
    if (st == WILCO_OK) {
        st = core_make_connect(c, config, why);
    }
    if (st == WILCO_OK) {
        st = core_connect(c);
    }
    if (st != WILCO_OK) {
        core_free(c);
        return st;
    }
    *out = c;
    return WILCO_OK;
}

void
core_free(struct core *c)
{
    if (c == NULL) {
        return;
    }
    core_end(c, WILCO_ECLOSED, 0, "", SPAN_EMPTY);
    core_drop_events(c);
    core_calls_fini(c);
    output_clear(&c->output, &c->pool);
    output_pool_fini(&c->pool);
    framer_fini(&c->framer);
    alias_in_fini(&c->aliases);
    send_window_fini(&c->sent);
    receive_window_fini(&c->received);
    receive_window_fini(&c->unacknowledged);
    receive_window_fini(&c->unrepeated);
    subscriptions_fini(&c->subscriptions);
    requester_fini(&c->requester);
    core_auth_fini(c);
    buffer_fini(&c->assigned_inbox);
    buffer_fini(&c->former_inbox);
    buffer_fini(&c->connect);
    mem_free(c->alloc, c->client_id);
    mem_free(c->alloc, c);
}

enum core_state
core_state(const struct core *c)
{
    return c->state;
}

enum wilco_status
core_why(const struct core *c, struct wilco_error *why)
{
    *why = c->why;
    return c->status;
}

const char *
core_client_id(const struct core *c)
{
    return c->client_id == NULL ? "" : c->client_id;
}

/* "text: more: Words of the standard (0xNN)", as far as there is something to say. */
static void
explain(struct wilco_error *why, uint8_t reason_code, const char *text, struct span more)
{
    char reason[64] = "";

    *why = (struct wilco_error){.reason_code = reason_code};
    if (reason_code != 0) {
        (void)snprintf(reason, sizeof(reason), ": %s (0x%02X)", wire_reason_text(reason_code),
                       (unsigned)reason_code);
    }
    if (more.len == 0) {
        (void)snprintf(why->text, sizeof(why->text), "%s%s", text, reason);
    } else {
        (void)snprintf(why->text, sizeof(why->text), "%s: %.*s%s", text,
                       (int)(more.len < MORE_MAX ? more.len : MORE_MAX), (const char *)more.data,
                       reason);
    }
    explain_in_one_line(why);
}

void
core_end(struct core *c, enum wilco_status status, uint8_t reason_code, const char *text,
         struct span more)
{
    if (c->state == CORE_CLOSED) {
        return;
    }
    c->status = c->again.was_ready ? WILCO_ECLOSED : status;
    c->state = CORE_CLOSED;
    explain(&c->why, reason_code, text, more);
    core_abandon_publications(c);
    core_abandon_requests(c);
}

void
core_break(struct core *c, enum wilco_status status, uint8_t reason_code, const char *text,
           struct span more)
{
    if (!core_is_connected(c)) {
        return;
    }
    if (core_may_try_again(c, reason_code)) {
        explain(&c->why, reason_code, text, more);
        core_wait(c);
    } else {
        core_end(c, status, reason_code, text, more);
    }
}

static bool
say_goodbye(struct core *c, uint8_t reason_code)
{
    struct wire_any packet = {.type = WIRE_DISCONNECT, .as.disconnect.reason_code = reason_code};

    return core_send(c, &packet) == WILCO_OK;
}

/* Nobody comes back for the session that was kept only so that we can. */
static bool
say_farewell(struct core *c)
{
    struct wire_any packet = {.type = WIRE_DISCONNECT};

    if (c->again.ends_session) {
        packet.as.disconnect.properties.session_expiry_interval = 0;
        wire_properties_set(&packet.as.disconnect.properties, WIRE_SESSION_EXPIRY_INTERVAL);
    }
    return core_send(c, &packet) == WILCO_OK;
}

static const char *
default_text(enum wilco_status status)
{
    if (status == WILCO_ENOMEM) {
        return "out of memory";
    }
    return status == WILCO_ELIMIT ? "the server sent a packet larger than we accept"
                                  : "the server broke the protocol";
}

void
core_fail(struct core *c, enum wilco_status status)
{
    uint8_t reason_code = c->fault_reason != 0 ? c->fault_reason : fault_reason(status);
    const char *text = c->fault_text != NULL ? c->fault_text : default_text(status);

    if (c->state == CORE_OPEN) {
        (void)say_goodbye(c, reason_code); /* [MQTT-4.13.2-1]: closed, said or not */
    }
    core_end(c, status == WILCO_ENOMEM ? WILCO_ENOMEM : WILCO_EPROTOCOL, reason_code, text,
             SPAN_EMPTY);
}

void
core_give_up(struct core *c, const char *text)
{
    if (c->state == CORE_OPEN) {
        (void)say_goodbye(c, WIRE_REASON_UNSPECIFIED_ERROR);
    }
    core_end(c, WILCO_ECONNECT, 0, text, SPAN_EMPTY);
}

void
core_lost(struct core *c, const char *text, uint64_t now_ms)
{
    c->now_ms = now_ms;
    core_break(c, WILCO_ECONNECT, 0, text, SPAN_EMPTY);
    if (c->state == CORE_WAITING) {
        core_discard_output(c);
    }
}

void
core_close(struct core *c)
{
    c->is_closing = true;
    if (c->state == CORE_OPEN) {
        (void)say_farewell(c);
    }
    core_end(c, WILCO_ECLOSED, 0, "the client was closed", SPAN_EMPTY);
}

void
core_sent(struct core *c)
{
    c->last_sent_ms = c->now_ms;
}

/* For a packet that does not fit into a chunk of output. */
static enum wilco_status
send_large(struct core *c, const struct wire_any *packet, size_t len)
{
    uint8_t *bytes = mem_alloc(c->alloc, len);
    struct wire_writer w = wire_writer_init(bytes, len);
    enum wilco_status st = WILCO_ENOMEM;

    if (bytes != NULL) {
        wire_any_encode(&w, packet, WIRE_V5);
        st = output_copy(&c->output, &c->pool, span_of(bytes, len));
    }
    mem_free(c->alloc, bytes);
    return st;
}

static enum wilco_status
send_small(struct core *c, const struct wire_any *packet, size_t len)
{
    uint8_t *bytes = output_reserve(&c->output, &c->pool, len);
    struct wire_writer w = wire_writer_init(bytes, len);

    if (bytes == NULL) {
        return WILCO_ENOMEM;
    }
    wire_any_encode(&w, packet, WIRE_V5);
    output_commit(&c->output, len);
    return WILCO_OK;
}

enum wilco_status
core_send(struct core *c, const struct wire_any *packet)
{
    struct wire_writer measured = wire_writer_measure();
    size_t len = 0;
    enum wilco_status st;

    wire_any_encode(&measured, packet, WIRE_V5);
    st = wire_writer_finish(&measured, &len);
    if (st != WILCO_OK && st != WILCO_AGAIN) {
        return st;
    }
    if (len > c->server.packet_bytes_max) {
        return WILCO_ELIMIT; /* [MQTT-3.2.2-15] */
    }
    st = len <= OUTPUT_CHUNK_BYTES ? send_small(c, packet, len) : send_large(c, packet, len);
    if (st == WILCO_OK) {
        core_sent(c);
    }
    return st;
}

size_t
core_output(const struct core *c, struct span *spans, size_t max)
{
    return output_spans(&c->output, spans, max);
}

void
core_wrote(struct core *c, size_t len)
{
    output_consume(&c->output, &c->pool, len);
}

void
core_discard_output(struct core *c)
{
    output_clear(&c->output, &c->pool);
}

bool
core_has_output(const struct core *c)
{
    return !output_is_empty(&c->output);
}

/* When to send PINGREQ, or to give the server up. */
static uint64_t
keep_alive_deadline_ms(const struct core *c)
{
    if (c->pong_deadline_ms != UINT64_MAX) {
        return c->pong_deadline_ms;
    }
    return keep_alive_ping_deadline_ms(c->server.keep_alive_s, c->last_sent_ms);
}

uint64_t
core_deadline_ms(const struct core *c)
{
    uint64_t next_ms = requester_deadline_ms(&c->requester);
    uint64_t calls_ms = wheel_next_ms(&c->calls.timers);
    uint64_t own_ms = UINT64_MAX;

    switch (c->state) {
    case CORE_CONNECTING: own_ms = c->connect_deadline_ms; break;
    case CORE_OPEN: own_ms = keep_alive_deadline_ms(c); break;
    case CORE_WAITING: own_ms = c->again.deadline_ms; break;
    case CORE_CLOSED: return UINT64_MAX;
    }
    next_ms = calls_ms < next_ms ? calls_ms : next_ms;
    return next_ms < own_ms ? next_ms : own_ms;
}

static void
keep_alive(struct core *c)
{
    struct wire_any ping = {.type = WIRE_PINGREQ};

    if (c->now_ms < keep_alive_deadline_ms(c)) {
        return;
    }
    if (c->pong_deadline_ms != UINT64_MAX) {
        (void)say_goodbye(c, WIRE_REASON_UNSPECIFIED_ERROR);
        core_break(c, WILCO_ECONNECT, WIRE_REASON_UNSPECIFIED_ERROR,
                   "the server does not answer PINGREQ", SPAN_EMPTY);
    } else if (core_send(c, &ping) != WILCO_OK) { /* [MQTT-3.1.2-20] */
        core_fail(c, WILCO_ENOMEM);
    } else {
        c->pong_deadline_ms = keep_alive_pong_deadline_ms(c->server.keep_alive_s, c->now_ms);
    }
}

static void
connect_again(struct core *c)
{
    if (core_connect(c) != WILCO_OK) {
        core_fail(c, WILCO_ENOMEM);
    }
}

void
core_tick(struct core *c, uint64_t now_ms)
{
    c->now_ms = now_ms;
    if (c->state == CORE_CLOSED) {
        return;
    }
    core_tick_requests(c);
    core_calls_tick(c);
    if (c->state == CORE_CONNECTING && now_ms >= c->connect_deadline_ms) {
        core_break(c, WILCO_ETIMEDOUT, 0, "the server did not answer in time", SPAN_EMPTY);
    } else if (c->state == CORE_WAITING && now_ms >= c->again.deadline_ms) {
        connect_again(c);
    } else if (c->state == CORE_OPEN) {
        keep_alive(c);
    }
}

uint64_t
core_connect_deadline_ms(const struct core *c)
{
    return c->connect_deadline_ms;
}

unsigned
core_connection(const struct core *c)
{
    return c->connection;
}

size_t
core_inbox(const struct core *c, char *out, size_t size)
{
    struct span inbox = buffer_span(&c->assigned_inbox);

    if (size > 0) {
        size_t len = inbox.len < size ? inbox.len : size - 1;

        if (len > 0) {
            memcpy(out, inbox.data, len);
        }
        out[len] = '\0';
    }
    return inbox.len;
}

void
core_counters(const struct core *c, struct wilco_counters *out)
{
    *out = c->requester.counters;
    out->calls = c->calls.count;
    out->calls_expired = c->calls.expired_count;
    out->calls_cancelled = c->calls.cancelled_count;
    out->calls_refused = c->calls.refused_count;
    out->calls_busy = c->calls.busy_count;
    out->calls_repeated = c->calls.repeated_count;
    out->answers_forgotten = c->calls.forgotten_count;
    out->controls_unknown = c->calls.unknown_count;
    out->not_requests = c->not_requests;
    out->messages_unmatched = c->messages_unmatched;
    out->pending = requester_pending(&c->requester);
}
