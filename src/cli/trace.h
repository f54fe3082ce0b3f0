#ifndef WILCO_CLI_TRACE_H
#define WILCO_CLI_TRACE_H

#include "wilco/wilco.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The way of a request, as a broker tells it to who asked with `rr-trace` (docs/requests.md). */
struct trace;

/* NULL: this is none. */
struct trace *trace_parse(struct wilco_bytes json);
void trace_free(struct trace *t); /* NULL is allowed */

/* For people: a line for each station, with the microseconds since the broker had the request.
 * `round_trip_us` is how long the requester waited. */
void trace_write(const struct trace *t, FILE *out, uint64_t round_trip_us);
/* The broker's object and `round_trip_us`, to be given back with free(). */
char *trace_json(const struct trace *t, uint64_t round_trip_us);

#endif
