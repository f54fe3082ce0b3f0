#ifndef WILCO_NET_PROXIED_H
#define WILCO_NET_PROXIED_H

#include "net/proxy_header.h"
#include "net/stream.h"

/* A stream behind a proxy, from which the proxy's header (net/proxy_header.h) is read before all
 * else. It is the peer that the header names, which stream_describe() tells. Of a header that is
 * wrong nothing is taken: read() says WILCO_EIO, errno EPROTO, and why. */

/* Takes `below`; `versions` is a mask of enum proxy_version. NULL: out of memory, and `below` is
 * still the caller's. */
struct stream *stream_of_proxied(struct stream *below, unsigned versions,
                                 const struct wilco_alloc *a);

#endif
