#ifndef WILCO_CLI_DURATION_H
#define WILCO_CLI_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/* A length of time as people write it: 500ms, 5s, 1.5m, 2h, 1d; a plain number counts seconds.
 * False for anything else and for what does not fit into 32 bits of milliseconds (49 days).
 * Fractions of a millisecond round up, so that only zero is zero. */
bool duration_parse(const char *text, uint32_t *milliseconds);

#endif
