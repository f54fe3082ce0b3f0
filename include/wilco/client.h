#ifndef WILCO_CLIENT_H
#define WILCO_CLIENT_H

#include "wilco/publish.h"
#include "wilco/respond.h"

/* A client: one session with a server. */

#ifdef __cplusplus
extern "C" {
#endif

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
    unsigned retry_percent;      /* of requests that may be asked again; 0: 20. Ten more at once */
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
 * From a callback it does nothing. Calls that somebody has a reference of stay valid: answering
 * them does nothing. */
WILCO_API void wilco_close(struct wilco *client);

/* The client identifier (MQTT 5.0, 3.1.3.1), also one that the server assigned. Lives as long as
 * the client. */
WILCO_API const char *wilco_client_id(const struct wilco *client);

/* The topic of the inbox that the server assigned (Response Information, 3.2.2.3.15), to the topics
 * below which responses may be directed, too: its length, 0 if there is none. It is copied to
 * `out`, as much as fits into `size` with a zero behind it, for it changes when the server has
 * forgotten the session. */
WILCO_API size_t wilco_inbox(struct wilco *client, char *out, size_t size);

/* What a client has seen since wilco_open(). */
struct wilco_counters {
    uint64_t requests;  /* sent */
    uint64_t responses; /* delivered, error statuses included */
    uint64_t timeouts;
    uint64_t responses_late;      /* dropped: their request had ended (recently enough to know) */
    uint64_t responses_unknown;   /* dropped: no request of ours has such a correlation */
    uint64_t responses_duplicate; /* dropped: the request had been answered before (likewise) */
    uint64_t calls;               /* requests given to handlers */
    uint64_t calls_expired;       /* dropped: nobody waited for the answer any more */
    uint64_t calls_cancelled;     /* taken back by their requesters, before or while they ran */
    uint64_t calls_refused;       /* answered with 400 or 505 */
    uint64_t calls_busy;          /* answered with 429 */
    uint64_t calls_repeated;      /* came again, and were not executed again */
    uint64_t answers_forgotten;   /* for lack of memory, before their time */
    uint64_t controls_unknown;    /* dropped: `rr-op` of a kind we do not know */
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
