#define _POSIX_C_SOURCE 200809L

#include "wilco/wilco.h"

#include "client/client.h"

/* Publishes when there is room for it; `w` is NULL with QoS 0, which nothing acknowledges. */
static enum wilco_status
publish_when_possible(struct wilco *c, const struct wilco_publish *p, struct waiter *w,
                      uint8_t *reason_code)
{
    enum wilco_status st = core_publish(c->core, p, NULL, w, reason_code);

    while (st == WILCO_AGAIN) {
        client_wait_for_room(c, UINT64_MAX);
        st = c->core == NULL ? WILCO_ECLOSED : core_publish(c->core, p, NULL, w, reason_code);
    }
    return st;
}

static enum wilco_status
publish_and_wait(struct wilco *c, const struct wilco_publish *p, uint8_t *reason_code)
{
    struct waiter w;
    enum wilco_status st = waiter_init(&w);

    if (st != WILCO_OK) {
        return st;
    }
    st = publish_when_possible(c, p, &w, reason_code);
    if (st == WILCO_OK) {
        client_asked(c, false);
        waiter_wait(&w, c, UINT64_MAX);
        st = w.status;
        *reason_code = w.reason_code;
    }
    waiter_fini(&w);
    return st;
}

enum wilco_status
wilco_publish(struct wilco *client, const struct wilco_publish *publish, uint8_t *reason_code)
{
    uint8_t code = 0;
    enum wilco_status st = client_enter(client, true);

    if (st == WILCO_OK && publish->qos == 0) {
        st = publish_when_possible(client, publish, NULL, &code);
        if (st == WILCO_OK) {
            client_asked(client, false);
        }
    } else if (st == WILCO_OK) {
        st = publish_and_wait(client, publish, &code);
    }
    client_leave(client);
    if (reason_code != NULL) {
        *reason_code = code;
    }
    return st;
}

enum wilco_status
wilco_publish_start(struct wilco *client, const struct wilco_publish *publish,
                    wilco_published_fn *done, void *context)
{
    uint8_t code = 0;
    enum wilco_status st = client_enter(client, false);

    if (st == WILCO_OK) { /* a context alone would make it one that somebody waits for */
        st = core_publish(client->core, publish, done, done == NULL ? NULL : context, &code);
    }
    if (st == WILCO_OK) {
        client_asked(client, true);
    }
    client_leave(client);
    return st == WILCO_AGAIN ? WILCO_ELIMIT : st;
}
