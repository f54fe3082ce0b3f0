#ifndef WILCO_CLI_MOCK_H
#define WILCO_CLI_MOCK_H

#include "wilco/wilco.h"

#include <stdbool.h>

/* Answers as a recorded responder did: a request with the same topic and payload gets its answer.
 * If it was asked several times, the answers come in their order, and the last one stays. One
 * thread. */
struct mock;

/* From a recording. 0, or the exit code when it has said what is wrong. */
int mock_load(struct mock **out, const char *path);
void mock_free(struct mock *m); /* NULL is allowed */

/* False: this was never asked, or never answered. The reply borrows from `m` until the next one. */
bool mock_answer(struct mock *m, const struct wilco_message *request, struct wilco_reply *reply);

#endif
