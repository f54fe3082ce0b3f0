#ifndef WILCO_CLIENT_RESPONDER_H
#define WILCO_CLIENT_RESPONDER_H

#include "client/message.h"

/* A request that is being served. It holds its message and, once it is attached, its client's
 * memory, so that it can be answered whenever and wherever; the client may be closed by then. */
struct wilco_call {
    const struct wilco_alloc *alloc;
    struct wilco_message *message;
    struct wilco *client; /* NULL until it is handed to the application */
};

/* One more owner of `m`. NULL: out of memory. */
struct wilco_call *call_new(const struct wilco_alloc *a, const struct wilco_message *m);
void call_free(struct wilco_call *call); /* leaves the client alone; NULL is allowed */

#endif
