/* The life of a connection: CONN_AWAITS_CONNECT until on_connect() accepts, CONN_CONNECTED until
 * anything ends it, CONN_ENDING until its driver has written what waits. Packets go to their
 * handlers by a table; a handler may end the connection, and the session is left behind only after
 * it has returned, so that no handler loses the ground it stands on. */
#include "broker/core/conn.h"

#include "broker/core/account.h"
#include "broker/core/auth.h"
#include "broker/core/deliver.h"
#include "broker/core/explain.h"
#include "broker/core/handlers.h"
#include "broker/core/login.h"
#include "broker/core/reply.h"
#include "broker/core/request.h"
#include "broker/core/session.h"
#include "broker/core/share.h"
#include "link/fault.h"
#include "link/keep_alive.h"

#include <assert.h>
#include <stdio.h>

void
conn_init(struct conn *c, struct shard *s)
{
    const struct settings *limits = &s->broker->settings;

    *c = (struct conn){
        .shard = s,
        .entrance = &entrance_standard,
        .packet_bytes_max = UINT32_MAX,
        .state = CONN_AWAITS_CONNECT,
        .will_is_due = true,
        .wants_reasons = true,
        .packet_due_ms = UINT64_MAX,
        .timer = {.kind = SHARD_TIMER_CONN},
    };
    framer_init(&c->framer, s->broker->alloc, (size_t)limits->connect_bytes_max);
    /* [U-3.1.4-1] */
    wheel_start(&s->wheel, &c->timer, s->now_ms + limits->connect_timeout_ms);
}

static void
drop_aliases(struct conn *c) /* [MQTT-3.3.2-7] */
{
    const struct wilco_alloc *a = c->shard->broker->alloc;

    if (c->alias_in != NULL) {
        alias_in_fini(c->alias_in);
        mem_free(a, c->alias_in);
    }
    if (c->alias_out != NULL) {
        alias_out_fini(c->alias_out);
        mem_free(a, c->alias_out);
    }
}

void
conn_fini(struct conn *c)
{
    conn_leave(c);
    wheel_stop(&c->shard->wheel, &c->timer);
    list_remove(&c->dirty_link);
    framer_fini(&c->framer);
    output_clear(&c->output, &c->shard->output_pool);
    drop_aliases(c);
    login_forget(c);
    auth_free(c->auth);
    c->auth = NULL;
    conn_give_place_back(c);
    shard_settle(c->shard);
}

bool
conn_take_place(struct conn *c)
{
    struct broker *b = c->shard->broker;
    size_t others = atomic_fetch_add_explicit(&b->connection_count, 1, memory_order_relaxed);

    c->has_place = true;
    return others < b->settings.connections_max;
}

void
conn_give_place_back(struct conn *c)
{
    if (c->has_place) {
        c->has_place = false;
        (void)atomic_fetch_sub_explicit(&c->shard->broker->connection_count, 1,
                                        memory_order_relaxed);
    }
}

static void
make_dirty(struct conn *c, bool is_urgent)
{
    is_urgent = is_urgent || !shard_has_lane(c->shard);
    if (is_urgent && !c->is_urgent) {
        c->is_urgent = true;
        list_remove(&c->dirty_link);
    }
    if (!list_is_linked(&c->dirty_link)) {
        list_push_back(c->is_urgent ? &c->shard->dirty : &c->shard->dirty_bulk, &c->dirty_link);
    }
}

void
conn_touch_as(struct conn *c, bool is_urgent)
{
    if (!c->is_urgent || !list_is_linked(&c->dirty_link)) {
        make_dirty(c, is_urgent);
    }
    if (WILCO_UNLIKELY(conn_is_full(c)) && c->session != NULL) {
        deliver_update_presence(c->session);
    }
}

void
conn_touch(struct conn *c)
{
    conn_touch_as(c, !conn_is_bulk(c));
}

bool
conn_is_bulk(const struct conn *c)
{
    return c->plain_bytes > c->shard->broker->settings.bulk_read_bytes && shard_has_lane(c->shard);
}

void
conn_note_exchange(struct conn *c)
{
    c->plain_bytes = 0;
    shard_open_lane(c->shard);
}

bool
conn_is_full(const struct conn *c)
{
    return c->output.bytes >= c->shard->broker->settings.output_bytes_max;
}

bool
conn_wants_input(const struct conn *c)
{
    return c->state != CONN_ENDING && !conn_is_full(c) && !login_is_pending(c);
}

bool
conn_is_over(const struct conn *c)
{
    return c->state == CONN_ENDING && output_is_empty(&c->output);
}

void
conn_wrote(struct conn *c, size_t len)
{
    c->shard->stats.bytes_sent += len;
    output_consume(&c->output, &c->shard->output_pool, len);
    c->is_urgent = c->is_urgent && !output_is_empty(&c->output);
    if (c->session != NULL) {
        deliver_waiting(c->session); /* or finds that something has waited too long */
        shard_settle(c->shard);
    }
}

void
conn_leave(struct conn *c)
{
    struct session *s = c->session;

    if (s != NULL) {
        s = session_detach(s, c->will_is_due);
    }
    if (s != NULL) {
        share_member_left(s);
        request_holder_left(s);
    }
}

static void
begin_ending(struct conn *c)
{
    c->state = CONN_ENDING;
    conn_touch(c);
    if (c->session != NULL) {
        deliver_update_presence(c->session);
    }
}

void
conn_break(struct conn *c)
{
    output_clear(&c->output, &c->shard->output_pool);
    begin_ending(c);
}

void
conn_end(struct conn *c, uint8_t reason_code)
{
    conn_end_because(c, reason_code, explain(WIRE_DISCONNECT, reason_code));
}

void
conn_end_because(struct conn *c, uint8_t reason_code, const char *why)
{
    struct wire_any packet = {
        .type = WIRE_DISCONNECT,
        .as.disconnect = {.reason_code = reason_code},
    };

    if (c->state != CONN_ENDING) {
        stats_count_reason(&c->shard->stats, reason_code);
    }
    /* [MQTT-3.14.0-1]; and only MQTT 5.0 has a DISCONNECT from the server. */
    if (c->state == CONN_CONNECTED && c->version == WIRE_V5) {
        (void)reply_with_reason(c, &packet, &packet.as.disconnect.properties, why);
    }
    begin_ending(c);
}

void
conn_refuse(struct conn *c, uint8_t reason_code)
{
    conn_refuse_because(c, reason_code, explain(WIRE_DISCONNECT, reason_code));
}

void
conn_refuse_because(struct conn *c, uint8_t reason_code, const char *why)
{
    c->shard->stats.protocol_errors++;
    if (log_gate_passes(c->shard)) {
        log_event(c->shard->broker->log, LOG_INFO, "protocol_error",
                  "client=%s reason=\"%s\" why=\"%s\"",
                  c->session == NULL ? "\"\"" : LOG_TEXT(session_client_id(c->session)),
                  wire_reason_text(reason_code), why == NULL ? "" : why);
    }
    conn_end_because(c, reason_code, why);
}

void
conn_lost(struct conn *c)
{
    conn_break(c);
    conn_leave(c);
    shard_settle(c->shard);
}

static enum wilco_status
on_not_for_servers(struct conn *c, const struct frame *f)
{
    char why[EXPLAIN_BYTES_MAX] = "a second CONNECT on the same connection";

    if (f->type != WIRE_CONNECT) {
        (void)snprintf(why, sizeof(why), "a client must not send %s", wire_type_name(f->type));
    }
    conn_refuse_because(c, WIRE_REASON_PROTOCOL_ERROR, why);
    return WILCO_OK;
}

static enum wilco_status
handle(struct conn *c, const struct frame *f)
{
    static enum wilco_status (*const handlers[16])(struct conn *, const struct frame *) = {
        [0] = on_not_for_servers,
        [WIRE_CONNECT] = on_not_for_servers, /* a second one [MQTT-3.1.0-2] */
        [WIRE_CONNACK] = on_not_for_servers,
        [WIRE_PUBLISH] = on_publish,
        [WIRE_PUBACK] = on_puback,
        [WIRE_PUBREC] = on_pubrec,
        [WIRE_PUBREL] = on_pubrel,
        [WIRE_PUBCOMP] = on_pubcomp,
        [WIRE_SUBSCRIBE] = on_subscribe,
        [WIRE_SUBACK] = on_not_for_servers,
        [WIRE_UNSUBSCRIBE] = on_unsubscribe,
        [WIRE_UNSUBACK] = on_not_for_servers,
        [WIRE_PINGREQ] = on_pingreq,
        [WIRE_PINGRESP] = on_not_for_servers,
        [WIRE_DISCONNECT] = on_disconnect,
        [WIRE_AUTH] = on_auth,
    };

    if (c->state == CONN_AWAITS_CONNECT) {
        return on_connect(c, f);
    }
    return c->state == CONN_AUTHENTICATING ? on_authenticating(c, f) : handlers[f->type](c, f);
}

/* The first packet of a connection is known by its first byte, so nothing is kept of another
 * [MQTT-3.1.0-1]. */
static bool
is_not_connect(const struct conn *c, struct span bytes)
{
    return c->state == CONN_AWAITS_CONNECT && !framer_is_partial(&c->framer) && bytes.len > 0 &&
           bytes.data[0] >> 4 != WIRE_CONNECT;
}

/* `frame` is the packet that was not taken, or NULL when none could be cut out. */
static void
refuse_input(struct conn *c, const struct frame *frame, enum wilco_status status)
{
    char why[EXPLAIN_BYTES_MAX] = "a malformed fixed header";

    if (frame != NULL || status != WILCO_EMALFORMED) {
        explain_fault(frame == NULL ? WIRE_DISCONNECT : frame->type, status, why);
    }
    if (c->state == CONN_AUTHENTICATING) {
        c->shard->stats.protocol_errors++;
        (void)!connect_refuse(c, fault_reason(status), why);
    } else {
        conn_refuse_because(c, fault_reason(status), why);
    }
}

/* Gives a packet of which a part has come so long to be whole; bytes that trickle in do not help.
 * Whole packets cost no more than the look whether there is a part of another. */
static void
watch_for_whole(struct conn *c, bool is_another)
{
    const struct settings *limits = &c->shard->broker->settings;

    if (!framer_is_partial(&c->framer)) {
        c->packet_due_ms = UINT64_MAX;
    } else if (is_another || c->packet_due_ms == UINT64_MAX) {
        c->packet_due_ms = c->shard->now_ms + limits->packet_timeout_ms;
        if (!timer_is_running(&c->timer) || c->timer.deadline_ms > c->packet_due_ms) {
            wheel_start(&c->shard->wheel, &c->timer, c->packet_due_ms);
        }
    }
}

/* What could be refused was; this is the rest. */
static void
watch_account(struct conn *c)
{
    if (WILCO_UNLIKELY(account_is_over(c))) {
        conn_refuse_because(c, WIRE_REASON_QUOTA_EXCEEDED,
                            "the broker keeps more for this client than client_bytes_max allows");
        conn_leave(c);
    }
}

static void
count_plain(struct conn *c, size_t len)
{
    uint64_t sum = (uint64_t)c->plain_bytes + len;

    c->plain_bytes = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

void
conn_go_on(struct conn *c, struct span bytes)
{
    size_t packets = 0;
    struct frame frame;
    const struct frame *at = NULL;
    enum wilco_status status = WILCO_OK;

    while (c->state != CONN_ENDING && status == WILCO_OK) {
        status = framer_next(&c->framer, &bytes, &frame);
        at = status == WILCO_OK ? &frame : NULL;
        if (status == WILCO_OK) {
            packets++;
            c->last_packet_ms = c->shard->now_ms;
            c->shard->stats.received[frame.type]++;
            status = handle(c, &frame);
        }
    }
    if (status != WILCO_OK && status != WILCO_AGAIN && c->state != CONN_ENDING) {
        refuse_input(c, at, status);
    }
    if (c->state == CONN_ENDING) {
        conn_leave(c);
    } else if (c->state == CONN_CONNECTED) {
        watch_for_whole(c, packets > 0);
        watch_account(c);
    } else if (login_is_pending(c)) {
        login_keep(c, bytes);
    }
}

void
conn_feed(struct conn *c, struct span bytes)
{
    c->shard->stats.bytes_received += bytes.len;
    count_plain(c, bytes.len);
    if (is_not_connect(c, bytes)) {
        conn_break(c);
    }
    if (WILCO_UNLIKELY(c->state == CONN_AUTHENTICATING) && login_is_pending(c)) {
        login_keep(c, bytes);
    } else {
        conn_go_on(c, bytes);
    }
    shard_settle(c->shard);
}

void
conn_start(struct conn *c)
{
    c->state = CONN_CONNECTED;
    c->last_packet_ms = c->shard->now_ms;
    framer_limit(&c->framer, (size_t)c->shard->broker->settings.packet_bytes_max);
    c->framer.ignores_dup = c->version == WIRE_V31;
    conn_update_timer(c);
}

/* What the timer of a connected client waits for; UINT64_MAX: nothing. */
static uint64_t
next_deadline_ms(struct conn *c)
{
    uint64_t keep_alive_ms = keep_alive_server_deadline_ms(c->keep_alive_s, c->last_packet_ms);
    uint64_t login_ms = login_ends_ms(c);
    uint64_t due_ms = keep_alive_ms < login_ms ? keep_alive_ms : login_ms;

    if (c->packet_due_ms <= c->shard->now_ms && conn_is_full(c)) { /* it is we who do not read */
        c->packet_due_ms = c->shard->now_ms + c->shard->broker->settings.packet_timeout_ms;
    }
    return due_ms < c->packet_due_ms ? due_ms : c->packet_due_ms;
}

void
conn_update_timer(struct conn *c)
{
    uint64_t deadline_ms = UINT64_MAX;

    if (c->state != CONN_CONNECTED) {
        return; /* conn_start() comes later, or it ends */
    }
    deadline_ms = next_deadline_ms(c);
    wheel_stop(&c->shard->wheel, &c->timer);
    if (deadline_ms != UINT64_MAX) {
        wheel_start(&c->shard->wheel, &c->timer, deadline_ms);
    }
}

/* Something is overdue. */
static void
give_up_waiting(struct conn *c)
{
    if (login_ends_ms(c) <= c->shard->now_ms) {
        conn_end_because(c, WIRE_REASON_NOT_AUTHORIZED, "the credentials are no longer valid");
    } else if (c->packet_due_ms <= c->shard->now_ms) {
        conn_refuse_because(c, WIRE_REASON_QUOTA_EXCEEDED, "a packet took too long to arrive");
    } else {
        conn_end(c, WIRE_REASON_KEEP_ALIVE_TIMEOUT); /* [MQTT-3.1.2-22] */
    }
    conn_leave(c);
}

void
conn_timer_fired(struct conn *c)
{
    uint64_t deadline_ms = next_deadline_ms(c);

    if (login_is_pending(c)) {
        login_timer_fired(c);
    } else if (c->state == CONN_AWAITS_CONNECT || c->state == CONN_AUTHENTICATING) {
        c->shard->stats.connect_timeouts++;
        conn_break(c);
    } else if (c->state == CONN_CONNECTED && deadline_ms <= c->shard->now_ms) {
        give_up_waiting(c);
    } else if (c->state == CONN_CONNECTED && deadline_ms != UINT64_MAX) {
        wheel_start(&c->shard->wheel, &c->timer, deadline_ms); /* packets have come since */
    }
}
