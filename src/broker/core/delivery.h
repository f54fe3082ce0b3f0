#ifndef WILCO_BROKER_CORE_DELIVERY_H
#define WILCO_BROKER_CORE_DELIVERY_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "broker/core/message.h"

struct request;
struct shard;

/* A message on its way to one session, with what is particular to that session. */
struct delivery {
    struct delivery *next;
    struct message *message; /* a reference */
    struct request *request; /* the one that is opened with it, while it lasts; or NULL */
    uint8_t qos;
    bool retain;       /* the RETAIN flag to send */
    bool is_cancelled; /* not to be sent any more, nor to anybody else */
    uint16_t identifier_count;
    uint32_t group; /* the number of the group it came from (topic_group.h); 0: none */
    uint32_t
        access_changes;     /* the broker's, when the session was found to be permitted to get it */
    uint32_t identifiers[]; /* Subscription Identifiers */
};

/* What a session is to be sent, before it is decided whether that can be at once. Borrowed. */
struct delivery_terms {
    uint8_t qos;
    bool retain;
    uint16_t identifier_count;
    uint32_t group;
    const uint32_t *identifiers;
    struct request *request; /* opened with it (request.h); or NULL */
};

/* Takes a reference of its own. Counts in the shard, which is the session's, as kept until it is
 * freed. NULL: out of memory. */
struct delivery *delivery_new(struct shard *s, struct message *m, const struct delivery_terms *t);
void delivery_free(struct shard *s, struct delivery *d); /* NULL is allowed */
struct delivery_terms delivery_terms_of(const struct delivery *d);

/* First in, first out [MQTT-4.6.0-6]; owns what is in it. */
struct delivery_queue {
    struct delivery *first;
    struct delivery *last;
    uint64_t bytes; /* packet bytes of the messages */
    uint32_t count;
    uint32_t qos_0_count;  /* how many are QoS 0 */
    uint32_t shared_count; /* how many came from groups */
};

/* The empty queue, of all who have had nothing to queue yet. It takes nothing in. */
struct delivery_queue *delivery_queue_none(void);
/* Makes `*q` a queue of its own, if it is not yet. False: out of memory. */
WILCO_MUST_CHECK bool delivery_queue_own(struct delivery_queue **q, const struct wilco_alloc *a);
/* With what is in it. */
void delivery_queue_free(struct delivery_queue *q, struct shard *s);

void delivery_queue_push(struct delivery_queue *q, struct delivery *d);
void delivery_queue_push_front(struct delivery_queue *q, struct delivery *d);
struct delivery *delivery_queue_pop(struct delivery_queue *q); /* NULL: empty */

#endif
