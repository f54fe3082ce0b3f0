#ifndef WILCO_REQUEST_H
#define WILCO_REQUEST_H

#include "wilco/publish.h"

/* Asking: one request, and its response or responses. */

#ifdef __cplusplus
extern "C" {
#endif

/* What became of those that a scattered request went to. */
struct wilco_tally {
    uint32_t expected; /* how many it went to; UINT32_MAX: the server does not say */
    uint32_t answered; /* with an error status, too */
    uint32_t lost;     /* will not answer, as the server says */
};

/* A request (MQTT 5.0, 4.10). A broker that knows requests assigns the client an inbox when it
 * connects: Response Information (3.2.2.3.15) that begins with `$r/`. It has then subscribed the
 * client to that and to everything below, and requests that are answered there leave at once. For
 * any other response topic, and with any other server, the client subscribes and has the SUBACK
 * before the first request leaves. A response is accepted when its topic and its correlation data
 * are the request's, and when it is not a retained message. Up to 64 response topics are kept; one
 * for which nothing is pending makes room for another.
 *
 * Fields marked (broker) do what they say with a broker that knows requests. Others pass them on
 * for responders to see. */
struct wilco_request {
    const char *topic;
    struct wilco_bytes payload;
    /* Until the response, or the last one; 0: 10 000. Rounded up, the Message Expiry Interval; to
     * the millisecond, `rr-ttl`. */
    uint32_t timeout_ms;
    /* So long there may be nobody who answers, before timeout_ms begins: the request is sent again
     * until somebody is there. Not kept for responders that are offline. 0: nobody there is an
     * error at once. */
    uint32_t responder_wait_ms;
    uint8_t qos; /* 0: QoS 1. Use qos_0 for QoS 0 */
    bool qos_0;
    bool idempotent; /* it may be executed more than once: `rr-idem` */
    /* Where all responders are offline, nobody is there; but one that has the request and loses its
     * connection may come back and answer (broker). */
    bool wait_if_offline; /* keep it for those whose sessions last: devices that sleep */
    bool fail_if_offline; /* it has also failed when who has it goes offline: may be executed */
    bool is_utf8;
    const char *content_type;
    const char *partition;               /* `$partition`; NULL: the client id */
    const char *response_topic;          /* NULL: the inbox, or one that nobody can guess */
    struct wilco_bytes correlation_data; /* data == NULL: a fresh UUIDv7, 16 bytes */
    const struct wilco_user_property *user_properties;
    size_t user_property_count;

    /* ---- Asking again ----
     * The same request, with the same correlation data, when it has failed and was not executed,
     * or is idempotent: with a pause that doubles and jitters, and within timeout_ms. */
    unsigned retries_max; /* 0: none */
    /* Idempotent ones: another try when so long no response has come, while the first goes on; it
     * counts as one of retries_max, or is the only one if that is 0. The first response counts, the
     * other responder is told to stop (broker). 0: none. Of all requests of a client at most
     * wilco_options.retry_percent are asked again for either reason. */
    uint32_t hedge_after_ms;
    bool fail_fast; /* ends with WILCO_ECLOSED when there is no connection, or when it is lost */

    /* ---- More than one response ----
     * All but the last go to `on_part`, in the order in which they came; the last one, or the end
     * without one, is the request's own. */
    wilco_message_fn *on_part; /* NULL is allowed */
    void *part_context;
    bool scatter; /* everybody answers who got it, not just the first: `rr-fan` (broker) */
    /* How many responses end it; 0: one, or with `scatter` all that can be expected, where the
     * server says how many. UINT32_MAX: as many as come until timeout_ms. Error statuses count. */
    uint32_t responses_max;
    uint32_t stall_ms; /* ends when so long nothing has followed the first; 0: never */
    bool until_empty;  /* ends with the first empty response */
    /* How many parts of a stream may be on their way (`rr-more`): as they are taken, the responder
     * may send more. Parts are responses that say that others follow. 0: none is taken. */
    uint32_t parts_max;
    struct wilco_tally *tally; /* filled like `error`, on success too; NULL is allowed */

    /* ---- Payloads that are larger than a packet ----
     * How many bytes a response may have that does not fit into one packet: the responder then
     * sends it in pieces, which are put together and checked before it is handed out, as one
     * message (`rr-take`; responders that use libwilco). A larger one is WILCO_ELIMIT. 0: none.
     * Not with more than one response, that is `scatter` or `responses_max`: WILCO_EINVAL. */
    size_t response_bytes_max;
    /* Sends the payload in pieces even if it fits into a packet. One that does not always goes so,
     * in an inbox that the server has assigned (broker), to responders that say how much they take
     * (request_bytes_max). It is then sent at QoS 1, to one responder, and not hedged. */
    bool chunked;

    /* Filled on failure; NULL is allowed. With wilco_request_start() it is filled before the
     * callback runs, and must live until then. The text of WILCO_EREMOTE has the response's status
     * and `__stMsg`. Where the server knows that no answer will come, the text says why. It always
     * says how far the request came, and whether it may have been executed. */
    struct wilco_error *error;
};

/* Asks and waits for the response (MQTT 5.0, 4.10). WILCO_OK: `*response` is the caller's, to be
 * given to wilco_message_unref(); NULL when it ended without a last one (stall_ms, or the timeout
 * of responses_max UINT32_MAX, after at least one response). WILCO_EREMOTE: the responder answered
 * with an error status (`__stat` 400 or more), and `*response` is given too. WILCO_EPROTOCOL: it
 * speaks a version of Azure mRPC that we do not know (`__protVer` above 1); likewise. Otherwise
 * NULL: WILCO_ETIMEDOUT; WILCO_ENORESPONDER (PUBACK or PUBREC 0x10, so not with QoS 0);
 * WILCO_EREFUSED (reason code >= 0x80 for the request, or for the subscription to its response
 * topic); WILCO_ELIMIT (pending_max, too large, too much in pieces on its way, or 64 other
 * response topics); WILCO_EINVAL (also: a
 * pending request has the same response topic and correlation data, or the response topic is the
 * filter of a subscription); WILCO_ELOST (a part or a piece is missing; the session with the server
 * was lost and the request is not to be sent again); WILCO_ECLOSED; WILCO_ENOMEM. Waits.
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
/* Ends a request early: its callback runs with WILCO_ECANCELLED. One that has not left will not; of
 * one that has, the responder that holds it is told (broker). WILCO_ENOTFOUND: it has ended
 * already. WILCO_ECLOSED. */
WILCO_API enum wilco_status wilco_request_cancel(struct wilco *client, uint64_t call);

/* ---- Taking the responses one by one ---- */

/* The responses to one request, taken when the caller wants the next. Of a stream, no more than
 * `parts_max` wait in memory. For one thread at a time. */
struct wilco_responses;

/* Asks; `on_part` and `part_context` of the request are not used. Unless this returns an error
 * (those of wilco_request_start()) `*responses` is the caller's, to be given to
 * wilco_responses_close(). */
WILCO_API enum wilco_status wilco_responses_open(struct wilco *client,
                                                 const struct wilco_request *request,
                                                 struct wilco_responses **responses);
/* The next response. WILCO_OK: `*response` is the caller's, to be given to wilco_message_unref();
 * NULL: that was the last one. WILCO_AGAIN: none came for `timeout_ms`; UINT32_MAX: as long as the
 * request goes on. What ended the request otherwise, as of wilco_request(): it is then said again
 * each time; WILCO_EREMOTE has a response once. Waits, unless timeout_ms is 0. */
WILCO_API enum wilco_status wilco_responses_next(struct wilco_responses *responses,
                                                 uint32_t timeout_ms,
                                                 struct wilco_message **response);
/* Frees it; a request that goes on is cancelled. Before wilco_close() of its client. NULL is
 * allowed. Not from a callback of the client. */
WILCO_API void wilco_responses_close(struct wilco_responses *responses);

#ifdef __cplusplus
}
#endif

#endif
