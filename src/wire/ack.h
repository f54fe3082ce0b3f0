#ifndef WILCO_WIRE_ACK_H
#define WILCO_WIRE_ACK_H

#include "wire/property.h"

/* PUBACK, PUBREC, PUBREL and PUBCOMP (MQTT 5.0, 3.4 to 3.7): one shape. Reason code and properties
 * are left out where the standard allows it: the shortest form that says the same, except that a
 * Property Length of 0 that was received is written again. */
struct wire_ack {
    uint16_t packet_id;
    uint8_t reason_code;               /* MQTT 5.0 */
    struct wire_properties properties; /* MQTT 5.0 */
};

/* Protocol Error: a reason code that packets of `type` may not carry. */
enum wilco_status wire_ack_decode(struct wire_ack *out, enum wire_type type, struct span body,
                                  enum wire_version version);
void wire_ack_encode(struct wire_writer *w, enum wire_type type, const struct wire_ack *p,
                     enum wire_version version);
/* The same for reason code 0x00 and no properties, which is the same in all versions. */
void wire_ack_encode_bare(struct wire_writer *w, enum wire_type type, uint16_t packet_id);

#endif
