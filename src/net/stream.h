#ifndef WILCO_NET_STREAM_H
#define WILCO_NET_STREAM_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/span.h"
#include "base/status.h"
#include "net/address.h"

#include <stdbool.h>
#include <stddef.h>

/* A connected byte stream [MQTT-4.2-1] of one shape, whatever carries it: a TCP or Unix socket,
 * memory, or TLS, WebSocket and others on top of one of these. Never blocks. One thread at a time.
 * A stream whose transport must first shake hands does so inside read and write, which answer
 * WILCO_AGAIN meanwhile. */
struct stream;

/* What a stream waits for before it can go on; a mask. TLS may want to write in order to read. */
enum stream_interest {
    STREAM_READABLE = 1,
    STREAM_WRITABLE = 2,
};

/* What is known of the peer beside what it writes. */
struct stream_peer {
    struct address address; /* as a proxy has told it; len 0: it has not, see the socket */
    char user[256];         /* whom its certificate names; "": nobody */
};

struct stream_ops {
    const char *name; /* "tcp", "unix", "memory": for logs */
    /* WILCO_OK with *len > 0; WILCO_AGAIN: nothing there now; WILCO_ECLOSED: the peer has finished;
     * WILCO_EIO: it broke. */
    enum wilco_status (*read)(struct stream *s, void *out, size_t capacity, size_t *len);
    /* Writes some of `count` spans in order; *len says how many bytes, which may be fewer than
     * given; what was not taken is to come first the next time, which follows when the stream is
     * ready: until then part of what was taken may not have left. WILCO_AGAIN: none could be taken.
     * WILCO_ECLOSED: the peer reads no more, or finish() was called. WILCO_EIO. */
    enum wilco_status (*write)(struct stream *s, const struct span *spans, size_t count,
                               size_t *len);
    /* After WILCO_AGAIN from read (`writing` false) or write (`writing` true): which readiness of
     * fd() to wait for. After finish(), reading may have to wait for writability, too, to get the
     * last words out. */
    unsigned (*interest)(const struct stream *s, bool writing);
    /* Bytes, or an end, that the transport has taken off the socket and read() has not yet handed
     * out: the socket will not be readable again for them. */
    bool (*has_pending)(const struct stream *s);
    int (*fd)(const struct stream *s); /* to wait on; -1 for memory */
    /* Tells the peer that nothing more will be written (FIN, close_notify). Reading goes on, and
     * does what could not be done at once. */
    void (*finish)(struct stream *s);
    void (*close)(struct stream *s); /* releases everything, the struct included */
    /* Adds what this transport knows, now that something was read. NULL: it knows nothing. */
    void (*describe)(const struct stream *s, struct stream_peer *out);
    /* Goes on with the handshake, that of what is below included, without reading or writing
     * anything else. WILCO_OK: it is over. Otherwise as read. NULL: there is none. */
    enum wilco_status (*shake_hands)(struct stream *s);
    /* In a few words what was wrong, after WILCO_EIO or WILCO_ECLOSED from one of these; empty:
     * errno says it, or nothing was wrong. It lives as long as the stream. NULL: always empty. */
    const char *(*why)(const struct stream *s);
};

struct stream {
    const struct stream_ops *ops;
};

static inline enum wilco_status
stream_read(struct stream *s, void *out, size_t capacity, size_t *len)
{
    return s->ops->read(s, out, capacity, len);
}

static inline enum wilco_status
stream_write(struct stream *s, const struct span *spans, size_t count, size_t *len)
{
    return s->ops->write(s, spans, count, len);
}

static inline void
stream_describe(const struct stream *s, struct stream_peer *out)
{
    *out = (struct stream_peer){.address = {.len = 0}};
    if (s->ops->describe != NULL) {
        s->ops->describe(s, out);
    }
}

static inline enum wilco_status
stream_shake_hands(struct stream *s)
{
    return s->ops->shake_hands == NULL ? WILCO_OK : s->ops->shake_hands(s);
}

static inline const char *
stream_why(const struct stream *s)
{
    return s->ops->why == NULL ? "" : s->ops->why(s);
}

static inline unsigned
stream_interest(const struct stream *s, bool writing)
{
    return s->ops->interest(s, writing);
}

static inline bool
stream_has_pending(const struct stream *s)
{
    return s->ops->has_pending(s);
}

static inline int
stream_fd(const struct stream *s)
{
    return s->ops->fd(s);
}

static inline void
stream_close(struct stream *s)
{
    if (s != NULL) {
        s->ops->close(s);
    }
}

/* A connected, non-blocking socket becomes a stream (TCP or Unix, by its family), which owns the
 * descriptor from then on; TCP_NODELAY is set. NULL: out of memory, and the descriptor is still the
 * caller's. */
struct stream *stream_of_socket(int fd, const struct wilco_alloc *a);
/* The same for what socket_accept() gave, which has the options of its listener: no system call.
 * For the broker (Linux). */
struct stream *stream_of_accepted(int fd, const struct address *peer, const struct wilco_alloc *a);

/* Two ends of a pipe in memory, each with room for `capacity` bytes on their way; what one writes
 * the other reads. For tests and simulations. */
WILCO_MUST_CHECK enum wilco_status stream_memory_pair(struct stream *ends[2],
                                                      const struct wilco_alloc *a, size_t capacity);

#endif
