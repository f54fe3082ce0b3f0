#ifndef WILCO_BROKER_CORE_JUDGE_H
#define WILCO_BROKER_CORE_JUDGE_H

#include "broker/core/conn.h"
#include "broker/core/request_terms.h"
#include "wire/publish.h"

/* What becomes of a message that a client publishes, once its packet is known to be in order: it is
 * refused, or sent on its way as a plain message, a request, a response that was asked for, or
 * several of these; or as a word about a request (request_op.h). */
struct verdict {
    uint8_t reason_code; /* to acknowledge it with */
    bool is_counted;     /* the acknowledgement says `receivers`, if it can */
    uint32_t receivers;  /* of a request: how many it is on its way to */
    const char *why;     /* Reason String for a refusal; NULL: the words of explain.h */
};

/* `p->topic` is a valid Topic Name. */
struct verdict judge_message(struct conn *c, const struct wire_publish *p);

/* Whether a client may have responses sent to this topic: nobody is made to publish where the
 * requester himself could not, or could not even look [U-4.10.1-1]. NULL, or what is wrong.
 * `session`: the client's, if it has one. */
const char *judge_response_topic(const struct broker *b, const struct access_subject *who,
                                 const struct session *session, struct span topic);

/* Whether a request names somebody else as its sender than the client it comes from, and that is
 * looked at: we may not name him in his place [MQTT-3.3.2-17]. */
bool judge_is_forged(const struct broker *b, struct span client_id,
                     const struct request_terms *terms);
#define JUDGE_FORGED "__srcId is not the Client Identifier of the publisher"

#endif
