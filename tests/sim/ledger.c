#include "ledger.h"

#include <string.h>

void
ledger_init(struct ledger *l, struct sim *s)
{
    *l = (struct ledger){.sim = s};
}

struct inquiry *
ledger_new(struct ledger *l)
{
    struct inquiry *a = &l->asks[l->count];

    if (l->count == LEDGER_MAX) {
        return NULL;
    }
    *a = (struct inquiry){.sim = l->sim, .number = l->count, .deadline_ms = UINT64_MAX};
    l->count++;
    return a;
}

struct inquiry *
ledger_at(struct ledger *l, unsigned number)
{
    return number < l->count ? &l->asks[number] : NULL;
}

struct inquiry *
ledger_by_correlation(struct ledger *l, struct span correlation)
{
    for (unsigned i = 0; i < l->count; i++) {
        if (span_equal(span_of_text(l->asks[i].correlation), correlation)) {
            return &l->asks[i];
        }
    }
    return NULL;
}

struct inquiry *
ledger_by_packet(struct ledger *l, unsigned requester, unsigned session, uint16_t packet_id)
{
    for (unsigned i = 0; i < l->count; i++) {
        struct inquiry *a = &l->asks[i];

        if (a->requester == requester && a->session == session && a->packet_id == packet_id) {
            return a;
        }
    }
    return NULL;
}

/* It is with one client at a time. */
static bool
is_single(const struct inquiry *a)
{
    return a->reach == REACH_NOBODY || a->reach == REACH_ONE || a->reach == REACH_GROUP;
}

void
inquiry_handed(struct inquiry *a, const struct handler *to, uint8_t qos, uint64_t written_ms)
{
    sim_say(a->sim, "request %u is handed to responder %u at QoS %u", a->number, to->number, qos);
    if (a->was_told_no || a->is_refused) {
        sim_fail(a->sim, "request %u is handed to responder %u after its requester was told no",
                 a->number, to->number);
    }
    if (written_ms >= a->deadline_ms) {
        sim_fail(a->sim, "request %u is handed to responder %u %llu ms after its deadline",
                 a->number, to->number, (unsigned long long)(written_ms - a->deadline_ms));
    }
    if (a->is_bound && (a->holder != to->number || a->holder_session != to->session)) {
        sim_fail(a->sim, "request %u is handed to responder %u although responder %u had it",
                 a->number, to->number, a->holder);
    }
    if (a->handings > 0 && (a->reach == REACH_NOBODY || a->reach == REACH_ONE)) {
        sim_fail(a->sim, "request %u is handed twice", a->number);
    }
    a->handings++;
    a->holder = to->number;
    a->holder_session = to->session;
    a->holder_connection = to->connection;
    a->is_bound = is_single(a) && (qos == 2 || (qos == 0 && !a->is_idempotent));
}

void
inquiry_acknowledged(struct inquiry *a, bool is_refused)
{
    a->is_bound = is_single(a) && (a->is_bound || is_refused || !a->is_idempotent);
}

void
inquiry_refused(struct inquiry *a)
{
    if (a->handings > 0 || a->lasts + a->parts > 0) {
        sim_fail(a->sim, "request %u was refused, but handed to responder %u", a->number,
                 a->holder);
    }
    a->is_refused = true;
}

void
inquiry_answered(struct inquiry *a, bool is_last)
{
    sim_say(a->sim, "request %u gets its %s response", a->number, is_last ? "last" : "next");
    /* Where several were asked, a status that the last of them to fail brought about may overtake,
     * from another shard, a part of a response of one who failed before. */
    if (a->statuses > 0 && a->is_to_inbox && (is_last || is_single(a))) {
        sim_fail(a->sim, "request %u gets a response after its status", a->number);
    }
    a->lasts += is_last;
    a->parts += !is_last;
    if (is_single(a) && a->is_to_inbox && a->lasts + a->replaced > 1) {
        sim_fail(a->sim, "request %u gets two last responses", a->number);
    }
    if (a->is_to_inbox && a->parts > a->more * a->handings) {
        sim_fail(a->sim, "request %u gets more responses than it allowed", a->number);
    }
}

static bool
says(const struct wire_publish *p, const char *name, const char *value)
{
    return span_equal(user_of(p, name), span_of_text(value));
}

/* A status in place of a response says so, and a deadline that passed may be the response's own. */
static bool
is_of_response(const struct inquiry *a, const struct wire_publish *p)
{
    struct span words = user_of(p, "__stMsg");
    const struct span start = SPAN_LITERAL("the response ");

    return (words.len > start.len && span_equal(span_first(words, start.len), start)) ||
           (a->may_have_expired && says(p, "__stat", "504") && says(p, "rr-stage", "acked"));
}

static void
check_no(struct inquiry *a, const struct wire_publish *p)
{
    if (!says(p, "rr-exec", "no")) {
        if (!says(p, "rr-exec", "maybe")) {
            sim_fail(a->sim, "the status of request %u says neither no nor maybe", a->number);
        }
        return;
    }
    a->was_told_no = true;
    if (a->handings > 0) {
        sim_fail(a->sim, "request %u was not executed, they say, but responder %u had it",
                 a->number, a->holder);
    }
}

void
inquiry_status(struct inquiry *a, const struct wire_publish *p)
{
    struct span words = user_of(p, "__stMsg");

    sim_say(a->sim, "request %u gets a status: %.*s", a->number, (int)words.len, words.data);
    if (!a->wants_status || p->payload.len > 0 || !says(p, "rr-src", "broker")) {
        sim_fail(a->sim, "request %u gets a status that it should not get", a->number);
    }
    check_no(a, p);
    if (a->was_lost && says(p, "__stat", "504")) {
        sim_fail(a->sim, "request %u waited for its deadline, its responder being lost", a->number);
    }
    a->was_told_cancelled = a->was_told_cancelled || says(p, "__stat", "499");
    if (a->was_told_cancelled && !a->is_cancelled) {
        sim_fail(a->sim, "request %u was cancelled, they say, but by nobody", a->number);
    }
    if (is_of_response(a, p)) {
        a->replaced++;
    } else if (++a->statuses > 1) {
        sim_fail(a->sim, "request %u gets two status responses", a->number);
    }
    if (a->is_to_inbox && a->lasts + a->replaced > 0 && a->statuses > 0) {
        sim_fail(a->sim, "request %u gets a status after its response", a->number);
    }
    if (a->is_to_inbox && is_single(a) && a->lasts + a->statuses + a->replaced > 1) {
        sim_fail(a->sim, "request %u ends twice", a->number);
    }
}

void
inquiry_judge(const struct inquiry *a)
{
    unsigned ends = a->lasts + a->statuses + a->replaced;

    if (a->is_to_inbox && a->wants_status && ends == 0 && a->excuses == 0) {
        sim_fail(a->sim, "request %u has not ended", a->number);
    }
}

void
ledger_tally(const struct ledger *l, struct tally *sum)
{
    for (unsigned i = 0; i < l->count; i++) {
        const struct inquiry *a = &l->asks[i];

        sum->asks++;
        sum->handed += a->handings > 0;
        sum->moved += a->reach == REACH_GROUP && a->handings > 1;
        sum->answered += a->lasts > 0;
        sum->statuses += a->statuses + a->replaced;
        sum->told_no += a->was_told_no;
        sum->cancelled += a->was_told_cancelled;
        sum->excused += a->lasts + a->statuses + a->replaced == 0 && a->excuses != 0;
    }
}
