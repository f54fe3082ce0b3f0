#ifndef WILCO_SUPPORT_AUDIT_H
#define WILCO_SUPPORT_AUDIT_H

#include "broker/core/shard.h"
#include "support/rig.h"

/* Looks into the broker of a rig: whether what it counts of requests adds up. */

/* A counter of all shards: audit_count(&rig, COUNTER(rr_lost)). */
#define COUNTER(name) (offsetof(struct stats, name) / sizeof(uint64_t))
uint64_t audit_count(const struct rig *r, size_t counter);

/* Every request has come to its end: none is in flight, no requester has one that counts against
 * its quota, and no member of a group is thought to have one or to be about to get one. */
void audit_requests_ended(const struct rig *r);

#endif
