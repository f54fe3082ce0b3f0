#define _POSIX_C_SOURCE 200809L

#include "wilco/wilco.h"

#include "base/clock.h"
#include "client/client.h"
#include "client/responder.h"

#define STATUS_ERROR_MIN 400
#define STATUS_ERROR_MAX 599

const struct wilco_message *
wilco_call_message(const struct wilco_call *call)
{
    return call->message;
}

uint32_t
wilco_call_remaining_ms(const struct wilco_call *call)
{
    uint64_t remaining_ms = message_remaining_ms(call->message, clock_monotonic_ms());

    if (remaining_ms == UINT64_MAX) {
        return UINT32_MAX;
    }
    return remaining_ms < UINT32_MAX ? (uint32_t)remaining_ms : UINT32_MAX - 1;
}

enum wilco_status
wilco_reply(struct wilco_call *call, const struct wilco_reply *reply)
{
    struct wilco *c = call->client;
    enum wilco_status st = client_enter(c, false);

    if (st == WILCO_OK) {
        st = core_reply(c->core, call, reply, clock_monotonic_ms());
    }
    if (st == WILCO_OK) { /* the client's own thread writes when its callbacks are through */
        client_asked(c, client_is_own_thread(c));
    }
    client_leave(c);
    client_unref(c);
    call_free(call);
    return st == WILCO_AGAIN ? WILCO_ELIMIT : st;
}

enum wilco_status
wilco_reply_bytes(struct wilco_call *call, struct wilco_bytes payload)
{
    return wilco_reply(call, &(struct wilco_reply){.payload = payload});
}

enum wilco_status
wilco_reply_error(struct wilco_call *call, int status, const char *text)
{
    bool is_error = status >= STATUS_ERROR_MIN && status <= STATUS_ERROR_MAX;

    /* What is no error status is refused like any other that cannot be. */
    return wilco_reply(
        call, &(struct wilco_reply){.status = is_error ? status : -1, .status_text = text});
}
