#ifndef WILCO_RESPOND_H
#define WILCO_RESPOND_H

#include "wilco/publish.h"

/* Answering. */

#ifdef __cplusplus
extern "C" {
#endif

/* A request that is being served. It belongs to the handler until it is answered, once, by one of
 * the wilco_reply functions, from any thread and at any time; that frees it. */
struct wilco_call;

/* Gets a request, which is then the receiver's to answer. */
typedef void wilco_request_fn(void *context, struct wilco_call *call);

/* Which requests to answer. */
struct wilco_responder {
    const char *filter;
    const char *group; /* ShareName (4.8.2): a request goes to one of its members; NULL: none */
    uint8_t qos;       /* of the subscription; 0: QoS 1. Use qos_0 for QoS 0 */
    bool qos_0;
};

/* Subscribes, waits for SUBACK, and runs `on_request` for each request. A message without Response
 * Topic is not a request: it is counted and passed over. Errors as wilco_subscribe(). Waits. */
WILCO_API enum wilco_status wilco_respond(struct wilco *client,
                                          const struct wilco_responder *responder,
                                          wilco_request_fn *on_request, void *context,
                                          uint8_t *reason_code);

/* The request itself, borrowed. It lives until the call is answered. */
WILCO_API const struct wilco_message *wilco_call_message(const struct wilco_call *call);
/* Milliseconds until the requester stops waiting, by the request's Message Expiry Interval; 0: too
 * late; UINT32_MAX: it did not say. */
WILCO_API uint32_t wilco_call_remaining_ms(const struct wilco_call *call);

/* A response. */
struct wilco_reply {
    struct wilco_bytes payload;
    int status;              /* `__stat`; 0: 200, or 204 when the payload is empty */
    const char *status_text; /* `__stMsg`; NULL: none */
    bool is_utf8;
    const char *content_type;
    const struct wilco_user_property *user_properties;
    size_t user_property_count;
};

/* Publishes the response to the Response Topic with the request's Correlation Data
 * (MQTT 5.0, 4.10), at the QoS of the request or the highest that the server takes, and frees
 * `call` whatever happens. Otherwise nothing was sent: WILCO_ETIMEDOUT (too late), WILCO_ECLOSED,
 * WILCO_EINVAL (not UTF-8, or a status outside 100 to 999), WILCO_ELIMIT (larger than the server
 * takes, or too much is queued), WILCO_ENOMEM. Does not wait. `__apErr` is set with a status of 400
 * or more. */
WILCO_API enum wilco_status wilco_reply(struct wilco_call *call, const struct wilco_reply *reply);
/* The same with nothing but a payload. */
WILCO_API enum wilco_status wilco_reply_bytes(struct wilco_call *call, struct wilco_bytes payload);
/* The same with an error status and a text for people (`__stMsg`). WILCO_EINVAL also for a status
 * outside 400 to 599. */
WILCO_API enum wilco_status wilco_reply_error(struct wilco_call *call, int status,
                                              const char *text);

#ifdef __cplusplus
}
#endif

#endif
