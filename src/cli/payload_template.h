#ifndef WILCO_CLI_PAYLOAD_TEMPLATE_H
#define WILCO_CLI_PAYLOAD_TEMPLATE_H

#include "wilco/wilco.h"

#include <stdint.h>

/* Payloads of requests that are repeated: {{n}} becomes the number of the request, from 1, and
 * {{time}} the time of day in milliseconds since 1970. What else stands in braces stays. */

/* From the heap; `*len` bytes, with a zero behind them that does not count. */
char *payload_template_fill(struct wilco_bytes text, uint64_t n, uint64_t time_ms, size_t *len);

#endif
