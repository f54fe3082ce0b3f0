#ifndef WILCO_BROKER_CORE_STATUS_RESPONSE_H
#define WILCO_BROKER_CORE_STATUS_RESPONSE_H

#include "broker/core/request_failure.h"
#include "broker/core/session.h"
#include "wire/publish.h"

/* The broker's own answer to a request when it knows that no other will come: a PUBLISH to the
 * Response Topic with the request's Correlation Data, an empty payload, and User Properties that
 * say what happened (`__stat`, `__stMsg`, `rr-src`=`broker`), how far the request came
 * (`rr-stage`), whether it may have been executed (`rr-exec`), and if it is about one of several
 * responders that
 * (`rr-fan`). It goes to the requester's session alone, at
 * QoS 1, if that takes status responses (User Property `rr`=`1` of its CONNECT), and never in the
 * middle of anything: shard_settle() sends it. */
struct status_facts {
    enum request_failure why;
    enum request_stage stage;
    bool maybe;        /* it may have been executed */
    bool is_of_fan;    /* it is about one of several responders */
    const char *words; /* instead of the standard ones; NULL: those */
};

/* How long a status waits for a requester that is away. */
#define STATUS_EXPIRY_S 60U

/* To the publisher of this request, if he wants it. */
void status_respond(struct shard *s, const struct message *request,
                    const struct status_facts *facts);
/* To the publisher of a request that did not become a message, if he wants it. */
void status_refuse(struct session *requester, const struct wire_publish *request,
                   const struct status_facts *facts);
/* To one who has asked the broker itself, whether he wants statuses or not; like any response, to
 * all who have subscribed to the Response Topic, unless it is in his inbox. */
void status_answer(struct session *requester, const struct wire_publish *request,
                   const struct status_facts *facts);
/* Instead of a response that he cannot be given, if he wants it. */
void status_replace(struct session *requester, const struct message *response,
                    const struct status_facts *facts);

#endif
