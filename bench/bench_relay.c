/* Bare relays, the limit of the machine: what is left of a broker when everything is taken away.
 *
 * usage: bench_relay [--parse]
 *
 * Listens on a port of 127.0.0.1 that the system chooses, prints `ready port=N` and relays until it
 * is ended: frames without any protocol (src/load/dialect_frames.c), or with --parse MQTT packets
 * (relay_mqtt.c). Memory that runs out ends the program. */
#include "net/socket.h"
#include "relay.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES 262144U
#define EVENTS     512

static const struct relay_protocol *protocol = &relay_frames;
static int epoll_fd = -1;
static struct guests dirty;     /* those who have output */
static struct guests departed;  /* closed in this turn, to be freed after it */
static struct buffer read_area; /* one for all */

static void
die(const char *what)
{
    (void)fputs("bench_relay: ", stderr);
    perror(what);
    exit(1);
}

void
guests_add(struct guests *g, struct guest *one)
{
    if ((g->count & (g->count - 1)) == 0) { /* it is full: as many again */
        size_t room = g->count == 0 ? 1 : g->count * 2;
        struct guest **grown = realloc(g->list, room * sizeof(struct guest *));

        if (grown == NULL) {
            die("memory");
        }
        g->list = grown;
    }
    g->list[g->count++] = one;
}

void
guests_remove(struct guests *g, const struct guest *one)
{
    size_t kept = 0;

    for (size_t i = 0; i < g->count; i++) {
        if (g->list[i] != one) {
            g->list[kept++] = g->list[i];
        }
    }
    if (kept != g->count) { /* guests_add() goes by the count */
        struct guests fewer = {.list = NULL};

        for (size_t i = 0; i < kept; i++) {
            guests_add(&fewer, g->list[i]);
        }
        free(g->list);
        *g = fewer;
    }
}

uint8_t *
relay_claim(struct guest *to, size_t n)
{
    struct buffer *out = &to->out;

    if (n > out->capacity - out->len && buffer_reserve(out, n) != WILCO_OK) {
        die("memory");
    }
    if (!to->is_dirty) {
        to->is_dirty = true;
        guests_add(&dirty, to);
    }
    out->len += n;
    return out->data + out->len - n;
}

void
relay_copy(struct guest *to, struct span bytes)
{
    memcpy(relay_claim(to, bytes.len), bytes.data, bytes.len);
}

static void
watch(struct guest *g, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = g};

    if (epoll_ctl(epoll_fd, operation, g->fd, &event) != 0) {
        die("epoll");
    }
}

static void
depart(struct guest *g)
{
    if (g->fd < 0) {
        return;
    }
    protocol->leave(g);
    (void)close(g->fd);
    g->fd = -1;
    guests_add(&departed, g);
}

static void
write_out(struct guest *g)
{
    ssize_t n = send(g->fd, g->out.data + g->written, g->out.len - g->written, MSG_NOSIGNAL);
    bool was_full = g->is_full;

    if (n < 0 && errno != EAGAIN) {
        depart(g);
        return;
    }
    g->written += n < 0 ? 0 : (size_t)n;
    g->is_full = g->written < g->out.len;
    if (!g->is_full) {
        g->out.len = 0;
        g->written = 0;
    }
    if (was_full != g->is_full) {
        watch(g, EPOLL_CTL_MOD, g->is_full ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
}

static void
write_all(void)
{
    for (size_t i = 0; i < dirty.count; i++) {
        struct guest *g = dirty.list[i];

        g->is_dirty = false;
        if (g->fd >= 0 && !g->is_full) {
            write_out(g);
        }
    }
    dirty.count = 0;
}

static void
read_from(struct guest *g)
{
    struct span in;
    enum wilco_status status = WILCO_OK;
    size_t kept = g->kept_in.len;
    ssize_t n = 0;

    if (buffer_reserve(&read_area, kept + READ_BYTES) != WILCO_OK) {
        die("memory");
    }
    n = recv(g->fd, read_area.data + kept, READ_BYTES, 0);
    if (n <= 0) {
        if (n == 0 || errno != EAGAIN) {
            depart(g);
        }
        return;
    }
    if (kept > 0) {
        memcpy(read_area.data, g->kept_in.data, kept);
    }
    g->kept_in.len = 0;
    in = span_of(read_area.data, kept + (size_t)n);
    while (status == WILCO_OK) {
        status = protocol->take(g, &in);
    }
    if (status != WILCO_AGAIN) {
        depart(g);
    } else if (in.len > 0 && buffer_append(&g->kept_in, in) != WILCO_OK) {
        die("memory");
    }
}

static void
let_in(int listener)
{
    const int on = 1;
    struct address peer;
    int fd = -1;

    while (socket_accept(listener, &fd, &peer) == WILCO_OK) {
        struct guest *g = calloc(1, sizeof(*g));

        if (g == NULL) {
            die("memory");
        }
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        g->fd = fd;
        buffer_init(&g->kept_in, alloc_system(), SIZE_MAX);
        buffer_init(&g->out, alloc_system(), SIZE_MAX);
        watch(g, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static void
bury_departed(void)
{
    for (size_t i = 0; i < departed.count; i++) {
        buffer_fini(&departed.list[i]->kept_in);
        buffer_fini(&departed.list[i]->out);
        free(departed.list[i]);
    }
    departed.count = 0;
}

static void
serve(struct guest *g, uint32_t events, int listener)
{
    if (g == NULL) {
        let_in(listener);
        return;
    }
    if ((events & EPOLLOUT) != 0 && g->is_full) {
        write_out(g);
    }
    if ((events & ~(uint32_t)EPOLLOUT) != 0 && g->fd >= 0) {
        read_from(g);
    }
}

static int
open_door(void)
{
    struct url url = {.scheme = URL_MQTT, .host = "127.0.0.1"};
    struct address address;
    struct address bound;
    struct epoll_event event = {.events = EPOLLIN};
    struct sockaddr_in in;
    size_t count = 0;
    int listener = -1;

    if (address_resolve(&address, 1, &count, &url, true, NULL) != WILCO_OK ||
        socket_listen(&address, 1024, &listener, &bound) != WILCO_OK ||
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &event) != 0) {
        die("cannot listen");
    }
    memcpy(&in, &bound.storage, sizeof(in));
    printf("ready port=%u\n", (unsigned)ntohs(in.sin_port));
    (void)fflush(stdout);
    return listener;
}

int
main(int argc, char **argv)
{
    struct epoll_event events[EVENTS];
    struct rlimit descriptors = {.rlim_cur = 1000000, .rlim_max = 1000000};
    int listener = -1;

    if (argc > 2 || (argc == 2 && strcmp(argv[1], "--parse") != 0)) {
        (void)fputs("usage: bench_relay [--parse]\n", stderr);
        return 2;
    }
    protocol = argc == 2 ? &relay_mqtt : &relay_frames;
    (void)setrlimit(RLIMIT_NOFILE, &descriptors); /* where it is allowed */
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    buffer_init(&read_area, alloc_system(), SIZE_MAX);
    listener = open_door();
    for (;;) {
        int n = epoll_wait(epoll_fd, events, EVENTS, -1);

        for (int i = 0; i < n; i++) {
            serve(events[i].data.ptr, events[i].events, listener);
        }
        write_all();
        bury_departed();
    }
}
