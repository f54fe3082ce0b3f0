#ifndef WILCO_CLIENT_EXPLAIN_H
#define WILCO_CLIENT_EXPLAIN_H

#include "wilco/wilco.h"

/* The text of a struct wilco_error about a request, in two steps: whom was asked, and how that
 * ended. In between it is the topic alone. NULL is allowed for `why`. */
void explain_request(struct wilco_error *why, const char *topic);

/* "topic: what happened: Words of the standard (0xNN)"; when the responder answered with an error,
 * "topic: what happened: 404: its text"; when the server says that there will be no answer,
 * "topic: what happened: its text (not executed)", or whatever it says of that. `response` may be
 * NULL. Nothing is added for WILCO_OK. */
void explain_outcome(struct wilco_error *why, enum wilco_status status, uint8_t reason_code,
                     const struct wilco_message *response);

/* Makes spaces of line ends and other control characters, which peers may send. */
void explain_in_one_line(struct wilco_error *why);

#endif
