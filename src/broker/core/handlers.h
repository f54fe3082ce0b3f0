#ifndef WILCO_BROKER_CORE_HANDLERS_H
#define WILCO_BROKER_CORE_HANDLERS_H

#include "broker/core/conn.h"

/* What the broker does with each packet of a client, one file a packet (on_connect.c, ...). A
 * status that is not WILCO_OK ends the connection with the reason code that link/fault.h gives it;
 * a handler that has a better one calls conn_end() itself and returns WILCO_OK. */
WILCO_MUST_CHECK enum wilco_status on_connect(struct conn *c, const struct frame *f);
WILCO_MUST_CHECK enum wilco_status on_publish(struct conn *c, const struct frame *f);
WILCO_MUST_CHECK enum wilco_status on_puback(struct conn *c, const struct frame *f);
WILCO_MUST_CHECK enum wilco_status on_pubrec(struct conn *c, const struct frame *f);
WILCO_MUST_CHECK enum wilco_status on_pubrel(struct conn *c, const struct frame *f);
WILCO_MUST_CHECK enum wilco_status on_pubcomp(struct conn *c, const struct frame *f);
WILCO_MUST_CHECK enum wilco_status on_subscribe(struct conn *c, const struct frame *f);
WILCO_MUST_CHECK enum wilco_status on_unsubscribe(struct conn *c, const struct frame *f);
WILCO_MUST_CHECK enum wilco_status on_pingreq(struct conn *c, const struct frame *f);
WILCO_MUST_CHECK enum wilco_status on_disconnect(struct conn *c, const struct frame *f);

#endif
