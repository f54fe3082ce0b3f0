#include "broker/core/response.h"

#include "broker/core/message.h"
#include "broker/core/status_response.h"

void
response_sent(struct shard *s, const struct message *m)
{
    struct request_stats *stats = request_stats_of(&s->request_stats, m->service);

    if (stats != NULL) {
        histogram_record(&stats->back, s->now_us > m->received_us ? s->now_us - m->received_us : 0);
    }
}

void
response_lost(struct session *requester, const struct message *m, enum request_failure why)
{
    const struct status_facts facts = {
        .why = why == REQUEST_TOO_LARGE  ? REQUEST_RESPONSE_TOO_LARGE
               : why == REQUEST_DEADLINE ? REQUEST_DEADLINE
                                         : REQUEST_RESPONSE_DROPPED,
        .stage = REQUEST_ACKED,
        .maybe = true,
        .is_of_fan = m->is_of_fan,
    };

    request_failure_count(&requester->shard->stats, facts.why);
    if (!m->is_part) {
        status_replace(requester, m, &facts);
    }
}
