#ifndef WILCO_BROKER_CORE_ROUTE_CACHE_H
#define WILCO_BROKER_CORE_ROUTE_CACHE_H

#include "base/span.h"
#include "broker/core/topic_matches.h"

/* What the topic index said of the topics that were published to last, where that was one
 * subscription of a session's own or none: most topics of requests, responses and devices. It holds
 * until anybody subscribes or unsubscribes (topic_index_changes()), whoever and to whatever that
 * may be. A shard has one, of a fixed size; a topic takes the place of another with the same hash.
 * All zero: empty. */
#define ROUTES                4096U /* half a MiB */
#define ROUTE_TOPIC_BYTES_MAX 86U

struct route {
    uint64_t hash;
    uint64_t changes;    /* of the index, before it was asked; 0: there is no route here */
    uint64_t session_id; /* SESSION_ID_NONE: nobody wants it */
    struct subscription_how how;
    uint32_t service; /* the filter's (service_table.h); SERVICE_NONE: it has no number yet */
    uint16_t topic_bytes;
    uint8_t topic[ROUTE_TOPIC_BYTES_MAX];
};

struct route_cache {
    struct route routes[ROUTES];
};

/* The place for a topic with this hash; what is there may be of another one, or too old. */
static inline struct route *
route_cache_place(struct route_cache *c, uint64_t hash)
{
    return &c->routes[hash % ROUTES];
}

static inline bool
route_is_for(const struct route *r, struct span topic, uint64_t hash, uint64_t changes)
{
    return r->hash == hash && r->changes == changes &&
           span_equal(span_of(r->topic, r->topic_bytes), topic);
}

/* Keeps what was found for `topic`: `match` NULL for nobody. Nothing happens if the topic is too
 * long to be kept. */
void route_keep(struct route *r, struct span topic, uint64_t hash, uint64_t changes,
                const struct topic_match *match, uint32_t service);

#endif
