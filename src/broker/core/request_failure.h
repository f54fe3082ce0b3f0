#ifndef WILCO_BROKER_CORE_REQUEST_FAILURE_H
#define WILCO_BROKER_CORE_REQUEST_FAILURE_H

#include "broker/core/stats.h"

/* Why a request gets no response: its `__stat`, the counter in struct stats, and the words. One row
 * each: X(NAME, status, counter, "words") */
#define REQUEST_FAILURES(X)                                                                        \
    X(NO_RESPONDER, 503, rr_no_responder, "nobody has subscribed to the request's topic")          \
    X(NO_SERVICE, 503, rr_no_responder, "there is no such service")                                \
    X(OFFLINE, 503, rr_offline, "all responders are offline")                                      \
    X(MALFORMED, 400, rr_refused, "a User Property of the request makes no sense")                 \
    X(FORBIDDEN, 403, rr_refused, "the requester may not ask this, or not so")                     \
    X(QUOTA, 429, rr_refused, "the requester has too many requests in flight, or asks too often")  \
    X(NOT_TRACKED, 429, rr_not_taken, "the broker has no room to wait for another response")       \
    X(NO_ROOM, 503, rr_not_taken, "too much waits for the responder already")                      \
    X(TOO_LARGE, 413, rr_not_taken, "the request is larger than the responder takes")              \
    X(NO_MEMORY, 503, rr_not_taken, "the broker is out of memory")                                 \
    X(DECLINED, 503, rr_not_taken, "the responder refused the request in its acknowledgement")     \
    X(NO_OPS, 503, rr_not_taken, "the responder takes no request in pieces (rr-op)")               \
    X(CANCELLED, 499, rr_cancelled, "the requester has cancelled the request")                     \
    X(LOST, 503, rr_lost, "the responder was lost")                                                \
    X(DEADLINE, 504, rr_timed_out, "the deadline of the request has passed")                       \
    X(RESPONSE_TOO_LARGE, 413, rr_response_lost,                                                   \
      "the response is larger than the requester takes")                                           \
    X(RESPONSE_DROPPED, 503, rr_response_lost,                                                     \
      "the response was dropped: too much waits for the requester")

enum request_failure {
#define REQUEST_FAILURE_NAME(name, status, counter, words) REQUEST_##name,
    REQUEST_FAILURES(REQUEST_FAILURE_NAME)
#undef REQUEST_FAILURE_NAME
};

/* How far a request came. */
enum request_stage {
    REQUEST_REJECTED,  /* nowhere */
    REQUEST_QUEUED,    /* it waits for its responder */
    REQUEST_DELIVERED, /* it was sent to its responder */
    REQUEST_ACKED,     /* the responder has acknowledged it (QoS 1 and 2) */
};

unsigned request_failure_status(enum request_failure why);
const char *request_failure_words(enum request_failure why);
void request_failure_count(struct stats *s, enum request_failure why);
/* "rejected", "queued", "delivered", "acked" */
const char *request_stage_name(enum request_stage stage);

#endif
