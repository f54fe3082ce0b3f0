#ifndef WILCO_BROKER_SERVER_PEER_H
#define WILCO_BROKER_SERVER_PEER_H

#include "broker/core/conn.h"
#include "net/loop.h"
#include "net/stream.h"

struct driver;
struct guest;
struct peer_rare;

/* A conn with its network: owned by the driver of its shard from the moment its first packet is
 * known until the stream is closed.
 *
 * Ending takes care that the client gets our last words. A socket that is closed while bytes wait
 * to be read makes the system throw away, at the other end too, what was written before. So we say
 * that we shall write no more, read what the client still sends without looking at it, and close
 * when it has closed, or when our patience (settings.ending_timeout_ms, PEER_LINGER_BYTES) has an
 * end. */
struct peer {
    struct conn conn;
    struct stream *stream; /* NULL: closed, in driver->closed */
    struct guest *guest;   /* its address, if that is counted */
    struct loop_source source;
    struct list link;       /* in driver->peers or driver->closed */
    struct peer_rare *rare; /* NULL until it is needed for the first time, then as long as this */
    bool is_blocked;        /* the transport takes no more for now */
    bool is_lingering;      /* conn is gone, the stream is finished */
};

/* What most peers do without until they end. */
struct peer_rare {
    struct peer *peer;
    struct list bulk_link; /* in lane.reading: it has input, and is bulk */
    size_t bulk_bytes;     /* to be read at a time; 0: not known yet */
    struct timer timer;    /* runs when the connection is ending */
    size_t linger_bytes;   /* read since we said our last words */
};

/* Makes it, if there is none yet; NULL: out of memory. */
struct peer_rare *peer_rare(struct driver *d, struct peer *p);

#define PEER_LINGER_BYTES (16U << 20)
#define PEER_PART_BYTES   65536U

/* Takes `stream`, which came in by `entrance`, and `guest` (NULL is allowed), who has left when it
 * is closed, and makes a new conn for them, which the caller feeds what has arrived. `watched`: who
 * has been watching for readability in the same loop; NULL: nobody. Without memory the stream is
 * closed, and the result NULL. */
struct peer *peer_open(struct driver *d, struct stream *stream, const struct entrance *entrance,
                       struct guest *guest, struct loop_source *watched);
/* The loop says that the stream is ready. What it has to say is handed over by intake_run(). */
void peer_ready(struct driver *d, struct peer *p, unsigned ready);
/* What reading from it has given. It may be gone afterwards. */
void peer_take(struct driver *d, struct peer *p, enum wilco_status status, struct span bytes);
/* If bytes are pending in its stream, of which the loop will not tell, they are read soon. It may
 * be closed afterwards. */
void peer_read_pending(struct driver *d, struct peer *p);
/* It gave nothing: sees that the loop tells when it can go on. It may be closed afterwards. */
void peer_read_later(struct driver *d, struct peer *p);
/* It gave as much as was asked for, so there may be more. */
void peer_read_on(struct driver *d, struct peer *p);
/* Reads once, and says how many bytes it were. It may be closed afterwards. */
size_t peer_read_bulk(struct driver *d, struct peer *p, size_t bytes_max);
/* Its conn came out of shard_next_dirty(): writes what there is to write, then sees what to wait
 * for. */
void peer_settle(struct driver *d, struct peer *p);
/* Of much output writes PEER_PART_BYTES; true: the rest can follow. false: now peer_settle(). */
bool peer_write_part(struct peer *p);
void peer_timer_fired(struct driver *d, struct peer_rare *rare);

/* Of a conn that is part of a peer: the address that its transport has been told by a proxy, or has
 * itself, and whom its certificate names. */
void peer_describe(struct conn *c, struct conn_origin *out);

/* For a driver that stops: closes what is not connected yet. */
void peer_dismiss(struct driver *d, struct peer *p);
/* Closes at once. What is left is in driver->closed until peer_free(). */
void peer_close(struct driver *d, struct peer *p);
void peer_free(struct driver *d, struct peer *p);

#endif
