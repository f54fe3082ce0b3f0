#ifndef WILCO_CLIENT_EXPLAIN_H
#define WILCO_CLIENT_EXPLAIN_H

#include "wilco/wilco.h"

/* The text of a struct wilco_error about a request, in two steps: whom was asked, and how that
 * ended. In between it is the topic alone. NULL is allowed for `why`. */
void explain_request(struct wilco_error *why, const char *topic);

/* How a request ended. */
struct outcome {
    enum wilco_status status;
    uint8_t reason_code;
    enum wilco_stage stage;
    enum wilco_executed executed;
    const char *text;                     /* more words of ours; NULL: none */
    const struct wilco_message *response; /* or what the broker says instead; NULL: neither */
};

/* "topic: what happened: Words of the standard (0xNN)"; when the responder answered with an error,
 * "topic: what happened: 404: its text"; when the server says that there will be no answer,
 * "topic: what happened: its text". Then "(not executed)" or "(may have been executed)", where that
 * does not go without saying. Nothing is added for WILCO_OK. */
void explain_outcome(struct wilco_error *why, const struct outcome *outcome);

/* Makes spaces of line ends and other control characters, which peers may send. */
void explain_in_one_line(struct wilco_error *why);

#endif
