#ifndef WILCO_BROKER_CORE_HANDLERS_H
#define WILCO_BROKER_CORE_HANDLERS_H

#include "broker/core/conn.h"
#include "wire/connect.h"

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
WILCO_MUST_CHECK enum wilco_status on_auth(struct conn *c, const struct frame *f);
/* Any packet while CONN_AUTHENTICATING. */
WILCO_MUST_CHECK enum wilco_status on_authenticating(struct conn *c, const struct frame *f);

/* Between on_connect.c and on_auth.c. A CONNECT in which there is nothing wrong names a method that
 * the broker has: `body` is copied, and accepted later. */
WILCO_MUST_CHECK enum wilco_status
connect_authenticate(struct conn *c, const struct wire_connect *p, struct span body);
/* Joins the client, who is `user` (empty: not authenticated), with its session and says so, or says
 * why not: what depends on who it is is looked at here. */
WILCO_MUST_CHECK enum wilco_status connect_accept(struct conn *c, const struct wire_connect *p,
                                                  struct span user);
/* Answers with CONNACK and ends the connection [MQTT-3.2.2-7]; always WILCO_OK. `why` goes into the
 * Reason String; NULL: nothing. */
WILCO_MUST_CHECK enum wilco_status connect_refuse(struct conn *c, uint8_t reason_code,
                                                  const char *why);
/* The same for a refusal that is in the log already. */
WILCO_MUST_CHECK enum wilco_status connect_turn_away(struct conn *c, uint8_t reason_code,
                                                     const char *why);

#endif
