#define _GNU_SOURCE /* accept4 */

#include "net/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

_Static_assert(EAGAIN == EWOULDBLOCK, "only one of the two is looked for");

/* Closes `fd` and says WILCO_EIO with the errno of before. */
static enum wilco_status
give_up(int fd)
{
    int error = errno;

    (void)close(fd);
    errno = error;
    return WILCO_EIO;
}

#ifdef __linux__

static int
open_socket(int family)
{
    return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int
accept_socket(int listener, struct sockaddr *peer, socklen_t *len)
{
    return accept4(listener, peer, len, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

#else

#    include <fcntl.h>

static int
prepared(int fd)
{
    if (fd >= 0 && (fcntl(fd, F_SETFL, O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)) {
        (void)give_up(fd);
        return -1;
    }
    return fd;
}

static int
open_socket(int family)
{
    return prepared(socket(family, SOCK_STREAM, 0));
}

static int
accept_socket(int listener, struct sockaddr *peer, socklen_t *len)
{
    return prepared(accept(listener, peer, len));
}

#endif

static const struct sockaddr *
generic(const struct address *a)
{
    return (const struct sockaddr *)&a->storage;
}

static bool
set_option(int fd, int level, int name)
{
    const int on = 1;

    return setsockopt(fd, level, name, &on, sizeof(on)) == 0;
}

/* Whether the path of `a` is a socket on which nobody listens any more. */
static bool
is_stale(const struct address *a)
{
    struct sockaddr_un un;
    struct stat file;
    int fd = -1;
    bool refused = false;

    memcpy(&un, &a->storage, sizeof(un));
    if (lstat(un.sun_path, &file) != 0 || !S_ISSOCK(file.st_mode)) {
        return false;
    }
    fd = open_socket(AF_UNIX);
    if (fd < 0) {
        return false;
    }
    refused = connect(fd, generic(a), a->len) != 0 && errno == ECONNREFUSED;
    (void)close(fd);
    return refused;
}

static bool
bind_unix(int fd, const struct address *a)
{
    struct sockaddr_un un;

    if (bind(fd, generic(a), a->len) == 0) {
        return true;
    }
    if (errno != EADDRINUSE) {
        return false;
    }
    if (!is_stale(a)) {
        errno = EADDRINUSE;
        return false;
    }
    memcpy(&un, &a->storage, sizeof(un));
    return unlink(un.sun_path) == 0 && bind(fd, generic(a), a->len) == 0;
}

static bool
bind_address(int fd, const struct address *a)
{
    if (a->storage.ss_family == AF_UNIX) {
        return bind_unix(fd, a);
    }
    if (a->storage.ss_family == AF_INET6 && !set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY)) {
        return false;
    }
    /* What is accepted inherits TCP_NODELAY. */
    return set_option(fd, SOL_SOCKET, SO_REUSEADDR) && set_option(fd, IPPROTO_TCP, TCP_NODELAY) &&
           bind(fd, generic(a), a->len) == 0;
}

enum wilco_status
socket_listen(const struct address *a, int backlog, int *fd, struct address *bound)
{
    int s = open_socket(a->storage.ss_family);

    if (s < 0) {
        return WILCO_EIO;
    }
    *bound = (struct address){.len = sizeof(bound->storage)};
    if (!bind_address(s, a) || listen(s, backlog) != 0 ||
        getsockname(s, (struct sockaddr *)&bound->storage, &bound->len) != 0) {
        return give_up(s);
    }
    *fd = s;
    return WILCO_OK;
}

/* WILCO_OK: only this one connection broke before we took it (some of these are its own network
 * errors, which Linux reports here); try the next. */
static enum wilco_status
accept_failed(int error)
{
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case EPERM:
    case ENOPROTOOPT:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTUNREACH: return WILCO_OK;
    case EAGAIN: return WILCO_AGAIN;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: return WILCO_ELIMIT;
    default: return WILCO_EIO;
    }
}

enum wilco_status
socket_accept(int listener, int *fd, struct address *peer)
{
    enum wilco_status st = WILCO_OK;

    while (st == WILCO_OK) {
        int s = -1;

        *peer = (struct address){.len = sizeof(peer->storage)};
        s = accept_socket(listener, (struct sockaddr *)&peer->storage, &peer->len);
        if (s >= 0) {
            *fd = s;
            return WILCO_OK;
        }
        st = accept_failed(errno);
    }
    return st;
}

enum wilco_status
socket_connect(const struct address *a, int *fd)
{
    int s = open_socket(a->storage.ss_family);
    enum wilco_status st = WILCO_OK;

    if (s < 0) {
        return WILCO_EIO;
    }
    if (connect(s, generic(a), a->len) != 0) {
        if (errno != EINPROGRESS && errno != EINTR) { /* interrupted: it goes on all the same */
            return give_up(s);
        }
        st = WILCO_AGAIN;
    }
    *fd = s;
    return st;
}

enum wilco_status
socket_connected(int fd)
{
    struct address peer = {.len = sizeof(peer.storage)};
    int error = 0;
    socklen_t len = sizeof(error);

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
        return WILCO_EIO;
    }
    if (error != 0) {
        errno = error;
        return WILCO_EIO;
    }
    if (getpeername(fd, (struct sockaddr *)&peer.storage, &peer.len) == 0) {
        return WILCO_OK;
    }
    return errno == ENOTCONN ? WILCO_AGAIN : WILCO_EIO;
}
