#define _POSIX_C_SOURCE 200809L

#include "client/connector.h"

#include "base/clock.h"
#include "net/socket.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ADDRESSES_MAX 8U

/* Until `fd` is writable or the time is over. */
static enum wilco_status
wait_writable(int fd, uint64_t deadline_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int ready = 0;

    while (ready == 0) {
        uint64_t now_ms = clock_monotonic_ms();
        uint64_t left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;

        if (left_ms == 0) {
            errno = ETIMEDOUT;
            return WILCO_ETIMEDOUT;
        }
        ready = poll(&p, 1, left_ms < INT_MAX ? (int)left_ms : INT_MAX);
        if (ready < 0 && errno == EINTR) {
            ready = 0;
        }
    }
    return ready < 0 ? WILCO_EIO : WILCO_OK;
}

/* One address; errno says what is wrong. */
static enum wilco_status
connect_one(const struct address *a, uint64_t deadline_ms, int *fd)
{
    enum wilco_status st = socket_connect(a, fd);

    if (st != WILCO_AGAIN) {
        return st;
    }
    while (st == WILCO_AGAIN) {
        st = wait_writable(*fd, deadline_ms);
        if (st == WILCO_OK) {
            st = socket_connected(*fd);
        }
    }
    if (st != WILCO_OK) {
        int error = errno;

        (void)close(*fd);
        errno = error;
    }
    return st;
}

static void
explain(struct wilco_error *why, const struct address *a, int error)
{
    char text[ADDRESS_TEXT_BYTES];
    char message[80] = "";

    address_text(a, text);
    (void)strerror_r(error, message, sizeof(message));
    (void)snprintf(why->text, sizeof(why->text), "cannot connect to %.100s: %s%s", text, message,
                   error == ECONNREFUSED || error == ENOENT ? "; is the server running?" : "");
}

enum wilco_status
connector_open(struct stream **out, const struct url *url, const struct wilco_alloc *a,
               uint64_t deadline_ms, struct wilco_error *why)
{
    struct address addresses[ADDRESSES_MAX];
    const char *reason = "";
    size_t count = 0;
    int fd = -1;
    enum wilco_status st = address_resolve(addresses, ADDRESSES_MAX, &count, url, false, &reason);

    if (st != WILCO_OK || count == 0) {
        (void)snprintf(why->text, sizeof(why->text), "cannot find %.130s: %s",
                       url->scheme == URL_UNIX ? url->path : url->host, reason);
        return st == WILCO_ENOMEM ? st : WILCO_ECONNECT;
    }
    st = WILCO_ECONNECT;
    for (size_t i = 0; st != WILCO_OK && i < count; i++) {
        uint64_t now_ms = clock_monotonic_ms();
        uint64_t left_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;

        st = connect_one(&addresses[i], now_ms + left_ms / (count - i), &fd);
        if (st != WILCO_OK) {
            explain(why, &addresses[i], errno);
        }
    }
    if (st != WILCO_OK) {
        return st == WILCO_ETIMEDOUT ? st : WILCO_ECONNECT;
    }
    *out = stream_of_socket(fd, a);
    if (*out == NULL) {
        (void)close(fd);
        return WILCO_ENOMEM;
    }
    return WILCO_OK;
}
