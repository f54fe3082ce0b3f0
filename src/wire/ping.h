#ifndef WILCO_WIRE_PING_H
#define WILCO_WIRE_PING_H

#include "wire/packet.h"
#include "wire/writer.h"

/* PINGREQ and PINGRESP (MQTT 5.0, 3.12 and 3.13): a fixed header and nothing else. */
enum wilco_status wire_ping_decode(struct span body); /* WILCO_EMALFORMED unless it is empty */
void wire_ping_encode(struct wire_writer *w, enum wire_type type);

#endif
