#ifndef WILCO_BROKER_SERVER_TRANSPORT_H
#define WILCO_BROKER_SERVER_TRANSPORT_H

#include "net/address.h"
#include "net/http_upgrade.h"
#include "net/network.h"
#include "net/stream.h"
#include "net/tls.h"

#include <stdbool.h>

/* What a listener puts onto a socket that it has accepted, from below: the socket itself, what a
 * proxy says of the client, TLS, WebSocket. Each is a stream that owns the one below it. */

/* The proxies that a listener believes. */
#define TRANSPORT_PROXIES_MAX 16U
struct transport_proxies {
    unsigned versions; /* of the header they write, enum proxy_version; 0: there are no proxies */
    struct network from[TRANSPORT_PROXIES_MAX];
    size_t count; /* 0: those on this machine */
};

/* What the configuration says about it. It owns nothing. */
struct transport_options {
    struct transport_proxies proxies;
    bool is_websocket;                             /* also where the URL does not say so */
    bool is_tls;                                   /* likewise */
    char websocket_origins[UPGRADE_ORIGINS_BYTES]; /* net/http_upgrade.h */
    struct tls_server_options tls;
};

bool transport_options_equal(const struct transport_options *a, const struct transport_options *b);

/* Ready for use; every address of a listener has one. It outlives its connections, and is changed
 * only while no thread opens one. */
struct transport {
    enum url_scheme scheme;
    struct transport_proxies proxies;
    struct tls_server *tls; /* NULL: it has none */
    struct upgrade_terms websocket;
};

#define TRANSPORT_REASON_BYTES 400U

/* Makes what `url` and `options` need. WILCO_EINVAL: it cannot be made of these, and `reason` says
 * in one line what to do. WILCO_ENOMEM. Then `t` is as after transport_fini(). */
WILCO_MUST_CHECK enum wilco_status transport_init(struct transport *t, const struct url *url,
                                                  const struct transport_options *options,
                                                  const struct wilco_alloc *a,
                                                  char reason[TRANSPORT_REASON_BYTES]);
/* The same once more, for another address. */
void transport_copy(struct transport *t, const struct transport *from);
void transport_fini(struct transport *t); /* harmless a second time */

/* Whether a proxy says who has connected, see stream_describe(). */
bool transport_is_proxied(const struct transport *t);
/* Whether this address may connect: where there are proxies, it must be one of them. */
bool transport_lets_in(const struct transport *t, const struct address *from);

/* Takes `fd`, which comes `from` there. Nothing is read or written. NULL: out of memory, and `fd`
 * is closed. */
struct stream *transport_open(const struct transport *t, int fd, const struct address *from,
                              const struct wilco_alloc *a);

#endif
