#ifndef WILCO_BROKER_CORE_FORWARD_H
#define WILCO_BROKER_CORE_FORWARD_H

#include "broker/core/conn.h"
#include "broker/core/delivery.h"

/* Writes a message to a client as a PUBLISH of its version, with the expiry that is left
 * [MQTT-3.3.2-6]; `packet_id` counts for QoS 1 and 2. WILCO_ELIMIT: above the client's Maximum
 * Packet Size, nothing was written [MQTT-3.1.2-25]. WILCO_ENOMEM: the connection is broken. */
WILCO_MUST_CHECK enum wilco_status forward_publish(struct conn *c, struct message *m,
                                                   const struct delivery_terms *t,
                                                   uint16_t packet_id, bool dup);

#endif
