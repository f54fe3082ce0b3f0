#ifndef WILCO_BROKER_CORE_REPLY_H
#define WILCO_BROKER_CORE_REPLY_H

#include "broker/core/conn.h"
#include "wire/any.h"

/* Packets that answer: put into a connection's output in the client's version of the protocol. Out
 * of memory breaks the connection. Nothing is said on one that is ending [MQTT-3.14.4-1]. None but
 * one (reply_ack_counted()) has User Properties: [MQTT-3.6.2-3], [MQTT-3.7.2-3], [MQTT-3.9.2-2],
 * [MQTT-3.11.2-2], [MQTT-3.14.2-4]. */

/* false: larger than the client's Maximum Packet Size, and not sent [MQTT-3.1.2-24]. */
bool reply_packet(struct conn *c, const struct wire_any *packet);

/* The same with `why` (NULL: nothing) as a Reason String in `properties`, which are the packet's
 * own, where MQTT 5.0 and the client allow one and it fits [MQTT-3.1.2-29], [MQTT-3.2.2-19],
 * [MQTT-3.4.2-2], [MQTT-3.5.2-2], [MQTT-3.9.2-1], [MQTT-3.14.2-3]; otherwise without. PUBREL,
 * PUBCOMP and UNSUBACK never have one [MQTT-3.6.2-2], [MQTT-3.7.2-2], [MQTT-3.11.2-1]. */
bool reply_with_reason(struct conn *c, const struct wire_any *packet,
                       struct wire_properties *properties, const char *why);

/* PUBACK, PUBREC, PUBREL or PUBCOMP with the identifier of what it answers [MQTT-2.2.1-5],
 * [MQTT-4.3.2-4], on the hot path. Bare ones are smaller than the CONNACK that
 * this client has taken, so they need not be measured. A PUBACK or PUBREC that refuses says why. */
void reply_ack(struct conn *c, enum wire_type type, uint16_t packet_id, uint8_t reason_code);
/* The same with a Reason String of its own in place of the words of explain.h, if the code refuses;
 * NULL: those. */
void reply_ack_because(struct conn *c, enum wire_type type, uint16_t packet_id, uint8_t reason_code,
                       const char *why);
/* PUBACK or PUBREC that says in a User Property `rr-count` how many have got the request, where the
 * client wants to know [MQTT-3.1.2-29] and the packet is not too large for it [MQTT-3.4.2-3],
 * [MQTT-3.5.2-3]; otherwise without. */
void reply_ack_counted(struct conn *c, enum wire_type type, uint16_t packet_id, uint8_t reason_code,
                       uint32_t count);
void reply_pingresp(struct conn *c);

#endif
