#include "broker/server/transport.h"

#include <unistd.h>

enum wilco_status
transport_init(struct transport *t, enum url_scheme scheme, const struct transport_options *options,
               char reason[TRANSPORT_REASON_BYTES])
{
    (void)reason;
    *t = (struct transport){.scheme = scheme, .is_proxied = options->is_proxied};
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
    (void)t;
    (void)a;
    return below;
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
