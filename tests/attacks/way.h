#ifndef WILCO_TEST_WAY_H
#define WILCO_TEST_WAY_H

#include "broker/server/transport.h"

/* The ways to a broker: what a listener's URL says, and the client's end of it, which blocks. */
struct way {
    const char *name;
    const char *url; /* to listen on, at a port of the system's choice */
    bool is_tls;
    /* What comes onto the connected socket; NULL: nothing. */
    struct stream *(*wrap)(struct stream *below);
};

extern const struct way way_tcp;
extern const struct way way_websocket;
extern const struct way way_tls;
extern const struct way way_secure_websocket;

/* Makes certificates, and what a listener needs of them (zero where the way needs nothing). */
void way_prepare(const struct way *way, struct transport_options *out);
void way_clean_up(const struct way *way);

#define WAY_PATIENCE_MS 20000

struct way_line {
    struct stream *stream;
    uint8_t *in; /* whole packets and a part */
    size_t in_len;
    size_t used; /* of `in`, by the packet handed out last */
};

void way_open(struct way_line *l, const struct way *way, const struct address *a);
void way_close(struct way_line *l);
/* False: the broker takes no more. */
bool way_send(struct way_line *l, struct span bytes);
/* The bytes of the next packet, which live until the next call; empty: the broker has ended the
 * connection. Waits for WAY_PATIENCE_MS, then fails the test. */
struct span way_next(struct way_line *l);

#endif
