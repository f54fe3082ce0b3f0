#ifndef WILCO_WIRE_DISCONNECT_H
#define WILCO_WIRE_DISCONNECT_H

#include "wire/property.h"

/* DISCONNECT (MQTT 5.0, 3.14) and AUTH (3.15): one shape. Before MQTT 5.0 DISCONNECT is empty and
 * AUTH does not exist. */
struct wire_disconnect {
    uint8_t reason_code;
    struct wire_properties properties;
};

/* `type` is WIRE_DISCONNECT or WIRE_AUTH. Protocol Error: a reason code that this packet may not
 * carry; an AUTH with content but without Authentication Method. */
enum wilco_status wire_disconnect_decode(struct wire_disconnect *out, enum wire_type type,
                                         struct span body, enum wire_version version);
void wire_disconnect_encode(struct wire_writer *w, enum wire_type type,
                            const struct wire_disconnect *p, enum wire_version version);

#endif
