#ifndef WILCO_BROKER_SERVER_CONFIG_PROBLEMS_H
#define WILCO_BROKER_SERVER_CONFIG_PROBLEMS_H

#include "base/compiler.h"

#include <stddef.h>

/* Everything that is wrong with a configuration, so that it can be put right in one go: a line for
 * each problem, such as "wilco.conf:7: shards: ...". The first PROBLEMS_MAX are kept, all are
 * counted. Zero-initialised it is empty; it owns nothing. */
#define PROBLEMS_MAX  20U
#define PROBLEM_BYTES 640U
struct problems {
    char lines[PROBLEMS_MAX][PROBLEM_BYTES];
    size_t count;
};

/* Longer lines are cut. Bytes that nobody checked go through LOG_TEXT (base/log.h). */
void problems_add(struct problems *p, const char *format, ...) WILCO_PRINTF(2, 3);

/* How many lines are kept. */
size_t problems_kept(const struct problems *p);

#endif
