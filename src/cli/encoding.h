#ifndef WILCO_CLI_ENCODING_H
#define WILCO_CLI_ENCODING_H

#include "wilco/wilco.h"

#include <stdbool.h>

/* Bytes as text and back. What is returned is given back with free(). */
char *encoding_base64(struct wilco_bytes bytes); /* RFC 4648, padded */
char *encoding_hex(struct wilco_bytes bytes);    /* lower case */

/* False unless `text` is just what encoding_base64() makes of some bytes. */
bool encoding_unbase64(const char *text, unsigned char **out, size_t *len);

/* False unless `text` is pairs of hexadecimal digits. */
bool encoding_unhex(const char *text, unsigned char **out, size_t *len);

/* UTF-8 without control characters other than line breaks and tabs: safe to show to people. */
bool encoding_is_readable(struct wilco_bytes bytes);

/* Text from elsewhere for one line of a terminal: what could move the cursor, or worse, becomes a
 * question mark in its place. */
void encoding_make_harmless(char *text);

#endif
