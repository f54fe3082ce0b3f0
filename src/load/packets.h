#ifndef WILCO_LOAD_PACKETS_H
#define WILCO_LOAD_PACKETS_H

#include "load/outbox.h"

/* Packets of MQTT 5.0 that only some modes send, whole. */
void packets_subscribe(struct outbox *out, uint16_t packet_id,
                       const struct wire_subscription *subscriptions, size_t count);
void packets_unsubscribe(struct outbox *out, uint16_t packet_id, const char *filter);
/* With QoS 1 when it has a packet identifier. */
void packets_publish(struct outbox *out, uint16_t packet_id, const char *topic, struct span payload,
                     bool retain);
void packets_ping(struct outbox *out);
void packets_disconnect(struct outbox *out);

#endif
