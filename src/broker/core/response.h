#ifndef WILCO_BROKER_CORE_RESPONSE_H
#define WILCO_BROKER_CORE_RESPONSE_H

#include "broker/core/request_failure.h"
#include "broker/core/session.h"

/* A response on its last step, to the session that asked (message->responds_to). */

/* It is in the output of the requester's connection. */
void response_sent(struct shard *s, const struct message *m);
/* It cannot be given to the requester; `why` is what deliver.c found. He is told so instead, unless
 * others are to follow: the request has not ended, and `rr-seq` shows that one is missing. */
void response_lost(struct session *requester, const struct message *m, enum request_failure why);

#endif
