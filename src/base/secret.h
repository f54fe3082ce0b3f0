#ifndef WILCO_BASE_SECRET_H
#define WILCO_BASE_SECRET_H

#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

/* For passwords and what is made of them. */

/* Overwrites it, whatever the compiler thinks of that. NULL with length 0 is allowed. */
void secret_wipe(void *bytes, size_t len);

/* The same bytes? Takes as long for a difference at the front as for one at the end, or for none;
 * the lengths are no secret. */
bool secret_equal(struct span a, struct span b);

#endif
