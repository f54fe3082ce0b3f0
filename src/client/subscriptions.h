#ifndef WILCO_CLIENT_SUBSCRIPTIONS_H
#define WILCO_CLIENT_SUBSCRIPTIONS_H

#include "base/list.h"
#include "base/map.h"
#include "client/message.h"
#include "client/responder.h"

/* What this client subscribes to, by filter and by Subscription Identifier, and whom it is for: a
 * callback for messages, one for requests, or the requester, whose response topic it is. */
struct subscriber {
    wilco_message_fn *on_message; /* NULL: `responder` */
    void *context;
    struct responder *responder; /* counted; NULL: `on_message` */
};

enum inbox_state {
    INBOX_NONE,  /* no response topic but an application's subscription */
    INBOX_ASKED, /* SUBSCRIBE sent: requests wait for its SUBACK */
    INBOX_GRANTED,
    INBOX_ASSIGNED, /* the server's own doing: an application's may have the same filter */
};

struct subscription {
    struct map_node by_filter;
    struct map_node by_id;
    struct list link;    /* in order of identifier */
    uint32_t id;         /* never used again */
    unsigned generation; /* counts the SUBSCRIBE and UNSUBSCRIBE packets sent for it */
    bool is_granted;     /* a SUBACK said yes */
    enum inbox_state inbox;
    struct subscriber to; /* INBOX_NONE */
    struct list waiting;  /* an inbox: struct outgoing, in the order of asking */
    size_t request_count; /* an inbox: requests that have not ended */
    uint64_t told_number; /* the last message that was given to it */
    size_t match_offset;  /* where the part of the filter begins that names are matched with */
    size_t len;
    char filter[];
};

/* How many there may be: of all kinds, and of response topics. */
#define SUBSCRIPTIONS_MAX 65536U
#define INBOXES_MAX       64U

struct subscriptions {
    struct map by_filter;
    struct map by_id;
    struct list in_order;
    const struct wilco_alloc *alloc;
    uint64_t seed;
    size_t count;
    size_t inbox_count;
    uint32_t last_id;
};

void subscriptions_init(struct subscriptions *t, const struct wilco_alloc *a, uint64_t seed);
void subscriptions_fini(struct subscriptions *t); /* frees them; no request may wait any more */

/* All but the assigned ones, and those alone. */
struct subscription *subscriptions_find(const struct subscriptions *t, struct span filter);
struct subscription *subscriptions_find_assigned(const struct subscriptions *t, struct span topic);
struct subscription *subscriptions_find_id(const struct subscriptions *t, uint32_t id);
/* By the filter that a responder named before its `$share/<group>/` was put in front. */
struct subscription *subscriptions_find_shared(const struct subscriptions *t, struct span inner);
/* An inbox for which nothing is outstanding, the one made longest ago; NULL: all are busy. */
struct subscription *subscriptions_idle_inbox(const struct subscriptions *t);

/* `filter` is valid and not in the table; an `inbox` begins as INBOX_ASKED or INBOX_ASSIGNED.
 * WILCO_ELIMIT (also of inboxes), WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status subscriptions_add(struct subscriptions *t, struct span filter,
                                                     enum inbox_state inbox,
                                                     struct subscription **out);
void subscriptions_remove(struct subscriptions *t, struct subscription *s);

/* Who gets `m` next, each one once: by the identifiers the server sent along, or by matching. NULL:
 * all have had it. Response topics are left out: they are the requester's. */
struct subscription *subscriptions_next(struct subscriptions *t, struct wilco_message *m);

#endif
