#ifndef WILCO_CLIENT_CONNECTOR_H
#define WILCO_CLIENT_CONNECTOR_H

#include "net/address.h"
#include "net/stream.h"
#include "wilco/wilco.h"

/* Connects to what `url` names, before `deadline_ms` of the monotonic clock: each of its addresses
 * in turn, with an equal share of the time that is left. Blocks; looking up a name is not bounded
 * by the deadline. WILCO_ECONNECT, WILCO_ETIMEDOUT, WILCO_ENOMEM, and `why` says more. */
WILCO_MUST_CHECK enum wilco_status connector_open(struct stream **out, const struct url *url,
                                                  const struct wilco_alloc *a, uint64_t deadline_ms,
                                                  struct wilco_error *why);

#endif
