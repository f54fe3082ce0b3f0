#ifndef WILCO_TEST_NET_SOCKETS_H
#define WILCO_TEST_NET_SOCKETS_H

#include "net/socket.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A folder of its own for Unix sockets, removed by folder_fini(). */
struct folder {
    char path[64];
    char socket_url[96]; /* unix:<path>/s */
};

static inline const char *
folder_socket(const struct folder *f)
{
    return f->socket_url + strlen("unix:");
}

static inline void
folder_init(struct folder *f)
{
    const char *base = getenv("TMPDIR");

    if (base == NULL || strlen(base) > 30) {
        base = "/tmp";
    }
    (void)snprintf(f->path, sizeof(f->path), "%s/wilco-net-XXXXXX", base);
    assert_non_null(mkdtemp(f->path));
    (void)snprintf(f->socket_url, sizeof(f->socket_url), "unix:%s/s", f->path);
}

static inline void
folder_fini(struct folder *f)
{
    (void)unlink(folder_socket(f));
    assert_int_equal(rmdir(f->path), 0);
}

static inline struct address
address_of(const char *url_text)
{
    struct url url;
    struct address a;
    size_t count = 0;

    assert_int_equal(url_parse(&url, url_text, NULL), WILCO_OK);
    assert_int_equal(address_resolve(&a, 1, &count, &url, true, NULL), WILCO_OK);
    assert_int_equal(count, 1);
    return a;
}

/* -1 when this machine does not have the family of `url` (IPv6 in some containers). */
static inline int
listen_at(const char *url, struct address *bound)
{
    struct address a = address_of(url);
    int fd = -1;

    if (socket_listen(&a, 16, &fd, bound) != WILCO_OK) {
        assert_true(errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT);
        return -1;
    }
    return fd;
}

static inline void
wait_for(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};

    assert_int_equal(poll(&p, 1, -1), 1);
}

/* Connects to a listener and takes the connection: the two ends. */
static inline void
connect_pair(int listener, const struct address *to, int *connecting, int *accepted)
{
    struct address peer;
    enum wilco_status st = socket_connect(to, connecting);

    if (st == WILCO_AGAIN) {
        wait_for(*connecting, POLLOUT);
        st = socket_connected(*connecting);
    }
    assert_int_equal(st, WILCO_OK);
    wait_for(listener, POLLIN);
    assert_int_equal(socket_accept(listener, accepted, &peer), WILCO_OK);
}

#endif
