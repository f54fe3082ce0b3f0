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
