#define _POSIX_C_SOURCE 200809L

#include "wilco/wilco.h"

#include "base/clock.h"
#include "client/client.h"

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

enum wilco_status
wilco_respond(struct wilco *client, const struct wilco_responder *responder,
              wilco_request_fn *on_request, void *context, uint8_t *reason_code)
{
    const struct core_subscriber to = {
        .on_request = on_request, .context = context, .options = responder};
    struct wilco_subscription s = {.filter = responder->filter};
    char *shared = NULL;
    enum wilco_status st = WILCO_ENOMEM;

    if (on_request == NULL || responder->filter == NULL) {
        return WILCO_EINVAL;
    }
    s.qos = responder->qos_0 ? 0 : responder->qos == 0 ? 1 : responder->qos;
    if (responder->group == NULL) {
        return client_subscribe(client, &s, &to, reason_code);
    }
    shared = shared_filter(client->alloc, responder->group, responder->filter);
    if (shared != NULL) {
        s.filter = shared;
        st = client_subscribe(client, &s, &to, reason_code);
    }
    mem_free(client->alloc, shared);
    return st;
}

/* Leaves, and waits for the UNSUBACK. */
static enum wilco_status
leave(struct wilco *c, const char *filter, struct responder **out)
{
    struct waiter w;
    uint8_t code = 0;
    enum wilco_status st = waiter_init(&w);

    if (st != WILCO_OK) {
        return st;
    }
    st = client_await(c, &w, core_responder_leave(c->core, filter, out, &w), &code);
    waiter_fini(&w);
    return st;
}

/* Until all is answered that has come; false: it is past `deadline_ms`, or the end has come. */
static bool
drain(struct wilco *c, const struct responder *r, uint64_t deadline_ms)
{
    while (c->core != NULL && !core_responder_is_idle(c->core, r)) {
        if (core_state(c->core) != CORE_OPEN || clock_monotonic_ms() >= deadline_ms) {
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
    enum wilco_status st = leave(c, filter, &r);
    bool is_idle = false;

    if (r == NULL) {
        return st;
    }
    if (st != WILCO_OK) {
        core_responder_stay(r);
        return st;
    }
    is_idle = drain(c, r, deadline_ms);
    if (c->core == NULL) {
        return WILCO_ECLOSED;
    }
    is_idle = !core_responder_end(c->core, r) && is_idle;
    client_asked(c, false);
    return is_idle ? WILCO_OK : WILCO_ETIMEDOUT;
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
