#define _POSIX_C_SOURCE 200809L

#include "client/connector.h"

#include "net/socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum wilco_status
connector_resolve(struct connector *c, const struct url *url, uint64_t deadline_ms)
{
    const char *reason = "";
    enum wilco_status st;

    *c = (struct connector){.fd = -1, .next_ms = 0, .deadline_ms = deadline_ms};
    st = address_resolve(c->addresses, CONNECTOR_ADDRESSES_MAX, &c->count, url, false, &reason);
    if (st != WILCO_OK || c->count == 0) {
        (void)snprintf(c->why.text, sizeof(c->why.text), "cannot find %.130s: %s",
                       url->scheme == URL_UNIX ? url->path : url->host, reason);
        return st == WILCO_ENOMEM ? st : WILCO_ECONNECT;
    }
    return WILCO_OK;
}

static void
explain(struct connector *c, int error)
{
    const struct address *a = &c->addresses[c->next - 1];
    char text[ADDRESS_TEXT_BYTES];
    char message[80] = "";

    address_text(a, text);
    (void)strerror_r(error, message, sizeof(message));
    (void)snprintf(c->why.text, sizeof(c->why.text), "cannot connect to %.100s: %s%s", text,
                   message,
                   error == ECONNREFUSED || error == ENOENT ? "; is the server running?" : "");
}

/* Starts with the next address. */
static enum wilco_status
start(struct connector *c, uint64_t now_ms)
{
    uint64_t left_ms = c->deadline_ms > now_ms ? c->deadline_ms - now_ms : 0;
    size_t left = c->count - c->next;
    enum wilco_status st = socket_connect(&c->addresses[c->next], &c->fd);

    c->next++;
    c->next_ms = left > 1 ? now_ms + left_ms / left : UINT64_MAX;
    return st;
}

void
connector_stop(struct connector *c)
{
    if (c->fd >= 0) {
        (void)close(c->fd);
        c->fd = -1;
    }
}

/* How the present address does; errno says what is wrong. */
static enum wilco_status
try_one(struct connector *c, uint64_t now_ms)
{
    enum wilco_status st;

    if (c->fd < 0) {
        return start(c, now_ms);
    }
    st = socket_connected(c->fd);
    if (st == WILCO_AGAIN && now_ms >= c->next_ms) {
        errno = ETIMEDOUT;
        return WILCO_ETIMEDOUT;
    }
    return st;
}

enum wilco_status
connector_step(struct connector *c, struct stream **out, const struct wilco_alloc *a,
               uint64_t now_ms)
{
    enum wilco_status st = WILCO_ECONNECT;

    while (c->fd >= 0 || c->next < c->count) {
        st = try_one(c, now_ms);
        if (st == WILCO_OK || st == WILCO_AGAIN) {
            break;
        }
        explain(c, errno);
        connector_stop(c);
        st = WILCO_ECONNECT;
    }
    if (st != WILCO_OK) {
        return st;
    }
    *out = stream_of_socket(c->fd, a);
    if (*out == NULL) {
        connector_stop(c);
        return WILCO_ENOMEM;
    }
    c->fd = -1; /* the stream's now */
    return WILCO_OK;
}
