#include "client/responder.h"

#include "client/draft.h"

#include <assert.h>
#include <string.h>

static size_t
size_of(const char *text)
{
    return text == NULL ? 0 : strlen(text) + 1;
}

/* Copies `text` to `*at` and moves that on; the copy, or NULL. */
static const char *
append(char **at, const char *text)
{
    char *copy = *at;

    if (text == NULL) {
        return NULL;
    }
    memcpy(copy, text, strlen(text) + 1);
    *at += strlen(text) + 1;
    return copy;
}

static bool
is_named_well(const struct wilco_responder *o)
{
    if (o->service == NULL) {
        return o->version == NULL && o->description == NULL;
    }
    return o->service[0] != '\0' && draft_text_is_valid(o->service) &&
           (o->version == NULL || draft_text_is_valid(o->version)) &&
           (o->description == NULL || draft_text_is_valid(o->description));
}

static void
set_options(struct responder *r, const struct wilco_responder *o)
{
    char *at = r->texts;

    r->concurrency_max = o->concurrency_max;
    r->queue_max = o->queue_max;
    r->execution_timeout_ms = o->execution_timeout_ms;
    r->request_bytes_max =
        o->request_bytes_max == 0 ? RESPONDER_REQUEST_BYTES : o->request_bytes_max;
    r->ack_late = o->ack_late;
    r->repeat_off = o->repeat_off;
    r->budget.bytes_max = o->repeat_bytes_max == 0 ? RESPONDER_REPEAT_BYTES : o->repeat_bytes_max;
    r->budget.is_strict = o->repeat_bytes_max != 0 || o->journal != NULL;
    r->service = append(&at, o->service);
    r->version = append(&at, o->version);
    r->description = append(&at, o->description);
}

enum wilco_status
responder_new(struct responder **out, const struct wilco_alloc *a,
              const struct wilco_responder *options, wilco_request_fn *on_request, void *context)
{
    static const struct wilco_responder defaults = {.filter = NULL};
    const struct wilco_responder *o = options == NULL ? &defaults : options;
    size_t texts = size_of(o->service) + size_of(o->version) + size_of(o->description);
    struct responder *r = NULL;

    if (!is_named_well(o) || (o->journal != NULL && o->repeat_off)) {
        return WILCO_EINVAL;
    }
    r = mem_zalloc(a, sizeof(*r) + texts);
    if (r == NULL) {
        return WILCO_ENOMEM;
    }
    r->refs = 1;
    r->alloc = a;
    r->on_request = on_request;
    r->context = context;
    list_init(&r->waiting);
    list_init(&r->budget.answered);
    list_init(&r->log.calls);
    list_init(&r->log.writing_calls);
    list_init(&r->log.answers);
    list_init(&r->log.writing_answers);
    set_options(r, o);
    *out = r;
    return WILCO_OK;
}

struct responder *
responder_ref(struct responder *r)
{
    if (r != NULL) {
        r->refs++;
    }
    return r;
}

static void
close_log(struct log *log)
{
    assert(list_is_empty(&log->answers) && list_is_empty(&log->writing_answers));
    list_remove(&log->link);
    buffer_fini(&log->records);
    buffer_fini(&log->writing);
    log->journal.close(log->journal.file);
}

void
responder_unref(struct responder *r)
{
    if (r == NULL) {
        return;
    }
    assert(r->refs > 0);
    r->refs--;
    if (r->refs == 0) {
        assert(r->waiting_count == 0 && r->active_count == 0 && r->budget.bytes == 0);
        if (responder_has_journal(r)) {
            close_log(&r->log);
        }
        mem_free(r->alloc, r);
    }
}

size_t
responder_users(const struct responder *r, struct wire_user_property users[])
{
    const struct {
        const char *name, *value;
    } all[RESPONDER_USERS_MAX] = {
        {"rr-service", r->service},
        {"rr-version", r->version},
        {"rr-description", r->description},
    };
    size_t count = 0;

    for (size_t i = 0; i < RESPONDER_USERS_MAX; i++) {
        if (all[i].value != NULL) {
            users[count] = (struct wire_user_property){.name = span_of_text(all[i].name),
                                                       .value = span_of_text(all[i].value)};
            count++;
        }
    }
    return count;
}
