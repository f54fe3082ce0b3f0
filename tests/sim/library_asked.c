#include "library_asked.h"

#include <limits.h>

#define LATE_MS 250U /* the longest that nobody looks at the time */

static uint64_t
patience_ms(const struct asked *a)
{
    return (uint64_t)a->request.timeout_ms + a->request.responder_wait_ms;
}

void
asked_execute(struct asked *a)
{
    a->executions++;
    a->executions_late += a->sim->r.now_ms > a->asked_ms + a->request.timeout_ms;
}

static bool
is_in_time(const struct asked *a)
{
    uint64_t after_ms = a->ended_ms - a->asked_ms;

    return after_ms <= patience_ms(a) + LATE_MS &&
           (a->status != WILCO_ETIMEDOUT || after_ms >= a->request.timeout_ms);
}

/* Whether it can have ended like this. */
static bool
is_possible(const struct asked *a, const struct circumstances *c)
{
    switch (a->status) {
    case WILCO_OK: return a->answer == a->number;
    case WILCO_EREMOTE:
    case WILCO_ETIMEDOUT:
    case WILCO_ENORESPONDER:
    case WILCO_EREFUSED: return true;
    case WILCO_ELOST: return !c->is_peaceful;
    case WILCO_ECLOSED: return a->is_left || a->request.fail_fast;
    case WILCO_ECANCELLED: return a->is_cancelled;
    default: return false;
    }
}

/* How often it may have been executed, whatever was said. */
static unsigned
executions_max(const struct asked *a, const struct circumstances *c)
{
    if (a->request.idempotent || c->has_forgotten || !c->is_alone) {
        return UINT_MAX;
    }
    /* What was sent at QoS 1 goes to another member when it is not acknowledged. */
    return c->has_one || a->request.qos_0 || (a->request.qos == 2 && c->is_exact) ? 1 : UINT_MAX;
}

/* When a responder's connection breaks, it sends its 429 again, and that looks like one to the try
 * that has followed meanwhile. Nothing on the wire tells them apart. */
static bool
may_be_mistaken(const struct asked *a, const struct circumstances *c)
{
    return c->may_be_busy && !c->is_peaceful &&
           (a->request.retries_max > 0 || a->request.hedge_after_ms > 0);
}

static const char *
what_is_wrong(const struct asked *a, const struct circumstances *c)
{
    bool has_failed = a->status != WILCO_OK;

    if (a->ends != 1) {
        return "did not end once";
    }
    if (!is_possible(a, c)) {
        return "cannot have ended so";
    }
    if (!is_in_time(a)) {
        return "did not end in time";
    }
    if (a->executions - a->executions_late > executions_max(a, c)) {
        return "was executed again";
    }
    if (a->executions == 0 && (!has_failed || a->error.executed == WILCO_EXECUTED_YES)) {
        return "was answered by nobody";
    }
    if (has_failed && (a->error.executed == WILCO_EXECUTED_UNKNOWN ||
                       a->error.stage == WILCO_STAGE_UNKNOWN || a->error.text[0] == '\0')) {
        return "ended in the dark";
    }
    if (has_failed && a->executions > 0 && !may_be_mistaken(a, c) &&
        (a->error.executed == WILCO_EXECUTED_NO || a->error.stage == WILCO_STAGE_UNSENT)) {
        return "was executed, and said not to be";
    }
    return NULL;
}

void
asked_judge(const struct asked *a, const struct circumstances *c)
{
    const char *wrong = what_is_wrong(a, c);

    if (wrong != NULL) {
        sim_fail(a->sim,
                 "request %u %s: %u ends, after %llu ms, \"%s\", stage %d, executed %d; "
                 "%u executions",
                 a->number, wrong, a->ends, (unsigned long long)(a->ended_ms - a->asked_ms),
                 a->status == WILCO_OK ? "answered" : a->error.text, (int)a->error.stage,
                 (int)a->error.executed, a->executions);
    }
}

void
asked_count(const struct asked *a, struct asked_tally *sum)
{
    sum->requests++;
    sum->executed += a->executions > 0;
    sum->executed_again += a->executions > 1;
    sum->by_status[-a->status]++;
    if (a->status != WILCO_OK) {
        sum->failed[a->error.executed]++;
    }
}
