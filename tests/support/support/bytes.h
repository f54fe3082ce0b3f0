#ifndef WILCO_SUPPORT_BYTES_H
#define WILCO_SUPPORT_BYTES_H

#include "base/span.h"

/* Bytes as tests write them: "30 [ {'abc'} 08 ]" is
 *   - pairs of hexadecimal digits, and characters between apostrophes;
 *   - "[ ]": a Variable Byte Integer that says how many bytes there are between them, "{ }": the
 * same in two bytes;
 *   - "*N": what stands in front of it (a byte, characters, or "( )"), N times in all.
 * Blanks mean nothing, nor does "|", which marks a place for bytes_has_mark(). What is made lives
 * in a heap block of exactly its size, so that a sanitizer sees a read behind it. */
struct span bytes_from(const char *text);
struct span bytes_copy(struct span bytes);
void bytes_free(struct span bytes);

/* Whether `text` has a "|" in front of its byte number `at`, or behind the last. */
bool bytes_has_mark(const char *text, size_t at);

#endif
