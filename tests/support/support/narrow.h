#ifndef WILCO_TEST_SUPPORT_NARROW_H
#define WILCO_TEST_SUPPORT_NARROW_H

#include "net/stream.h"

/* A stream on top of another one, which it owns, that gives and takes a single byte at a time. */
struct stream *narrow_new(struct stream *below); /* NULL: out of memory */

#endif
