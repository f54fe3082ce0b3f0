#ifndef WILCO_LINK_FAULT_H
#define WILCO_LINK_FAULT_H

#include "base/status.h"
#include "wire/reason.h"

/* The one place where a status becomes the Reason Code of a DISCONNECT or CONNACK (MQTT 5.0, 4.13):
 * Malformed Packet, Protocol Error, Packet too large (WILCO_ELIMIT), Quota exceeded (WILCO_ENOMEM),
 * and Unspecified error for the rest. Use it where no more specific code is known [U-4.13-2]. */
uint8_t fault_reason(enum wilco_status status);

#endif
