#ifndef WILCO_BASE_STATUS_H
#define WILCO_BASE_STATUS_H

#include "wilco/status.h"

/* The one status type of the project is public, so it is defined with the public headers.
 * A short English phrase for `status`, without a full stop; never NULL, static storage. */
const char *status_text(enum wilco_status status);

#endif
