#include "broker/server/transport.h"

#include "net/proxied.h"
#include "net/websocket.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

_Static_assert(TRANSPORT_REASON_BYTES >= TLS_REASON_BYTES, "what TLS has to say fits");

bool
transport_options_equal(const struct transport_options *a, const struct transport_options *b)
{
    return a->proxies.versions == b->proxies.versions && a->proxies.count == b->proxies.count &&
           memcmp(a->proxies.from, b->proxies.from, sizeof(a->proxies.from)) == 0 &&
           a->is_websocket == b->is_websocket &&
           strcmp(a->websocket_origins, b->websocket_origins) == 0 &&
           tls_server_options_equal(&a->tls, &b->tls);
}

static bool
has_tls(enum url_scheme scheme)
{
    return scheme == URL_MQTTS || scheme == URL_WSS;
}

static bool
has_websocket(enum url_scheme scheme)
{
    return scheme == URL_WS || scheme == URL_WSS;
}

/* A listener in mosquitto's words has TLS as soon as it has a certificate. */
static enum url_scheme
scheme_of(const struct url *url, const struct transport_options *options)
{
    bool is_tls = has_tls(url->scheme) || options->is_tls;
    bool is_websocket = has_websocket(url->scheme) || options->is_websocket;

    if (url->scheme == URL_UNIX) {
        return URL_UNIX;
    }
    if (is_websocket) {
        return is_tls ? URL_WSS : URL_WS;
    }
    return is_tls ? URL_MQTTS : URL_MQTT;
}

static void
init_websocket(struct transport *t, const struct url *url, const struct transport_options *options)
{
    _Static_assert(sizeof(t->websocket.path) >= sizeof(url->path), "a path fits");
    if (has_websocket(t->scheme)) {
        memcpy(t->websocket.path, url->path, sizeof(url->path));
        memcpy(t->websocket.origins, options->websocket_origins, sizeof(t->websocket.origins));
    }
}

/* Whoever names a certificate for a listener without TLS thinks that it has TLS. */
static enum wilco_status
check_no_tls(const struct transport_options *options, char reason[TRANSPORT_REASON_BYTES])
{
    static const struct tls_server_options none = {.certfile_count = 0};

    if (tls_server_options_equal(&options->tls, &none)) {
        return WILCO_OK;
    }
    (void)snprintf(reason, TRANSPORT_REASON_BYTES,
                   "certfile, and what else belongs to TLS, is for listeners with TLS: mqtts:// or "
                   "wss://");
    return WILCO_EINVAL;
}

enum wilco_status
transport_init(struct transport *t, const struct url *url, const struct transport_options *options,
               const struct wilco_alloc *a, char reason[TRANSPORT_REASON_BYTES])
{
    *t = (struct transport){.scheme = scheme_of(url, options), .proxies = options->proxies};
    init_websocket(t, url, options);
    if (!has_tls(t->scheme)) {
        return check_no_tls(options, reason);
    }
    return tls_server_new(&t->tls, &options->tls, has_websocket(t->scheme) ? "http/1.1" : "mqtt", a,
                          reason);
}

void
transport_copy(struct transport *t, const struct transport *from)
{
    *t = *from;
    if (t->tls != NULL) {
        (void)tls_server_ref(t->tls);
    }
}

void
transport_fini(struct transport *t)
{
    tls_server_unref(t->tls);
    t->tls = NULL;
}

/* ---- The layers, each of them onto what is below; NULL: out of memory, and that is closed. ----
 */

static struct stream *
put_proxy(const struct transport *t, struct stream *below, const struct wilco_alloc *a)
{
    struct stream *s = stream_of_proxied(below, t->proxies.versions, a);

    if (s == NULL) {
        stream_close(below);
    }
    return s;
}

static struct stream *
put_tls(const struct transport *t, struct stream *below, const struct wilco_alloc *a)
{
    return tls_server_stream(t->tls, below, a);
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

bool
transport_is_proxied(const struct transport *t)
{
    return t->proxies.versions != 0;
}

bool
transport_lets_in(const struct transport *t, const struct address *from)
{
    const struct transport_proxies *p = &t->proxies;

    if (!transport_is_proxied(t) || from->storage.ss_family == AF_UNIX) {
        return true;
    }
    for (size_t i = 0; i < p->count; i++) {
        if (network_has(&p->from[i], from)) {
            return true;
        }
    }
    return p->count == 0 && address_is_local(from);
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
    if (transport_is_proxied(t)) {
        s = put_proxy(t, s, a);
    }
    if (s != NULL && has_tls(t->scheme)) {
        s = put_tls(t, s, a);
    }
    if (s != NULL && has_websocket(t->scheme)) {
        s = put_websocket(t, s, a);
    }
    return s;
}
