#ifndef WILCO_WILCO_H
#define WILCO_WILCO_H

#include "wilco/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* libwilco: requests and responses over MQTT 5.0, against any MQTT 5.0 server.
 *
 *     struct wilco_options options = {.url = "mqtt://localhost"};
 *     struct wilco_request request = {.topic = "weather/now"};
 *     struct wilco_message *response = NULL;
 *     struct wilco *client = NULL;
 *     enum wilco_status status = wilco_open(&client, &options);
 *
 *     if (status == WILCO_OK)
 *         status = wilco_request(client, &request, &response);
 *     if (status == WILCO_OK)
 *         printf("%.*s\n", WILCO_PRINTF_BYTES(wilco_message_payload(response)));
 *     else
 *         fprintf(stderr, "%s\n", wilco_status_text(status));
 *     wilco_message_unref(response);
 *     wilco_close(client);
 *
 * A client has a thread of its own, which reads, keeps time and runs every callback, one at a time
 * and under no lock. A callback that takes long delays everything that thread does, keeping the
 * connection alive included: hand long work to a thread of your own. All functions may be called
 * from any thread, callbacks included, except where they say that they wait: those must not be
 * called from a callback of the same client, and answer WILCO_EINVAL there.
 *
 * A client is one connection. When that is lost it stays closed: it does not connect again by
 * itself.
 *
 * Structs of options are valid when zero-filled; what they point to is borrowed for the call only.
 * Strings end in zero and are UTF-8. */

#if defined(WILCO_BUILD)
#    define WILCO_API __attribute__((visibility("default")))
#else
#    define WILCO_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Bytes, status, version ---- */

/* Borrowed bytes, with no zero behind them. */
struct wilco_bytes {
    const void *data;
    size_t len;
};

/* The bytes of a string literal, without the zero behind it. */
#ifdef __cplusplus
#    define WILCO_TEXT(literal) (wilco_bytes{("" literal), sizeof(literal) - 1})
#else
#    define WILCO_TEXT(literal) ((struct wilco_bytes){("" literal), sizeof(literal) - 1})
#endif
/* Two arguments of printf() for "%.*s". */
#define WILCO_PRINTF_BYTES(bytes) (int)(bytes).len, (const char *)(bytes).data

/* A short phrase without a full stop, such as "no responder". Static storage. */
WILCO_API const char *wilco_status_text(enum wilco_status status);
/* The name of an MQTT 5.0 Reason Code (2.4), such as "Not authorized". Static storage. */
WILCO_API const char *wilco_reason_text(uint8_t reason_code);
/* The version of the library that runs, such as "0.1.0". Static storage. */
WILCO_API const char *wilco_version(void);

/* How far a request that failed had come, as far as the server says so. */
enum wilco_stage {
    WILCO_STAGE_UNKNOWN,
    WILCO_STAGE_REJECTED,  /* the server did not take it, or had nobody to give it to */
    WILCO_STAGE_QUEUED,    /* it waited for a responder */
    WILCO_STAGE_DELIVERED, /* it had been sent to a responder ... */
    WILCO_STAGE_ACKED,     /* ... and the responder had acknowledged it */
};

/* Whether anybody executed it. */
enum wilco_executed {
    WILCO_EXECUTED_UNKNOWN, /* nobody says so */
    WILCO_EXECUTED_NO,      /* nobody did: it does no harm to ask again */
    WILCO_EXECUTED_MAYBE,
};

/* What happened, for people and programs: filled when a call that was given one fails. */
struct wilco_error {
    uint8_t reason_code;          /* MQTT 5.0 Reason Code that decided, or 0 */
    enum wilco_stage stage;       /* of a request */
    enum wilco_executed executed; /* likewise */
    char text[280];               /* one line: what happened, where, and what to do */
};

/* A User Property (MQTT 5.0, 3.3.2.3.7). */
struct wilco_user_property {
    const char *name;
    const char *value;
};

/* ---- Messages ---- */

/* A message that arrived: a PUBLISH packet (MQTT 5.0, 3.3), immutable and counted. Callbacks borrow
 * theirs; keep one with wilco_message_ref(). What the accessors return is borrowed from it and
 * lives as long as a reference does. They may be called from any thread and cannot fail. */
struct wilco_message;

/* One more reference, which is the caller's, to be given back with wilco_message_unref(). */
WILCO_API struct wilco_message *wilco_message_ref(const struct wilco_message *m);
/* Gives a reference back; the last one frees. NULL is allowed. */
WILCO_API void wilco_message_unref(struct wilco_message *m);

/* The Topic Name (3.3.2.1), also when it came as a Topic Alias. */
WILCO_API struct wilco_bytes wilco_message_topic(const struct wilco_message *m);
/* The Payload (3.3.3), which may be empty. */
WILCO_API struct wilco_bytes wilco_message_payload(const struct wilco_message *m);
/* These four have data == NULL when the message does not carry the property: Content Type
 * (3.3.2.3.9), Response Topic (3.3.2.3.5), Correlation Data (3.3.2.3.6) ... */
WILCO_API struct wilco_bytes wilco_message_content_type(const struct wilco_message *m);
WILCO_API struct wilco_bytes wilco_message_response_topic(const struct wilco_message *m);
WILCO_API struct wilco_bytes wilco_message_correlation_data(const struct wilco_message *m);
/* ... and the value of the first User Property (3.3.2.3.7) of this name. */
WILCO_API struct wilco_bytes wilco_message_user_property(const struct wilco_message *m,
                                                         const char *name);
/* The User Property at `index`, from 0, in wire order; false behind the last: then neither is
 * touched. */
WILCO_API bool wilco_message_user_property_at(const struct wilco_message *m, size_t index,
                                              struct wilco_bytes *name, struct wilco_bytes *value);
/* The QoS it was delivered with (3.3.1.2): 0, 1 or 2. */
WILCO_API uint8_t wilco_message_qos(const struct wilco_message *m);
/* The RETAIN flag (3.3.1.3): it was stored before the subscription was made, unless that asked for
 * Retain As Published. */
WILCO_API bool wilco_message_retain(const struct wilco_message *m);
/* Payload Format Indicator 1 (3.3.2.3.2): its sender says that the payload is UTF-8. */
WILCO_API bool wilco_message_is_utf8(const struct wilco_message *m);
/* Message Expiry Interval (3.3.2.3.3) in seconds, as it was when the message arrived; false: the
 * message never expires, and `*seconds` is 0. */
WILCO_API bool wilco_message_expiry_s(const struct wilco_message *m, uint32_t *seconds);
/* A response's status: its User Property `__stat`, 200 when it has none, and 500 when that is not a
 * number from 100 to 999. */
WILCO_API int wilco_message_status(const struct wilco_message *m);

/* ---- A client ---- */

/* From wilco_open() to wilco_close(). */
struct wilco;

/* A message to publish (MQTT 5.0, 3.3); also a Will (3.1.2.5). */
struct wilco_publish {
    const char *topic; /* without wildcards */
    struct wilco_bytes payload;
    uint8_t qos; /* 0, 1 or 2 */
    bool retain;
    bool is_utf8;      /* Payload Format Indicator 1 */
    bool has_expiry;   /* use expiry_s */
    uint32_t expiry_s; /* Message Expiry Interval, seconds */
    const char *content_type;
    const char *response_topic;
    struct wilco_bytes correlation_data; /* data == NULL: none */
    const struct wilco_user_property *user_properties;
    size_t user_property_count;
};

/* Gets a message, borrowed. With QoS 1 and 2 it is acknowledged after this has returned. */
typedef void wilco_message_fn(void *context, const struct wilco_message *message);

/* A request that is being served. It belongs to the handler until it is answered, once, by one of
 * the wilco_reply functions, from any thread and at any time; that frees it. */
struct wilco_call;

/* Gets a request, which is then the receiver's to answer. */
typedef void wilco_request_fn(void *context, struct wilco_call *call);

/* The connection ended without wilco_close(), for the reason `why`, which is borrowed: what was
 * outstanding has failed with WILCO_ECLOSED before this is called, once. The client stays closed;
 * free it with wilco_close(). */
typedef void wilco_closed_fn(void *context, const struct wilco_error *why);

/* What the server asks for enhanced authentication (MQTT 5.0, 4.12). */
struct wilco_challenge {
    struct wilco_bytes data; /* its Authentication Data, borrowed; data == NULL: none */
    bool is_last; /* the server accepts us: look whether its data proves who it is; no answer */
};

/* Answers one step of it, while wilco_open() runs, in its thread. `*answer` is the client's
 * Authentication Data, at most 65 535 bytes; as it comes, it says none. What it points to stays the
 * callback's own, and must stay as it is until the callback runs again or wilco_open() returns.
 * false gives up, and so does an answer that is too long: wilco_open() fails with WILCO_ECONNECT.
 * The time it takes counts for connect_timeout_ms. */
typedef bool wilco_authenticate_fn(void *context, const struct wilco_challenge *challenge,
                                   struct wilco_bytes *answer);

/* Of a connection: MQTT 5.0, 3.1. */
struct wilco_options {
    /* mqtt://[user[:password]@]host[:port] or unix:/path; NULL: mqtt://127.0.0.1:1883 */
    const char *url;
    const char *client_id;       /* NULL: the server chooses one */
    const char *user_name;       /* NULL: the URL's, or none */
    struct wilco_bytes password; /* data == NULL: the URL's, or none */
    uint32_t connect_timeout_ms; /* 0: 10 000, until CONNACK */
    uint16_t keep_alive_s;       /* Keep Alive (3.1.2.10), if the server wants no other; 0: 60 */
    bool keep_alive_off;         /* send no PINGREQ, and do not miss a silent server */
    bool keep_session;           /* Clean Start 0 (3.1.2.4): go on with the session of client_id */
    uint32_t session_expiry_s;   /* Session Expiry Interval (3.1.2.11.2); UINT32_MAX: never */
    uint16_t receive_maximum;    /* Receive Maximum (3.1.2.11.3); 0: 65 535 */
    uint32_t packet_bytes_max;   /* Maximum Packet Size (3.1.2.11.4) we accept; 0: 16 MiB */
    size_t pending_max;          /* requests that may wait for their responses; 0: 65 536 */
    size_t queue_bytes_max;      /* publications not yet written or acknowledged; 0: 16 MiB */
    const struct wilco_publish *will; /* published when we are lost; NULL: none */
    uint32_t will_delay_s;            /* so many seconds later (3.1.3.2.2) */
    wilco_closed_fn *closed;          /* NULL is allowed */
    /* Gets each message that no subscription of this client wants; NULL: they are counted and
     * dropped. A kept session brings what was waiting for it before there is time to subscribe. It
     * may run before wilco_open() has returned. */
    wilco_message_fn *unmatched;
    /* The same for those of them that have a Response Topic; NULL: they are like the others. */
    wilco_request_fn *unmatched_request;
    /* Authentication Method (3.1.2.11.9), such as "SCRAM-SHA-256"; NULL: none, nor the next two. */
    const char *authentication_method;
    struct wilco_bytes authentication_data; /* what the client says first; data == NULL: nothing */
    wilco_authenticate_fn *authenticate;    /* NULL: the method has no more than that */
    void *context;                          /* for the four callbacks */
    struct wilco_error *error;              /* filled when wilco_open() fails; NULL is allowed */
};

/* Connects and waits for CONNACK (MQTT 5.0, 3.1 and 3.2). `options` NULL: all defaults. WILCO_OK:
 * `*out` is the caller's, to be given to wilco_close(). Otherwise `*out` is NULL: WILCO_EINVAL (an
 * option, or the URL, is wrong), WILCO_ELIMIT (the options do not fit into a packet),
 * WILCO_ECONNECT (the server cannot be reached, or refused), WILCO_ETIMEDOUT (it did not answer),
 * WILCO_EPROTOCOL (it does not speak MQTT 5.0), WILCO_ENOMEM (memory, threads or descriptors),
 * WILCO_EIO (the system gives no random numbers). Waits. */
WILCO_API enum wilco_status wilco_open(struct wilco **out, const struct wilco_options *options);
/* Writes what is queued, sends DISCONNECT (MQTT 5.0, 3.14: no Will is published) and frees the
 * client; requests and publications still outstanding end with WILCO_ECLOSED before it returns, and
 * no callback runs afterwards. NULL is allowed. Waits: while the server takes what is queued,
 * three seconds when it does not, a second until it closes too, and for a callback that is running.
 * From a callback it does nothing. Calls that were not answered stay valid: answering them does
 * nothing but free them. */
WILCO_API void wilco_close(struct wilco *client);

/* The client identifier (MQTT 5.0, 3.1.3.1), also one that the server assigned. Lives as long as
 * the client. */
WILCO_API const char *wilco_client_id(const struct wilco *client);

/* Publishes (MQTT 5.0, 3.3). WILCO_OK: with QoS 1 and 2 the server has acknowledged it, with QoS 0
 * it is on its way, or queued behind at most queue_bytes_max. `*reason_code` (NULL is allowed) is
 * that of PUBACK or PUBREC (3.4, 3.5), such as 0x10 No matching subscribers, and 0 with QoS 0.
 * WILCO_EREFUSED: a reason code >= 0x80, or the one the server would answer with, for it has said
 * what it does not take (0x9A retained messages, 0x9B this QoS). WILCO_EINVAL (no Topic Name, not
 * UTF-8, QoS above 2), WILCO_ELIMIT (larger than the server takes), WILCO_ECLOSED (it may have
 * arrived or not), WILCO_ENOMEM. Waits, also for room in the queue, and as long as the connection
 * lasts. */
WILCO_API enum wilco_status wilco_publish(struct wilco *client, const struct wilco_publish *publish,
                                          uint8_t *reason_code);
/* The same without waiting. Publications leave in the order of these calls. Unless this returns an
 * error, `done` (NULL is allowed) runs exactly once, with what wilco_publish() would have returned
 * and its reason code. Errors as wilco_publish(); WILCO_ELIMIT also when too much is queued. */
typedef void wilco_published_fn(void *context, enum wilco_status status, uint8_t reason_code);
WILCO_API enum wilco_status wilco_publish_start(struct wilco *client,
                                                const struct wilco_publish *publish,
                                                wilco_published_fn *done, void *context);

/* A Topic Filter and the Subscription Options (MQTT 5.0, 3.8.3.1). */
struct wilco_subscription {
    const char *filter;
    uint8_t qos;
    bool no_local;
    bool retain_as_published;
    uint8_t retain_handling; /* 0 send retained messages, 1 only if new, 2 never */
};

/* Subscribes and waits for SUBACK (MQTT 5.0, 3.8 and 3.9); `on_message` runs for each matching
 * message, possibly before this returns. `*reason_code` (NULL is allowed) is SUBACK's: the QoS that
 * was granted, or why it was refused. Subscribing to the same filter again
 * replaces options and callback. WILCO_EREFUSED (by SUBACK, or before: the server has said that it
 * does not do such subscriptions), WILCO_EINVAL (no Topic Filter, No Local with a shared one, no
 * callback; also: requests use it as response topic, outside the inbox), WILCO_ELIMIT (65 536
 * subscriptions, or larger than the server takes), WILCO_ECLOSED, WILCO_ENOMEM. Waits. */
WILCO_API enum wilco_status wilco_subscribe(struct wilco *client,
                                            const struct wilco_subscription *subscription,
                                            wilco_message_fn *on_message, void *context,
                                            uint8_t *reason_code);
/* Ends a subscription or a responder (MQTT 5.0, 3.10) by its filter, with or without
 * `$share/<group>/`; its callback does not run afterwards. WILCO_ENOTFOUND: there was none.
 * WILCO_EREFUSED: the server goes on sending, so the callback does, too. WILCO_EINVAL (from a
 * callback), WILCO_ELIMIT (65 535 packets wait for their acknowledgements), WILCO_ECLOSED,
 * WILCO_ENOMEM. Waits. */
WILCO_API enum wilco_status wilco_unsubscribe(struct wilco *client, const char *filter);

/* ---- Asking ---- */

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

/* ---- Answering ---- */

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

/* ---- Counters ---- */

/* What a client has seen since wilco_open(). */
struct wilco_counters {
    uint64_t requests;  /* sent */
    uint64_t responses; /* delivered, error statuses included */
    uint64_t timeouts;
    uint64_t responses_late;      /* dropped: their request had ended (recently enough to know) */
    uint64_t responses_unknown;   /* dropped: no request of ours has such a correlation */
    uint64_t responses_duplicate; /* dropped: the request had been answered before (likewise) */
    uint64_t calls;               /* requests given to handlers */
    uint64_t not_requests;        /* dropped: no Response Topic */
    uint64_t messages_unmatched;  /* dropped: no subscription of ours wants them */
    size_t pending;               /* requests waiting for their responses now */
};
/* Fills `*out`. */
WILCO_API void wilco_counters(struct wilco *client, struct wilco_counters *out);

#ifdef __cplusplus
}
#endif

#endif
