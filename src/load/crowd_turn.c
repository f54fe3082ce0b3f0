#define _GNU_SOURCE /* epoll_pwait2 */

#include "base/clock.h"
#include "load/crowd.h"
#include "load/crowd_socket.h"
#include "net/socket.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>

#define READ_BYTES      131072U
#define EVENTS          512
#define NS_PER_S        UINT64_C(1000000000)
#define NS_PER_MS       UINT64_C(1000000)
#define RECEIVE_MAXIMUM UINT16_MAX /* where nothing is said */

static void
watch(struct crowd *c, struct peer *p, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = p};

    if (epoll_ctl(c->epoll, operation, p->fd, &event) != 0) {
        crowd_fail_errno(c, WILCO_EIO, "epoll");
    }
}

void
crowd_connect(struct crowd *c, struct peer *p)
{
    if (crowd_socket(&c->server, c->sources, p->index, &p->fd) != WILCO_OK) {
        p->fd = -1;
        crowd_fail_errno(c, WILCO_ECONNECT, "cannot connect");
        return;
    }
    p->state = PEER_CONNECTING;
    p->terms = (struct terms){.receive_maximum = RECEIVE_MAXIMUM};
    p->unacknowledged = 0;
    watch(c, p, EPOLL_CTL_ADD, EPOLLOUT);
}

static void
lose(struct crowd *c, struct peer *p)
{
    bool was_leaving = p->state == PEER_LEAVING;
    int error = errno;

    crowd_drop(c, p);
    errno = error;
    if (!was_leaving && error != 0) {
        crowd_fail_errno(c, WILCO_ECLOSED, "lost a connection");
    } else if (!was_leaving) {
        crowd_fail(c, WILCO_ECLOSED, "the server closed connection %u", p->index);
    } else if (c->ops->closed != NULL) {
        c->ops->closed(c->context, p);
    }
}

/* Writes what is kept; goes on watching for room as long as there is some left. */
static void
write_kept(struct crowd *c, struct peer *p)
{
    ssize_t n = send(p->fd, p->kept_out.data, p->kept_out.len, MSG_NOSIGNAL);

    if (n < 0 && errno != EAGAIN) {
        lose(c, p);
        return;
    }
    buffer_consume(&p->kept_out, n < 0 ? 0 : (size_t)n);
    if (p->kept_out.len == 0) {
        p->is_full = false;
        watch(c, p, EPOLL_CTL_MOD, EPOLLIN);
    }
}

static void
keep(struct crowd *c, struct peer *p, struct span rest)
{
    if (buffer_append(&p->kept_out, rest) != WILCO_OK) {
        crowd_fail(c, WILCO_ENOMEM, "out of memory");
    } else if (!p->is_full) {
        p->is_full = true;
        watch(c, p, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
    }
}

void
crowd_send(struct crowd *c, struct peer *p)
{
    struct span bytes = buffer_span(&c->out.bytes);
    ssize_t n = 0;

    c->out.bytes.len = 0;
    if (c->out.status != WILCO_OK) {
        crowd_fail(c, c->out.status, "out of memory");
    }
    if (bytes.len == 0 || p->fd < 0 || c->status != WILCO_OK) {
        return;
    }
    n = p->is_full ? 0 : send(p->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) {
        lose(c, p);
        return;
    }
    bytes = span_skip(bytes, n < 0 ? 0 : (size_t)n);
    if (bytes.len > 0) {
        keep(c, p, bytes);
    }
}

static void
say_hello(struct crowd *c, struct peer *p)
{
    struct introduction who = {.username = c->username, .password = c->password};

    if (socket_connected(p->fd) != WILCO_OK) {
        crowd_fail_errno(c, WILCO_ECONNECT, "cannot connect");
        return;
    }
    p->state = PEER_GREETING;
    watch(c, p, EPOLL_CTL_MOD, EPOLLIN);
    c->ops->introduce(c->context, p->index, &who);
    c->dialect->hello(&c->out, &who);
    crowd_send(c, p);
}

static void
greet(struct crowd *c, struct peer *p, const struct arrival *a)
{
    struct introduction who = {.client_id = ""};
    enum wilco_status status = WILCO_OK;

    c->ops->introduce(c->context, p->index, &who);
    status = c->dialect->greet(&c->out, &who, a, &p->terms);
    if (status == WILCO_OK) {
        p->state = PEER_READY;
        p->packet_id = 1; /* the SUBSCRIBE has had it */
        c->ready++;
        c->ops->take(c->context, p, a);
    } else if (status != WILCO_AGAIN) {
        c->reason_code = a->reason_code;
        crowd_fail(c, WILCO_ECONNECT,
                   "the server refused %s, or knows no inbox (reason code 0x%02X)", who.client_id,
                   (unsigned)a->reason_code);
    }
}

static void
take_ready(struct crowd *c, struct peer *p, const struct arrival *a)
{
    switch (a->kind) {
    case ARRIVAL_PING: c->dialect->pong(&c->out); return;
    case ARRIVAL_GOODBYE:
        crowd_fail(c, WILCO_ECLOSED, "the server closed connection %u (reason code 0x%02X)",
                   p->index, (unsigned)a->reason_code);
        return;
    case ARRIVAL_OTHER: return;
    case ARRIVAL_MESSAGE:
        if (a->qos > 0) {
            c->dialect->acknowledge(&c->out, a);
        }
        break;
    case ARRIVAL_ACK: p->unacknowledged--; break;
    case ARRIVAL_WELCOME:
    case ARRIVAL_SUBSCRIBED:
    case ARRIVAL_UNSUBSCRIBED:
    case ARRIVAL_PONG: break;
    }
    c->ops->take(c->context, p, a);
}

static void
take(struct crowd *c, struct peer *p, const struct arrival *a)
{
    if (WILCO_LIKELY(p->state == PEER_READY)) {
        take_ready(c, p, a);
    } else if (p->state == PEER_GREETING) {
        greet(c, p, a);
    }
}

/* Hands out every packet of the input, and keeps the rest. */
static void
cut_all(struct crowd *c, struct peer *p, struct span in)
{
    struct arrival a;
    enum wilco_status status = c->dialect->cut(&in, &a);

    for (; status == WILCO_OK && c->status == WILCO_OK && p->fd >= 0;
         status = c->dialect->cut(&in, &a)) {
        take(c, p, &a);
    }
    if (status != WILCO_OK && status != WILCO_AGAIN) {
        crowd_fail(c, status, "the server sent what cannot be read on connection %u", p->index);
    }
    if (p->fd >= 0 && in.len > 0 && buffer_append(&p->kept_in, in) != WILCO_OK) {
        crowd_fail(c, WILCO_ENOMEM, "out of memory");
    }
}

static void
read_from(struct crowd *c, struct peer *p)
{
    size_t kept = p->kept_in.len;
    ssize_t n = 0;

    c->in.len = 0;
    if (buffer_reserve(&c->in, kept + READ_BYTES) != WILCO_OK) {
        crowd_fail(c, WILCO_ENOMEM, "out of memory");
        return;
    }
    errno = 0;
    n = recv(p->fd, c->in.data + kept, c->in.capacity - kept, 0);
    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            lose(c, p);
        }
        return;
    }
    c->now_ns = clock_monotonic_ns();
    if (kept > 0) {
        memcpy(c->in.data, p->kept_in.data, kept);
        p->kept_in.len = 0;
    }
    cut_all(c, p, span_of(c->in.data, kept + (size_t)n));
    crowd_send(c, p);
}

static void
serve(struct crowd *c, struct peer *p, uint32_t events)
{
    if (p->state == PEER_CONNECTING) {
        say_hello(c, p);
        return;
    }
    if ((events & EPOLLOUT) != 0 && p->is_full) {
        write_kept(c, p);
    }
    if ((events & ~(uint32_t)EPOLLOUT) != 0 && p->fd >= 0) {
        read_from(c, p);
    }
}

/* The finer call is for the finer wait, and not for kernels before 5.11. */
static int
wait_for_events(const struct crowd *c, struct epoll_event *events, uint64_t wait_ns)
{
    struct timespec wait = {.tv_sec = (time_t)(wait_ns / NS_PER_S),
                            .tv_nsec = (long)(wait_ns % NS_PER_S)};

    if (wait_ns % NS_PER_MS == 0) {
        return epoll_wait(c->epoll, events, EVENTS, (int)(wait_ns / NS_PER_MS));
    }
    return epoll_pwait2(c->epoll, events, EVENTS, &wait, NULL);
}

void
crowd_turn(struct crowd *c, uint64_t wait_ns)
{
    struct epoll_event events[EVENTS];
    int n = wait_for_events(c, events, wait_ns);

    if (n < 0 && errno != EINTR) {
        crowd_fail_errno(c, WILCO_EIO, "epoll");
    }
    c->now_ns = clock_monotonic_ns();
    for (int i = 0; i < n && c->status == WILCO_OK; i++) {
        serve(c, events[i].data.ptr, events[i].events);
    }
}
