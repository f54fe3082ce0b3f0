#ifndef WILCO_BROKER_CORE_ACCESS_NAMES_H
#define WILCO_BROKER_CORE_ACCESS_NAMES_H

#include "base/alloc.h"
#include "broker/core/access.h"
#include "broker/core/reclaim.h"

/* A copy of who wants to do something, for other threads than the one that owns his session: it
 * never changes, and is freed when no read section (rcu.h) can see it any more. */
struct access_names;

struct access_names *access_names_new(const struct wilco_alloc *a,
                                      const struct access_subject *who); /* NULL: out of memory */
/* Nobody can find it any more; NULL is allowed. */
void access_names_free_later(struct access_names *n, struct reclaim *r);
/* Lives as long as `n`. */
struct access_subject access_names_subject(const struct access_names *n);

#endif
