#ifndef WILCO_WIRE_SUBSCRIBE_H
#define WILCO_WIRE_SUBSCRIBE_H

#include "wire/property.h"

/* SUBSCRIBE (MQTT 5.0, 3.8). */
struct wire_subscription {
    struct span filter;
    uint8_t qos;   /* Maximum QoS */
    bool no_local; /* MQTT 5.0, like the two below */
    bool retain_as_published;
    uint8_t retain_handling; /* 0 send, 1 send if new, 2 do not send */
};

struct wire_subscribe {
    uint16_t packet_id;
    struct wire_properties properties;
    struct span payload; /* validated; read it with wire_subscribe_next() */
    size_t count;        /* how many subscriptions there are, at least one */
    /* For encoding: `count` of them. NULL when decoded. */
    const struct wire_subscription *subscriptions;
};

/* Malformed: reserved bits in the options [MQTT-3.8.3-5]. Protocol Error: none at all
 * [MQTT-3.8.3-2], QoS 3, Retain Handling 3, Subscription Identifier 0 or repeated, No Local on a
 * shared subscription [MQTT-3.8.3-4]. Whether a filter is a valid Topic Filter is left to the
 * caller (SUBACK 0x8F). */
enum wilco_status wire_subscribe_decode(struct wire_subscribe *out, struct span body,
                                        enum wire_version version);
/* Cuts the next subscription off `*payload`; false when none is left. */
bool wire_subscribe_next(struct span *payload, struct wire_subscription *out);
void wire_subscribe_encode(struct wire_writer *w, const struct wire_subscribe *p,
                           enum wire_version version);

/* The options byte and back (MQTT 5.0, 3.8.3.1). */
uint8_t wire_subscription_options(const struct wire_subscription *s);

#endif
