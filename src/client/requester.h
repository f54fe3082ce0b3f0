#ifndef WILCO_CLIENT_REQUESTER_H
#define WILCO_CLIENT_REQUESTER_H

#include "base/map.h"
#include "base/wheel.h"
#include "client/event.h"
#include "client/message.h"
#include "client/subscriptions.h"

/* The requests that wait for their responses, found by response topic and correlation data, byte
 * for byte, or by the number of their call; their deadlines; and a short memory of those that
 * ended, to tell a late or repeated response from one that nobody asked for. It sends nothing. */
struct outgoing;

struct request {
    struct event_node event;
    struct map_node by_key;
    struct map_node by_call;
    struct timer timer;
    uint64_t call;
    struct subscription *inbox;
    struct outgoing
        *publication; /* until it is acknowledged; NULL afterwards, and when it is lost */
    wilco_response_fn *on_response; /* NULL: somebody waits for it at `context` */
    void *context;
    struct wilco_error *error;      /* the asker's, or NULL */
    struct wilco_message *response; /* ours, once it, or a status response, has come */
    enum wilco_status status;       /* how it ended */
    uint8_t reason_code;
    uint16_t correlation_len;
    uint8_t correlation[];
};

/* How many that have ended are remembered. */
#define REQUESTER_ENDED_MAX 4096U

struct requester {
    struct map by_key;
    struct map by_call;
    struct wheel timers;
    const struct wilco_alloc *alloc;
    uint64_t seed;
    uint64_t last_call;
    size_t pending_max;
    struct wilco_counters counters;      /* of requests and responses */
    uint64_t ended[REQUESTER_ENDED_MAX]; /* keys, hashed; the lowest bit: it was answered */
    size_t ended_count;                  /* ever */
};

void requester_init(struct requester *r, const struct wilco_alloc *a, uint64_t seed,
                    size_t pending_max, uint64_t now_ms);
void requester_fini(struct requester *r); /* no request is left in it */

static inline size_t
requester_pending(const struct requester *r)
{
    return r->by_key.count;
}

/* Files a new request until `deadline_ms`. WILCO_EINVAL: a pending one has the same inbox and
 * correlation; WILCO_ELIMIT: pending_max; WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status requester_add(struct requester *r, struct subscription *inbox,
                                                 struct span correlation, uint64_t deadline_ms,
                                                 struct request **out);
/* Takes it back, as if it had never been; frees it. */
void requester_drop(struct requester *r, struct request *request);

struct request *requester_find(const struct requester *r, const struct subscription *inbox,
                               struct span correlation);
struct request *requester_find_call(const struct requester *r, uint64_t call);
/* Takes it out, remembers it, and counts how it ended; it is then the caller's. */
void requester_end(struct requester *r, struct request *request, enum wilco_status status);
void request_free(struct requester *r, struct request *request);

/* A response that no pending request wants: late, repeated, or unknown. */
void requester_count_unmatched(struct requester *r, const struct subscription *inbox,
                               struct span correlation);

/* After wheel_advance(): a request whose time is over, still filed; NULL: none. */
struct request *requester_overdue(struct requester *r);
struct request *requester_any(struct requester *r); /* NULL: none is pending */

#endif
