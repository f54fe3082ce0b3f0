#include "client/call.h"

#include <assert.h>

struct wilco_call *
call_new(const struct wilco_alloc *a, struct wilco_message *m, struct responder *r)
{
    struct wilco_call *call = mem_zalloc(a, sizeof(*call));

    if (call != NULL) {
        atomic_init(&call->refs, 0);
        call->alloc = a;
        call->message = wilco_message_ref(m);
        call->responder = responder_ref(r);
        call->deadline_ms = UINT64_MAX;
        call->packet_bytes_max = UINT32_MAX;
        call->event.kind = EVENT_CALL;
    }
    return call;
}

void
call_free(struct wilco_call *call)
{
    assert(call->responder == NULL && atomic_load(&call->refs) == 0);
    wilco_message_unref(call->message);
    mem_free(call->alloc, call);
}

bool
call_try_ref(struct wilco_call *call)
{
    size_t refs = atomic_load_explicit(&call->refs, memory_order_relaxed);

    while (refs > 0) {
        if (atomic_compare_exchange_weak_explicit(&call->refs, &refs, refs + 1,
                                                  memory_order_acq_rel, memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

bool
call_drop(struct wilco_call *call)
{
    size_t before = atomic_fetch_sub_explicit(&call->refs, 1, memory_order_acq_rel);

    assert(before > 0);
    return before == 1;
}
