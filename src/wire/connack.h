#ifndef WILCO_WIRE_CONNACK_H
#define WILCO_WIRE_CONNACK_H

#include "wire/property.h"

/* CONNACK (MQTT 5.0, 3.2). `reason_code` is a Reason Code of MQTT 5.0 in MQTT 5.0 and a Return Code
 * (0 to 5) before. */
struct wire_connack {
    bool session_present;
    uint8_t reason_code;
    struct wire_properties properties; /* MQTT 5.0 */
};

enum wilco_status wire_connack_decode(struct wire_connack *out, struct span body,
                                      enum wire_version version);
void wire_connack_encode(struct wire_writer *w, const struct wire_connack *p,
                         enum wire_version version);
/* The Return Code of MQTT 3.1.1 (3.2.2.3) that comes nearest to a Reason Code >= 0x80. */
uint8_t wire_connack_return_code(uint8_t reason_code);

#endif
