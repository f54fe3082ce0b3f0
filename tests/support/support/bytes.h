#ifndef WILCO_SUPPORT_BYTES_H
#define WILCO_SUPPORT_BYTES_H

#include "base/span.h"

/* Bytes as tests write them: "00 03 'a/b' [ 08 ]" is pairs of hexadecimal digits, characters
 * between apostrophes, and "[" for a byte that says how many bytes there are up to "]" (at most
 * 127). Blanks mean nothing, nor does "|", which marks a place for bytes_has_mark(). What is made
 * lives in a heap block of exactly its size, so that a sanitizer sees a read behind it. */
struct span bytes_from(const char *text);
struct span bytes_copy(struct span bytes);
void bytes_free(struct span bytes);

/* Whether `text` has a "|" in front of its byte number `at`, or behind the last. */
bool bytes_has_mark(const char *text, size_t at);

#endif
