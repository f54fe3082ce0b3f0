#define _POSIX_C_SOURCE 200809L

#include "wilco/wilco.h"

#include "base/clock.h"
#include "client/client.h"
#include "client/explain.h"
#include "client/message.h"

/* Asks if that is possible now, so that it ends at `deadline_ms`. */
static enum wilco_status
ask_at(struct wilco *c, const struct wilco_request *wanted, struct waiter *w, uint64_t now_ms,
       uint64_t deadline_ms)
{
    const struct core_asker asker = {.context = w};
    struct wilco_request r = *wanted;
    uint64_t call = 0;

    if (c->core == NULL) {
        return WILCO_ECLOSED;
    }
    if (now_ms >= deadline_ms) {
        return WILCO_ETIMEDOUT;
    }
    r.timeout_ms = (uint32_t)(deadline_ms - now_ms);
    return core_request(c->core, &r, &asker, now_ms, &call, &w->reason_code);
}

static enum wilco_status
ask_and_wait(struct wilco *c, const struct wilco_request *r, struct waiter *w)
{
    uint64_t now_ms = clock_monotonic_ms();
    uint64_t deadline_ms = now_ms + core_timeout_ms(r);
    enum wilco_status st = ask_at(c, r, w, now_ms, deadline_ms);

    while (st == WILCO_AGAIN) {
        client_wait_for_room(c, deadline_ms);
        st = ask_at(c, r, w, clock_monotonic_ms(), deadline_ms);
    }
    if (st != WILCO_OK) {
        return st;
    }
    client_asked(c, false);
    waiter_wait(w, c, deadline_ms);
    return w->status;
}

enum wilco_status
wilco_request(struct wilco *client, const struct wilco_request *request,
              struct wilco_message **response)
{
    struct waiter w = {.is_done = false};
    enum wilco_status st = client_enter(client, true);

    *response = NULL;
    explain_request(request->error, request->topic);
    if (st == WILCO_OK) {
        st = waiter_init(&w);
        if (st == WILCO_OK) {
            st = ask_and_wait(client, request, &w);
            waiter_fini(&w);
        }
    }
    client_leave(client);
    explain_outcome(request->error, st, w.reason_code, w.message);
    *response = message_as_response(w.message, st);
    if (*response == NULL) {
        wilco_message_unref(w.message);
    }
    return st;
}

enum wilco_status
wilco_request_start(struct wilco *client, const struct wilco_request *request,
                    wilco_response_fn *on_response, void *context, uint64_t *call)
{
    const struct core_asker asker = {
        .on_response = on_response,
        .context = context,
        .error = request->error,
    };
    uint64_t number = 0;
    uint8_t code = 0;
    enum wilco_status st = client_enter(client, false);

    explain_request(request->error, request->topic);
    if (st == WILCO_OK && on_response == NULL) {
        st = WILCO_EINVAL;
    }
    if (st == WILCO_OK) {
        st = core_request(client->core, request, &asker, clock_monotonic_ms(), &number, &code);
    }
    if (st == WILCO_OK) {
        if (call != NULL) {
            *call = number;
        }
        client_asked(client, true);
    }
    st = st == WILCO_AGAIN ? WILCO_ELIMIT : st;
    explain_outcome(request->error, st, code, NULL);
    client_leave(client);
    return st;
}

enum wilco_status
wilco_request_cancel(struct wilco *client, uint64_t call)
{
    enum wilco_status st = client_enter(client, false);

    if (st == WILCO_OK) {
        st = core_cancel(client->core, call);
    }
    if (st == WILCO_OK) {
        client_asked(client, true);
    }
    client_leave(client);
    return st;
}
