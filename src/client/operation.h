#ifndef WILCO_CLIENT_OPERATION_H
#define WILCO_CLIENT_OPERATION_H

#include "client/event.h"
#include "client/subscriptions.h"
#include "wire/subscribe.h"
#include "wire/unsubscribe.h"

/* A SUBSCRIBE or UNSUBSCRIBE, encoded once and kept until it is acknowledged, so that it can be
 * sent when there is a connection, and again on the next one. Its owner is the send window, the
 * event queue, or the subscription that it renews. */
struct operation {
    struct event_node event;
    const struct wilco_alloc *alloc;
    wilco_subscribed_fn *done; /* NULL with a `context`: somebody waits for it there */
    void *context;             /* NULL without `done`: nobody does, it is the core's own */
    enum wire_type answer;     /* WIRE_SUBACK or WIRE_UNSUBACK */
    bool has_identifier;       /* a Subscription Identifier */
    bool is_renewal;           /* of a subscription that had been granted ... */
    bool is_dropped;           /* ... and is no more */
    uint32_t subscription_id;
    unsigned generation;
    struct subscriber before; /* counted: whom the subscription was for, in case this one fails */
    enum wilco_status status;
    uint8_t reason_code;
    size_t id_offset; /* where the packet identifier goes */
    size_t filter_offset;
    size_t filter_len;
    size_t len;
    uint8_t bytes[];
};

/* Encode `packet`, which is for `filter` alone, whatever its packet identifier; for the next
 * generation of `s`. WILCO_ELIMIT: more than a packet can hold. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status operation_subscribe(struct operation **out,
                                                       const struct wilco_alloc *a,
                                                       const struct subscription *s,
                                                       const struct wire_subscribe *packet);
WILCO_MUST_CHECK enum wilco_status operation_unsubscribe(struct operation **out,
                                                         const struct wilco_alloc *a,
                                                         const struct subscription *s);
/* What asks for the same subscription once more; nobody waits for it. NULL: out of memory. */
struct operation *operation_renewal(const struct operation *op);
void operation_free(struct operation *op); /* NULL is allowed */

void operation_set_id(struct operation *op, uint16_t packet_id);

static inline struct span
operation_filter(const struct operation *op)
{
    return span_of(op->bytes + op->filter_offset, op->filter_len);
}

/* Whether somebody wants to know how it ended. */
static inline bool
operation_is_awaited(const struct operation *op)
{
    return op->done != NULL || op->context != NULL;
}

#endif
