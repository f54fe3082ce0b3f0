#ifndef WILCO_BROKER_CORE_REQUEST_TRACE_H
#define WILCO_BROKER_CORE_REQUEST_TRACE_H

#include "base/compiler.h"
#include "broker/core/request.h"
#include "broker/core/status_response.h"

/* What a requester is told of the way that a request has taken, if it says `rr-trace`=TOPIC: when
 * the request has ended with a holder, or nobody could have it, a JSON object on that topic with
 * the request's Correlation Data, for the requester's session alone (docs/requests.md has its
 * fields). It is sent as a status response is, behind that. */

/* Ended without a response; `r` NULL: it never got to a holder. */
void request_trace_write_failure(struct shard *s, const struct message *m, const struct request *r,
                                 const struct status_facts *facts);
/* Ended with its last response. `was_forwarded`: that is on its way to a connection. */
void request_trace_write_answer(struct shard *s, const struct request *r,
                                const struct response_terms *t, bool was_forwarded);

/* Both, for requests that want it. */
static inline void
request_trace_failure(struct shard *s, const struct message *m, const struct request *r,
                      const struct status_facts *facts)
{
    if (WILCO_UNLIKELY(m->request.is_traced)) {
        request_trace_write_failure(s, m, r, facts);
    }
}

static inline void
request_trace_answer(struct shard *s, const struct request *r, const struct response_terms *t,
                     bool was_forwarded)
{
    if (WILCO_UNLIKELY(r->message->request.is_traced)) {
        request_trace_write_answer(s, r, t, was_forwarded);
    }
}

#endif
