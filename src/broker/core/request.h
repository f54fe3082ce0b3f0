#ifndef WILCO_BROKER_CORE_REQUEST_H
#define WILCO_BROKER_CORE_REQUEST_H

#include "base/wheel.h"
#include "broker/core/key_ring.h"
#include "broker/core/request_failure.h"
#include "broker/core/session.h"

/* The requests that responders have and have not answered. A request is opened with the session it
 * is about to be delivered to, its holder, and once sent is the holder's permission to answer: to
 * that Response Topic, with that Correlation Data, once (or as often as it allows), until its
 * deadline. It ends with the last response, or with a failure: the holder is lost, the deadline
 * passes, it cannot be delivered. It lives in the holder's shard; the requester has no table.
 *
 * A message that goes to several responders has a request with each, and counts them in itself
 * (message_request.copies): only when the last has ended without a response a status response
 * (status_response.h) is sent. So there is never a status where there was a response, and never two
 * (unless the response itself could not be handed over, which is a failure of its own). Where the
 * requester wants to hear of each responder (message_request.is_fan), each that fails has a status
 * of its own. */
struct request {
    /* What each of them needs comes first, in two lines of cache. */
    struct list of_holder;  /* in session->requests */
    struct list fresh_link; /* request_deadlines.h: instead of the timer, at first */
    struct session *holder;
    struct message *message;     /* a reference */
    struct delivery *delivery;   /* while it is kept or in flight at QoS 1 or 2 */
    struct request_stats *stats; /* of its service; NULL: there was no memory for them */
    uint64_t sent_us;            /* from REQUEST_DELIVERED on */
    uint64_t acked_us;           /* from REQUEST_ACKED on */
    uint32_t service;            /* service_table.h */
    uint32_t group;              /* topic_group.h; 0: none */
    uint32_t more;               /* responses that may still come before the last one */
    uint8_t qos;                 /* at which it goes to the holder */
    uint8_t stage;               /* enum request_stage */
    bool was_sent;               /* an earlier holder may have executed it, or sent a part */
    bool is_filed : 1;           /* in by_answer */
    bool is_by_key : 1;          /* in by_key; else that is in a list of those that are not */
    bool is_with_asker : 1;      /* in by_asker */
    struct key_ring_node by_key; /* by who asked what (request_asked.h) */
    /* And what few need. */
    struct timer timer;             /* the deadline */
    struct key_ring_node by_answer; /* by what answers it (request_table.h) */
    struct key_ring_node by_asker;  /* by who asked, if it is to end with him */
    struct request *next_free;      /* when it is none */
};

/* How a copy of a message reaches a holder. */
struct request_way {
    uint32_t service;
    uint32_t group;
    uint8_t qos;
    bool was_sent; /* to an earlier holder, who was lost */
};

/* The message, a request, is about to be delivered so many times. It counts as one of its
 * publisher's until the last of these has ended. */
void request_starts(struct shard *s, struct message *m, size_t copies);
/* It is not, for there is nobody to deliver it to, or no memory. */
void request_unserved(struct shard *s, struct message *m, enum request_failure why);

/* Opens a request; it is the caller's to see that it is sent, kept or failed. false: the copy has
 * ended here, do not deliver it. true with `*out` NULL: there is no room to track it, deliver it
 * all the same. */
bool request_open(struct session *holder, struct message *m, const struct request_way *way,
                  struct request **out);
/* What became of a copy that never got so far: its holder was gone, or there was no memory. */
void request_not_opened(struct shard *s, struct message *m, enum request_failure why,
                        bool was_sent);

/* Holders of this message that have not come to their end. */
size_t request_copies_left(const struct message *m);

/* It is (again) in the output of its holder's connection. */
void request_sent(struct request *r);
/* Its holder has acknowledged it (QoS 2: with PUBREC); the code may refuse it, which ends it. */
void request_acked(struct request *r, uint8_t reason_code);
/* Ends it without a response. */
void request_fail(struct request *r, enum request_failure why);
/* The same because its requester does not want it any more: nobody will be sent it who has not. */
void request_cancel(struct request *r);
/* Another holder has got it: ends silently. */
void request_moved(struct request *r);

/* The request that a message to this topic with this Correlation Data would answer; NULL: the
 * session was not asked that, not yet, or not any more. */
struct request *request_find(const struct session *holder, struct span topic,
                             struct span correlation);
/* Counts why request_find() found nothing: a second, late, or unasked response. */
void request_count_stray(struct session *holder, struct span topic, struct span correlation);
/* Before the response is published: whose it is and what it belongs to, noted in the message.
 * `more` are to come: request_answered(). */
void request_mark_response(const struct request *r, struct message *response, bool more);
/* After it was: the request ends, unless more are to come, as the response says, and it allows
 * them. `was_forwarded`: it is in the output of a connection already. */
void request_answered(struct request *r, const struct response_terms *t, bool was_forwarded);

void request_timer_fired(struct request *r);
/* The holder has lost its connection but not its session; share_member_left() was before. What
 * another member of the group may have goes there; what must not wait fails. */
void request_holder_left(struct session *holder);
/* The holder's session is about to end; share_member_ends() was before. */
void request_holder_ends(struct session *holder);
/* For a broker that stops: all of them, silently. */
void request_drop_all(struct session *holder);

#endif
