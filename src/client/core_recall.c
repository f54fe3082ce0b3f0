#include "client/core_private.h"

#include "client/journal_record.h"

/* A responder goes on where its journal ends: the memory of repetitions is made from the records,
 * what may not have arrived is sent again, and what was being executed is answered with 500. */

#define INTERRUPTED_KEEP_MS 10000U /* a request without a deadline that was being executed */

/* The time on our clock; what has passed before that began is its beginning. */
static uint64_t
clock_of(const struct core *c, uint64_t wall_ms)
{
    if (wall_ms == UINT64_MAX) {
        return UINT64_MAX;
    }
    return wall_ms > c->unix_offset_ms ? wall_ms - c->unix_offset_ms : 0;
}

/* The repetition that `record` is about; NULL: there is no memory for it. */
static struct repeat *
find_or_add(struct core *c, struct responder *r, const struct journal_record *record)
{
    struct repeats *all = &c->calls.repeats;
    struct repeat *found = repeats_find(all, record->topic, record->correlation);

    if (found == NULL &&
        repeats_add(all, &r->budget, record->topic, record->correlation, &found) == WILCO_OK) {
        found->responder = responder_ref(r);
        list_push_back(&r->budget.answered, &found->link);
    }
    return found;
}

/* What was recorded last counts: after its deadline a request may have come anew. */
static enum wilco_status
recall(struct core *c, struct responder *r, const struct journal_record *record)
{
    struct repeat *repeat = find_or_add(c, r, record);

    if (repeat == NULL) {
        return WILCO_ENOMEM;
    }
    if (repeat->responder != r || repeat->call != NULL) {
        return WILCO_OK; /* another responder of this client has it */
    }
    repeat->qos = record->qos;
    repeat->deadline_ms = clock_of(c, record->deadline_ms);
    switch (record->kind) {
    case JOURNAL_STARTED:
        repeats_forget_answer(&c->calls.repeats, repeat);
        repeat->is_answered = false;
        repeat->is_sent = false;
        break;
    case JOURNAL_ANSWERED:
        repeats_forget_answer(&c->calls.repeats, repeat);
        repeat->is_answered = true;
        if (record->answer.len > 0 && !repeats_answer(&c->calls.repeats, repeat, record->answer)) {
            return WILCO_ENOMEM;
        }
        break;
    case JOURNAL_SENT: repeat->is_sent = true; break;
    }
    return WILCO_OK;
}

/* It had started when the process ended: nobody knows how far it came. */
static enum wilco_status
interrupt(struct core *c, struct repeat *r)
{
    static const struct wilco_reply interrupted = {
        .status = 500,
        .status_text = "interrupted: may have been executed",
    };
    struct outgoing *o = NULL;
    enum wilco_status st = WILCO_OK;

    if (r->deadline_ms == UINT64_MAX) {
        r->deadline_ms = c->now_ms + INTERRUPTED_KEEP_MS;
    }
    st = core_encode_status(c, r, &interrupted, &o);
    if (st != WILCO_OK) {
        return st;
    }
    r->is_answered = true;
    (void)repeats_answer(&c->calls.repeats, r, span_of(o->bytes, o->len));
    core_log_answer(c, r);
    outgoing_unref(o);
    return WILCO_OK;
}

/* Goes on with what was recorded: sends what may not have arrived, and forgets it in time. */
static enum wilco_status
resume(struct core *c, struct repeat *r)
{
    enum wilco_status st = r->is_answered ? WILCO_OK : interrupt(c, r);

    if (st == WILCO_OK) {
        core_keep_until_deadline(c, r);
        if (!r->is_sent && r->answer.data != NULL) {
            core_send_kept(c, r);
        }
    }
    return st;
}

static enum wilco_status
resume_all(struct core *c, struct responder *r)
{
    struct list recalled;
    struct list *node = NULL;
    enum wilco_status st = WILCO_OK;

    list_init(&recalled);
    list_append(&recalled, &r->budget.answered);
    while (st == WILCO_OK && (node = list_pop_front(&recalled)) != NULL) {
        struct repeat *repeat = CONTAINER_OF(node, struct repeat, link);

        list_push_back(&r->budget.answered, node);
        if (repeat->deadline_ms <= c->now_ms) {
            core_forget(c, repeat);
        } else {
            st = resume(c, repeat);
        }
    }
    list_append(&r->budget.answered, &recalled);
    return st;
}

static void
forget_all(struct core *c, struct responder *r)
{
    struct repeat *repeat = NULL;

    while ((repeat = repeat_budget_oldest(&r->budget)) != NULL) {
        core_forget(c, repeat);
    }
    core_drop_answers(c, r);
}

enum wilco_status
core_recall(struct core *c, struct responder *r, struct span records)
{
    size_t bytes_max = r->budget.bytes_max;
    struct journal_record record;
    enum wilco_status st = WILCO_OK;

    r->log.file_bytes = records.len;
    r->budget.bytes_max = SIZE_MAX; /* what there is is kept, whatever the application says now */
    while (st == WILCO_OK && journal_record_next(&records, &record)) {
        st = recall(c, r, &record);
    }
    if (st == WILCO_OK) {
        st = resume_all(c, r);
    }
    if (st != WILCO_OK) {
        forget_all(c, r);
    }
    r->budget.bytes_max = bytes_max;
    return st;
}
