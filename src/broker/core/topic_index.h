#ifndef WILCO_BROKER_CORE_TOPIC_INDEX_H
#define WILCO_BROKER_CORE_TOPIC_INDEX_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/* Who wants which topics: the one structure that all shards share. Filters without wildcards are found in
 * a hash table, the others in a tree of levels; the members of a shared subscription are kept as a group
 * at their filter. Matching takes no lock and no memory beyond the caller's; changing takes the one
 * writer's lock. Cost of a match: one probe, and where there are wildcards the depth of the topic, never
 * the number of subscriptions. Sessions are named by id (session_id.h), never by pointer.
 *
 * Threads that match are registered readers (rcu.h). */
struct topic_index;

struct topic_index *topic_index_new(const struct wilco_alloc *a, uint64_t hash_seed); /* NULL: out of memory */
void topic_index_free(struct topic_index *t); /* no reader or writer is left; NULL is allowed */

/* What a subscription asks for, packed so that it is replaced in one store: the options of SUBSCRIBE
 * (MQTT 5.0, 3.8.3.1) that matter for delivery, and the Subscription Identifier (0: none). */
struct subscription_how {
    uint32_t identifier;
    uint8_t qos;
    bool no_local;
    bool retain_as_published;
};

/* `filter` is valid and without "$share/<group>/"; `group` is the ShareName or empty. Subscribing again
 * replaces the first [MQTT-3.8.4-3]: no matcher ever sees neither or both. `*existed` says whether it
 * did. WILCO_ENOMEM: nothing has changed. */
WILCO_MUST_CHECK enum wilco_status topic_index_subscribe(struct topic_index *t, struct span filter,
                                                         struct span group, uint64_t session_id,
                                                         const struct subscription_how *how, bool *existed);
/* false: there was no such subscription. Never fails otherwise. */
bool topic_index_unsubscribe(struct topic_index *t, struct span filter, struct span group,
                             uint64_t session_id);

/* One matching subscription. */
struct topic_match {
    uint64_t session_id;
    struct subscription_how how;
};

/* The members of a matching group, of whom one is to be chosen. Valid inside the read section. */
struct topic_group;

/* Where matches are gathered; reused from call to call, so that a steady state allocates nothing. */
struct topic_matches {
    struct topic_match *items;
    size_t count;
    size_t capacity;
    struct topic_group **groups;
    size_t group_count;
    size_t group_capacity;
    size_t filters; /* how many filters matched: up to 1, no session can be named twice */
    const struct wilco_alloc *alloc;
};

void topic_matches_init(struct topic_matches *m, const struct wilco_alloc *a);
void topic_matches_fini(struct topic_matches *m);

/* Empties `out`, then fills it with every matching subscription and group, in no particular order, inside
 * a read section of the caller's. A session whose several filters match is named several times.
 * WILCO_ENOMEM: `out` is incomplete. */
WILCO_MUST_CHECK enum wilco_status topic_index_match(struct topic_index *t, struct span topic,
                                                     struct topic_matches *out);

/* A number that goes up by one with each call, for taking turns. */
uint32_t topic_group_turn(struct topic_group *g);
/* The members from a starting place on, each once: fill `*cursor` with 0, call until false. Starting
 * places are taken modulo the size. */
bool topic_group_next(struct topic_group *g, uint32_t start, uint32_t *cursor, struct topic_match *out);

/* How many subscriptions there are; exact when no writer is active. */
size_t topic_index_count(const struct topic_index *t);

#endif
