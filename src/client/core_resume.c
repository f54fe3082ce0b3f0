#include "client/core_private.h"

/* A connection that ends does not end the session (MQTT 5.0, 4.1): the client connects again, after
 * a delay that doubles while that does not help, and goes on. If the server has kept the session,
 * what it has not acknowledged is sent again as it was [MQTT-4.4.0-1], and what we have not
 * acknowledged comes again. If it has not, its part of the session is made anew: subscriptions are
 * asked for again, and publications sent as new ones, unless they may have been taken already and
 * must not be twice. */

#define RETRY_MIN_MS 100U
#define RETRY_MAX_MS 30000U

/* What may be otherwise at the next attempt. The rest is about who we are or what we do, and would
 * be said again; above all a session that was taken over is not fought for. */
static bool
is_transient(uint8_t reason_code)
{
    switch (reason_code) {
    case WIRE_REASON_SUCCESS: /* none was given, or the server just ended it */
    case WIRE_REASON_UNSPECIFIED_ERROR:
    case WIRE_REASON_IMPLEMENTATION_SPECIFIC_ERROR:
    case WIRE_REASON_SERVER_UNAVAILABLE:
    case WIRE_REASON_SERVER_BUSY:
    case WIRE_REASON_SERVER_SHUTTING_DOWN:
    case WIRE_REASON_KEEP_ALIVE_TIMEOUT:
    case WIRE_REASON_MESSAGE_RATE_TOO_HIGH:
    case WIRE_REASON_QUOTA_EXCEEDED:
    case WIRE_REASON_CONNECTION_RATE_EXCEEDED:
    case WIRE_REASON_MAXIMUM_CONNECT_TIME: return true;
    default: return false;
    }
}

void
core_init_reconnecting(struct core *c, const struct wilco_options *o)
{
    struct reconnecting *r = &c->again;

    r->is_on = !o->reconnect_off;
    r->open_offline = o->open_offline;
    r->ends_session = r->is_on && o->session_expiry_s == 0;
    r->min_ms = o->reconnect_min_ms == 0 ? RETRY_MIN_MS : o->reconnect_min_ms;
    r->max_ms = o->reconnect_max_ms == 0 ? RETRY_MAX_MS : o->reconnect_max_ms;
    r->max_ms = r->max_ms < r->min_ms ? r->min_ms : r->max_ms;
}

bool
core_may_try_again(const struct core *c, uint8_t reason_code)
{
    const struct reconnecting *r = &c->again;

    return r->is_on && (r->was_open || r->open_offline) && is_transient(reason_code);
}

/* The delays begin anew once a connection has lasted longer than the delay before it. */
static uint32_t
next_limit_ms(const struct core *c)
{
    const struct reconnecting *r = &c->again;
    bool has_lasted = c->state == CORE_OPEN && c->now_ms - r->connected_ms >= r->delay_ms;

    if (r->limit_ms == 0 || has_lasted) {
        return r->min_ms;
    }
    return r->limit_ms > r->max_ms / 2 ? r->max_ms : r->limit_ms * 2;
}

void
core_wait(struct core *c)
{
    struct reconnecting *r = &c->again;
    uint64_t random = 0;

    r->limit_ms = next_limit_ms(c);
    if (random_u64(c->random, &random) != WILCO_OK) {
        random = 0;
    }
    /* Those who lost the same server do not come back all at once. */
    r->delay_ms = r->limit_ms - (uint32_t)(random % (r->limit_ms / 2 + 1));
    r->deadline_ms = c->now_ms + r->delay_ms;
    c->state = CORE_WAITING;
    core_requests_after_loss(c);
    core_push_state(c, false);
}

/* Every entry of the window is one of an earlier connection now. */
static void
mark_sent_earlier(struct core *c)
{
    c->unsent = 0;
    c->overdrawn = 0;
    for (struct send_entry *e = send_window_first(&c->sent); e != NULL;
         e = send_window_next(&c->sent, e)) {
        e->detail = SENT_EARLIER;
        if (e->stage == SEND_AWAITS_PUBACK || e->stage == SEND_AWAITS_PUBREC) {
            c->unsent++;
            core_note_resent(e->item);
        }
    }
}

/* Takes quota for an exchange that goes on without its PUBLISH being sent again. It cannot be held
 * back. */
static void
charge(struct core *c)
{
    c->overdrawn += !send_window_resend(&c->sent);
}

void
core_answered(struct core *c, struct send_entry *entry)
{
    if (entry->detail == SENT_EARLIER) {
        entry->detail = SENT_NOW;
        c->unsent--;
        charge(c);
    }
}

void
core_finished(struct core *c, struct send_entry *entry)
{
    send_window_remove(&c->sent, entry);
    if (c->overdrawn > 0) {
        c->overdrawn--;
        (void)send_window_resend(&c->sent); /* what this one gives back is owed */
    }
}

enum wilco_status
core_send_again(struct core *c)
{
    struct send_entry *entry = c->unsent == 0 ? NULL : send_window_first(&c->sent);
    enum wilco_status st = WILCO_OK;

    while (st == WILCO_OK && entry != NULL && c->unsent > 0) {
        if (entry->detail == SENT_EARLIER) {
            if (!send_window_resend(&c->sent)) {
                return WILCO_OK;
            }
            entry->detail = SENT_NOW;
            c->unsent--;
            outgoing_set_dup(entry->item, true); /* [MQTT-3.3.1-1] */
            st = core_put(c, entry->item);
        }
        entry = send_window_next(&c->sent, entry);
    }
    return st;
}

static enum wilco_status
release_again(struct core *c)
{
    enum wilco_status st = WILCO_OK;

    for (struct send_entry *e = send_window_first(&c->sent); st == WILCO_OK && e != NULL;
         e = send_window_next(&c->sent, e)) {
        if (e->stage == SEND_AWAITS_PUBCOMP) {
            e->detail = SENT_NOW;
            charge(c);
            st = core_send_ack(c, WIRE_PUBREL, e->packet_id, WIRE_REASON_SUCCESS);
        }
    }
    return st;
}

/* What becomes of a publication that a forgotten session had been given. It goes to `again`, to be
 * sent as a new one, or it has ended: a request, which may have been executed, as lost. */
static void
take_over(struct core *c, struct outgoing *o, enum send_stage stage, struct list *again)
{
    if (stage == SEND_AWAITS_PUBCOMP) {
        core_settle(c, o, WILCO_OK, o->reason_code);
    } else if (o->is_request) {
        core_settle(c, o, WILCO_ELOST, 0);
    } else {
        outgoing_set_dup(o, false);
        list_push_back(again, &o->event.link);
    }
}

/* They go before what has not been sent yet. */
static void
take_over_publications(struct core *c)
{
    struct send_entry *next = NULL;
    struct list again;

    list_init(&again);
    for (struct send_entry *e = send_window_first(&c->sent); e != NULL; e = next) {
        struct outgoing *o = e->stage == SEND_OTHER ? NULL : e->item;
        enum send_stage stage = (enum send_stage)e->stage;

        next = send_window_next(&c->sent, e);
        if (o != NULL) {
            send_window_remove(&c->sent, e);
            take_over(c, o, stage, &again);
        }
    }
    list_append(&again, &c->queue);
    list_append(&c->queue, &again);
}

/* [MQTT-3.2.2-5] */
static void
begin_anew(struct core *c)
{
    c->session++;
    core_forget_received(c);
    core_requests_after_reconnect(c, false);
    core_drop_sendings(c);
    core_arrivals_after_loss(c);
    take_over_publications(c);
}

enum wilco_status
core_resume(struct core *c)
{
    bool is_lost = c->again.is_lost;
    enum wilco_status st = WILCO_OK;

    c->again.is_lost = false;
    c->again.was_ready = true;
    if (is_lost) {
        begin_anew(c);
    } else {
        st = core_expect_repetitions(c);
        core_requests_after_reconnect(c, true);
    }
    mark_sent_earlier(c);
    if (st == WILCO_OK) {
        st = core_follow_inbox(c);
    }
    if (is_lost) {
        core_renew_subscriptions(c);
    }
    if (st == WILCO_OK) {
        st = core_send_operations(c);
    }
    if (st == WILCO_OK) {
        st = release_again(c);
    }
    core_push_state(c, true);
    return st == WILCO_OK ? core_pump_all(c) : st;
}
