#ifndef WILCO_WIRE_PACKET_H
#define WILCO_WIRE_PACKET_H

#include "base/span.h"
#include "base/status.h"
#include "wire/writer.h"

#include <stdbool.h>

/* MQTT Control Packet types (MQTT 5.0, 2.1.2) and versions. */
enum wire_type {
    WIRE_CONNECT = 1,
    WIRE_CONNACK = 2,
    WIRE_PUBLISH = 3,
    WIRE_PUBACK = 4,
    WIRE_PUBREC = 5,
    WIRE_PUBREL = 6,
    WIRE_PUBCOMP = 7,
    WIRE_SUBSCRIBE = 8,
    WIRE_SUBACK = 9,
    WIRE_UNSUBSCRIBE = 10,
    WIRE_UNSUBACK = 11,
    WIRE_PINGREQ = 12,
    WIRE_PINGRESP = 13,
    WIRE_DISCONNECT = 14,
    WIRE_AUTH = 15, /* MQTT 5.0 only */
};

/* The Protocol Version byte of CONNECT. */
enum wire_version {
    WIRE_V31 = 3,
    WIRE_V311 = 4,
    WIRE_V5 = 5,
};

/* The fixed header at the start of `bytes` (MQTT 5.0, 2.1). */
struct wire_header {
    enum wire_type type;
    uint8_t flags;       /* the low four bits of the first byte */
    size_t header_bytes; /* 2 to 5 */
    uint32_t remaining;  /* Remaining Length: bytes that follow the header */
};

/* WILCO_AGAIN: more bytes are needed. WILCO_EMALFORMED: type 0, flags that the type does not allow
 * [MQTT-2.1.3-1], or a Remaining Length that is over-long; said as soon as the bytes show it. The
 * flags of PUBLISH are checked by wire_publish_decode(). */
enum wilco_status wire_header_decode(struct wire_header *out, struct span bytes);

/* Encoders measure the body first, then write the header, then the body. WILCO_ELIMIT in `w` when
 * `remaining` is more than a packet can hold. */
void wire_header_encode(struct wire_writer *w, enum wire_type type, uint8_t flags,
                        size_t remaining);

/* "PUBLISH" and so on; "RESERVED" for anything else. Static storage. */
const char *wire_type_name(enum wire_type type);

/* The flags that are fixed for a type: 0x02 for PUBREL, SUBSCRIBE and UNSUBSCRIBE, else 0. */
uint8_t wire_type_flags(enum wire_type type);

#endif
