#include "client/core_private.h"

#include "client/journal_record.h"

/* What a responder with a journal writes down before anything happens: that a call has started,
 * before the handler has it, and what the answer is, before that leaves. The core makes the
 * records; whoever drives it writes them and says when they are on the disk (core_logged()). What
 * comes meanwhile waits for the next time, so that one write serves many. The memory of repetitions
 * (core_repeat.c) is the journal's contents: it is made from it at the start, and the journal from
 * it when that has grown too large. */

#define RECORDS_BYTES_MAX   ((size_t)1 << 30)
#define REPLACE_BYTES_MIN   65536U /* a smaller journal is left as it is */
#define INTERRUPTED_KEEP_MS 10000U /* a request without a deadline that was being executed */

static uint64_t
wall_of(const struct core *c, uint64_t ms)
{
    return ms == UINT64_MAX ? UINT64_MAX : ms + c->unix_offset_ms;
}

/* The time on our clock; what has passed before that began is its beginning. */
static uint64_t
clock_of(const struct core *c, uint64_t wall_ms)
{
    if (wall_ms == UINT64_MAX) {
        return UINT64_MAX;
    }
    return wall_ms > c->unix_offset_ms ? wall_ms - c->unix_offset_ms : 0;
}

static enum wilco_status
append(const struct core *c, struct buffer *to, const struct repeat *r, enum journal_kind kind)
{
    const struct journal_record record = {
        .kind = kind,
        .qos = r->qos,
        .deadline_ms = wall_of(c, r->deadline_ms),
        .topic = repeat_topic(r),
        .correlation = repeat_correlation(r),
        .answer = kind == JOURNAL_ANSWERED ? r->answer : SPAN_EMPTY,
    };

    return journal_record_append(to, &record);
}

/* ---- Writing down ---- */

void
core_journal_attach(struct core *c, struct responder *r, struct core_journal *journal)
{
    r->log.journal = *journal;
    journal->file = NULL;
    buffer_init(&r->log.records, c->alloc, RECORDS_BYTES_MAX);
    buffer_init(&r->log.writing, c->alloc, RECORDS_BYTES_MAX);
    list_push_back(&c->calls.journaled, &r->log.link);
}

void
core_log_start(struct core *c, struct wilco_call *call)
{
    struct log *log = &call->responder->log;

    call->is_unwritten = append(c, &log->records, call->repeat, JOURNAL_STARTED) != WILCO_OK;
    log->must_sync = true;
    call->place = CALL_STARTING;
    list_push_back(&log->calls, &call->link);
}

void
core_log_answer(struct core *c, struct repeat *r)
{
    struct log *log = &r->responder->log;

    /* If there is no memory for it, a repetition after a crash is answered with 500. */
    if (append(c, &log->records, r, JOURNAL_ANSWERED) == WILCO_OK) {
        log->must_sync = true;
    }
}

/* Only saves an answer that nobody needs: it is written with what comes next. */
void
core_log_sent(struct core *c, struct repeat *r, enum wilco_status status)
{
    r->sending = NULL;
    if (status != WILCO_ECLOSED) {
        r->is_sent = true;
        (void)append(c, &r->responder->log.records, r, JOURNAL_SENT);
    }
}

/* ---- To the disk, and on ---- */

/* At the end also what nothing waits for. */
static bool
has_work(const struct core *c, const struct log *log)
{
    return log->must_sync || !list_is_empty(&log->answers) ||
           (c->is_closing && log->records.len > 0);
}

static enum wilco_status
append_all(const struct core *c, const struct responder *r, struct buffer *to)
{
    enum wilco_status st = WILCO_OK;

    LIST_EACH(node, &c->calls.all)
    {
        const struct wilco_call *call = CONTAINER_OF(node, struct wilco_call, all);

        if (st == WILCO_OK && call->responder == r && call->repeat != NULL && call->is_active) {
            st = append(c, to, call->repeat, JOURNAL_STARTED);
        }
    }
    LIST_EACH(node, &r->budget.answered)
    {
        const struct repeat *repeat = CONTAINER_OF(node, struct repeat, link);

        if (st == WILCO_OK) {
            st = append(c, to, repeat, JOURNAL_ANSWERED);
        }
        if (st == WILCO_OK && repeat->is_sent) {
            st = append(c, to, repeat, JOURNAL_SENT);
        }
    }
    return st;
}

/* Whether more than half of the file is of no use any more. */
static bool
is_too_large(const struct responder *r)
{
    return r->log.file_bytes > REPLACE_BYTES_MIN && r->log.file_bytes / 2 > r->budget.bytes;
}

/* Everything that counts, to replace the journal with; it may stay empty. */
static struct span
make_whole(struct core *c, struct responder *r)
{
    struct log *log = &r->log;

    buffer_init(&log->whole, c->alloc, RECORDS_BYTES_MAX);
    if (is_too_large(r) && append_all(c, r, &log->whole) != WILCO_OK) {
        buffer_fini(&log->whole);
    }
    log->is_whole = is_too_large(r) && (log->whole.len > 0 || r->budget.bytes == 0);
    return buffer_span(&log->whole);
}

bool
core_next_log(struct core *c, struct core_log *out)
{
    LIST_EACH(node, &c->calls.journaled)
    {
        struct responder *r = CONTAINER_OF(node, struct responder, log.link);
        struct log *log = &r->log;
        struct buffer unused = log->writing;

        if (!has_work(c, log)) {
            continue;
        }
        log->writing = log->records;
        log->records = unused;
        list_append(&log->writing_calls, &log->calls);
        list_append(&log->writing_answers, &log->answers);
        *out = (struct core_log){
            .responder = responder_ref(r),
            .file = log->journal.file,
            .records = buffer_span(&log->writing),
            .whole = make_whole(c, r),
            .must_sync = log->must_sync,
        };
        out->has_whole = log->is_whole;
        log->must_sync = false;
        return true;
    }
    return false;
}

bool
core_has_log(const struct core *c)
{
    LIST_EACH(node, &c->calls.journaled)
    {
        if (has_work(c, &CONTAINER_OF(node, struct responder, log.link)->log)) {
            return true;
        }
    }
    return false;
}

static void
start_written(struct core *c, struct responder *r, bool is_written)
{
    static const struct wilco_reply unwritten = {.status = 503,
                                                 .status_text = "the journal cannot be written"};
    struct list *node = NULL;

    while ((node = list_pop_front(&r->log.writing_calls)) != NULL) {
        struct wilco_call *call = CONTAINER_OF(node, struct wilco_call, link);

        if (is_written && !call->is_unwritten) {
            core_call_ready(c, call);
        } else {
            core_answer(c, call->message, call->deadline_ms, &unwritten);
            core_end_call(c, call, WILCO_EIO);
        }
    }
}

/* What was executed is answered, written down or not. */
static void
send_written(struct core *c, struct responder *r)
{
    struct list *node = NULL;

    while ((node = list_pop_front(&r->log.writing_answers)) != NULL) {
        struct outgoing *o = CONTAINER_OF(node, struct outgoing, event.link);

        if (c->state == CORE_CLOSED || core_dispatch(c, o) != WILCO_OK) {
            core_settle(c, o, WILCO_ECLOSED, 0);
        }
    }
}

void
core_logged(struct core *c, struct responder *r, const struct core_logged *done)
{
    struct log *log = &r->log;

    if (done->is_replaced) {
        log->file_bytes = log->whole.len;
    } else if (done->is_written) {
        log->file_bytes += log->writing.len;
    }
    buffer_fini(&log->whole);
    buffer_consume(&log->writing, log->writing.len);
    start_written(c, r, done->is_written || done->is_replaced);
    send_written(c, r);
    responder_unref(r);
}

static void
drop_answers(struct core *c, struct responder *r)
{
    struct list *node = NULL;

    list_append(&r->log.writing_answers, &r->log.answers);
    while ((node = list_pop_front(&r->log.writing_answers)) != NULL) {
        core_settle(c, CONTAINER_OF(node, struct outgoing, event.link), WILCO_ECLOSED, 0);
    }
}

void
core_logs_drop(struct core *c)
{
    LIST_EACH(node, &c->calls.journaled)
    {
        drop_answers(c, CONTAINER_OF(node, struct responder, log.link));
    }
}

/* ---- From the disk ---- */

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
    drop_answers(c, r);
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
