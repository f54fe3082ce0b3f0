#ifndef WILCO_BROKER_CORE_JUDGE_OP_H
#define WILCO_BROKER_CORE_JUDGE_OP_H

#include "broker/core/judge.h"

/* What becomes of a word about a request (request_op.h), of which `terms` is what it says, as far
 * as it makes sense: `nonsense` is what does not; NULL: all of it does. */
struct verdict judge_op(struct conn *c, const struct wire_publish *p,
                        const struct request_terms *terms, const char *nonsense);

/* Why there is none without this. */
#define JUDGE_OP_NEEDS "rr-op needs the Response Topic and the Correlation Data of the request"

#endif
