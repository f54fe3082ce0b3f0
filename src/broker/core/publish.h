#ifndef WILCO_BROKER_CORE_PUBLISH_H
#define WILCO_BROKER_CORE_PUBLISH_H

#include "broker/core/shard.h"

/* From a message to all who want it: sessions of this shard at once, those of other shards through
 * their inboxes. One copy for each session however many of its subscriptions match, with the
 * highest QoS of them and all their Subscription Identifiers [MQTT-3.3.4-2, 3.3.4-3, 3.3.4-4]; and
 * one with its own identifier [MQTT-3.3.4-5] for one member of each matching group [U-4.8.2-1],
 * [U-4.8.2-3], preferably one that is connected.
 *
 * `*receivers` says how many copies are on their way, of requests like of all else [U-4.10-2], but
 * of a request not those for who only watches; 0 becomes reason code 0x10. WILCO_ENOMEM:
 * some of them may not have been. */
WILCO_MUST_CHECK enum wilco_status publish_message(struct shard *s, struct message *m,
                                                   size_t *receivers);

/* The same for RETAIN 1: the topic's retained message is replaced or removed first. WILCO_ELIMIT:
 * no more can be retained; nothing was published. */
WILCO_MUST_CHECK enum wilco_status publish_and_retain(struct shard *s, struct message *m,
                                                      size_t *receivers);

/* To one session alone, as far as it wants it: by subscriptions of its own that match, or because
 * the topic is in its inbox. How many copies are on their way: 1, or 0. */
size_t publish_to_session(struct shard *s, struct message *m, uint64_t session_id);

/* Scratch that lives as long as the shard, so that the steady state allocates nothing. */
struct publish_scratch *publish_scratch_new(const struct wilco_alloc *a); /* NULL: out of memory */
void publish_scratch_free(struct publish_scratch *p);

#endif
