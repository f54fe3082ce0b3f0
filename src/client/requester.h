#ifndef WILCO_CLIENT_REQUESTER_H
#define WILCO_CLIENT_REQUESTER_H

#include "base/buffer.h"
#include "base/map.h"
#include "base/wheel.h"
#include "client/event.h"
#include "client/message.h"
#include "client/subscriptions.h"

/* The requests that wait for their responses, found by response topic and correlation data, byte
 * for byte, or by the number of their call; their deadlines; and a short memory of those that
 * ended, to tell a late or repeated response from one that nobody asked for. It sends nothing. */
struct outgoing;

/* What its asker wants of a request, once it is filed. */
struct request_plan {
    uint32_t timeout_ms;
    uint64_t wait_until_ms; /* until then nobody need be there; 0: no such wish */
    unsigned tries_left;    /* after the first */
    uint32_t hedge_after_ms;
    bool is_idempotent;
    bool fails_fast;
    bool is_scattered;
    bool is_open_ended; /* its time ends it as well as a last response does */
    bool until_empty;
    bool is_pulled; /* its parts are done with when core_take_parts() says so */
    uint32_t responses_max;
    uint32_t stall_ms;
    uint32_t parts_max;
    size_t response_bytes_max; /* in pieces; 0: none */
    wilco_message_fn *on_part;
    void *part_context;
};

/* A payload that goes in pieces, as a copy of ours. */
struct upload {
    const struct wilco_alloc *alloc;
    size_t *total; /* of all such payloads: it counts there */
    size_t len;
    size_t sent;
    uint32_t sequence; /* of the last piece */
    uint8_t bytes[];
};

/* NULL: out of memory. */
struct upload *upload_new(const struct wilco_alloc *a, struct span payload, size_t *total);
void upload_free(struct upload *u); /* NULL is allowed */

/* The packet identifiers of the last so many, in one session with the server. */
#define ARRIVED_MAX 8U

struct arrivals {
    uint16_t ids[ARRIVED_MAX];
    uint32_t session;
    unsigned count; /* of all */
};

/* One request from asking to its end. It is tried by one publication or by several, one after the
 * other or side by side, all with the same address: a try is open until it is known that nobody
 * will answer it. */
struct request {
    struct event_node event;
    struct map_node by_key;
    struct map_node by_call;
    struct timer deadline;
    struct timer action; /* its next try, or that nothing more has come for too long */
    uint64_t call;
    struct subscription *inbox;
    struct request_plan plan;

    struct list tries;         /* struct outgoing that have not been acknowledged */
    struct outgoing *original; /* a reference, to make other tries of; NULL: there will be none */
    unsigned open_tries;
    unsigned tries_sent;
    unsigned tries_refused;   /* sent, and not executed for sure */
    unsigned statuses_owed;   /* the broker's word on tries that PUBACK has told us of */
    unsigned pauses;          /* before tries, so far */
    struct arrivals arrivals; /* what has come for it at QoS 1 */
    uint32_t parts_seen;      /* of a stream: the last `rr-seq`, which begins with 1 */
    uint32_t parts_done;      /* taken, and not yet reported to the responder */
    bool parts_given;         /* the application has had some */
    struct upload *upload;    /* its payload, if that goes in pieces; ours */
    struct buffer whole;      /* the pieces of its response, as far as they have come */
    const char *why;          /* it ended so, in more words; NULL: there are none */
    enum wilco_stage stage;   /* as far as we know */
    struct wilco_tally tally; /* of its responders */

    wilco_response_fn *on_response; /* NULL: somebody waits for it at `context` */
    void *context;
    struct wilco_error *error;        /* the asker's, or NULL */
    struct wilco_tally *tally_wanted; /* likewise */
    struct wilco_message *response;   /* ours, once it, or a status response, has come */
    bool is_declined;                 /* that response says that its responder did nothing */
    enum wilco_status status;         /* how it ended */
    uint8_t reason_code;
    uint16_t correlation_len;
    uint16_t topic_len;
    uint8_t bytes[]; /* its correlation data, and its topic */
};

static inline struct span
request_correlation(const struct request *request)
{
    return span_of(request->bytes, request->correlation_len);
}

static inline struct span
request_topic(const struct request *request)
{
    return span_of(request->bytes + request->correlation_len, request->topic_len);
}

/* How many that have ended are remembered. */
#define REQUESTER_ENDED_MAX 4096U

struct requester {
    struct map by_key;
    struct map by_call;
    struct wheel deadlines;
    struct wheel actions;
    const struct wilco_alloc *alloc;
    uint64_t seed;
    uint64_t last_call;
    size_t pending_max;
    unsigned retry_percent;              /* each request pays in so much of a try ... */
    unsigned budget_percent;             /* ... and so much is there */
    struct wilco_counters counters;      /* of requests and responses */
    uint64_t ended[REQUESTER_ENDED_MAX]; /* keys, hashed; the lowest bit: it was answered */
    size_t ended_count;                  /* ever */
};

void requester_init(struct requester *r, const struct wilco_alloc *a, uint64_t seed,
                    size_t pending_max, unsigned retry_percent, uint64_t now_ms);
void requester_fini(struct requester *r); /* no request is left in it */

static inline size_t
requester_pending(const struct requester *r)
{
    return r->by_key.count;
}

/* Files a new request until `deadline_ms`. WILCO_EINVAL: a pending one has the same inbox and
 * correlation; WILCO_ELIMIT: pending_max; WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status requester_add(struct requester *r, struct subscription *inbox,
                                                 struct span correlation, struct span topic,
                                                 uint64_t deadline_ms, struct request **out);
/* Takes it back, as if it had never been; frees it. */
void requester_drop(struct requester *r, struct request *request);

struct request *requester_find(const struct requester *r, const struct subscription *inbox,
                               struct span correlation);
struct request *requester_find_call(const struct requester *r, uint64_t call);
/* Takes it out, remembers it, and counts how it ended; it is then the caller's. */
void requester_end(struct requester *r, struct request *request, enum wilco_status status);
void request_free(struct requester *r, struct request *request);

/* A response that no pending request wants: late, repeated, or unknown. The broker's word on one
 * that has ended is none of these. */
void requester_count_unmatched(struct requester *r, const struct subscription *inbox,
                               struct span correlation, bool is_status);

/* Another try, if the budget has one: of all requests of a client so many percent are tried again,
 * and ten at once. */
bool requester_take_try(struct requester *r);

/* When to call requester_advance() next; UINT64_MAX: no request is pending. */
uint64_t requester_deadline_ms(const struct requester *r);
void requester_advance(struct requester *r, uint64_t now_ms);
/* After it: a request whose time is over, and one that has something to do; still filed; NULL:
 * none. */
struct request *requester_overdue(struct requester *r);
struct request *requester_due(struct requester *r);
struct request *requester_any(struct requester *r); /* NULL: none is pending */

#endif
