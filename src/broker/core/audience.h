#ifndef WILCO_BROKER_CORE_AUDIENCE_H
#define WILCO_BROKER_CORE_AUDIENCE_H

#include "broker/core/topic_group.h"

/* Everybody who listens at one filter: sessions of their own, and groups. Embedded in what stands
 * for the filter. Any number of readers without locks inside read sections (rcu.h), one writer at a
 * time. All zero: nobody. */
struct audience {
    struct subscriber_set subscribers;
    _Atomic(struct topic_group *) groups;
    _Atomic uint32_t
        service;     /* what the filter is called in figures (service_table.h); 0: nothing */
    bool is_in_tree; /* where it is embedded (topic_index.c) */
};

void audience_fini(struct audience *a, const struct wilco_alloc *alloc); /* no reader is left */

/* Who subscribes. */
struct subscriber {
    struct span group; /* the ShareName; empty: not shared */
    uint64_t session_id;
    uint32_t group_number;       /* for the group if this is its first member; not 0 */
    struct subscription_how how; /* this and the number: looked at only when putting */
};

/* For the writer. Replaces what the session asked for if it is there, which `*existed` tells.
 * WILCO_ENOMEM: nothing has changed. */
WILCO_MUST_CHECK enum wilco_status audience_put(struct audience *a, struct reclaim *r,
                                                const struct subscriber *who, bool *existed);
/* For the writer. false: it was not there. */
bool audience_remove(struct audience *a, struct reclaim *r, const struct subscriber *who);
/* For the writer. Whether the session subscribes; where it shares, `*group` becomes the group. */
bool audience_has(struct audience *a, const struct subscriber *who, struct topic_group **group);
bool audience_is_empty(const struct audience *a);
/* For the writer. Adds the members of this group to `out`, or, if it is empty, all subscribers.
 * WILCO_ENOMEM: `out` is incomplete. */
WILCO_MUST_CHECK enum wilco_status audience_list(struct audience *a, struct span group,
                                                 struct topic_matches *out);

/* For readers. Adds all subscribers and groups to `out`, and itself if there are any.
 * WILCO_ENOMEM: `out` is incomplete. */
WILCO_MUST_CHECK enum wilco_status audience_collect(const struct audience *a,
                                                    struct topic_matches *out);

static inline uint32_t
audience_service(const struct audience *a)
{
    return atomic_load_explicit(&a->service, memory_order_relaxed);
}

#endif
