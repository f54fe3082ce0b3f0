#ifndef WILCO_BROKER_CORE_DELIVER_H
#define WILCO_BROKER_CORE_DELIVER_H

#include "broker/core/delivery.h"
#include "broker/core/session.h"

/* From a message to one session of this shard [MQTT-4.5.0-1]: sent at once, or kept for later, or
 * dropped and counted. QoS 0 is not kept for those who are away [U-4.3.1-1].
 *
 * A slow client: QoS 0 is dropped while more than output_bytes_max bytes wait for its socket; QoS 1
 * and 2 wait in the session until there is quota and room, up to queued_messages_max and
 * queued_bytes_max, and are dropped beyond, or when the client has all that client_bytes_max gives
 * it. Those that the client does not acknowledge hold others back when they are half of that. A QoS
 * 0 message overtakes QoS 1 and 2 messages that wait for quota [MQTT-3.3.4-10] (only messages of
 * one QoS keep their order [MQTT-4.6.0-5]) but not retained QoS 0 messages that wait for room: it
 * then waits behind them, within the same bounds.
 *
 * Out of memory while sending breaks the connection and loses nothing of QoS 1 and 2. */

/* `t->qos` is the lower of published and granted. WILCO_ENOMEM: it is of QoS 1 or 2, has nothing to
 * do with requests, and was neither sent nor kept: try again, or tell who sent it. Whatever else
 * there is no memory for is dropped, counted, and told to whom it may concern. */
WILCO_MUST_CHECK enum wilco_status deliver(struct session *s, struct message *m,
                                           const struct delivery_terms *t);
/* The same for what must not overtake what waits already, at QoS 0 either. */
void deliver_behind(struct session *s, struct message *m, const struct delivery_terms *t);
/* A retained message for a new subscription: also QoS 0 waits rather than being dropped. Call it
 * for all of a subscription's if deliver_has_room() says so before the first: then the bound is the
 * queue's plus what is retained. */
void deliver_retained(struct session *s, struct message *m, const struct delivery_terms *t);
/* Whether the session's queue is below its bounds. */
bool deliver_has_room(struct session *s);

/* Tells the session table what the session can take, if that has changed: call it after anything
 * that may matter for enum session_presence (a state of the connection, output, quota, queue). */
void deliver_update_presence(struct session *s);

/* Sends from what waits, as long as there is quota and room. */
void deliver_waiting(struct session *s);
/* A client has come back: sends again what it had not acknowledged [MQTT-4.3.2-3], [MQTT-4.3.3-3],
 * [MQTT-4.3.3-5], expired or not [MQTT-4.3.3-7], in order, with the identifiers it had
 * [MQTT-4.4.0-1], then what waits. `receive_maximum` is the new connection's. */
void deliver_resume(struct session *s, uint16_t receive_maximum);

/* The client has answered for `entry`: call it first. It no longer needs to be sent again if this
 * connection had not come to that yet. */
void deliver_answered(struct session *s, struct send_entry *entry);
/* PUBREC has come for `entry`: its message is no longer needed, its identifier still is. */
void deliver_released(struct session *s, struct send_entry *entry);
/* `entry` is no longer in flight. What it carries, which is the caller's now; NULL after PUBREC. */
struct delivery *deliver_land(struct session *s, struct send_entry *entry);
/* The exchange of `entry` is complete; there may be quota for the next message. */
void deliver_finished(struct session *s, struct send_entry *entry);

#endif
