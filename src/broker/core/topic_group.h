#ifndef WILCO_BROKER_CORE_TOPIC_GROUP_H
#define WILCO_BROKER_CORE_TOPIC_GROUP_H

#include "broker/core/subscriber_set.h"

struct audience;

/* The members of a shared subscription (MQTT 5.0, 4.8.2): of those who share a ShareName and a
 * filter one is chosen for each message. What a matcher gets is valid inside its read section. */
struct topic_group {
    struct reclaim_node reclaim;
    struct audience *audience;          /* that it is part of (audience.h) */
    _Atomic(struct topic_group *) next; /* of the same filter */
    struct subscriber_set members;
    _Atomic uint32_t turns;
    _Atomic uint32_t service; /* what it is called in figures (service_table.h); 0: nothing yet */
    uint32_t number;          /* names it among the groups of its index; never 0 */
    uint32_t name_bytes;
    uint8_t name[];
};

/* NULL: out of memory. */
struct topic_group *topic_group_new(const struct wilco_alloc *a, struct span name, uint32_t number);
void topic_group_free(struct topic_group *g, const struct wilco_alloc *a); /* no reader is left */

static inline uint32_t
topic_group_service(const struct topic_group *g)
{
    return atomic_load_explicit(&g->service, memory_order_relaxed);
}

/* A number that goes up by one with each call, for taking turns. */
uint32_t topic_group_turn(struct topic_group *g);

/* A walk over the members, from a starting place on, each once, whoever joins or leaves meanwhile.
 * Starts as {0}: struct topic_group_cursor c = {0}; call topic_group_next() until false. Starting
 * places are taken modulo the size. */
struct topic_group_cursor {
    struct subscriber_cursor members;
};
bool topic_group_next(struct topic_group *g, uint32_t start, struct topic_group_cursor *cursor,
                      struct topic_match *out);

#endif
