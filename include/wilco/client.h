#ifndef WILCO_CLIENT_H
#define WILCO_CLIENT_H

#include "wilco/publish.h"
#include "wilco/respond.h"

/* A client: one session with a server, over one connection after the other. */

#ifdef __cplusplus
extern "C" {
#endif

/* Who moves the bytes and runs the callbacks. */
enum wilco_io {
    WILCO_IO_THREAD, /* a thread of the client's own */
    WILCO_IO_LOOP,   /* the application's event loop (wilco/loop.h) */
    WILCO_IO_NONE,   /* the application, the connection included (wilco/loop.h) */
};

/* What may become of a connection. */
enum wilco_state_kind {
    WILCO_CONNECTED, /* the server has accepted us, for the first time or again */
    /* The connection is lost, or another one could not be made. The client tries again by itself;
     * what is asked of it meanwhile is kept. */
    WILCO_DISCONNECTED,
    /* The server had forgotten the session, and did not grant this subscription, or responder,
     * again: it is gone. */
    WILCO_UNSUBSCRIBED,
    /* The client is closed for good, but not by wilco_close(): what was outstanding has failed with
     * WILCO_ECLOSED before this is told, last and once. Free it with wilco_close(). */
    WILCO_CLOSED,
};

/* How a client and its server stand now, and why. */
struct wilco_state {
    enum wilco_state_kind kind;
    bool session_present;          /* CONNECTED: the server has kept the session (3.2.2.1.1) */
    uint32_t retry_ms;             /* DISCONNECTED: until the next attempt */
    struct wilco_bytes filter;     /* UNSUBSCRIBED */
    const struct wilco_error *why; /* all but CONNECTED */
};

/* `state` is borrowed. What has been overtaken may be left out: where a connection was made and
 * lost again, or lost and made again, before there was time to tell, only the end of that is told.
 * It may run before wilco_open() has returned. */
typedef void wilco_state_fn(void *context, const struct wilco_state *state);

/* What the server asks for enhanced authentication (MQTT 5.0, 4.12). */
struct wilco_challenge {
    struct wilco_bytes data; /* its Authentication Data, borrowed; data == NULL: none */
    bool is_last; /* the server accepts us: look whether its data proves who it is; no answer */
};

/* Answers one step of it, while wilco_open() runs, in its thread; for each further connection like
 * the other callbacks. `*answer` is the client's Authentication Data, at most 65 535 bytes; as it
 * comes, it says none. What it points to stays the callback's own, and must stay as it is until the
 * callback runs again or returns from its last challenge. false gives up, and so does an answer
 * that is too long: wilco_open() fails with WILCO_ECONNECT, or the client is closed. The time it
 * takes counts for connect_timeout_ms. */
typedef bool wilco_authenticate_fn(void *context, const struct wilco_challenge *challenge,
                                   struct wilco_bytes *answer);

/* Of a connection with TLS: URLs that begin with mqtts:// or wss://. The server has to show a
 * certificate that the authorities trusted here have issued for the host in the URL, and that is
 * valid now; then TLS 1.3 is spoken, or 1.2. Files are in PEM and read once, by wilco_open().
 * A server whose certificate is refused is like one that is not there: wilco_open() fails, and a
 * client that is open tries again, for certificates get renewed; `why` of its state says what was
 * wrong. */
struct wilco_tls {
    const char *ca_file; /* the authorities; NULL, and ca_path too: those of the system */
    const char *ca_path; /* the same, a folder that `openssl rehash` has seen */
    /* Shows the client's own certificate, followed by what leads to its authority, and its key,
     * which nobody else may read or write; NULL: it has none. */
    const char *certificate_file;
    const char *key_file;
    const char *crl_file; /* of servers' certificates that are revoked; NULL: no such list */
    bool only_13;         /* TLS 1.3 alone */
    /* Takes any certificate of anybody: nobody else can listen, but who is it that listens? */
    bool insecure;
};

/* Of a client, and of its connections: MQTT 5.0, 3.1.
 *
 * A client connects again by itself when its connection is lost, or the server is not there, busy
 * or stopped. It gives up, and is closed, when the server refuses it for good (credentials,
 * identifier, banned, moved), when one of the two breaks the protocol, and when its session is
 * taken over by another client with its identifier, which it does not fight.
 *
 * The session goes on: publications of QoS 1 and 2 arrive, those of QoS 2 once, responses to
 * requests that had been sent come after all, and what the server has for us. If the server has
 * forgotten the session (it keeps it for 60 seconds, or session_expiry_s, and not beyond its own
 * end), subscriptions and responders are made again, publications are sent as new ones, unless the
 * server had taken those of QoS 2, and requests that had been sent end with WILCO_ELOST. */
struct wilco_options {
    /* mqtt://[user[:password]@]host[:port], mqtts:// with TLS, ws://host[:port][/path] for
     * WebSocket (path /mqtt unless it says another), wss:// for that with TLS, or unix:/path; NULL:
     * mqtt://127.0.0.1:1883 */
    const char *url;
    const char *client_id;       /* NULL: the server chooses one */
    const char *user_name;       /* NULL: the URL's, or none */
    struct wilco_bytes password; /* data == NULL: the URL's, or none */
    struct wilco_tls tls;        /* for URLs with TLS alone */
    uint32_t connect_timeout_ms; /* of each attempt, until CONNACK; 0: 10 000 */
    bool reconnect_off;          /* a connection that is lost closes the client */
    uint32_t reconnect_min_ms;   /* the first delay, ... 0: 100 */
    uint32_t reconnect_max_ms;   /* ... which doubles up to this; 0: 30 000. Each is shortened at
                                  * random, by half at most, and they begin anew once a connection
                                  * has lasted longer than the delay before it */
    /* wilco_open() does not wait for the server, nor fail when it is not there: the client goes on
     * trying. What is asked of it meanwhile is kept. */
    bool open_offline;
    enum wilco_io io; /* who moves the bytes: a thread of the client's own, or wilco/loop.h */
    void (*wake)(void *context); /* without a thread: there is something to do; NULL is allowed */
    /* With WILCO_IO_NONE: milliseconds of a clock that never goes back; NULL: the system's. */
    uint64_t (*now_ms)(void *context);
    /* Fills `out`; false: it cannot. NULL: the system's random numbers. Whoever can guess them
     * knows identifiers and response topics: for simulations, and for systems without such numbers.
     * It may run in any thread, also while functions of the client do: it must not call them. */
    bool (*random)(void *context, void *out, size_t len);
    uint16_t keep_alive_s; /* Keep Alive (3.1.2.10), if the server wants no other; 0: 60 */
    bool keep_alive_off;   /* send no PINGREQ, and do not miss a silent server */
    bool keep_session;     /* Clean Start 0 (3.1.2.4): go on with the session of client_id */
    /* Session Expiry Interval (3.1.2.11.2); UINT32_MAX: never. 0: 60, but wilco_close() ends the
     * session, unless the server cannot be reached then; with reconnect_off: 0. */
    uint32_t session_expiry_s;
    uint16_t receive_maximum;  /* Receive Maximum (3.1.2.11.3); 0: 65 535 */
    uint32_t packet_bytes_max; /* Maximum Packet Size (3.1.2.11.4) we accept; 0: 16 MiB */
    size_t pending_max;        /* requests that may wait for their responses; 0: 65 536 */
    unsigned retry_percent;    /* of requests that may be asked again; 0: 20. Ten more at once */
    size_t queue_bytes_max;    /* publications not yet written or acknowledged, those that wait
                                * for a connection included; 0: 16 MiB */
    const struct wilco_publish *will; /* published when we are lost; NULL: none */
    uint32_t will_delay_s;            /* so many seconds later (3.1.3.2.2) */
    wilco_state_fn *state_changed;    /* NULL is allowed */
    /* Gets each message that no subscription of this client wants; NULL: they are counted and
     * dropped. A kept session brings what was waiting for it before there is time to subscribe. It
     * may run before wilco_open() has returned. */
    wilco_message_fn *unmatched;
    /* The same for those of them that have a Response Topic; NULL: they are like the others. With
     * neither of the two, requests that a kept session brings wait up to five seconds for
     * wilco_respond(). */
    wilco_request_fn *unmatched_request;
    /* Authentication Method (3.1.2.11.9); NULL: none, nor the next two. "SCRAM-SHA-256" without the
     * next two is done by the library, on each connection: user_name (at most 512 bytes) and
     * password are proved to the server and not told, and a server that does not prove that it
     * knows the password, too, is not believed: the client gives up. */
    const char *authentication_method;
    /* What the client says first, on each connection; data == NULL: nothing. */
    struct wilco_bytes authentication_data;
    wilco_authenticate_fn *authenticate; /* NULL: the method has no more than that */
    void *context;                       /* for all of these callbacks */
    struct wilco_error *error;           /* filled when wilco_open() fails; NULL is allowed */
};

/* Connects and waits for CONNACK (MQTT 5.0, 3.1 and 3.2). `options` NULL: all defaults. WILCO_OK:
 * `*out` is the caller's, to be given to wilco_close(). Otherwise `*out` is NULL: WILCO_EINVAL (an
 * option, or the URL, is wrong), WILCO_ELIMIT (the options do not fit into a packet),
 * WILCO_ECONNECT (the server cannot be reached, or refused), WILCO_ETIMEDOUT (it did not answer),
 * WILCO_EPROTOCOL (it does not speak MQTT 5.0), WILCO_ENOMEM (memory, threads or descriptors),
 * WILCO_EIO (the system gives no random numbers). Waits. */
WILCO_API enum wilco_status wilco_open(struct wilco **out, const struct wilco_options *options);
/* Writes what is queued, if it is connected, sends DISCONNECT (MQTT 5.0, 3.14: no Will is
 * published) and frees the client; requests and publications still outstanding end with
 * WILCO_ECLOSED before it returns, and no callback runs afterwards. NULL is allowed. Waits: while
 * the server takes what is queued, three seconds when it does not, a second until it closes too,
 * and for a callback that is running. From a callback it does nothing. Calls that somebody has a
 * reference of stay valid: answering them does nothing. */
WILCO_API void wilco_close(struct wilco *client);

/* The client identifier (MQTT 5.0, 3.1.3.1), also one that the server assigned; "" until it has. It
 * does not change after that, and lives as long as the client. */
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
