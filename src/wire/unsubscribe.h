#ifndef WILCO_WIRE_UNSUBSCRIBE_H
#define WILCO_WIRE_UNSUBSCRIBE_H

#include "wire/property.h"

/* UNSUBSCRIBE (MQTT 5.0, 3.10). */
struct wire_unsubscribe {
    uint16_t packet_id;
    struct wire_properties properties; /* MQTT 5.0 */
    struct span payload;               /* validated; read it with wire_unsubscribe_next() */
    size_t count;                      /* at least one [MQTT-3.10.3-2] */
    const struct span *filters;        /* for encoding: `count` of them; NULL when decoded */
};

enum wilco_status wire_unsubscribe_decode(struct wire_unsubscribe *out, struct span body,
                                          enum wire_version version);
bool wire_unsubscribe_next(struct span *payload, struct span *filter);
void wire_unsubscribe_encode(struct wire_writer *w, const struct wire_unsubscribe *p,
                             enum wire_version version);

#endif
