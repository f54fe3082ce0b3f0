#ifndef WILCO_LOAD_CROWD_H
#define WILCO_LOAD_CROWD_H

#include "load/dialect.h"
#include "net/address.h"

/* Connections of one thread to one server. The crowd connects, says hello, subscribes, acknowledges
 * and answers pings; messages are its owner's. One read for a readable socket, one look at the
 * clock for a read, one write for what that read led to. The first failure sticks, with its words
 * in `reason`. */
enum peer_state {
    PEER_ABSENT,
    PEER_CONNECTING,
    PEER_GREETING, /* has said hello */
    PEER_READY,
    PEER_LEAVING, /* whatever comes is ignored, until the server closes */
};

struct peer {
    int fd; /* -1: none */
    uint32_t index;
    uint8_t state;
    bool is_full; /* the socket took less than there was; the rest is kept */
    uint16_t packet_id;
    uint32_t unacknowledged;
    struct terms terms;
    struct buffer kept_in; /* an incomplete packet */
    struct buffer kept_out;
};

struct crowd;
struct crowd_ops {
    void (*introduce)(void *context, uint32_t index, struct introduction *out);
    /* Messages, acknowledgements, pongs of peers that are ready, and the WELCOME or SUBSCRIBED that
     * made them so. What is put into `out` is sent to the same peer. */
    void (*take)(void *context, struct peer *p, const struct arrival *a);
    /* The server has closed the connection of a peer that is leaving; NULL is allowed. Of any other
     * it is a failure. */
    void (*closed)(void *context, struct peer *p);
};

#define CROWD_REASON_BYTES 160U
struct crowd {
    const struct dialect *dialect;
    const struct crowd_ops *ops;
    void *context;
    struct address server;
    const char *username, *password; /* of all connections; NULL: none */
    unsigned sources; /* addresses 127.0.0.2 and following to connect from, in turns; 0: any */
    int epoll;
    struct peer *peers;
    uint32_t count;
    uint32_t ready;  /* how many are */
    uint64_t now_ns; /* when the last read returned, or the last turn began */
    struct outbox out;
    struct buffer in;
    enum wilco_status status;
    uint8_t reason_code; /* with which the server refused a connection */
    char reason[CROWD_REASON_BYTES];
};

/* `count` peers, all absent. After a failure only crowd_close() may be called. */
WILCO_MUST_CHECK enum wilco_status crowd_open(struct crowd *c, uint32_t count);
void crowd_close(struct crowd *c);

/* Starts to connect an absent peer. */
void crowd_connect(struct crowd *c, struct peer *p);
/* Connects peers `first` to `first + n - 1`, so many at once, and returns when all are ready;
 * WILCO_ETIMEDOUT after ten seconds in which nothing happens. */
enum wilco_status crowd_gather(struct crowd *c, uint32_t first, uint32_t n, uint32_t at_once);
/* From here on `p` is leaving: its owner has said goodbye, or does so now. */
void crowd_leave(struct crowd *c, struct peer *p);
/* Drops the connection as it is. */
void crowd_drop(struct crowd *c, struct peer *p);

/* Waits for something to happen, up to `wait_ns`, and serves who is ready once. */
void crowd_turn(struct crowd *c, uint64_t wait_ns);
/* Sends what is in `out` to `p`: for those who put it there outside of ops->take. */
void crowd_send(struct crowd *c, struct peer *p);

/* The identifier of the next QoS 1 message, which is now unacknowledged. */
uint16_t peer_next_packet_id(struct peer *p);
/* Whether the server takes one more. */
static inline bool
peer_may_send(const struct peer *p, uint8_t qos)
{
    return qos == 0 || p->unacknowledged < p->terms.receive_maximum;
}

void crowd_fail(struct crowd *c, enum wilco_status status, const char *format, ...)
    WILCO_PRINTF(3, 4);
/* Says `what`, and errno. */
void crowd_fail_errno(struct crowd *c, enum wilco_status status, const char *what);

#endif
