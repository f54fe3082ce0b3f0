#define _POSIX_C_SOURCE 200809L

#include "wilco/wilco.h"

#include "client/client.h"

#include <stdio.h>
#include <string.h>

/* Waits for what was asked for with `st`. */
static enum wilco_status
wait_for(struct wilco *c, struct waiter *w, enum wilco_status st, uint8_t *reason_code)
{
    if (st != WILCO_OK) {
        return st == WILCO_AGAIN ? WILCO_ELIMIT : st;
    }
    client_asked(c, false);
    waiter_wait(w, c, UINT64_MAX);
    *reason_code = w->reason_code;
    return w->status;
}

static enum wilco_status
subscribe(struct wilco *c, const struct wilco_subscription *s, const struct core_subscriber *to,
          uint8_t *reason_code)
{
    struct waiter w;
    uint8_t code = 0;
    enum wilco_status st = client_enter(c, true);

    if (st == WILCO_OK) {
        st = waiter_init(&w);
        if (st == WILCO_OK) {
            st = wait_for(c, &w, core_subscribe(c->core, s, to, &w, &code), &code);
            waiter_fini(&w);
        }
    }
    client_leave(c);
    if (reason_code != NULL) {
        *reason_code = code;
    }
    return st;
}

enum wilco_status
wilco_subscribe(struct wilco *client, const struct wilco_subscription *subscription,
                wilco_message_fn *on_message, void *context, uint8_t *reason_code)
{
    const struct core_subscriber to = {.on_message = on_message, .context = context};

    if (on_message == NULL) {
        return WILCO_EINVAL;
    }
    return subscribe(client, subscription, &to, reason_code);
}

/* Nobody may be interested; the core asks for somebody then. */
static void
ignore(void *context, enum wilco_status status, uint8_t reason_code)
{
    (void)context;
    (void)status;
    (void)reason_code;
}

enum wilco_status
wilco_subscribe_start(struct wilco *client, const struct wilco_subscription *subscription,
                      wilco_message_fn *on_message, void *context, wilco_subscribed_fn *done,
                      void *done_context)
{
    const struct core_subscriber to = {
        .on_message = on_message,
        .context = context,
        .done = done == NULL ? ignore : done,
    };
    uint8_t code = 0;
    enum wilco_status st = client_enter(client, false);

    if (st == WILCO_OK && on_message == NULL) {
        st = WILCO_EINVAL;
    }
    if (st == WILCO_OK) {
        st = core_subscribe(client->core, subscription, &to, done_context, &code);
    }
    if (st == WILCO_OK) {
        client_asked(client, true);
    }
    client_leave(client);
    return st == WILCO_AGAIN ? WILCO_ELIMIT : st;
}

enum wilco_status
wilco_unsubscribe_start(struct wilco *client, const char *filter, wilco_subscribed_fn *done,
                        void *done_context)
{
    enum wilco_status st = client_enter(client, false);

    if (st == WILCO_OK) {
        st = core_unsubscribe_start(client->core, filter, done == NULL ? ignore : done,
                                    done_context);
    }
    if (st == WILCO_OK) {
        client_asked(client, true);
    }
    client_leave(client);
    return st == WILCO_AGAIN ? WILCO_ELIMIT : st;
}

enum wilco_status
wilco_unsubscribe(struct wilco *client, const char *filter)
{
    struct waiter w;
    uint8_t code = 0;
    enum wilco_status st = client_enter(client, true);

    if (st == WILCO_OK) {
        st = waiter_init(&w);
        if (st == WILCO_OK) {
            st = wait_for(client, &w, core_unsubscribe(client->core, filter, &w), &code);
            waiter_fini(&w);
        }
    }
    client_leave(client);
    return st;
}

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

enum wilco_status
wilco_respond(struct wilco *client, const struct wilco_responder *responder,
              wilco_request_fn *on_request, void *context, uint8_t *reason_code)
{
    const struct core_subscriber to = {.on_request = on_request, .context = context};
    struct wilco_subscription s = {.filter = responder->filter};
    char *shared = NULL;
    enum wilco_status st = WILCO_ENOMEM;

    if (on_request == NULL || responder->filter == NULL) {
        return WILCO_EINVAL;
    }
    s.qos = responder->qos_0 ? 0 : responder->qos == 0 ? 1 : responder->qos;
    if (responder->group == NULL) {
        return subscribe(client, &s, &to, reason_code);
    }
    shared = shared_filter(client->alloc, responder->group, responder->filter);
    if (shared != NULL) {
        s.filter = shared;
        st = subscribe(client, &s, &to, reason_code);
    }
    mem_free(client->alloc, shared);
    return st;
}
