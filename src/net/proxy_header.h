#ifndef WILCO_NET_PROXY_HEADER_H
#define WILCO_NET_PROXY_HEADER_H

#include "base/compiler.h"
#include "base/span.h"
#include "net/address.h"

/* What a proxy says in front of a connection about who has connected to it: the PROXY protocol of
 * HAProxy, version 1 (a line of text) and 2 (binary), without I/O. Whatever is wrong in it makes
 * all of it wrong: a part of an identity is none. */

/* With everything behind the addresses; proxies send some hundred bytes. */
#define PROXY_HEADER_BYTES_MAX 2048U

enum proxy_version { /* a mask */
                     PROXY_V1 = 1,
                     PROXY_V2 = 2,
};

struct proxy_header {
    size_t bytes;          /* its length; what is behind it is the client's */
    struct address source; /* the client's; len 0: the proxy speaks for itself, or does not know */
    /* Whom the certificate names that the client has shown to the proxy and the proxy has found
     * right; "": there is none, or none of 1 to 255 printable bytes. */
    char user[256];
};

/* `versions`: a mask of those that are taken. WILCO_AGAIN: it is not all here, and what is here may
 * become one. WILCO_EMALFORMED: never, and `*why` (static text) says what is wrong. */
WILCO_MUST_CHECK enum wilco_status proxy_header_read(struct proxy_header *out, struct span bytes,
                                                     unsigned versions, const char **why);

#endif
