#ifndef WILCO_CLIENT_CORE_PRIVATE_H
#define WILCO_CLIENT_CORE_PRIVATE_H

#include "base/buffer.h"
#include "base/list.h"
#include "client/call.h"
#include "client/call_terms.h"
#include "client/chunks.h"
#include "client/connect_packet.h"
#include "client/core.h"
#include "client/operation.h"
#include "client/outgoing.h"
#include "client/repeats.h"
#include "client/requester.h"
#include "client/scram_client.h"
#include "client/subscriptions.h"
#include "link/alias.h"
#include "link/framer.h"
#include "link/output.h"
#include "link/receive_window.h"
#include "link/send_window.h"
#include "wire/any.h"
#include "wire/reason.h"

/* What the files of the core share, and nobody else sees:
 *   core.c            its life, time, and the output
 *   core_connect.c    CONNECT and CONNACK
 *   core_auth.c       AUTH, and what CONNECT and CONNACK say of it
 *   core_resume.c     connecting again, and what becomes of the session then
 *   core_feed.c       packets in: who handles which
 *   core_publish.c    publications out, their queue and quota
 *   core_ack.c        PUBACK, PUBREC, PUBREL, PUBCOMP, both ways
 *   core_deliver.c    publications in
 *   core_inbox.c      the inbox that the server assigned
 *   core_request.c    requests, from being asked to their end
 *   core_try.c        how they are sent, once or more often
 *   core_response.c   what comes for them
 *   core_upload.c     those whose payload goes in pieces
 *   core_download.c   responses that come in pieces
 *   core_op.c         words about them to those who hold them
 *   core_offer.c      requests to answer: taking them on
 *   core_call.c       their time, letting go of them
 *   core_park.c       those that come before there is anybody to answer them
 *   core_repeat.c     those that come again
 *   core_journal.c    what is written down of them
 *   core_recall.c     what was written down before
 *   core_control.c    words about a request that is being served
 *   core_arrival.c    a request that comes in pieces
 *   core_reply.c      answers
 *   core_sending.c    those that go in pieces
 *   core_responder.c  the end of a responder
 *   core_subscribe.c  SUBSCRIBE, UNSUBSCRIBE and their acknowledgements
 *   operation.c       one such packet, while it is not acknowledged
 *   core_event.c      telling what happened
 */

/* What CONNACK allows (MQTT 5.0, 3.2.2.3). */
struct server_limits {
    uint32_t packet_bytes_max;
    uint16_t keep_alive_s;
    uint8_t maximum_qos;
    bool has_retain;
    bool has_wildcards;
    bool has_identifiers;
    bool has_shared;
};

/* "responses/" and 22 characters of 6 random bits. */
#define INBOX_PREFIX       "responses/"
#define INBOX_RANDOM_CHARS 22
#define INBOX_BYTES        (sizeof(INBOX_PREFIX) + INBOX_RANDOM_CHARS)

/* Topic Alias Maximum that we announce: enough for an inbox and some topics, at most 1 MiB. */
#define ALIAS_MAXIMUM 16

/* Enhanced authentication (MQTT 5.0, 4.12). */
struct authentication {
    struct buffer method; /* of CONNECT */
    struct buffer data;   /* the server's, to be answered */
    wilco_authenticate_fn *authenticate;
    void *context;
    struct scram_client *scram; /* answers in the application's place; NULL: it does not */
    bool is_named;              /* there is a method */
    bool is_first;              /* we have not accepted the server yet */
    bool is_asked;              /* the rest is about a challenge that has not been answered */
    bool is_last;
    bool has_data;
};

/* When to connect again, and what is known of the session until then. */
struct reconnecting {
    bool is_on;
    bool open_offline; /* also before the first connection has been accepted */
    bool ends_session; /* we asked for its Session Expiry Interval ourselves: it ends with us */
    bool was_open;     /* a connection has been accepted, so there is a session ... */
    bool was_ready;    /* ... and we have accepted the server */
    bool is_lost;      /* the server has forgotten it, and we have not acted on that yet */
    uint32_t min_ms;
    uint32_t max_ms;
    uint32_t limit_ms;     /* the last delay was random up to this; 0: there was none */
    uint32_t delay_ms;     /* the last delay */
    uint64_t deadline_ms;  /* CORE_WAITING */
    uint64_t connected_ms; /* when the last connection was accepted */
};

/* How an entry of the send window was sent, in its `detail`. */
#define SENT_NOW     0U
#define SENT_EARLIER 1U /* on an earlier connection: it is to be sent again */
enum timer_kind {
    TIMER_CALL,   /* struct wilco_call */
    TIMER_REPEAT, /* struct repeat */
    TIMER_PARKED,
    TIMER_SENDING, /* struct sending */
};

/* An answer that goes in pieces, when its call is over for everybody else. It counts for its
 * responder's concurrency_max until all of it is sent. */
struct sending {
    struct list link;
    struct timer timer;            /* nobody waits for the rest */
    uint64_t deadline_ms;          /* the requester's; UINT64_MAX: none */
    struct wilco_message *request; /* a reference */
    struct responder *responder;   /* counted */
    struct repeat *repeat;         /* by which it is found; NULL: that is forgotten */
    struct outgoing *last;         /* the last response, until it is sent */
    struct upload *payload;
    size_t piece_bytes;
    uint32_t credit; /* parts that may be sent */
    bool wants_room; /* a piece did not go for lack of room in the queue */
};

/* Requests to answer. */
struct calls {
    struct wheel timers;
    struct list all;    /* struct wilco_call: those that have not been let go of */
    struct list ready;  /* those of them to be handed out */
    struct list parked; /* struct wilco_message: requests that a kept session has brought before
                         * there was a responder for them */
    struct timer park_timer; /* runs while requests are parked, and how long they are */
    struct list journaled;   /* struct responder, by its log: those that write things down */
    struct list held; /* struct wilco_message: handed out, but one of them or one before it is not
                       * to be acknowledged yet */
    struct list sendings;  /* struct sending */
    size_t arriving_count; /* calls whose payload comes in pieces */
    struct repeats repeats;
    struct responder *unmatched; /* gets requests that no subscription wants; NULL: nobody does */
    size_t stalled;              /* calls, and answers in pieces, that wait for room in the queue */
    uint64_t count;              /* given to handlers */
    uint64_t expired_count, cancelled_count, refused_count, busy_count, repeated_count;
    uint64_t forgotten_count; /* answers */
    uint64_t unknown_count;   /* words about requests that mean nothing to us */
};

struct core {
    const struct wilco_alloc *alloc;
    const struct random_source *random;
    enum core_state state;
    enum wilco_status status; /* how it ended */
    struct wilco_error why;
    bool is_end_told;
    bool is_closing;      /* by us: nobody is told of messages, nor of the end */
    uint8_t fault_reason; /* more specific than what its status would give; 0: none */
    const char *fault_text;

    uint64_t now_ms; /* the latest time we were given */
    uint64_t unix_offset_ms;
    uint32_t connect_timeout_ms;
    uint64_t connect_deadline_ms;
    uint64_t last_sent_ms;
    uint64_t pong_deadline_ms; /* UINT64_MAX: no PINGREQ is unanswered */

    struct reconnecting again;
    struct buffer connect; /* CONNECT, as it is said next */
    unsigned connection;   /* which one this is, from 1 */
    uint32_t session;      /* likewise; counted when the server has forgotten the one before */
    bool session_present;  /* of the last CONNACK */

    struct output_pool pool;
    struct output output;
    struct framer framer;
    struct alias_in aliases;
    struct send_window sent; /* items: struct outgoing, or struct operation at SEND_OTHER */
    size_t unsent;           /* PUBLISH packets in it at SENT_EARLIER */
    size_t overdrawn;        /* exchanges that go on without quota */
    struct receive_window received;
    struct receive_window
        unacknowledged; /* those of them whose PUBACK or PUBREC is still to come */
    struct receive_window
        unrepeated; /* those of an earlier connection that have not come again on this one */
    uint16_t receive_maximum;
    struct server_limits server;
    struct authentication authentication;
    bool keep_session;
    uint16_t keep_alive_s;     /* what we asked for */
    uint32_t packet_bytes_max; /* that we take */

    struct outgoing_account account;
    size_t queue_bytes_max;
    size_t pieces_bytes; /* payloads that go in pieces, as wholes */
    /* struct outgoing that wait: for quota (QoS 1 and 2), or for a connection (all) */
    struct list queue;
    struct subscriptions subscriptions;
    struct requester requester;

    struct list events;
    struct list awaited;
    struct event_node connected; /* what has not been told of the two */
    struct event_node disconnected;
    bool tells_state;                  /* somebody wants to know */
    struct operation *told;            /* its filter is being told */
    struct wilco_message *handing_out; /* given to its subscribers one after the other */
    uint64_t message_count;
    wilco_message_fn *unmatched; /* gets what no subscription wants; NULL: nobody does */
    void *unmatched_context;
    struct calls calls;
    uint64_t not_requests;
    uint64_t messages_unmatched;

    char *client_id; /* never changes once it is there; NULL: the server is to choose */
    struct buffer assigned_inbox; /* by the server, with everything below; empty: there is none */
    struct buffer former_inbox;   /* until it has been followed */
    char inbox[INBOX_BYTES];      /* what we subscribe to instead */
};

/* What the server would answer, for it has said what it does not do. */
static inline enum wilco_status
core_refuse(uint8_t *reason_code, uint8_t why)
{
    *reason_code = why;
    return WILCO_EREFUSED;
}

/* ---- core.c ---- */

/* Notes a reason code and a text better than those of `status`, and returns `status`. */
enum wilco_status core_fault(struct core *c, enum wilco_status status, uint8_t reason_code,
                             const char *text);
/* The server, or memory, failed us: DISCONNECT with a reason, then closed. */
void core_fail(struct core *c, enum wilco_status status);
/* The connection has ended, or will now. That is the end, with `status`, unless the client is to
 * connect again. */
void core_break(struct core *c, enum wilco_status status, uint8_t reason_code, const char *text,
                struct span more);
/* We do not want this server: DISCONNECT if that is due, then closed. */
void core_give_up(struct core *c, const char *text);
/* Closed, without a word to the server. `text` and `more` (either may be empty) make the line. */
void core_end(struct core *c, enum wilco_status status, uint8_t reason_code, const char *text,
              struct span more);
/* Encodes a packet into the output. WILCO_ELIMIT: larger than the server takes. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status core_send(struct core *c, const struct wire_any *packet);
void core_sent(struct core *c); /* something went into the output */

/* ---- core_connect.c ---- */

/* Makes the CONNECT of these options, for every connection. */
WILCO_MUST_CHECK enum wilco_status
core_make_connect(struct core *c, const struct core_config *config, struct wilco_error *why);
void core_init_limits(struct core *c); /* as if the server allowed everything */
/* Begins a connection with it. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status core_connect(struct core *c);
WILCO_MUST_CHECK enum wilco_status core_on_connack(struct core *c, struct span body);

/* ---- core_auth.c ---- */

/* WILCO_EINVAL: `why` says what. */
WILCO_MUST_CHECK enum wilco_status core_auth_connect(struct core *c, struct wire_properties *p,
                                                     const struct core_config *config,
                                                     struct wilco_error *why);
/* With each connection, before CONNECT is sent. WILCO_EIO: no randomness. */
WILCO_MUST_CHECK enum wilco_status core_auth_begin(struct core *c);
void core_auth_fini(struct core *c);
WILCO_MUST_CHECK enum wilco_status core_on_auth(struct core *c, struct span body);
/* Of a CONNACK that accepts us. */
WILCO_MUST_CHECK enum wilco_status core_auth_connack(struct core *c,
                                                     const struct wire_properties *p);

/* ---- core_resume.c ---- */

void core_init_reconnecting(struct core *c, const struct wilco_options *o);
/* Whether the end of a connection for this reason is not the end of the client. */
bool core_may_try_again(const struct core *c, uint8_t reason_code);
/* Waits for the next attempt. */
void core_wait(struct core *c);
/* Whether there is a connection, accepted or not. */
static inline bool
core_is_connected(const struct core *c)
{
    return c->state == CORE_CONNECTING || c->state == CORE_OPEN;
}
/* Whether PUBLISH, SUBSCRIBE and UNSUBSCRIBE may leave now. Until then they are kept. */
static inline bool
core_is_ready(const struct core *c)
{
    return c->state == CORE_OPEN && !c->authentication.is_first;
}
/* The server is accepted: goes on with the session, or begins it anew where the server has
 * forgotten it; then sends what was kept. */
WILCO_MUST_CHECK enum wilco_status core_resume(struct core *c);
/* Sends again what the quota allows of the publications that earlier connections left open. */
WILCO_MUST_CHECK enum wilco_status core_send_again(struct core *c);
/* The server has answered a publication, and then is done with it. */
void core_answered(struct core *c, struct send_entry *entry);
void core_finished(struct core *c, struct send_entry *entry);

/* ---- core_publish.c ---- */

/* Whether the server takes such a publication at all. */
WILCO_MUST_CHECK enum wilco_status core_admit(const struct core *c, const struct draft *d,
                                              uint8_t *reason_code);
/* WILCO_AGAIN: too much is queued. */
WILCO_MUST_CHECK enum wilco_status core_encode(struct core *c, const struct draft *d,
                                               struct outgoing **out);
/* Sends it or queues it, and takes it over; on failure it stays the caller's. */
WILCO_MUST_CHECK enum wilco_status core_dispatch(struct core *c, struct outgoing *o);
/* Sends what the quota allows. */
WILCO_MUST_CHECK enum wilco_status core_pump(struct core *c);
/* After a connection has been made: sends what may go without quota, too. */
WILCO_MUST_CHECK enum wilco_status core_pump_all(struct core *c);
/* Puts the packet into the output. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status core_put(struct core *c, struct outgoing *o);
/* It is over: tells whoever asked for it, and frees it. */
void core_settle(struct core *c, struct outgoing *o, enum wilco_status status, uint8_t reason_code);
void core_abandon_publications(struct core *c);

/* ---- core_ack.c ---- */

WILCO_MUST_CHECK enum wilco_status core_on_ack(struct core *c, enum wire_type type,
                                               struct span body);
WILCO_MUST_CHECK enum wilco_status core_send_ack(struct core *c, enum wire_type type,
                                                 uint16_t packet_id, uint8_t reason_code);

/* ---- core_deliver.c ---- */

WILCO_MUST_CHECK enum wilco_status core_on_publish(struct core *c, const struct frame *frame);
/* Acknowledges a message that everybody has had, and lets it go. */
void core_finish_message(struct core *c, struct wilco_message *m);
/* The server goes on with the session: what it has not seen acknowledged comes again. */
WILCO_MUST_CHECK enum wilco_status core_expect_repetitions(struct core *c);
/* It does not: what came before is not to be acknowledged any more. */
void core_forget_received(struct core *c);

/* ---- core_inbox.c ---- */

/* Follows what CONNACK says of an inbox, if it does. */
WILCO_MUST_CHECK enum wilco_status core_take_inbox(struct core *c,
                                                   const struct wire_properties *connack);
/* Whether that is another inbox than the last CONNACK named, and so another session. */
bool core_inbox_is_another(const struct core *c);
/* Moves what has not been sent to the inbox that CONNACK names, if that is another one. */
WILCO_MUST_CHECK enum wilco_status core_follow_inbox(struct core *c);
/* Where responses go whose request names no topic for them. */
struct span core_response_topic(const struct core *c);
/* Whether `topic` is the assigned inbox, or lies in it: what is published there comes unasked. */
bool core_is_assigned(const struct core *c, struct span topic);
/* Ends all requests that are to be answered in `s`, whether they have been sent, wait, or pause
 * between two tries. */
void core_end_requests_of(struct core *c, const struct subscription *s, enum wilco_status status,
                          uint8_t reason_code);

/* ---- core_request.c ---- */

void core_end_request(struct core *c, struct request *request, enum wilco_status status,
                      uint8_t reason_code);
/* The same before its time: those who may be at it are told to stop. */
void core_stop_request(struct core *c, struct request *request, enum wilco_status status);
void core_tick_requests(struct core *c);
void core_abandon_requests(struct core *c);
/* A connection has been made again, and nothing has been sent on it. If the session is lost, what
 * has been sent of requests is lost, too: answers to it cannot come any more. */
void core_requests_after_reconnect(struct core *c, bool session_present);
/* A connection is lost, and another one may be made: some do not wait for that. */
void core_requests_after_loss(struct core *c);

/* ---- core_try.c ---- */

/* Why one try of a request failed. */
struct try_failure {
    enum wilco_status status;
    uint8_t reason_code;
    bool is_busy;                   /* who was asked has too much to do */
    enum wilco_stage stage;         /* UNKNOWN: as far as we know ourselves */
    enum wilco_executed executed;   /* of this try */
    struct wilco_message *response; /* what said so, a reference that goes along; or NULL */
};

/* Sends `o`, or lets it wait for the SUBACK of its inbox; on failure it stays the caller's. */
WILCO_MUST_CHECK enum wilco_status core_begin_try(struct core *c, struct request *request,
                                                  struct outgoing *o);
void core_note_sent(struct outgoing *o);
/* What had been sent goes out again, on another connection, for it was not acknowledged. If the
 * server has had it, it is another request at QoS 1; at QoS 2 only if it was refused. */
void core_note_resent(struct outgoing *o);
/* Whether the server's word is about a try before it was sent again: then what became of that is
 * still to be said. */
bool core_is_overtaken(struct request *request, const struct try_failure *why);
/* Lets go of the publications of a request that has ended: what has not left will not. */
void core_drop_tries(struct request *request);
/* Tries again if that is right, and if no other try is open; otherwise the request has ended.
 * Nothing, where no try is open any more. */
void core_fail_try(struct core *c, struct request *request, const struct try_failure *why);
/* The server has forgotten the session: what was sent will not be answered any more. */
void core_lose_tries(struct core *c, struct request *request);
/* What an acknowledgement of its PUBLISH means for a request. */
void core_judge_request(struct core *c, struct outgoing *o, const struct wire_ack *ack);
/* The broker's word that it rejected a try: whether an acknowledgement has said so before. If not,
 * one will, and then means nothing. */
bool core_is_owed(struct request *request);
void core_act_on_request(struct core *c, struct request *request); /* its action timer fired */
/* Without any word about it. */
enum wilco_executed request_executed(const struct request *request);

/* ---- core_response.c ---- */

/* The subscription to `topic`: in the assigned inbox the one that requests use, whatever the
 * application subscribes to there. */
struct subscription *core_find_inbox(const struct core *c, struct span topic);
/* Gives `m` to the request it answers, if it came for a response topic of ours. */
void core_match_response(struct core *c, struct wilco_message *m);
/* Ends a scattered request when all it went to have been heard of. */
void core_check_tally(struct core *c, struct request *request);
WILCO_MUST_CHECK enum wilco_status core_inbox_granted(struct core *c, struct subscription *inbox);
void core_inbox_refused(struct core *c, struct subscription *inbox, uint8_t reason_code);

/* `m` is the response, or a status that came instead. */
void core_take_response(struct core *c, struct request *request, struct wilco_message *m);
/* From now on the next response may be missed for so long. */
void core_arm_stall(struct core *c, struct request *request);

/* ---- core_upload.c ---- */

/* The request without its payload, which `*upload` holds, to be sent as it is asked for. Changes
 * the plan accordingly. WILCO_ELIMIT: it cannot go so. WILCO_ENOMEM, WILCO_AGAIN. */
WILCO_MUST_CHECK enum wilco_status core_encode_head(struct core *c, struct draft *d,
                                                    struct request_plan *plan,
                                                    struct upload **upload, struct outgoing **out);
/* The responder takes so many pieces more. May end the request. */
void core_send_pieces(struct core *c, struct request *request, const struct chunk_terms *t);
/* A piece of `chunk`'s payload and all that goes with it, in a packet of this size; 0: nothing
 * fits. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status core_piece_bytes(struct core *c, const struct draft_chunk *chunk,
                                                    size_t packet_bytes_max, size_t *out);
/* Sends it. */
WILCO_MUST_CHECK enum wilco_status core_send_chunk(struct core *c, const struct draft_chunk *chunk);

/* ---- core_download.c ---- */

/* Whether `m` is about a payload in pieces: then that is dealt with. */
bool core_take_chunk(struct core *c, struct request *request, struct wilco_message *m);
/* Another try begins: what earlier ones have sent or got is nothing. */
void core_restart_chunks(struct request *request);

/* ---- core_op.c ---- */

void core_tell_holders_to_stop(struct core *c, const struct request *request);
/* A part has been handed out: whoever does not pull his parts is done with it. */
void core_finish_part(struct core *c, uint64_t call);

/* ---- core_call.c ---- */

void core_calls_init(struct core *c, uint64_t seed);
void core_calls_fini(struct core *c); /* those that are out stay valid */
void core_calls_tick(struct core *c);
/* A new call starts or waits; false: it is one too many. */
bool core_place_call(struct core *c, struct wilco_call *call);
bool core_next_call(struct core *c, struct core_event *out);
/* Nothing has to be written down before the handler gets it. */
void core_call_ready(struct core *c, struct wilco_call *call);
/* It has its turn. */
void core_start_call(struct core *c, struct wilco_call *call);
/* It is over; WILCO_EINVAL: for it was answered by whoever has it. A call that nobody has goes. */
void core_end_call(struct core *c, struct wilco_call *call, enum wilco_status over);
/* Whoever has it is through with it, though it was over before. */
void core_leave_call(struct core *c, struct wilco_call *call);
/* The next ones of its queue may start. */
void core_start_waiting(struct core *c, struct responder *r);
/* All of its payload has come: goes on as if it had come so. */
void core_begin_call(struct core *c, struct wilco_call *call);
/* Everybody who is to have `m` has had it: acknowledges it, as soon as nothing holds that back. */
void core_let_go(struct core *c, struct wilco_message *m);

/* ---- core_offer.c ---- */

/* Takes on a message with a Response Topic, in one way or another. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status core_offer_call(struct core *c, struct wilco_message *m,
                                                   struct responder *r);

/* ---- core_arrival.c ---- */

/* The payload of a new call is still to come. WILCO_ELIMIT: too many come already. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status core_expect_arrival(struct core *c, struct wilco_call *call,
                                                       const struct chunk_terms *t);
/* It has its turn, or may be told more: asks for pieces. */
void core_ask_for_pieces(struct core *c, struct wilco_call *call);
void core_take_piece(struct core *c, struct wilco_call *call, const struct wilco_message *m,
                     const struct chunk_terms *t);
/* The requester has begun anew, with `m`. */
void core_restart_arrival(struct core *c, struct wilco_call *call, const struct wilco_message *m);
void core_drop_arrival(struct core *c, struct wilco_call *call); /* if there is one */
/* The server has forgotten the session: what is missing will not come. */
void core_arrivals_after_loss(struct core *c);

/* ---- core_park.c ---- */

/* The session goes on: what it brings may come before there is a responder for it. */
void core_park(struct core *c);
/* Whether `m`, which nobody wants, waits for a responder. */
bool core_park_message(struct core *c, struct wilco_message *m);
void core_offer_parked(struct core *c);  /* there is a new responder */
void core_let_parked_go(struct core *c); /* nobody wants them */
void core_drop_parked(struct core *c);   /* without a word to the server */

/* ---- core_repeat.c ---- */

/* Whether `m` is a request that was here before: then that is dealt with. */
bool core_repeat_call(struct core *c, const struct wilco_message *m, const struct responder *r,
                      uint64_t deadline_ms);
/* From now on it is known again. WILCO_ELIMIT: there is no room for that. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status core_remember(struct core *c, struct wilco_call *call);
/* `answer`, which is not sent yet or on its way, is what is sent when it comes again. */
void core_keep_answer(struct core *c, struct wilco_call *call, struct outgoing *answer);
/* Starts the time after which it is forgotten. */
void core_keep_until_deadline(struct core *c, struct repeat *r);
void core_forget(struct core *c, struct repeat *r);
/* The same for one that was executed: when the server sends it again, that is still known. */
void core_retire(struct core *c, struct repeat *r);

/* ---- core_journal.c ---- */

/* Takes its file over. */
void core_journal_attach(struct core *c, struct responder *r, struct core_journal *journal);
/* The call is ready when that is written. */
void core_log_start(struct core *c, struct wilco_call *call);
void core_log_answer(struct core *c, struct repeat *r);
void core_log_sent(struct core *c, struct repeat *r, enum wilco_status status);
/* Answers that wait for it are not sent; and those of all. */
void core_drop_answers(struct core *c, struct responder *r);
void core_logs_drop(struct core *c);

/* ---- core_recall.c ---- */

/* Goes on where the journal with these records ends. WILCO_ENOMEM, WILCO_AGAIN. */
WILCO_MUST_CHECK enum wilco_status core_recall(struct core *c, struct responder *r,
                                               struct span records);

/* ---- core_control.c ---- */

void core_control_call(struct core *c, const struct wilco_message *m, const struct call_terms *t);
/* Tells whoever watches it. */
void core_call_changed(struct core *c, struct wilco_call *call);
/* There may be room in the queue: tells those that wait for it. */
void core_calls_resume(struct core *c);
bool core_calls_can_resume(const struct core *c);

/* ---- core_reply.c ---- */

/* The library's own answer to a request that is not served. What cannot be sent is dropped. */
void core_answer(struct core *c, const struct wilco_message *m, uint64_t deadline_ms,
                 const struct wilco_reply *reply);
void core_refuse_call(struct core *c, const struct wilco_message *m, uint64_t deadline_ms,
                      const struct call_terms *t, const struct call_refusal *refusal);
/* The library's own answer to one that is: the same for its repetitions. */
void core_answer_call(struct core *c, struct wilco_call *call, const struct wilco_reply *reply);
/* 408. */
void core_answer_overdue(struct core *c, struct wilco_call *call);
/* Sends `packet` again. */
void core_answer_again(struct core *c, struct responder *r, struct span packet,
                       uint64_t deadline_ms);
/* Sends what was answered, as if it were the first time. */
void core_send_kept(struct core *c, struct repeat *r);
/* The PUBLISH with a status of ours for a request of which no more is known. */
WILCO_MUST_CHECK enum wilco_status core_encode_status(struct core *c, const struct repeat *r,
                                                      const struct wilco_reply *reply,
                                                      struct outgoing **out);

/* The PUBLISH of an answer, not larger than its requester takes. WILCO_ELIMIT; WILCO_ETIMEDOUT: the
 * requester has stopped waiting. WILCO_EINVAL, WILCO_ENOMEM, WILCO_AGAIN. */
WILCO_MUST_CHECK enum wilco_status core_encode_answer(struct core *c, const struct wilco_call *call,
                                                      const struct wilco_reply *reply,
                                                      const struct draft_role *role,
                                                      struct outgoing **out);
/* Whether the server counts parts: then it lets through what the requester gives credit for. */
bool core_has_credits(const struct core *c);

/* ---- core_sending.c ---- */

/* Answers with what does not fit into a packet: in pieces, or with 413 in its place, and then it is
 * WILCO_ELIMIT and the call is over. Otherwise nothing was sent: WILCO_AGAIN (too much is on its
 * way), WILCO_ENOMEM, WILCO_EINVAL. */
WILCO_MUST_CHECK enum wilco_status core_answer_in_pieces(struct core *c, struct wilco_call *call,
                                                         const struct wilco_reply *reply);
void core_credit_sending(struct core *c, struct sending *s, uint32_t more);
/* Nobody wants the rest. */
void core_drop_sending(struct core *c, struct sending *s);
void core_sendings_resume(struct core *c); /* there is room in the queue */
/* The responder ends: what is not sent is answered with `leaving`; whether there was any. */
bool core_end_sendings(struct core *c, const struct responder *r,
                       const struct wilco_reply *leaving);
void core_drop_sendings(struct core *c);

/* ---- core_subscribe.c ---- */

/* A new response topic. INBOX_ASKED: it is subscribed to, and the answer goes to
 * core_inbox_granted() or core_inbox_refused(). INBOX_ASSIGNED: it can be used at once. */
WILCO_MUST_CHECK enum wilco_status core_add_inbox(struct core *c, struct span topic,
                                                  enum inbox_state inbox,
                                                  struct subscription **out);
WILCO_MUST_CHECK enum wilco_status core_on_suback(struct core *c, enum wire_type type,
                                                  struct span body);
void core_settle_operation(struct core *c, struct operation *op, enum wilco_status status,
                           uint8_t reason_code);
/* The server has forgotten all subscriptions: those that were granted are asked for again, with
 * core_send_operations(). */
void core_renew_subscriptions(struct core *c);
/* Sends those that wait, or were not acknowledged on an earlier connection. */
WILCO_MUST_CHECK enum wilco_status core_send_operations(struct core *c);

/* ---- core_event.c ---- */

void core_push_event(struct core *c, struct event_node *node, bool is_awaited);
/* Notes that the connection has been made, or lost, to be told. Of what was made and lost again, or
 * the other way round, before anybody asked, the end alone is. */
void core_push_state(struct core *c, bool is_connected);
void core_drop_events(struct core *c);

#endif
