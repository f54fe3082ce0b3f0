#define _POSIX_C_SOURCE 200809L

#include "wilco/wilco.h"

#include "client/client.h"

enum wilco_status
client_await(struct wilco *c, struct waiter *w, enum wilco_status st, uint8_t *reason_code)
{
    if (st != WILCO_OK) {
        return st == WILCO_AGAIN ? WILCO_ELIMIT : st;
    }
    client_asked(c, false);
    waiter_wait(w, c, UINT64_MAX);
    *reason_code = w->reason_code;
    return w->status;
}

enum wilco_status
client_subscribe(struct wilco *c, const struct wilco_subscription *s,
                 const struct core_subscriber *to, uint8_t *reason_code)
{
    struct waiter w;
    uint8_t code = 0;
    enum wilco_status st = client_enter(c, true);

    if (st == WILCO_OK) {
        st = waiter_init(&w);
        if (st == WILCO_OK) {
            st = client_await(c, &w, core_subscribe(c->core, s, to, &w, &code), &code);
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
    return client_subscribe(client, subscription, &to, reason_code);
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
client_subscribe_start(struct wilco *c, const struct wilco_subscription *s,
                       const struct core_subscriber *to, void *done_context)
{
    struct core_subscriber with_done = *to;
    uint8_t code = 0;
    enum wilco_status st = client_enter(c, false);

    if (to->done == NULL) {
        with_done.done = ignore;
    }
    if (st == WILCO_OK) {
        st = core_subscribe(c->core, s, &with_done, done_context, &code);
    }
    if (st == WILCO_OK) {
        client_asked(c, true);
    }
    client_leave(c);
    return st == WILCO_AGAIN ? WILCO_ELIMIT : st;
}

enum wilco_status
wilco_subscribe_start(struct wilco *client, const struct wilco_subscription *subscription,
                      wilco_message_fn *on_message, void *context, wilco_subscribed_fn *done,
                      void *done_context)
{
    const struct core_subscriber to = {.on_message = on_message, .context = context, .done = done};

    if (on_message == NULL) {
        return WILCO_EINVAL;
    }
    return client_subscribe_start(client, subscription, &to, done_context);
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
            st = client_await(client, &w, core_unsubscribe(client->core, filter, &w), &code);
            waiter_fini(&w);
        }
    }
    client_leave(client);
    return st;
}
