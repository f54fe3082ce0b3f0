#ifndef WILCO_RESPOND_H
#define WILCO_RESPOND_H

#include "wilco/publish.h"

/* Answering. */

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Calls ---- */

/* A request that is being served, counted like a message. The handler borrows it: whoever wants to
 * answer after the handler has returned, from any thread and at any time, takes a reference
 * meanwhile. When the last reference of a call goes that nobody has answered, the requester gets
 * status 500. */
struct wilco_call;

/* Gets a call, borrowed. */
typedef void wilco_request_fn(void *context, struct wilco_call *call);
typedef void wilco_call_fn(void *context, struct wilco_call *call);

/* One more reference, which is the caller's, to be given back with wilco_call_unref(). */
WILCO_API struct wilco_call *wilco_call_ref(struct wilco_call *call);
/* Gives a reference back. NULL is allowed. */
WILCO_API void wilco_call_unref(struct wilco_call *call);

/* The request itself, borrowed. It lives as long as the call. */
WILCO_API const struct wilco_message *wilco_call_message(const struct wilco_call *call);
/* Milliseconds until the requester stops waiting: by the request's Message Expiry Interval, or by
 * its `rr-ttl` if that is less; 0: too late; UINT32_MAX: it did not say. */
WILCO_API uint32_t wilco_call_remaining_ms(const struct wilco_call *call);
/* The requester, or the server in its name, has taken the request back: nobody waits for the
 * answer. */
WILCO_API bool wilco_call_is_cancelled(const struct wilco_call *call);
/* From now on `changed` runs, on the client's thread like every callback, each time that the call
 * is cancelled, that its time is over, or that there is room for parts again; not once it is
 * answered. It borrows the call. Something that has happened before counts, too. NULL ends that. */
WILCO_API void wilco_call_watch(struct wilco_call *call, wilco_call_fn *changed, void *context);

/* ---- Responders ---- */

/* Which requests to answer, and how many at a time. A request that is not given to the handler is
 * answered with a status of the library's, in the words of Azure mRPC 1.0: 429 too much to do, 503
 * the responder ends, or cannot write its journal; where the request says that it speaks mRPC
 * (`__protVer`), also 400 (no Correlation Data or no Message Expiry Interval) and 505 (another
 * major version than 1). Requests that come too late, and those that are taken back in time, are
 * dropped and counted. */
struct wilco_responder {
    const char *filter;
    const char *group; /* ShareName (4.8.2): a request goes to one of its members; NULL: none */
    uint8_t qos;       /* of the subscription; 0: QoS 1. Use qos_0 for QoS 0 */
    bool qos_0;
    /* What a broker with a registry of services is told, as User Properties of SUBSCRIBE
     * (`rr-service`, `rr-version`, `rr-description`); NULL: nothing. The last two go with a
     * service. */
    const char *service;
    const char *version;
    const char *description;
    /* Calls that were given to the handler and are neither answered nor let go of; 0: no limit. */
    uint32_t concurrency_max;
    /* Calls that wait for that; with more, 429 is answered at once; 0: none wait. */
    uint32_t queue_max;
    /* So long may a call take from when the handler gets it; then 408 is answered for it. 0: until
     * the request's deadline. */
    uint32_t execution_timeout_ms;
    /* Acknowledge a request when its call is answered, not when the handler has returned. The
     * server then has only as many under way as the client's receive_maximum says. Requests are
     * acknowledged in the order in which they came (4.6), so that a slow one holds back others. */
    bool ack_late;
    /* A request that comes again (same Response Topic and Correlation Data) is not executed again:
     * while it runs, the answer is sent for both; after that, the same answer is sent once more,
     * until the request's deadline, or for ten seconds if it has none. What the server itself sends
     * again later than that, after a lost connection, is answered with 500 and not executed either,
     * as long as it is one of the last 1024. `repeat_off`: execute it. */
    bool repeat_off;
    /* Memory for that, in bytes. 0: 1 MiB, and when it is full, the oldest answers are forgotten
     * (and counted). Any other number is strict: nothing is forgotten before its time, and when it
     * is full, requests are answered with 429. An answer that does not fit by itself is sent, but
     * not kept: 500 is what a repetition gets. */
    size_t repeat_bytes_max;
    /* The largest payload of a request that comes in pieces, which are put together and checked
     * before the handler gets it, as one call. A larger one is answered with 413. Up to 16 such
     * requests come at a time; with more, 429 is answered. They are acknowledged as they come,
     * whatever ack_late says. 0: 16 MiB. */
    uint32_t request_bytes_max;
    /* A file that makes this last when the process does not: see below. NULL: none. */
    const char *journal;
};

/* A journal. Before the handler gets a request, that it has started is on the disk, and before the
 * answer leaves, the answer is; one write serves all that have come meanwhile. A request is
 * acknowledged when it has started. When the process ends, however that happens, and starts again
 * with the same file, no request is executed twice: one that comes again gets the answer there was,
 * or, if there was none, status 500 ("interrupted: may have been executed"), which its requester
 * gets in any case; answers that may not have arrived are sent again. For all of this a request
 * needs Correlation Data, and it lasts until its deadline (without one: ten seconds).
 *
 * Together with a kept session (client_id, keep_session and session_expiry_s in struct
 * wilco_options, QoS 1) nothing is lost either: what was not acknowledged comes again. The file is
 * of one responder in one process; it is replaced by a shorter one now and then. It is in use until
 * wilco_close(). What cannot be written down is not executed, but answered with 503. With a journal
 * repeat_bytes_max is strict, also at its default, and repeat_off is WILCO_EINVAL. A request that
 * unmatched_request gets is in no journal. A wrong byte in the file ends it there: what was written
 * behind it is forgotten. */

/* Subscribes, waits for SUBACK, and runs `on_request` for each request. A message without Response
 * Topic is not a request: it is counted and passed over. Errors as wilco_subscribe(); WILCO_EINVAL
 * also for a service with an empty or too long name; WILCO_EIO: the journal cannot be used (or is
 * in use). Waits. */
WILCO_API enum wilco_status wilco_respond(struct wilco *client,
                                          const struct wilco_responder *responder,
                                          wilco_request_fn *on_request, void *context,
                                          uint8_t *reason_code);

/* The same without waiting for SUBACK, also for clients without a thread (wilco/loop.h); the
 * journal is read before it returns. Unless this returns an error, `done` (NULL is allowed) runs
 * exactly once, with what wilco_respond() would have returned, and the reason code. Errors as
 * wilco_respond(); WILCO_ELIMIT also when too much is queued. wilco_unsubscribe_start() ends it. */
WILCO_API enum wilco_status wilco_respond_start(struct wilco *client,
                                                const struct wilco_responder *responder,
                                                wilco_request_fn *on_request, void *context,
                                                wilco_subscribed_fn *done, void *done_context);

/* Ends a responder that was made with this filter, without losing a request: leaves the group
 * (UNSUBSCRIBE), goes on until every call that has come is answered or let go of, but no longer
 * than `drain_ms`; what is left is then answered with 503. WILCO_ETIMEDOUT: there was something
 * left. Otherwise as wilco_unsubscribe(). Waits. */
WILCO_API enum wilco_status wilco_responder_stop(struct wilco *client, const char *filter,
                                                 uint32_t drain_ms);

/* ---- Answers ---- */

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
 * (MQTT 5.0, 4.10), at the QoS of the request or the highest that the server takes. A call is
 * answered once. WILCO_EINVAL: it has been; WILCO_ECANCELLED: nobody wants the answer any more;
 * WILCO_ETIMEDOUT: it comes too late. None of these does any harm. Otherwise nothing was sent and
 * the call can still be answered: WILCO_EINVAL (not UTF-8, or a status outside 100 to 999),
 * WILCO_ELIMIT (too much is queued), WILCO_ECLOSED, WILCO_ENOMEM.
 * Does not wait. `__apErr` is set with a status of 400 or more.
 *
 * A payload that does not fit into a packet, of the server's or of the requester's, goes in pieces
 * where the requester takes so much (struct wilco_request, response_bytes_max): it is copied, and
 * sent as the requester takes it. Such a call counts for concurrency_max until all of it is sent.
 * Where he does not, or a journal is kept, he gets status 413: WILCO_ELIMIT, and the call has been
 * answered. */
WILCO_API enum wilco_status wilco_reply(struct wilco_call *call, const struct wilco_reply *reply);
/* The same with nothing but a payload. */
WILCO_API enum wilco_status wilco_reply_bytes(struct wilco_call *call, struct wilco_bytes payload);
/* The same with an error status and a text for people (`__stMsg`). WILCO_EINVAL also for a status
 * outside 400 to 599. */
WILCO_API enum wilco_status wilco_reply_error(struct wilco_call *call, int status,
                                              const char *text);

/* A response before the last one (`rr-more`=`1`, numbered by `rr-seq` from 1 on). Only requesters
 * that say so (`rr-more`) take them; WILCO_EINVAL from all others. A broker that knows requests
 * lets through as many as the requester has given credit for; WILCO_AGAIN: there is none now, or
 * too much is queued; wilco_call_watch() tells when to go on. Otherwise as wilco_reply(). */
WILCO_API enum wilco_status wilco_reply_part(struct wilco_call *call,
                                             const struct wilco_reply *reply);
/* A part that says how far the work is, `done` of 1.0 (`rr-prog`), with a text for people or NULL.
 * It is dropped where there is no credit, and where the requester takes no parts: WILCO_OK. */
WILCO_API enum wilco_status wilco_reply_progress(struct wilco_call *call, double done,
                                                 const char *text);

#ifdef __cplusplus
}
#endif

#endif
