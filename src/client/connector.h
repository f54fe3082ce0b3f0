#ifndef WILCO_CLIENT_CONNECTOR_H
#define WILCO_CLIENT_CONNECTOR_H

#include "net/address.h"
#include "net/stream.h"
#include "net/tls.h"
#include "wilco/wilco.h"

/* Connects to what a URL names, and shakes the hands that its scheme asks for: with each of its
 * addresses in turn, with an equal share of the time, and for the last one what there is. Only
 * looking up the name may block. */
#define CONNECTOR_ADDRESSES_MAX 8U

struct connector {
    struct address addresses[CONNECTOR_ADDRESSES_MAX];
    size_t count;
    size_t next; /* the one to try after the present one */
    const struct url *url;
    struct tls_client *tls; /* NULL: the URL wants none */
    int fd;                 /* of the present one; -1: none is being tried, or there is a stream */
    struct stream *stream;  /* connected, and shaking hands; NULL: not yet */
    uint64_t next_ms;       /* when the next one is to be tried; UINT64_MAX: there is none */
    uint64_t deadline_ms;   /* the time is up; seen to by whoever waits */
    struct wilco_error why; /* what was wrong with the one before */
};

/* Looks the name up: WILCO_ECONNECT, WILCO_ENOMEM, and `why` says more. `url` and
 * `tls` outlive the connector. */
WILCO_MUST_CHECK enum wilco_status connector_resolve(struct connector *c, const struct url *url,
                                                     struct tls_client *tls, uint64_t deadline_ms);
/* Goes as far as it can now. WILCO_AGAIN: not connected yet, to be called when connector_fd() is
 * ready, or at `next_ms`. Otherwise it is over: WILCO_OK, `*out` is the caller's; WILCO_ECONNECT,
 * and `why`; WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status connector_step(struct connector *c, struct stream **out,
                                                  const struct wilco_alloc *a, uint64_t now_ms);
/* What to wait for after WILCO_AGAIN. */
int connector_fd(const struct connector *c);
unsigned connector_interest(const struct connector *c); /* enum stream_interest */
void connector_stop(struct connector *c);               /* harmless when it is over */

#endif
