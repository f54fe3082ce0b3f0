#define _POSIX_C_SOURCE 200809L

#include "wilco/wilco.h"

#include "base/clock.h"
#include "client/client.h"
#include "client/journal.h"

#include <stdio.h>
#include <string.h>

/* "$share/<group>/<filter>"; NULL: out of memory. */
static char *
shared_filter(const struct wilco_alloc *a, const char *group, const char *filter)
{
    size_t size = sizeof("$share//") + strlen(group) + strlen(filter);
    char *text = mem_alloc(a, size);

    if (text != NULL) {
        (void)snprintf(text, size, "$share/%s/%s", group, filter);
    }
    return text;
}

static void
close_journal(void *file)
{
    journal_close(file);
}

/* Its records, and the file for the core to take over. */
static enum wilco_status
open_journal(const struct wilco_alloc *a, const char *path, struct core_journal *out,
             struct buffer *records)
{
    struct journal *journal = NULL;
    enum wilco_status st = journal_open(&journal, a, path, records);

    *out = (struct core_journal){.file = journal, .close = close_journal};
    return st;
}

/* How SUBSCRIBE is waited for: here, or by a callback. */
struct ending {
    bool is_awaited;
    uint8_t *reason_code; /* NULL is allowed */
    wilco_subscribed_fn *done;
    void *done_context;
};

static enum wilco_status
subscribe(struct wilco *c, const struct wilco_subscription *s, const struct core_subscriber *to,
          const struct ending *end)
{
    return end->is_awaited ? client_subscribe(c, s, to, end->reason_code)
                           : client_subscribe_start(c, s, to, end->done_context);
}

/* Subscribes; with a journal, what is in it is read before. */
static enum wilco_status
respond(struct wilco *c, const struct wilco_subscription *s, const struct core_subscriber *to,
        const struct ending *end)
{
    const char *path = to->options->journal;
    struct core_subscriber with_journal = *to;
    struct core_journal journal = {.file = NULL};
    struct buffer records;
    enum wilco_status st = WILCO_OK;

    buffer_init(&records, c->alloc, JOURNAL_BYTES_MAX);
    if (path != NULL) {
        st = open_journal(c->alloc, path, &journal, &records);
        with_journal.journal = &journal;
        with_journal.records = buffer_span(&records);
    }
    if (st == WILCO_OK) {
        st = subscribe(c, s, &with_journal, end);
    }
    buffer_fini(&records);
    journal_close(journal.file); /* what the core did not take */
    return st;
}

static enum wilco_status
respond_to(struct wilco *c, const struct wilco_responder *responder, wilco_request_fn *on_request,
           void *context, const struct ending *end)
{
    const struct core_subscriber to = {
        .on_request = on_request, .context = context, .done = end->done, .options = responder};
    struct wilco_subscription s = {.filter = responder->filter};
    char *shared = NULL;
    enum wilco_status st = WILCO_ENOMEM;

    if (on_request == NULL || responder->filter == NULL) {
        return WILCO_EINVAL;
    }
    s.qos = responder->qos_0 ? 0 : responder->qos == 0 ? 1 : responder->qos;
    if (responder->group == NULL) {
        return respond(c, &s, &to, end);
    }
    shared = shared_filter(c->alloc, responder->group, responder->filter);
    if (shared != NULL) {
        s.filter = shared;
        st = respond(c, &s, &to, end);
    }
    mem_free(c->alloc, shared);
    return st;
}

enum wilco_status
wilco_respond(struct wilco *client, const struct wilco_responder *responder,
              wilco_request_fn *on_request, void *context, uint8_t *reason_code)
{
    struct ending end = {.is_awaited = true};

    end.reason_code = reason_code;
    return respond_to(client, responder, on_request, context, &end);
}

enum wilco_status
wilco_respond_start(struct wilco *client, const struct wilco_responder *responder,
                    wilco_request_fn *on_request, void *context, wilco_subscribed_fn *done,
                    void *done_context)
{
    const struct ending end = {.done = done, .done_context = done_context};

    return respond_to(client, responder, on_request, context, &end);
}

/* Until it has left and all is answered that had come; false: it is past `deadline_ms`, or it may
 * not leave, or the end has come. */
static bool
drain(struct wilco *c, const struct responder *r, uint64_t deadline_ms)
{
    while (c->core != NULL && !core_responder_is_idle(c->core, r)) {
        if (core_state(c->core) == CORE_CLOSED || !core_responder_may_leave(r) ||
            clock_monotonic_ms() >= deadline_ms) {
            return false;
        }
        client_wait_for_room(c, deadline_ms);
    }
    return c->core != NULL;
}

static enum wilco_status
stop(struct wilco *c, const char *filter, uint64_t deadline_ms)
{
    struct responder *r = NULL;
    enum wilco_status st = core_responder_leave(c->core, filter, &r);
    bool is_idle = false;
    bool is_left = false;

    if (st != WILCO_OK) {
        return st;
    }
    client_asked(c, false);
    is_idle = drain(c, r, deadline_ms);
    if (c->core == NULL) { /* closed by its owner, and the responder with it */
        return WILCO_ECLOSED;
    }
    if (!core_responder_may_leave(r)) {
        st = WILCO_EREFUSED;
    } else if (core_state(c->core) == CORE_CLOSED) {
        st = WILCO_ECLOSED;
    }
    is_left = core_responder_end(c->core, r);
    client_asked(c, false);
    return st == WILCO_OK && (is_left || !is_idle) ? WILCO_ETIMEDOUT : st;
}

enum wilco_status
wilco_responder_stop(struct wilco *client, const char *filter, uint32_t drain_ms)
{
    uint64_t deadline_ms = clock_monotonic_ms() + drain_ms;
    enum wilco_status st = client_enter(client, true);

    if (st == WILCO_OK) {
        st = stop(client, filter, deadline_ms);
    }
    client_leave(client);
    return st;
}
