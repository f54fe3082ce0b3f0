#ifndef WILCO_CLI_RECORDING_H
#define WILCO_CLI_RECORDING_H

#include "cli/exchange.h"

/* A recording, whole in memory. */
struct recording {
    struct exchange *all; /* in the order of the file */
    size_t count;
    size_t *answers; /* by the place of a request: that of its response, behind which none comes,
                      * plus 1; 0: it has none */
};

/* Reads a file, or standard input ("-"). 0, or the exit code when it has said what is wrong. */
int recording_load(struct recording *r, const char *path);
void recording_fini(struct recording *r);

/* The answer to request number `i`, or NULL. */
const struct exchange *recording_answer(const struct recording *r, size_t i);

#endif
