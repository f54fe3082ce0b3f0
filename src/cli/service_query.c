#include "cli/service_query.h"

#include "cli/exit_code.h"
#include "cli/memory.h"
#include "cli/say.h"
#include "cli/wake.h"

#include <stdlib.h>
#include <string.h>

/* The library's thread collects, the main thread waits for is_done. */
struct asking {
    struct services *services;
    uint64_t start_us;
    bool is_odd; /* an answer that is none */
    struct wilco_error error;
    enum wilco_status status;
    atomic_bool is_done;
};

static void
on_answer(void *context, const struct wilco_message *answer)
{
    struct asking *a = context;
    struct services *s = a->services;
    struct service service;

    if (!service_parse(&service, wilco_message_payload(answer))) {
        a->is_odd = true;
        return;
    }
    service.took_us = wake_now_us() - a->start_us;
    s->all = memory_grow(s->all, s->count + 1, sizeof(*s->all));
    s->all[s->count++] = service;
}

static void
on_end(void *context, enum wilco_status status, const struct wilco_message *response)
{
    struct asking *a = context;

    if (status == WILCO_OK && response != NULL) {
        on_answer(a, response);
    }
    a->status = status;
    atomic_store(&a->is_done, true);
    wake_up();
}

#define PARTS_MAX 1000000U /* nothing is asked for piece by piece */

static char *
topic_of(const struct service_query *q)
{
    const char *name = q->name == NULL ? "" : q->name, *id = q->id == NULL ? "" : q->id;

    return memory_text("$SRV/%s%s%s%s%s", q->kind, *name == '\0' ? "" : "/", name,
                       *id == '\0' ? "" : "/", id);
}

/* False: a signal came first, and the request is over nevertheless. */
static bool
ask(struct wilco *client, const char *topic, const struct service_query *q, struct asking *a)
{
    uint64_t call = 0;
    const struct wilco_request request = {
        .topic = topic,
        .timeout_ms = q->timeout_ms,
        .parts_max = PARTS_MAX,
        .on_part = on_answer,
        .part_context = a,
        .error = &a->error,
    };
    enum wilco_status status;

    a->start_us = wake_now_us();
    status = wilco_request_start(client, &request, on_end, a, &call);
    if (status != WILCO_OK) {
        a->status = status;
        return true;
    }
    while (!atomic_load(&a->is_done)) {
        if (wake_signalled()) {
            (void)wilco_request_cancel(client, call);
        }
        wake_wait(-1);
    }
    return !wake_signalled();
}

static int
failed(const char *topic, const struct asking *a)
{
    if (a->error.text[0] != '\0') {
        say("%s", a->error.text);
        return exit_code_of(a->status, a->error.reason_code);
    }
    return connection_failed("ask", topic, a->status, a->error.reason_code);
}

static int
run(struct connection *connection, const struct service_query *q, struct services *out,
    bool is_none_fine)
{
    struct asking a = {.services = out};
    char *topic = topic_of(q);
    int exit_code = EXIT_CODE_OK;

    *out = (struct services){0};
    if (!ask(connection->client, topic, q, &a)) {
        exit_code = EXIT_CODE_INTERRUPTED;
    } else if (a.status == WILCO_ENORESPONDER) {
        exit_code = is_none_fine ? EXIT_CODE_OK : EXIT_CODE_NO_RESPONDER;
        if (!is_none_fine) {
            say("no service%s%s", q->name == NULL ? "" : " named ", q->name == NULL ? "" : q->name);
        }
    } else if (a.status != WILCO_OK) {
        exit_code = failed(topic, &a);
    } else if (a.is_odd) {
        say("%s: this is not what a broker says of services", topic);
        exit_code = EXIT_CODE_REMOTE;
    }
    free(topic);
    return exit_code;
}

int
service_query_run(struct connection *connection, const struct service_query *q,
                  struct services *out)
{
    return run(connection, q, out, false);
}

int
service_query_run_for_any(struct connection *connection, const struct service_query *q,
                          struct services *out)
{
    return run(connection, q, out, true);
}

void
services_fini(struct services *s)
{
    for (size_t i = 0; i < s->count; i++) {
        service_fini(&s->all[i]);
    }
    free(s->all);
    *s = (struct services){0};
}
