#define _GNU_SOURCE /* accept4, pipe2 */

#include "liar.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "load/place.h"
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#define GUESTS_MAX 16U
#define HEAD_BYTES 8U

struct guest {
    int fd;
    bool has_said_hello;
    uint32_t room;
    struct buffer in;
};

struct party {
    struct liar *liar;
    struct guest guests[GUESTS_MAX];
    size_t count;
    uint64_t seen; /* frames of the kind that is lied about */
    struct buffer late;
    uint64_t late_since_ns;
};

static void
write_all(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t n = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);

        if (n <= 0) {
            return; /* the other end has gone */
        }
        bytes = span_skip(bytes, (size_t)n);
    }
}

static uint32_t
number_at(struct span frame, size_t at)
{
    uint32_t n;

    memcpy(&n, frame.data + at, sizeof(n));
    return n;
}

static void
relay(struct party *p, uint32_t room, struct span frame)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->guests[i].fd >= 0 && p->guests[i].room == room) {
            write_all(p->guests[i].fd, frame);
        }
    }
}

/* A room of the same kind as `room`, but another. */
static uint32_t
another_room(const struct party *p, uint32_t room)
{
    for (size_t i = 0; i < p->count; i++) {
        uint32_t other = p->guests[i].room;

        if (other != room && place_kind_of(other) == place_kind_of(room) &&
            other != PLACE_ROOM_NONE) {
            return other;
        }
    }
    return room;
}

static void
relay_changed(struct party *p, uint32_t room, struct span frame)
{
    uint8_t copy[1024];
    uint32_t len = number_at(frame, 0);

    assert_true(frame.len <= sizeof(copy));
    memcpy(copy, frame.data, frame.len);
    if (p->liar->lie == LIE_WORD) {
        memset(copy + HEAD_BYTES, 0xEE, 8);
    } else if (p->liar->lie == LIE_SHORT) {
        len--;
        frame.len--;
        memcpy(copy, &len, sizeof(len));
    }
    relay(p, room, span_of(copy, frame.len));
}

static void
shut_down(struct party *p, uint32_t room)
{
    for (size_t i = 0; i < p->count; i++) {
        if (p->guests[i].room == room) {
            (void)shutdown(p->guests[i].fd, SHUT_RDWR);
        }
    }
}

static void
lie(struct party *p, uint32_t room, struct span frame)
{
    static const uint8_t nonsense[] = {1, 0, 0, 0, 0, 0, 0, 0, 0};

    switch (p->liar->lie) {
    case LIE_NONE:
    case LIE_NO_WELCOME: relay(p, room, frame); return;
    case LIE_TWICE:
        relay(p, room, frame);
        relay(p, room, frame);
        return;
    case LIE_NEVER: return;
    case LIE_LATE:
        p->late_since_ns = clock_monotonic_ns();
        assert_int_equal(buffer_append(&p->late, frame), WILCO_OK);
        return;
    case LIE_WORD:
    case LIE_SHORT: relay_changed(p, room, frame); return;
    case LIE_ELSEWHERE: relay(p, another_room(p, room), frame); return;
    case LIE_NONSENSE: relay(p, room, span_of(nonsense, sizeof(nonsense))); return;
    case LIE_CLOSE: shut_down(p, room); return;
    }
}

static void
pass_on(struct party *p, struct span frame)
{
    uint32_t room = number_at(frame, 4);

    if (place_kind_of(room) == p->liar->kind && p->seen++ == p->liar->at) {
        lie(p, room, frame);
        return;
    }
    relay(p, room, frame);
    if (p->late.len > 0 && clock_monotonic_ns() >= p->late_since_ns + p->liar->late_ns) {
        relay(p, number_at(buffer_span(&p->late), 4), buffer_span(&p->late));
        p->late.len = 0;
    }
}

static void
take(struct party *p, struct guest *g, struct span frame)
{
    if (g->has_said_hello) {
        pass_on(p, frame);
        return;
    }
    g->has_said_hello = true;
    g->room = number_at(frame, 4);
    if (p->liar->lie == LIE_NO_WELCOME) {
        (void)shutdown(g->fd, SHUT_RDWR);
    } else {
        write_all(g->fd, frame);
    }
}

static void
leave(struct guest *g)
{
    (void)close(g->fd);
    g->fd = -1;
}

static void
read_from(struct party *p, struct guest *g)
{
    uint8_t bytes[65536];
    ssize_t n = recv(g->fd, bytes, sizeof(bytes), 0);
    size_t used = 0;

    if (n <= 0) {
        leave(g);
        return;
    }
    assert_int_equal(buffer_append(&g->in, span_of(bytes, (size_t)n)), WILCO_OK);
    while (g->in.len - used >= HEAD_BYTES) {
        struct span rest = span_skip(buffer_span(&g->in), used);
        size_t len = HEAD_BYTES + number_at(rest, 0);

        if (rest.len < len) {
            break;
        }
        take(p, g, span_first(rest, len));
        used += len;
    }
    buffer_consume(&g->in, used);
}

static void
let_in(struct party *p)
{
    int fd = accept4(p->liar->listener, NULL, NULL, SOCK_CLOEXEC);

    assert_true(fd >= 0 && p->count < GUESTS_MAX);
    p->guests[p->count] = (struct guest){.fd = fd, .room = PLACE_ROOM_NONE};
    buffer_init(&p->guests[p->count].in, alloc_system(), SIZE_MAX);
    p->count++;
}

static bool
turn(struct party *p)
{
    struct pollfd all[GUESTS_MAX + 2] = {{.fd = p->liar->wake[0], .events = POLLIN},
                                         {.fd = p->liar->listener, .events = POLLIN}};
    size_t count = p->count;

    for (size_t i = 0; i < count; i++) {
        all[i + 2] = (struct pollfd){.fd = p->guests[i].fd, .events = POLLIN};
    }
    (void)poll(all, count + 2, -1);
    for (size_t i = 0; i < count; i++) {
        if (all[i + 2].revents != 0 && p->guests[i].fd >= 0) {
            read_from(p, &p->guests[i]);
        }
    }
    if ((all[1].revents & POLLIN) != 0) {
        let_in(p);
    }
    return all[0].revents == 0;
}

static void *
run(void *context)
{
    struct party p = {.liar = context};

    buffer_init(&p.late, alloc_system(), SIZE_MAX);
    while (turn(&p)) {
    }
    for (size_t i = 0; i < p.count; i++) {
        buffer_fini(&p.guests[i].in);
        if (p.guests[i].fd >= 0) {
            leave(&p.guests[i]);
        }
    }
    buffer_fini(&p.late);
    return NULL;
}

void
liar_start(struct liar *l)
{
    struct url url = {.scheme = URL_MQTT, .host = "127.0.0.1"};
    struct address address;
    struct address bound;
    char text[ADDRESS_TEXT_BYTES];
    size_t count = 0;

    assert_int_equal(address_resolve(&address, 1, &count, &url, true, NULL), WILCO_OK);
    assert_int_equal(socket_listen(&address, 16, &l->listener, &bound), WILCO_OK);
    address_text(&bound, text);
    (void)snprintf(l->url, sizeof(l->url), "mqtt://%s", text);
    assert_int_equal(pipe2(l->wake, O_CLOEXEC), 0);
    assert_int_equal(pthread_create(&l->thread, NULL, run, l), 0);
}

void
liar_stop(struct liar *l)
{
    (void)close(l->wake[1]);
    assert_int_equal(pthread_join(l->thread, NULL), 0);
    (void)close(l->wake[0]);
    (void)close(l->listener);
}

void
liar_run(struct liar *l, const struct load_options *options, struct load_result *out)
{
    struct load_options o = *options;
    char reason[LOAD_REASON_BYTES] = "";

    liar_start(l);
    o.url = l->url;
    o.dialect = "frames";
    if (load_run(out, &o, reason) != WILCO_OK) {
        fail_msg("%s", reason);
    }
    liar_stop(l);
}
