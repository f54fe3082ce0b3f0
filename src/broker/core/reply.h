#ifndef WILCO_BROKER_CORE_REPLY_H
#define WILCO_BROKER_CORE_REPLY_H

#include "broker/core/conn.h"
#include "wire/any.h"

/* Packets that answer: put into a connection's output in the client's version of the protocol. Out
 * of memory breaks the connection. Nothing is said on one that is ending. None of them carries a
 * Reason String or User Properties, so Request Problem Information makes no difference
 * [MQTT-3.1.2-29]. */

/* false: larger than the client's Maximum Packet Size, and not sent [MQTT-3.1.2-24]. */
bool reply_packet(struct conn *c, const struct wire_any *packet);

/* PUBACK, PUBREC, PUBREL or PUBCOMP, on the hot path. They are smaller than the CONNACK that this
 * client has taken, so they need not be measured. */
void reply_ack(struct conn *c, enum wire_type type, uint16_t packet_id, uint8_t reason_code);
void reply_pingresp(struct conn *c);

#endif
