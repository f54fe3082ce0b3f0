#ifndef WILCO_WIRE_SUBACK_H
#define WILCO_WIRE_SUBACK_H

#include "wire/property.h"

/* SUBACK and UNSUBACK (MQTT 5.0, 3.9 and 3.11): one shape. UNSUBACK has neither properties nor
 * reason codes before MQTT 5.0. */
struct wire_suback {
    uint16_t packet_id;
    struct wire_properties properties; /* MQTT 5.0 */
    struct span reason_codes;          /* one byte for each topic filter, in their order */
};

/* `type` is WIRE_SUBACK or WIRE_UNSUBACK. Protocol Error: no reason code where one is due, or one
 * that this packet may not carry. */
enum wilco_status wire_suback_decode(struct wire_suback *out, enum wire_type type, struct span body,
                                     enum wire_version version);
void wire_suback_encode(struct wire_writer *w, enum wire_type type, const struct wire_suback *p,
                        enum wire_version version);

#endif
