#ifndef WILCO_WIRE_PUBLISH_H
#define WILCO_WIRE_PUBLISH_H

#include "wire/property.h"

/* PUBLISH (MQTT 5.0, 3.3). */
struct wire_publish {
    uint8_t qos;
    bool dup;
    bool retain;
    uint16_t packet_id; /* QoS 1 and 2 */
    bool has_wildcard;  /* decoded: the topic has one, and so is no Topic Name */
    struct span topic;
    struct wire_properties properties; /* MQTT 5.0 */
    struct span payload;
    /* Decoded, MQTT 5.0: Property Length, properties and payload, which lie together; empty: what
     * is here came in no packet. */
    struct span tail;
};

/* Borrows `body`. Malformed: QoS 3 [MQTT-3.3.1-4], DUP with QoS 0 [MQTT-3.3.1-2], packet identifier
 * 0. Protocol Error: an empty topic without Topic Alias, a Response Topic that is not a valid Topic
 * Name [MQTT-3.3.2-14], Subscription Identifier 0. A wildcard in the topic is left to the caller,
 * who has a better reason code for it (0x90). */
enum wilco_status wire_publish_decode(struct wire_publish *out, uint8_t flags, struct span body,
                                      enum wire_version version);
void wire_publish_encode(struct wire_writer *w, const struct wire_publish *p,
                         enum wire_version version);

#endif
