#define _POSIX_C_SOURCE 200809L

#include "line.h"

#include "soak.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    READ_BYTES = 65536,
    BUFFER_BYTES_MAX = 64 << 20,
    PATIENCE_MS = 60000,
    LINES_MAX = 64,
};

void
line_open(struct line *l, const struct address *a, enum wire_version version)
{
    const int yes = 1;

    *l = (struct line){.fd = socket(a->storage.ss_family, SOCK_STREAM, 0), .is_open = true};
    l->version = version;
    buffer_init(&l->in, alloc_system(), BUFFER_BYTES_MAX);
    buffer_init(&l->out, alloc_system(), BUFFER_BYTES_MAX);
    SOAK_CHECK(l->fd >= 0);
    SOAK_CHECK(connect(l->fd, (const struct sockaddr *)&a->storage, a->len) == 0);
    SOAK_CHECK(setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) == 0);
    SOAK_CHECK(fcntl(l->fd, F_SETFL, O_NONBLOCK) == 0);
}

void
line_close(struct line *l)
{
    if (l->is_open) {
        SOAK_CHECK(close(l->fd) == 0);
        buffer_fini(&l->in);
        buffer_fini(&l->out);
    }
    *l = (struct line){.is_open = false};
}

void
line_send(struct line *l, const struct wire_any *packet)
{
    struct wire_writer w = wire_writer_measure();
    size_t len = 0;

    wire_any_encode(&w, packet, l->version);
    (void)!wire_writer_finish(&w, &len);
    SOAK_CHECK(buffer_reserve(&l->out, len) == WILCO_OK);
    w = wire_writer_init(l->out.data + l->out.len, len);
    wire_any_encode(&w, packet, l->version);
    SOAK_CHECK(wire_writer_finish(&w, &len) == WILCO_OK);
    l->out.len += len;
}

void
line_write(struct line *l)
{
    ssize_t n;

    if (l->out.len == 0) {
        return;
    }
    n = send(l->fd, l->out.data, l->out.len, MSG_NOSIGNAL);
    if (n > 0) {
        buffer_consume(&l->out, (size_t)n);
    } else if (errno == EPIPE || errno == ECONNRESET) {
        l->out.len = 0; /* reading says the rest */
    } else {
        SOAK_CHECK(errno == EAGAIN || errno == EINTR);
    }
}

void
line_read(struct line *l)
{
    ssize_t n;

    if (l->is_ended) {
        return;
    }
    SOAK_CHECK(buffer_reserve(&l->in, READ_BYTES) == WILCO_OK);
    n = recv(l->fd, l->in.data + l->in.len, READ_BYTES, 0);
    if (n > 0) {
        l->in.len += (size_t)n;
    } else if (n == 0 || errno == ECONNRESET || errno == EPIPE) {
        l->is_ended = true;
    } else {
        SOAK_CHECK(errno == EAGAIN || errno == EINTR);
    }
}

bool
line_next(struct line *l, struct wire_any *out)
{
    struct span in = span_skip(buffer_span(&l->in), l->used);
    struct wire_header h;
    enum wilco_status st = wire_header_decode(&h, in);

    if (st == WILCO_AGAIN || (st == WILCO_OK && in.len < h.header_bytes + h.remaining)) {
        buffer_consume(&l->in, l->used);
        l->used = 0;
        return false;
    }
    SOAK_CHECK(st == WILCO_OK);
    in.len = h.header_bytes + h.remaining;
    SOAK_CHECK(wire_any_decode(out, in, l->version) == WILCO_OK);
    l->used += in.len;
    return true;
}

bool
lines_wait(struct line *const *lines, size_t count, int timeout_ms)
{
    struct pollfd fds[LINES_MAX];

    SOAK_CHECK(count <= LINES_MAX);
    for (size_t i = 0; i < count; i++) {
        fds[i] = (struct pollfd){.fd = lines[i]->is_ended ? -1 : lines[i]->fd, .events = POLLIN};
        fds[i].events = (short)(POLLIN | (lines[i]->out.len > 0 ? POLLOUT : 0));
    }
    return poll(fds, (nfds_t)count, timeout_ms) > 0;
}

bool
line_wait(struct line *l, struct wire_any *out)
{
    while (!line_next(l, out)) {
        if (l->is_ended) {
            return false;
        }
        SOAK_CHECK(lines_wait(&(struct line *){l}, 1, PATIENCE_MS));
        line_write(l);
        line_read(l);
    }
    return true;
}
