#ifndef WILCO_BROKER_CORE_SHARD_H
#define WILCO_BROKER_CORE_SHARD_H

#include "base/buffer.h"
#include "base/compiler.h"
#include "base/mailbox.h"
#include "base/map.h"
#include "base/wheel.h"
#include "broker/core/broker.h"
#include "broker/core/log_gate.h"
#include "broker/core/request_asked.h"
#include "broker/core/request_deadlines.h"
#include "broker/core/request_stats.h"
#include "broker/core/request_table.h"
#include "broker/core/session_table.h"
#include "broker/core/stats.h"
#include "link/output.h"

struct conn;
struct message;
struct publish_scratch;

/* A will or what the broker itself has to say: to whoever wants it, or to one session. */
struct shard_deferred {
    struct message *message; /* owned */
    uint64_t session_id;     /* SESSION_ID_NONE: whoever wants it */
};

/* A part of the broker: connections, sessions, timers and counters that belong together and are
 * touched by one thread at a time. Whoever drives a shard guards it with one lock and calls, in
 * turns: shard_advance() with the time, conn_feed() with what clients sent, shard_run_inbox(); then
 * takes the conns that have something to write or to say from shard_next_dirty(), and at the end
 * looks at shard_take_kicks().
 *
 * Nothing here waits, reads a clock or touches a socket. */
struct shard {
    struct broker *broker;
    unsigned index;
    uint64_t now_ms;
    uint64_t now_us; /* the same on a finer clock, for measuring */
    struct wheel wheel;
    struct session_table sessions;
    struct output_pool output_pool;
    struct list dirty;               /* conns that want their driver's attention */
    uint64_t lane_until_ms;          /* there is a priority lane, if that is not over */
    struct list dirty_bulk;          /* likewise, but it can wait (conn.h) */
    uint64_t kicks;                  /* a bit for each shard that has mail from us */
    struct shard_deferred *deferred; /* to be published once the present packet is done with */
    size_t deferred_count;
    size_t deferred_capacity;
    struct topic_matches matches; /* scratch of publish.c */
    struct publish_scratch *scratch;
    struct buffer reply; /* scratch for SUBACK and its like */
    struct stats stats;
    struct request_table requests; /* what its sessions were asked (request.h) */
    struct request_asked asked;    /* the same, by who asked */
    struct request_deadlines request_deadlines;
    struct request_stats_table request_stats; /* by service */
    struct log_gate log_gate;
    bool is_stopping;  /* shard_shut_down() was called */
    struct map logins; /* connections that wait for their verdict (login.h), by ticket */
    uint64_t last_login;
    uint64_t login_bytes;  /* kept for them */
    bool has_login_review; /* the authenticator has been replaced */
    struct timer sys_timer;
    struct mailbox_node *late; /* mail that waits for memory, and all behind it; NULL: none */
    struct mailbox_node *late_last;
    struct timer late_timer;
    size_t sys_watchers; /* subscriptions to topics of the broker itself */
    char gap_before[WILCO_CACHE_LINE_BYTES];
    /* What other shards write: */
    struct mailbox inbox;         /* mail from them (mail.h); pushed to from any thread */
    struct mailbox login_answers; /* verdicts of the authenticator; likewise */
    atomic_bool stats_wanted;     /* stats_shared is to be brought up to date (sys.h) */
    char gap_behind[WILCO_CACHE_LINE_BYTES];
    struct stats_shared stats_shared; /* as of the last time that they were wanted */
};

/* The kinds of timers on a shard's wheel. */
enum shard_timer {
    SHARD_TIMER_CONN,     /* struct conn: time to CONNECT, keep alive, time for a whole packet */
    SHARD_TIMER_SESSION,  /* struct session_absence: will delay, session expiry */
    SHARD_TIMER_SYS,      /* the shard: $SYS topics (sys.h) */
    SHARD_TIMER_LOG_GATE, /* the shard: lines in the log (log_gate.h) */
    SHARD_TIMER_REQUEST,  /* struct request: its deadline */
    SHARD_TIMER_LATE,     /* the shard: mail that there was no memory for */
    SHARD_TIMER_REQUESTS, /* the shard: requests that are no longer fresh */
};

WILCO_MUST_CHECK enum wilco_status shard_init(struct shard *s, struct broker *b, unsigned index,
                                              uint64_t now_ms);
void
shard_fini(struct shard *s); /* ends every session silently; mail still in the inbox is dropped */

/* It is `now_us` microseconds on the broker's monotonic clock: fires what is due. */
void shard_advance(struct shard *s, uint64_t now_us);
/* Delivers what other shards have pushed, takes verdicts of the authenticator, and shows them the
 * counters if they want to see them. */
void shard_run_inbox(struct shard *s);
static inline bool
shard_has_mail(struct shard *s)
{
    return !mailbox_is_empty(&s->inbox) || !mailbox_is_empty(&s->login_answers) ||
           atomic_load(&s->stats_wanted);
}
/* Whether bulk is to be kept out of the way of all else: if that is wanted, and in the last
 * SHARD_LANE_MS there was a request or response, or a message for so many sessions here that
 * writing it to all of them at once would keep everybody waiting. */
#define SHARD_LANE_MS 1000U
#define SHARD_CROWD   2000U
static inline bool
shard_has_lane(const struct shard *s)
{
    return s->now_ms < s->lane_until_ms && s->broker->settings.bulk_turn_us > 0;
}
static inline void
shard_open_lane(struct shard *s)
{
    s->lane_until_ms = s->now_ms + SHARD_LANE_MS;
}

/* When shard_advance() is due next; UINT64_MAX: never. */
uint64_t shard_deadline_ms(const struct shard *s);

/* A conn with output to write, or whose state has changed; it is then no longer dirty. NULL: none
 * left. The urgent ones come first. */
struct conn *shard_next_dirty(struct shard *s);
/* Only those that are urgent; the others are in `dirty_bulk`. */
struct conn *shard_next_urgent(struct shard *s);

/* The shards (one bit each) that have got mail from this one since the last call, or are to show
 * their counters: their drivers must be made to look. */
uint64_t shard_take_kicks(struct shard *s);

/* Ends every connection with this reason code (0x8B Server shutting down) as a stopping broker
 * does. Wills are not published. */
void shard_shut_down(struct shard *s, uint8_t reason_code);

/* For the modules of the core: a message (owned from now on) to be published when it is safe to,
 * for one session or for all (SESSION_ID_NONE); and that moment, at the end of
 * everything a driver calls. */
void shard_defer(struct shard *s, struct message *m, uint64_t session_id);
void shard_settle(struct shard *s);

#endif
