#ifndef WILCO_BROKER_CORE_EXPLAIN_H
#define WILCO_BROKER_CORE_EXPLAIN_H

#include "base/status.h"
#include "wire/packet.h"
#include "wire/reason.h"

/* Plain words for whoever debugs a client: what the broker says in Reason Strings and in its log,
 * where it knows no better. All text is ASCII and shorter than EXPLAIN_BYTES_MAX. */
#define EXPLAIN_BYTES_MAX 128U

/* What `reason_code` means in a packet of `type` (CONNACK, DISCONNECT, PUBACK, PUBREC, SUBACK).
 * NULL: the code says it all. Static storage. */
const char *explain(enum wire_type type, uint8_t reason_code);

/* Why a packet of `type` was not taken, when all that is known is the status it was decoded with.
 * Lives in `out`. */
void explain_fault(enum wire_type type, enum wilco_status status, char out[EXPLAIN_BYTES_MAX]);

#endif
