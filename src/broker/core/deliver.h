#ifndef WILCO_BROKER_CORE_DELIVER_H
#define WILCO_BROKER_CORE_DELIVER_H

#include "broker/core/delivery.h"
#include "broker/core/session.h"

/* From a message to one session of this shard: sent at once, or kept for later, or dropped and
 * counted.
 *
 * A slow client: QoS 0 is dropped while more than output_bytes_max bytes wait for its socket; QoS 1
 * and 2 wait in the session until there is quota and room, up to queued_messages_max and
 * queued_bytes_max, and are dropped beyond. */

/* `t->qos` is the lower of published and granted. */
void deliver(struct session *s, struct message *m, const struct delivery_terms *t);
/* A retained message for a new subscription: also QoS 0 waits rather than being dropped; the number
 * of retained messages is the bound. */
void deliver_retained(struct session *s, struct message *m, const struct delivery_terms *t);

/* Sends from what waits, as long as there is quota and room. */
void deliver_waiting(struct session *s);
/* A client has come back: sends again what it had not acknowledged, in order, with the identifiers
 * it had [MQTT-4.4.0-1], then what waits. `receive_maximum` is the new connection's. */
void deliver_resume(struct session *s, uint16_t receive_maximum);

#endif
