#define _POSIX_C_SOURCE 200809L

#include "wilco/wilco.h"

#include "base/clock.h"
#include "client/call.h"
#include "client/client.h"

#include <assert.h>

struct wilco_call *
wilco_call_ref(struct wilco_call *call)
{
    size_t before = atomic_fetch_add_explicit(&call->refs, 1, memory_order_relaxed);

    assert(before > 0);
    (void)before;
    return call;
}

void
wilco_call_unref(struct wilco_call *call)
{
    struct wilco *c = NULL;

    if (call == NULL || !call_drop(call)) {
        return;
    }
    c = call->client;
    if (client_enter(c, false) == WILCO_OK && call->responder != NULL) {
        core_release_call(c->core, call, clock_monotonic_ms());
        client_asked(c, true);
    }
    client_leave(c);
    call_free(call);
    client_unref(c);
}

const struct wilco_message *
wilco_call_message(const struct wilco_call *call)
{
    return call->message;
}

uint32_t
wilco_call_remaining_ms(const struct wilco_call *call)
{
    uint64_t now_ms = clock_monotonic_ms();
    uint64_t remaining_ms = 0;

    if (call->deadline_ms == UINT64_MAX) {
        return UINT32_MAX;
    }
    remaining_ms = call->deadline_ms > now_ms ? call->deadline_ms - now_ms : 0;
    return remaining_ms < UINT32_MAX ? (uint32_t)remaining_ms : UINT32_MAX - 1;
}

bool
wilco_call_is_cancelled(const struct wilco_call *call)
{
    struct wilco *c = call->client;
    bool is_cancelled = false;

    (void)pthread_mutex_lock(&c->lock);
    is_cancelled = call->is_cancelled;
    (void)pthread_mutex_unlock(&c->lock);
    return is_cancelled;
}

void
wilco_call_watch(struct wilco_call *call, wilco_call_fn *changed, void *context)
{
    struct wilco *c = call->client;

    if (client_enter(c, false) == WILCO_OK) {
        core_watch_call(c->core, call, changed, context);
        client_asked(c, true);
    }
    client_leave(c);
}
