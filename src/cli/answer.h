#ifndef WILCO_CLI_ANSWER_H
#define WILCO_CLI_ANSWER_H

#include "cli/options.h"
#include "cli/properties.h"
#include "wilco/wilco.h"

#include <stdatomic.h>
#include <stdbool.h>

/* How `wilco respond` answers a call, whoever has the payload: with the properties of the command
 * line, shown if that is wanted, and counted. From any thread. */
struct answers {
    struct properties properties;
    struct option_number count; /* how many to take on; not set: no end */
    bool show;
    atomic_uint accepted, answered;
};

/* False when enough calls were taken on already: the call has then been answered with 503. */
bool answer_accept(struct answers *a, struct wilco_call *call);

/* All wake the main thread when this was the last one; the references stay as they are. */
void answer_bytes(struct answers *a, struct wilco_call *call, struct wilco_bytes payload);
void answer_reply(struct answers *a, struct wilco_call *call, const struct wilco_reply *reply);
void answer_error(struct answers *a, struct wilco_call *call, int status, const char *text);

bool answer_is_last(const struct answers *a); /* all that were to be taken on are answered */

#endif
