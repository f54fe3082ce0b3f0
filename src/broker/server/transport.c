#include "broker/server/transport.h"

#include "net/websocket.h"

#include <unistd.h>

static enum url_scheme
scheme_of(const struct url *url, const struct transport_options *options)
{
    if (options->is_websocket && url->scheme == URL_MQTT) {
        return URL_WS;
    }
    return options->is_websocket && url->scheme == URL_MQTTS ? URL_WSS : url->scheme;
}

static void
init_websocket(struct transport *t, const struct url *url, const struct transport_options *options)
{
    _Static_assert(sizeof(t->websocket.path) >= sizeof(url->path), "a path fits");
    if (t->scheme == URL_WS || t->scheme == URL_WSS) {
        memcpy(t->websocket.path, url->path, sizeof(url->path));
        memcpy(t->websocket.origins, options->websocket_origins, sizeof(t->websocket.origins));
    }
}

enum wilco_status
transport_init(struct transport *t, const struct url *url, const struct transport_options *options,
               char reason[TRANSPORT_REASON_BYTES])
{
    (void)reason;
    *t = (struct transport){.scheme = scheme_of(url, options), .is_proxied = options->is_proxied};
    init_websocket(t, url, options);
    return WILCO_OK;
}

void
transport_copy(struct transport *t, const struct transport *from)
{
    *t = *from;
}

void
transport_fini(struct transport *t)
{
    (void)t;
}

/* ---- The layers, each of them onto what is below; NULL: out of memory, and that is closed. ----
 */

static struct stream *
put_proxy(const struct transport *t, struct stream *below, const struct wilco_alloc *a)
{
    (void)t;
    (void)a;
    return below;
}

static struct stream *
put_tls(const struct transport *t, struct stream *below, const struct wilco_alloc *a)
{
    (void)t;
    (void)a;
    return below;
}

static struct stream *
put_websocket(const struct transport *t, struct stream *below, const struct wilco_alloc *a)
{
    struct stream *s = websocket_serve(below, &t->websocket, a);

    if (s == NULL) {
        stream_close(below);
    }
    return s;
}

struct stream *
transport_open(const struct transport *t, int fd, const struct address *from,
               const struct wilco_alloc *a)
{
    struct stream *s = stream_of_accepted(fd, from, a);

    if (s == NULL) {
        (void)close(fd);
        return NULL;
    }
    if (t->is_proxied) {
        s = put_proxy(t, s, a);
    }
    if (s != NULL && (t->scheme == URL_MQTTS || t->scheme == URL_WSS)) {
        s = put_tls(t, s, a);
    }
    if (s != NULL && (t->scheme == URL_WS || t->scheme == URL_WSS)) {
        s = put_websocket(t, s, a);
    }
    return s;
}
