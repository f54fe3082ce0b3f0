#define _POSIX_C_SOURCE 200809L

#include "cutter.h"

#include <arpa/inet.h>
#include <assert.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define TOLD_TO_CUT  'c'
#define TOLD_TO_STOP 's'

/* With a reset, so that nothing more is delivered. */
static void
slam(int *fd)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    if (*fd >= 0) {
        (void)setsockopt(*fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        (void)close(*fd);
        *fd = -1;
    }
}

static void
end(int ends[2])
{
    slam(&ends[0]);
    slam(&ends[1]);
}

static void
take(struct cutter *c)
{
    int client = accept(c->listener, NULL, NULL);
    int broker = socket(AF_INET, SOCK_STREAM, 0);

    assert(client >= 0 && broker >= 0);
    for (int i = 0; i < CUTTER_CONNECTIONS_MAX; i++) {
        if (c->ends[i][0] < 0) {
            c->ends[i][0] = client;
            c->ends[i][1] = broker;
            if (connect(broker, (struct sockaddr *)&c->broker, sizeof(c->broker)) != 0) {
                end(c->ends[i]);
            }
            return;
        }
    }
    assert(false);
}

/* Passes on what has come, or the first half of it; false: that connection is over. */
static bool
pass(int from, int to, bool half)
{
    char bytes[4096];
    ssize_t len = recv(from, bytes, sizeof(bytes), MSG_DONTWAIT);
    ssize_t sent = 0;

    len = half ? len / 2 : len;
    while (len > sent) {
        ssize_t n = send(to, bytes + sent, (size_t)(len - sent), MSG_NOSIGNAL);

        if (n <= 0) {
            return false;
        }
        sent += n;
    }
    return len > 0;
}

static void
cut_all(struct cutter *c)
{
    for (int i = 0; i < CUTTER_CONNECTIONS_MAX; i++) {
        for (int j = 0; j < 2 && c->ends[i][0] >= 0; j++) {
            (void)pass(c->ends[i][j], c->ends[i][1 - j], true);
        }
        end(c->ends[i]);
    }
    gate_raise(&c->cuts);
}

static void *
thread_main(void *argument)
{
    struct cutter *c = argument;
    struct pollfd fds[2 + 2 * CUTTER_CONNECTIONS_MAX];
    char told = 0;

    while (told != TOLD_TO_STOP) {
        fds[0] = (struct pollfd){.fd = c->told[0], .events = POLLIN};
        fds[1] = (struct pollfd){.fd = c->listener, .events = POLLIN};
        for (int i = 0; i < 2 * CUTTER_CONNECTIONS_MAX; i++) {
            fds[2 + i] = (struct pollfd){.fd = c->ends[i / 2][i % 2], .events = POLLIN};
        }
        (void)poll(fds, 2 + 2 * CUTTER_CONNECTIONS_MAX, -1);
        for (int i = 0; i < 2 * CUTTER_CONNECTIONS_MAX; i++) {
            int *ends = c->ends[i / 2];

            if (fds[2 + i].revents != 0 && ends[0] >= 0 &&
                !pass(ends[i % 2], ends[1 - i % 2], false)) {
                end(ends);
            }
        }
        if (fds[1].revents != 0) {
            take(c);
        }
        if (fds[0].revents != 0 && read(c->told[0], &told, 1) == 1) {
            cut_all(c);
        }
    }
    return NULL;
}

void
cutter_start(struct cutter *c, const char *broker_url)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    const char *port = strrchr(broker_url, ':');

    memset(c->ends, 0xFF, sizeof(c->ends));
    gate_init(&c->cuts);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->broker = address;
    c->broker.sin_port = htons((uint16_t)strtoul(port + 1, NULL, 10));
    c->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(c->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(c->listener, 16), 0);
    assert_int_equal(getsockname(c->listener, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(c->url, sizeof(c->url), "mqtt://127.0.0.1:%u", ntohs(address.sin_port));
    assert_int_equal(pipe(c->told), 0);
    assert_int_equal(pthread_create(&c->thread, NULL, thread_main, c), 0);
}

static void
tell(struct cutter *c, char what)
{
    assert_int_equal(write(c->told[1], &what, 1), 1);
}

void
cutter_cut(struct cutter *c)
{
    size_t count = gate_count(&c->cuts);

    tell(c, TOLD_TO_CUT);
    assert_true(gate_wait(&c->cuts, count + 1));
}

void
cutter_stop(struct cutter *c)
{
    tell(c, TOLD_TO_STOP);
    assert_int_equal(pthread_join(c->thread, NULL), 0);
    (void)close(c->told[0]);
    (void)close(c->told[1]);
    (void)close(c->listener);
    gate_fini(&c->cuts);
}
