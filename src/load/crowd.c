#define _POSIX_C_SOURCE 200809L /* strerror_r */

#include "load/crowd.h"

#include "base/clock.h"
#include "base/status.h"
#include "load/crowd_socket.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#define PATIENCE_NS UINT64_C(10000000000)
#define NS_PER_S    UINT64_C(1000000000)

void
crowd_fail(struct crowd *c, enum wilco_status status, const char *format, ...)
{
    va_list arguments;

    if (c->status != WILCO_OK) {
        return;
    }
    c->status = status;
    va_start(arguments, format);
    (void)vsnprintf(c->reason, sizeof(c->reason), format, arguments);
    va_end(arguments);
}

void
crowd_fail_errno(struct crowd *c, enum wilco_status status, const char *what)
{
    char words[64];

    if (strerror_r(errno, words, sizeof(words)) != 0) {
        (void)snprintf(words, sizeof(words), "error %d", errno);
    }
    crowd_fail(c, status, "%s: %s", what, words);
}

enum wilco_status
crowd_open(struct crowd *c, uint32_t count)
{
    c->status = WILCO_OK;
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    c->peers = mem_zalloc(alloc_system(), ((size_t)count + 1) * sizeof(*c->peers));
    c->count = c->peers == NULL ? 0 : count;
    c->ready = 0;
    outbox_init(&c->out);
    buffer_init(&c->in, alloc_system(), SIZE_MAX);
    for (uint32_t i = 0; i < c->count; i++) {
        struct peer *p = &c->peers[i];

        *p = (struct peer){.fd = -1, .index = i};
        buffer_init(&p->kept_in, alloc_system(), SIZE_MAX);
        buffer_init(&p->kept_out, alloc_system(), SIZE_MAX);
    }
    if (c->peers == NULL || c->out.status != WILCO_OK) {
        crowd_fail(c, WILCO_ENOMEM, "out of memory");
    } else if (c->epoll < 0) {
        crowd_fail_errno(c, WILCO_EIO, "epoll");
    } else if (!crowd_raise_descriptors(count)) {
        crowd_fail_errno(c, WILCO_ELIMIT, "too few descriptors (see ulimit -n)");
    }
    return c->status;
}

void
crowd_close(struct crowd *c)
{
    for (uint32_t i = 0; i < c->count; i++) {
        crowd_drop(c, &c->peers[i]);
    }
    if (c->epoll >= 0) {
        (void)close(c->epoll);
    }
    outbox_fini(&c->out);
    buffer_fini(&c->in);
    mem_free(alloc_system(), c->peers);
    c->peers = NULL;
    c->count = 0;
}

void
crowd_leave(struct crowd *c, struct peer *p)
{
    c->ready -= p->state == PEER_READY;
    p->state = PEER_LEAVING;
}

void
crowd_drop(struct crowd *c, struct peer *p)
{
    c->ready -= p->state == PEER_READY;
    p->state = PEER_ABSENT;
    p->is_full = false;
    buffer_fini(&p->kept_in);
    buffer_fini(&p->kept_out);
    if (p->fd >= 0) {
        (void)close(p->fd);
        p->fd = -1;
    }
}

uint16_t
peer_next_packet_id(struct peer *p)
{
    p->packet_id = p->packet_id == UINT16_MAX ? 1 : (uint16_t)(p->packet_id + 1);
    p->unacknowledged++;
    return p->packet_id;
}

enum wilco_status
crowd_gather(struct crowd *c, uint32_t first, uint32_t n, uint32_t at_once)
{
    uint32_t started = 0;
    uint32_t before = c->ready;
    uint32_t ready = 0;
    uint64_t last_ns = clock_monotonic_ns();

    while (ready < n && c->status == WILCO_OK) {
        for (; started < n && started - ready < at_once && c->status == WILCO_OK; started++) {
            crowd_connect(c, &c->peers[first + started]);
        }
        crowd_turn(c, NS_PER_S);
        if (c->ready - before != ready) {
            ready = c->ready - before;
            last_ns = c->now_ns;
        } else if (c->now_ns > last_ns + PATIENCE_NS) {
            crowd_fail(c, WILCO_ETIMEDOUT, "no answer to CONNECT or SUBSCRIBE");
        }
    }
    return c->status;
}
