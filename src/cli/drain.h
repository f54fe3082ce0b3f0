#ifndef WILCO_CLI_DRAIN_H
#define WILCO_CLI_DRAIN_H

#include "wilco/wilco.h"

#include <stdbool.h>

/* Ends a responder without losing a request, while the main thread goes on with what has come. */
struct drain;

/* Leaves the group, and waits for what is being answered, at most `drain_ms`. */
struct drain *drain_start(struct wilco *client, const char *filter, unsigned drain_ms);
bool drain_is_over(const struct drain *d); /* wakes the main thread when it becomes true */
/* Waits for the end, frees it, and says how it went. */
enum wilco_status drain_finish(struct drain *d);

#endif
