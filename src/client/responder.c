#include "client/responder.h"

struct wilco_call *
call_new(const struct wilco_alloc *a, const struct wilco_message *m)
{
    struct wilco_call *call = mem_alloc(a, sizeof(*call));

    if (call != NULL) {
        *call = (struct wilco_call){.alloc = a, .message = wilco_message_ref(m)};
    }
    return call;
}

void
call_free(struct wilco_call *call)
{
    if (call != NULL) {
        wilco_message_unref(call->message);
        mem_free(call->alloc, call);
    }
}
