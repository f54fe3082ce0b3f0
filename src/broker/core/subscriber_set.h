#ifndef WILCO_BROKER_CORE_SUBSCRIBER_SET_H
#define WILCO_BROKER_CORE_SUBSCRIBER_SET_H

#include "broker/core/reclaim.h"
#include "broker/core/topic_matches.h"

#include <stdatomic.h>

/* The sessions that subscribed to one filter, and how, in the order in which they came. Any number
 * of readers without locks inside read sections (rcu.h), one writer at a time. The first has its
 * place in the set itself, so that most sets need no memory of their own. Adding, replacing and
 * removing take constant time, reading is a linear scan of an array that is hardly ever less than
 * seven eighths in use. */
struct subscriber_slot {
    _Atomic uint64_t session_id; /* SESSION_ID_NONE: not used yet */
    _Atomic uint64_t how;        /* packed */
};

struct subscriber_slots;

/* All zero: an empty set. */
struct subscriber_set {
    struct subscriber_slot first;
    _Atomic(struct subscriber_slots *) more;
};

/* No reader is left. */
void subscriber_set_fini(struct subscriber_set *s, const struct wilco_alloc *a);

/* For the writer. Adds the session, or replaces what it asked for in one store; `*existed` says
 * which. WILCO_ENOMEM: nothing has changed. */
WILCO_MUST_CHECK enum wilco_status subscriber_set_put(struct subscriber_set *s, struct reclaim *r,
                                                      uint64_t session_id,
                                                      const struct subscription_how *how,
                                                      bool *existed);
/* For the writer. false: the session was not there. */
bool subscriber_set_remove(struct subscriber_set *s, struct reclaim *r, uint64_t session_id);
bool subscriber_set_has(const struct subscriber_set *s, uint64_t session_id);
bool subscriber_set_is_empty(const struct subscriber_set *s);

/* For readers. Adds all to `out`. WILCO_ENOMEM: `out` is incomplete. */
WILCO_MUST_CHECK enum wilco_status subscriber_set_collect(const struct subscriber_set *s,
                                                          struct topic_matches *out);

/* For readers. A walk round the set as it was at the first step, from any place, each member once.
 * Starts zero-filled; holds for one read section. */
struct subscriber_cursor {
    const struct subscriber_slots *more;
    uint32_t size;  /* places: those of `more`, and the first one if it is taken */
    uint32_t place; /* the next one */
    uint32_t left;
    bool with_first;
};

/* The next member; `start`, modulo the number of places, is where the walk begins. false: no more.
 */
bool subscriber_set_next(const struct subscriber_set *s, uint32_t start,
                         struct subscriber_cursor *c, struct topic_match *out);

#endif
