#ifndef WILCO_BROKER_CORE_REQUEST_VIEW_H
#define WILCO_BROKER_CORE_REQUEST_VIEW_H

#include "broker/core/request_failure.h"
#include "broker/core/shard.h"

/* A look at the requests of a shard that have not ended, for whoever administers the broker. By
 * whoever drives the shard; what it points to lives until the shard's next turn. */
struct request_view {
    uint64_t requester; /* session ids */
    uint64_t responder;
    struct span responder_client_id;
    struct span topic;
    struct span response_topic;
    struct span correlation;
    uint64_t age_ms;
    uint64_t left_ms; /* until its deadline */
    uint64_t bytes;   /* of its packet */
    enum request_stage stage;
    uint32_t service; /* service_table.h */
    bool is_idempotent;
};

/* Writes those of all sessions, session by session, the oldest of each first, from number `from` on
 * and at most `max` of them. How many were written: fewer than `max` when there are no more. */
size_t request_view_list(struct shard *s, size_t from, struct request_view *out, size_t max);

#endif
