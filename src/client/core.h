#ifndef WILCO_CLIENT_CORE_H
#define WILCO_CLIENT_CORE_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/random.h"
#include "base/span.h"
#include "base/status.h"
#include "wilco/wilco.h"

/* The client's end of MQTT 5.0 without sockets, threads or a clock: bytes and the time go in;
 * bytes, events and the next deadline come out. It knows the session (CONNECT to DISCONNECT, QoS 0
 * to 2 both ways), the subscriptions, the requests that wait and the requests to answer. One
 * connection, one life: when that ends, everything outstanding ends with WILCO_ECLOSED, and the
 * core stays closed.
 *
 * One caller at a time. Nothing calls back: what happened is pulled as events, in two queues. What
 * somebody blocks for (no callback, but a context) is in one, to be told at once; what a callback
 * is for is in the other, to be told in order. Times are milliseconds of one monotonic clock. */
struct core;
struct responder;

struct core_config {
    const struct wilco_alloc *alloc;
    const struct random_source *random;
    const struct wilco_options *options; /* borrowed for the call; `url` is not looked at */
    struct span user_name;               /* data == NULL: none */
    struct span password;                /* likewise */
    uint64_t now_ms;
    uint64_t unix_ms; /* wall clock, for the time in UUIDs */
};

/* A core that wants to send CONNECT. WILCO_EINVAL (`why` says what), WILCO_ENOMEM, WILCO_EIO (no
 * randomness), WILCO_ELIMIT (a CONNECT that no packet can hold). */
WILCO_MUST_CHECK enum wilco_status core_new(struct core **out, const struct core_config *config,
                                            struct wilco_error *why);
void core_free(struct core *c); /* NULL is allowed; tells nobody of what is outstanding */

/* ---- Driving it ---- */

enum core_state {
    CORE_CONNECTING, /* until CONNACK */
    CORE_OPEN,
    CORE_CLOSED, /* for good; core_why() */
};

enum core_state core_state(const struct core *c);
/* How it ended: WILCO_ECLOSED once it had been open and its last challenge was answered; before
 * that WILCO_ECONNECT, WILCO_EPROTOCOL, WILCO_ETIMEDOUT or WILCO_ENOMEM. */
enum wilco_status core_why(const struct core *c, struct wilco_error *why);

/* How long connecting may take, until CONNACK. */
uint32_t core_connect_timeout_ms(const struct wilco_options *o);

/* Bytes from the server. What is wrong with them closes the core. */
void core_feed(struct core *c, struct span in, uint64_t now_ms);
void core_tick(struct core *c, uint64_t now_ms);
uint64_t core_deadline_ms(const struct core *c); /* when to tick next; UINT64_MAX: never */
/* The connection broke or was finished by the peer; `text` says how. */
void core_lost(struct core *c, const char *text);
/* Ends it: DISCONNECT goes behind what is already in the output. */
void core_close(struct core *c);

/* What the server asks for enhanced authentication, until it is answered; `challenge.data` lives as
 * long. */
struct core_challenge {
    wilco_authenticate_fn *authenticate;
    void *context;
    struct wilco_challenge challenge;
};
bool core_next_challenge(struct core *c, struct core_challenge *out);
/* `answer` is ignored when the challenge was the last. `goes_on` false, or an answer that no AUTH
 * can hold, closes the core. */
void core_answer_challenge(struct core *c, bool goes_on, struct span answer, uint64_t now_ms);

/* Bytes for the server: at most `max` spans, valid until the core is used again. */
size_t core_output(const struct core *c, struct span *spans, size_t max);
void core_wrote(struct core *c, size_t len);
void core_discard_output(struct core *c); /* it cannot be written any more */
bool core_has_output(const struct core *c);

/* ---- What happened ---- */

enum core_event_kind {
    CORE_MESSAGE,   /* on_message */
    CORE_CALL,      /* on_request */
    CORE_CHANGED,   /* changed: a call that was handed out is over, or has room for parts */
    CORE_RESPONSE,  /* on_response, or awaited: a request has ended */
    CORE_PUBLISHED, /* published, or awaited: a publication has ended */
    CORE_OPERATION, /* awaited: a SUBSCRIBE or UNSUBSCRIBE has ended */
    CORE_ENDED,     /* the connection; the last event, and not after core_close() */
};

struct core_event {
    enum core_event_kind kind;
    enum wilco_status status;
    uint8_t reason_code;
    struct wilco_message *message; /* the receiver's reference, or NULL; not every one that ended a
                                    * request is a response: message_as_response() */
    struct wilco_call *call;       /* CORE_CALL, CORE_CHANGED: the receiver's reference */
    union {
        wilco_message_fn *on_message;
        wilco_request_fn *on_request;
        wilco_call_fn *changed;
        wilco_response_fn *on_response;
        wilco_published_fn *published;
    } to;
    void *context;
};

/* The next thing to tell to a callback. Asking for it says that the one before is done with: only
 * then is its message acknowledged. */
bool core_next_event(struct core *c, struct core_event *out, uint64_t now_ms);
/* The next thing somebody blocks for, at `context`. */
bool core_next_awaited(struct core *c, struct core_event *out);
bool core_has_events(const struct core *c);

/* ---- What to do ---- */

/* For all of these: WILCO_ECLOSED; WILCO_EINVAL; WILCO_ELIMIT: too large for the server, too many;
 * WILCO_ENOMEM; WILCO_EREFUSED: the server has said that it does not take such a thing
 * (`*reason_code`). WILCO_AGAIN: too much is queued; there may be room when something has been
 * written or acknowledged. An error means that nothing was done and no event comes. */

/* With neither `done` nor `context` no event comes at all. */
WILCO_MUST_CHECK enum wilco_status core_publish(struct core *c, const struct wilco_publish *p,
                                                wilco_published_fn *done, void *context,
                                                uint8_t *reason_code);

struct core_asker {
    wilco_response_fn *on_response; /* or somebody awaits it at `context` */
    void *context;
    struct wilco_error *error; /* begun by explain_request(); NULL is allowed */
    bool is_pulled;            /* says when it is done with parts */
};
/* `*call` names it for core_cancel(). When the request has ended, and before its event is given
 * out, the asker's error and the tally are filled. */
WILCO_MUST_CHECK enum wilco_status core_request(struct core *c, const struct wilco_request *r,
                                                const struct core_asker *asker, uint64_t now_ms,
                                                uint64_t *call, uint8_t *reason_code);
WILCO_MUST_CHECK enum wilco_status core_cancel(struct core *c, uint64_t call);
/* Whoever pulls the parts of this request is done with `count` more. */
void core_take_parts(struct core *c, uint64_t call, uint32_t count);
uint32_t core_timeout_ms(const struct wilco_request *r);

/* One of the two callbacks is given. */
struct core_subscriber {
    wilco_message_fn *on_message;
    wilco_request_fn *on_request;
    void *context;
    const struct wilco_responder *options; /* on_request: borrowed for the call; NULL: defaults */
};
/* `awaited` gets a CORE_OPERATION. */
WILCO_MUST_CHECK enum wilco_status core_subscribe(struct core *c,
                                                  const struct wilco_subscription *s,
                                                  const struct core_subscriber *to, void *awaited,
                                                  uint8_t *reason_code);
WILCO_MUST_CHECK enum wilco_status core_unsubscribe(struct core *c, const char *filter,
                                                    void *awaited);

/* As wilco_reply(); WILCO_AGAIN: too much is queued. The references stay as they are. */
WILCO_MUST_CHECK enum wilco_status core_reply(struct core *c, struct wilco_call *call,
                                              const struct wilco_reply *reply, uint64_t now_ms);
/* As wilco_reply_part(); with `progress` (NULL: none) it says that as `rr-prog`. */
WILCO_MUST_CHECK enum wilco_status core_reply_part(struct core *c, struct wilco_call *call,
                                                   const struct wilco_reply *reply,
                                                   const char *progress, uint64_t now_ms);
void core_watch_call(struct core *c, struct wilco_call *call, wilco_call_fn *changed,
                     void *context);
/* The last reference is gone: whoever asked hears that there is no answer, if there was none. The
 * core knows it no more; call_free() follows. */
void core_release_call(struct core *c, struct wilco_call *call, uint64_t now_ms);

/* Leaves a responder that was made with this filter; `awaited` gets a CORE_OPERATION. It goes on
 * with what has come, and `*out` is to be given to core_responder_end() or _stay().
 * WILCO_ENOTFOUND. */
WILCO_MUST_CHECK enum wilco_status core_responder_leave(struct core *c, const char *filter,
                                                        struct responder **out, void *awaited);
/* Whether all is answered that had come when it left. */
bool core_responder_is_idle(const struct core *c, const struct responder *r);
/* The server has refused to let it go: as if nothing had been asked. */
void core_responder_stay(struct responder *r);
/* What is left is answered with 503, and the responder let go of; whether there was something. */
bool core_responder_end(struct core *c, struct responder *r);

const char *
core_client_id(const struct core *c); /* "" before CONNACK when the server is to choose */
/* As wilco_inbox(). */
size_t core_inbox(const struct core *c, char *out, size_t size);
void core_counters(const struct core *c, struct wilco_counters *out);

#endif
