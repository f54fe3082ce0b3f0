#define _POSIX_C_SOURCE 200809L

#include "client/connector.h"

#include "net/socket.h"
#include "net/websocket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WEBSOCKET_PATH "/mqtt" /* where the URL names none */
#define PORT_HTTP      80
#define PORT_HTTPS     443

enum wilco_status
connector_resolve(struct connector *c, const struct url *url, struct tls_client *tls,
                  uint64_t deadline_ms)
{
    const char *reason = "";
    enum wilco_status st;

    *c = (struct connector){
        .fd = -1, .next_ms = 0, .deadline_ms = deadline_ms, .url = url, .tls = tls};
    st = address_resolve(c->addresses, CONNECTOR_ADDRESSES_MAX, &c->count, url, false, &reason);
    if (st != WILCO_OK || c->count == 0) {
        (void)snprintf(c->why.text, sizeof(c->why.text), "cannot find %.130s: %s",
                       url->scheme == URL_UNIX ? url->path : url->host, reason);
        return st == WILCO_ENOMEM ? st : WILCO_ECONNECT;
    }
    return WILCO_OK;
}

/* `error`: an errno, for what the stream, if there is one, has no words for. */
static void
explain(struct connector *c, int error)
{
    const struct address *a = &c->addresses[c->next - 1];
    const char *why = c->stream == NULL ? "" : stream_why(c->stream);
    const char *advice = "";
    char text[ADDRESS_TEXT_BYTES];
    char message[80] = "";

    address_text(a, text);
    if (why[0] == '\0') {
        (void)strerror_r(error, message, sizeof(message));
        why = message;
        advice = error == ECONNREFUSED || error == ENOENT ? "; is the server running?" : "";
    }
    (void)snprintf(c->why.text, sizeof(c->why.text), "cannot connect to %.100s: %s%s", text, why,
                   advice);
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
    stream_close(c->stream);
    c->stream = NULL;
}

int
connector_fd(const struct connector *c)
{
    return c->stream != NULL ? stream_fd(c->stream) : c->fd;
}

unsigned
connector_interest(const struct connector *c)
{
    return c->stream != NULL ? stream_interest(c->stream, false) : STREAM_WRITABLE;
}

/* ---- The layers, each of them onto what is below; NULL: out of memory, and that is closed. ----
 */

static struct stream *
put_tls(const struct connector *c, struct stream *below, const struct wilco_alloc *a)
{
    return tls_client_stream(c->tls, c->url->host, below, a);
}

static struct stream *
put_websocket(const struct connector *c, struct stream *below, const struct wilco_alloc *a)
{
    const struct url *url = c->url;
    const struct upgrade_target target = {
        .host = url->host,
        .path = url->path[0] == '\0' ? WEBSOCKET_PATH : url->path,
        .port = url->port,
        .is_default_port = url->port == (url->scheme == URL_WSS ? PORT_HTTPS : PORT_HTTP),
    };
    struct stream *s = websocket_connect(below, &target, random_system(), a);

    if (s == NULL) {
        stream_close(below);
    }
    return s;
}

/* The connected socket becomes a stream. */
static enum wilco_status
stack(struct connector *c, const struct wilco_alloc *a)
{
    enum url_scheme scheme = c->url->scheme;
    struct stream *s = stream_of_socket(c->fd, a);

    if (s == NULL) {
        return WILCO_ENOMEM;
    }
    c->fd = -1; /* the stream's now */
    if (scheme == URL_MQTTS || scheme == URL_WSS) {
        s = put_tls(c, s, a);
    }
    if (s != NULL && (scheme == URL_WS || scheme == URL_WSS)) {
        s = put_websocket(c, s, a);
    }
    c->stream = s;
    return s == NULL ? WILCO_ENOMEM : WILCO_OK;
}

/* Connects the present address; errno says what is wrong. */
static enum wilco_status
connect_socket(struct connector *c, const struct wilco_alloc *a, uint64_t now_ms)
{
    enum wilco_status st = c->fd < 0 ? start(c, now_ms) : socket_connected(c->fd);

    return st == WILCO_OK ? stack(c, a) : st;
}

/* How the present address does; errno, or the stream, says what is wrong. */
static enum wilco_status
try_one(struct connector *c, const struct wilco_alloc *a, uint64_t now_ms)
{
    enum wilco_status st = c->stream == NULL ? connect_socket(c, a, now_ms) : WILCO_OK;

    if (st == WILCO_OK) {
        errno = ECONNRESET; /* unless it is told otherwise */
        st = stream_shake_hands(c->stream);
    }
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

    while (c->fd >= 0 || c->stream != NULL || c->next < c->count) {
        st = try_one(c, a, now_ms);
        if (st == WILCO_OK || st == WILCO_AGAIN) {
            break;
        }
        explain(c, errno);
        connector_stop(c);
        if (st == WILCO_ENOMEM) {
            return st;
        }
        st = WILCO_ECONNECT;
    }
    if (st == WILCO_OK) {
        *out = c->stream;
        c->stream = NULL;
    }
    return st;
}
