#ifndef WILCO_REQUEST_H
#define WILCO_REQUEST_H

#include "wilco/publish.h"

/* Asking. */

#ifdef __cplusplus
extern "C" {
#endif

/* A request (MQTT 5.0, 4.10). A broker that knows requests assigns the client an inbox when it
 * connects: Response Information (3.2.2.3.15) that begins with `$r/`. It has then subscribed the
 * client to that and to everything below, and requests that are answered there leave at once. For
 * any other response topic, and with any other server, the client subscribes and has the SUBACK
 * before the first request leaves. A response is accepted when its topic and its correlation data
 * are the request's, and when it is not a retained message. Up to 64 response topics are kept; one
 * for which nothing is pending makes room for another. */
struct wilco_request {
    const char *topic;
    struct wilco_bytes payload;
    /* Until the response; 0: 10 000. Rounded up, the Message Expiry Interval; to the millisecond,
     * `rr-ttl`. */
    uint32_t timeout_ms;
    uint8_t qos; /* 0: QoS 1. Use qos_0 for QoS 0 */
    bool qos_0;
    /* For a broker that knows requests; others pass them on as `rr-idem` and `rr-if-offline`. */
    bool idempotent;      /* it may be executed more than once, if a responder is lost */
    bool fail_if_offline; /* do not keep it for responders that are offline */
    bool is_utf8;
    const char *content_type;
    const char *response_topic;          /* NULL: the inbox, or one that nobody can guess */
    struct wilco_bytes correlation_data; /* data == NULL: a fresh UUIDv7, 16 bytes */
    const struct wilco_user_property *user_properties;
    size_t user_property_count;
    /* Filled on failure; NULL is allowed. With wilco_request_start() it is filled before the
     * callback runs, and must live until then. The text of WILCO_EREMOTE has the response's status
     * and `__stMsg`. Where the server knows that no answer will come, the text says why, and
     * whether the request may have been executed. */
    struct wilco_error *error;
};

/* Asks and waits for the first response (MQTT 5.0, 4.10). WILCO_OK: `*response` is the caller's, to
 * be given to wilco_message_unref(). WILCO_EREMOTE: the responder answered with an error status
 * (`__stat` 400 or more), and `*response` is given too. Otherwise NULL: WILCO_ETIMEDOUT;
 * WILCO_ENORESPONDER (PUBACK or PUBREC 0x10, so not with QoS 0); WILCO_EREFUSED (reason code >=
 * 0x80 for the request, or for the subscription to its response topic); WILCO_ELIMIT (pending_max,
 * too large, or 64 other response topics); WILCO_EINVAL (also: a pending request has the same
 * response topic and correlation data, or the response topic is the filter of a subscription);
 * WILCO_ECLOSED; WILCO_ENOMEM. Waits.
 *
 * A broker that assigned the inbox the request is to be answered in may also end it, as soon as it
 * knows that no answer will come, at any QoS: WILCO_ENORESPONDER (nobody there, or all offline: not
 * executed), WILCO_ELOST (the responder was lost: it may have been executed), WILCO_ETIMEDOUT,
 * WILCO_ELIMIT (the response is too large), WILCO_EREFUSED (not allowed, or too many requests),
 * WILCO_ECANCELLED, all without a response; what we have no name for is WILCO_EREMOTE, and the
 * broker's word the response. In a response topic outside the inbox anybody could say so:
 * there a request ends as with any other server. */
WILCO_API enum wilco_status wilco_request(struct wilco *client, const struct wilco_request *request,
                                          struct wilco_message **response);

/* The same without waiting. Unless this returns an error, `on_response` runs exactly once, with the
 * status that wilco_request() would have returned and the response it would have given, or NULL.
 * `*call` (NULL is allowed) names it for wilco_request_cancel(). WILCO_ELIMIT also when too much is
 * queued. */
typedef void wilco_response_fn(void *context, enum wilco_status status,
                               const struct wilco_message *response);
WILCO_API enum wilco_status wilco_request_start(struct wilco *client,
                                                const struct wilco_request *request,
                                                wilco_response_fn *on_response, void *context,
                                                uint64_t *call);
/* Ends a request early: its callback runs with WILCO_ECANCELLED. The responder is not told.
 * WILCO_ENOTFOUND: it has ended already. WILCO_ECLOSED. */
WILCO_API enum wilco_status wilco_request_cancel(struct wilco *client, uint64_t call);

#ifdef __cplusplus
}
#endif

#endif
