#ifndef WILCO_BROKER_CORE_REQUEST_LOG_H
#define WILCO_BROKER_CORE_REQUEST_LOG_H

#include "broker/core/request.h"
#include "broker/core/status_response.h"

/* Lines about requests that failed, and about those that took slow_request_ms or longer: who asked
 * whom what, and how long each stage took. They pass the gate that keeps clients from filling the
 * log (log_gate.h). */

/* `r` NULL: the copy never got to a holder. */
void request_log_failure(struct shard *s, const struct message *m, const struct request *r,
                         const struct status_facts *facts);
void request_log_slow(struct shard *s, const struct request *r);
/* If it was slow. The request has just been answered. */
static inline void
request_log_answer(struct shard *s, const struct request *r)
{
    uint64_t slow_ms = s->broker->settings.slow_request_ms;

    if (WILCO_UNLIKELY(slow_ms != 0 && s->now_us >= r->message->received_us + slow_ms * 1000)) {
        request_log_slow(s, r);
    }
}

#endif
