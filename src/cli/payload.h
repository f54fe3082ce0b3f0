#ifndef WILCO_CLI_PAYLOAD_H
#define WILCO_CLI_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What an MQTT packet can carry at most (MQTT 5.0, 2.1.4). */
#define PAYLOAD_BYTES_MAX 268435455U

/* Reads to the end. True: `*out` is to be freed. False: `*error` is an errno, EFBIG for more than
 * PAYLOAD_BYTES_MAX. */
bool payload_read(FILE *in, char **out, size_t *len, int *error);
bool payload_read_file(const char *path, char **out, size_t *len, int *error);

#endif
