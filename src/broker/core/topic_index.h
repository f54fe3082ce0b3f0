#ifndef WILCO_BROKER_CORE_TOPIC_INDEX_H
#define WILCO_BROKER_CORE_TOPIC_INDEX_H

#include "broker/core/service_table.h"
#include "broker/core/topic_group.h"
#include "broker/core/topic_matches.h"

/* Who wants which topics: the one structure that all shards share. Filters without wildcards are
 * found in a hash table, the others in a tree of levels; the members of a shared subscription are
 * kept as a group at their filter. Matching takes no lock and no memory beyond the caller's;
 * changing takes the one writer's lock. Cost of a match: one probe, and where there are wildcards
 * the depth of the topic, never the number of subscriptions. Sessions are named by id
 * (session_id.h), never by pointer.
 *
 * Threads that match or change are registered readers (rcu.h), and the allocator is safe from any
 * thread: what is taken out is freed from another one, later. */
struct topic_index;

struct topic_index *topic_index_new(const struct wilco_alloc *a,
                                    uint64_t hash_seed); /* NULL: out of memory */
/* No reader or writer is left. Waits until all memory is given back. NULL is allowed. */
void topic_index_free(struct topic_index *t);

/* `filter` is valid and without "$share/<group>/"; `group` is the ShareName or empty. Subscribing
 * again replaces the first [MQTT-3.8.4-3]: no matcher ever sees neither or both. `*existed` says
 * whether it did. WILCO_ENOMEM: nothing has changed. */
WILCO_MUST_CHECK enum wilco_status topic_index_subscribe(struct topic_index *t, struct span filter,
                                                         struct span group, uint64_t session_id,
                                                         const struct subscription_how *how,
                                                         bool *existed);

/* A subscription, as its session keeps it to leave by: a word, and never 0. It holds as long as the
 * session subscribes. */
#define TOPIC_PLACE_SHARED 1U /* a bit in it: it is shared */
#define TOPIC_PLACE_DOLLAR 2U /* another: the filter begins with "$" */

/* 0: there is no such subscription. */
uintptr_t topic_index_find(struct topic_index *t, struct span filter, struct span group,
                           uint64_t session_id);
/* Ends the session's subscription at its place. Never fails. */
void topic_index_leave(struct topic_index *t, uintptr_t place, uint64_t session_id);

/* Empties `out`, then fills it with every matching subscription and group [MQTT-3.3.2-3], byte for
 * byte [MQTT-4.7.3-4], in no particular order,
 * inside a read section of the caller's. A session whose several filters match is named several
 * times. WILCO_ENOMEM: `out` is incomplete. */
WILCO_MUST_CHECK enum wilco_status topic_index_match(struct topic_index *t, struct span topic,
                                                     struct topic_matches *out);

/* Empties `out`, then fills its items with everybody who subscribes with just this filter, in this
 * group (empty: in none). Takes the writer's lock. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status topic_index_list(struct topic_index *t, struct span filter,
                                                    struct span group, struct topic_matches *out);

/* The hash of a topic, and how often subscriptions have changed, at least 1: what
 * topic_index_match() says of a topic still holds while this is what it was before it was asked. A
 * change is counted before whoever asked for it can know that it was made. */
uint64_t topic_index_hash(const struct topic_index *t, struct span topic);
uint64_t topic_index_changes(const struct topic_index *t);

/* Frees what readers of the index may look at (reclaim.h); topic_index_free() waits for it. */
struct reclaim *topic_index_reclaim(struct topic_index *t);

/* How many subscriptions there are; exact when no writer is active. */
size_t topic_index_count(const struct topic_index *t);

/* Gives every filter and group in `m`, which topic_index_match() has just filled for `topic` in
 * this read section, its number among the services. Without memory some have none. */
void topic_index_number(struct topic_index *t, struct span topic, const struct topic_matches *m,
                        struct service_table *services);

#endif
