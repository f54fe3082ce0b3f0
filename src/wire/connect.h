#ifndef WILCO_WIRE_CONNECT_H
#define WILCO_WIRE_CONNECT_H

#include "wire/property.h"

/* CONNECT (MQTT 5.0, 3.1; MQTT 3.1.1, 3.1). It says its own version, so it needs none to be
 * decoded. */
struct wire_will {
    uint8_t qos;
    bool retain;
    struct span topic;
    struct span payload;
    struct wire_properties properties; /* MQTT 5.0 */
};

struct wire_connect {
    enum wire_version version;
    bool clean_start; /* Clean Session before MQTT 5.0 */
    bool has_will;
    bool has_user_name;
    bool has_password;
    uint16_t keep_alive; /* seconds; 0: off */
    struct wire_properties properties;
    struct span client_id;
    struct wire_will will;
    struct span user_name;
    struct span password;
};

/* Borrows `body`. Whether the Will Topic is a valid Topic Name is left to the caller, like the
 * topic of a PUBLISH, and so is an empty client identifier. WILCO_ENOTFOUND: a protocol name or
 * version that is none of ours [MQTT-3.1.2-1, 3.1.2-2]; then `out->version` is the version byte
 * asked for, if there was one. */
enum wilco_status wire_connect_decode(struct wire_connect *out, struct span body);
/* Writes the whole packet, fixed header included, as all these encoders do. */
void wire_connect_encode(struct wire_writer *w, const struct wire_connect *p);

#endif
