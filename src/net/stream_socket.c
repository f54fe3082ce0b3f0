#define _POSIX_C_SOURCE 200809L

#include "net/stream.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* A peer that has gone away must not end the process with SIGPIPE. Where send flags cannot say so,
 * the socket is told once. */
#ifdef MSG_NOSIGNAL
#    define SEND_FLAGS MSG_NOSIGNAL
#else
#    define SEND_FLAGS 0
#endif

#define SPANS_PER_WRITE 64U

_Static_assert(EAGAIN == EWOULDBLOCK, "only one of the two is looked for");

struct socket_stream {
    struct stream stream;
    const struct wilco_alloc *alloc;
    int fd;
};

static struct socket_stream *
socket_stream_of(struct stream *s)
{
    return CONTAINER_OF(s, struct socket_stream, stream);
}

static enum wilco_status
status_of_errno(void)
{
    if (errno == EAGAIN) {
        return WILCO_AGAIN;
    }
    return errno == EPIPE ? WILCO_ECLOSED : WILCO_EIO;
}

static enum wilco_status
socket_stream_read(struct stream *s, void *out, size_t capacity, size_t *len)
{
    int fd = socket_stream_of(s)->fd;
    ssize_t n = 0;

    assert(capacity > 0);
    do {
        n = recv(fd, out, capacity, 0);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return status_of_errno();
    }
    *len = (size_t)n;
    return n == 0 ? WILCO_ECLOSED : WILCO_OK;
}

static ssize_t
send_spans(int fd, const struct span *spans, size_t count)
{
    WILCO_NOT_CLEARED struct iovec parts[SPANS_PER_WRITE];
    struct msghdr message = {.msg_iov = parts};
    size_t used = count < SPANS_PER_WRITE ? count : SPANS_PER_WRITE;

    if (count == 1) { /* nearly always, and cheaper */
        return send(fd, spans[0].data, spans[0].len, SEND_FLAGS);
    }
    for (size_t i = 0; i < used; i++) { /* sendmsg() only reads; its type cannot say so */
        parts[i] = (struct iovec){(void *)(uintptr_t)spans[i].data, spans[i].len};
    }
    message.msg_iovlen += used; /* its type differs between systems */
    return sendmsg(fd, &message, SEND_FLAGS);
}

static enum wilco_status
socket_stream_write(struct stream *s, const struct span *spans, size_t count, size_t *len)
{
    int fd = socket_stream_of(s)->fd;
    ssize_t n = 0;

    do {
        n = send_spans(fd, spans, count);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return status_of_errno();
    }
    *len = (size_t)n;
    return WILCO_OK;
}

static unsigned
socket_stream_interest(const struct stream *s, bool writing)
{
    (void)s;
    return writing ? STREAM_WRITABLE : STREAM_READABLE;
}

static bool
socket_stream_has_pending(const struct stream *s)
{
    (void)s;
    return false;
}

static int
socket_stream_fd(const struct stream *s)
{
    return ((const struct socket_stream *)(const void *)s)->fd; /* its first member */
}

static void
socket_stream_finish(struct stream *s)
{
    (void)shutdown(socket_stream_of(s)->fd, SHUT_WR); /* fails only when the peer is gone */
}

static void
socket_stream_close(struct stream *s)
{
    struct socket_stream *t = socket_stream_of(s);

    (void)close(t->fd);
    mem_free(t->alloc, t);
}

static const struct stream_ops tcp_ops = {
    .name = "tcp",
    .read = socket_stream_read,
    .write = socket_stream_write,
    .interest = socket_stream_interest,
    .has_pending = socket_stream_has_pending,
    .fd = socket_stream_fd,
    .finish = socket_stream_finish,
    .close = socket_stream_close,
};

static const struct stream_ops unix_ops = {
    .name = "unix",
    .read = socket_stream_read,
    .write = socket_stream_write,
    .interest = socket_stream_interest,
    .has_pending = socket_stream_has_pending,
    .fd = socket_stream_fd,
    .finish = socket_stream_finish,
    .close = socket_stream_close,
};

static bool
is_unix(int fd)
{
    struct sockaddr_storage own = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof(own);

    return getsockname(fd, (struct sockaddr *)&own, &len) == 0 && own.ss_family == AF_UNIX;
}

static void
set_options(int fd, bool is_tcp)
{
    const int on = 1;

    if (is_tcp) { /* without it a small packet waits for the peer's acknowledgement */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }
#ifdef SO_NOSIGPIPE
    (void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof(on));
#endif
}

static struct stream *
new_stream(int fd, const struct wilco_alloc *a, bool is_tcp)
{
    struct socket_stream *t = mem_alloc(a, sizeof(*t));

    if (t == NULL) {
        return NULL;
    }
    *t = (struct socket_stream){
        .stream = {.ops = is_tcp ? &tcp_ops : &unix_ops}, .alloc = a, .fd = fd};
    return &t->stream;
}

struct stream *
stream_of_socket(int fd, const struct wilco_alloc *a)
{
    bool is_tcp = !is_unix(fd);
    struct stream *s = new_stream(fd, a, is_tcp);

    if (s != NULL) {
        set_options(fd, is_tcp);
    }
    return s;
}

struct stream *
stream_of_accepted(int fd, const struct address *peer, const struct wilco_alloc *a)
{
    return new_stream(fd, a, peer->storage.ss_family != AF_UNIX);
}
