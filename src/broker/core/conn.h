#ifndef WILCO_BROKER_CORE_CONN_H
#define WILCO_BROKER_CORE_CONN_H

#include "broker/core/entrance.h"
#include "broker/core/shard.h"
#include "link/alias.h"
#include "link/framer.h"
#include "link/output.h"
#include "wire/packet.h"
#include "wire/reason.h"

struct auth;
struct session;

/* One network connection, without its network: bytes in, bytes out. Embedded in what drives it,
 * which owns the transport, and small: what an idle connection takes is mostly this and its
 * session. A driver of a shard
 *   - makes one with conn_init() and feeds it what the client sends, CONNECT first;
 *   - when it comes out of shard_next_dirty(): writes conn->output and tells conn_wrote(); when
 *     conn_is_over(), closes the transport and calls conn_fini();
 *   - reads from the transport only while conn_wants_input();
 *   - calls conn_lost() when the transport breaks or the client hangs up, then conn_fini(). */
enum conn_state {
    CONN_AWAITS_CONNECT,
    CONN_AUTHENTICATING, /* CONNECT has come, its authentication is under way */
    CONN_CONNECTED,
    CONN_ENDING, /* the last bytes are to be written, then the transport is closed */
};

struct conn {
    struct shard *shard;
    const struct entrance *entrance; /* never NULL; a driver may set it before the first byte */
    struct session *session;         /* while CONN_CONNECTED */
    struct list dirty_link;
    struct timer timer;
    struct framer framer;
    struct output output;
    struct alias_in *alias_in;   /* made with the first alias that is used */
    struct alias_out *alias_out; /* likewise */
    struct auth *auth;           /* NULL: there is nothing to say of its authentication */
    uint64_t last_packet_ms;
    uint64_t packet_due_ms;    /* when what has begun must be whole; UINT64_MAX: nothing has */
    uint32_t packet_bytes_max; /* the client's Maximum Packet Size */
    uint32_t plain_bytes; /* received since the last request or response; UINT32_MAX: or more */
    uint16_t keep_alive_s;
    uint16_t topic_alias_maximum; /* the client's */
    uint8_t version;              /* enum wire_version; 0 before CONNECT */
    uint8_t state;                /* enum conn_state */
    bool will_is_due : 1;         /* when it ends: false after DISCONNECT 0x00 */
    bool has_left : 1;            /* the client has said DISCONNECT */
    bool has_place : 1;           /* counted in broker->connection_count */
    bool wants_reasons : 1;       /* Request Problem Information, 1 if absent */
    bool login_is_revocable : 1;  /* see authenticator.h */
    bool is_urgent : 1;           /* what is to be written should not wait for bulk */
};

void conn_init(struct conn *c, struct shard *s);
/* Leaves the session (as conn_lost() if nothing else has), drops output, and forgets everything. */
void conn_fini(struct conn *c);

/* Handles all packets in `bytes` and keeps an incomplete tail. */
void conn_feed(struct conn *c, struct span bytes);
/* The transport is gone: the session is left behind, its will is due (MQTT 5.0, 3.1.2.5). */
void conn_lost(struct conn *c);

/* False while the client does not read what it has been sent, while it is not known whether it may
 * come in, and when the connection is ending. */
bool conn_wants_input(const struct conn *c);
/* `len` bytes of conn->output were written; more may come in from the session's queue. */
void conn_wrote(struct conn *c, size_t len);
bool conn_is_over(const struct conn *c);
/* Whether the client has sent so much that was neither request nor response that the next may wait
 * for others, who ask and answer: never when nobody does in this shard. */
bool conn_is_bulk(const struct conn *c);

/* For the modules of the core. */

/* Ends the connection: DISCONNECT with `reason_code` where the protocol has one, then close. The
 * session is left behind with conn_leave(), when the packet at hand is done with or at once by a
 * caller who must. */
void conn_end(struct conn *c, uint8_t reason_code);
/* The same because the client is at fault [MQTT-4.13.1-1], [U-4.13-1]: counted and logged. */
void conn_refuse(struct conn *c, uint8_t reason_code);
/* Both with a Reason String of their own in place of the words of explain.h: ASCII, shorter than
 * EXPLAIN_BYTES_MAX; NULL: none. */
void conn_end_because(struct conn *c, uint8_t reason_code, const char *why);
void conn_refuse_because(struct conn *c, uint8_t reason_code, const char *why);
/* Ends it without a word, output that still waits included. Safe in the middle of anything. */
void conn_break(struct conn *c);
/* Leaves the session behind, if there is one; its will is due unless the client said otherwise
 * [MQTT-3.1.2-8]. The session may be gone afterwards. */
void conn_leave(struct conn *c);
/* Counts it among the connected clients of all shards, until it is finished. false: it is one too
 * many (connections_max), but counted. */
bool conn_take_place(struct conn *c);
void conn_give_place_back(struct conn *c); /* sooner than at its end; harmless without a place */
/* CONNECT was accepted: the session is attached, keep alive runs. */
void conn_start(struct conn *c);
/* Handles what has come and been counted before, in the middle of conn_feed() for another. */
void conn_go_on(struct conn *c, struct span bytes);
/* What the timer of a connected client waits for has changed. */
void conn_update_timer(struct conn *c);
/* The client has just published a request or a response. */
void conn_note_exchange(struct conn *c);
/* Makes it dirty: what it wants is urgent, unless it is bulk. */
void conn_touch(struct conn *c);
/* The same, where somebody knows. Urgent is what has something urgent among what it waits to write,
 * however it was touched last. */
void conn_touch_as(struct conn *c, bool is_urgent);
/* Whether so much output waits that no more should be added if it can be helped. */
bool conn_is_full(const struct conn *c);
void conn_timer_fired(struct conn *c);

#endif
