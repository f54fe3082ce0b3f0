#define _POSIX_C_SOURCE 200809L

#include "wilco/wilco.h"

#include "base/clock.h"
#include "client/call.h"
#include "client/client.h"

#include <stdio.h>

#define STATUS_ERROR_MIN 400
#define STATUS_ERROR_MAX 599

/* After something was put into the queue: the client's own thread writes when its callbacks are
 * through, any other at once. */
static void
answered(struct wilco *c)
{
    client_asked(c, c->has_thread && pthread_equal(pthread_self(), c->thread));
}

enum wilco_status
wilco_reply(struct wilco_call *call, const struct wilco_reply *reply)
{
    struct wilco *c = call->client;
    enum wilco_status st = client_enter(c, false);

    if (st == WILCO_OK) {
        st = core_reply(c->core, call, reply, clock_monotonic_ms());
        answered(c);
    }
    client_leave(c);
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

static enum wilco_status
reply_part(struct wilco_call *call, const struct wilco_reply *reply, const char *progress)
{
    struct wilco *c = call->client;
    enum wilco_status st = client_enter(c, false);

    if (st == WILCO_OK) {
        st = core_reply_part(c->core, call, reply, progress, clock_monotonic_ms());
        answered(c);
    }
    client_leave(c);
    return st;
}

enum wilco_status
wilco_reply_part(struct wilco_call *call, const struct wilco_reply *reply)
{
    return reply_part(call, reply, NULL);
}

enum wilco_status
wilco_reply_progress(struct wilco_call *call, double done, const char *text)
{
    const struct wilco_reply reply = {.status_text = text};
    char progress[32];
    unsigned thousandths = 0;
    enum wilco_status st = WILCO_OK;

    if (!(done >= 0.0 && done <= 1.0)) {
        return WILCO_EINVAL;
    }
    thousandths = (unsigned)(done * 1000.0 + 0.5);
    (void)snprintf(progress, sizeof(progress), "%u.%03u", thousandths / 1000, thousandths % 1000);
    if (!call->takes_parts) {
        return WILCO_OK;
    }
    st = reply_part(call, &reply, progress);
    return st == WILCO_AGAIN ? WILCO_OK : st;
}
