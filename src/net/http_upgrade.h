#ifndef WILCO_NET_HTTP_UPGRADE_H
#define WILCO_NET_HTTP_UPGRADE_H

#include "base/compiler.h"
#include "base/span.h"
#include "base/status.h"

#include <stdbool.h>

/* The opening handshake of WebSocket (RFC 6455 section 4): one HTTP/1.1 request and its answer, at
 * both ends, without I/O. Nothing is allocated. */

/* The request, and the answer, with all its headers. */
#define UPGRADE_BYTES_MAX 8192U

/* What a server takes. Texts end with a zero. */
#define UPGRADE_PATH_BYTES    108U
#define UPGRADE_ORIGINS_BYTES 1024U
struct upgrade_terms {
    char path[UPGRADE_PATH_BYTES]; /* "/mqtt": no other; "": any */
    /* From which web pages browsers may connect: "https://example.com", with blanks between; "":
     * from any. What is no browser names no origin, and may always connect. */
    char origins[UPGRADE_ORIGINS_BYTES];
};

enum upgrade_status {
    UPGRADE_SWITCHING = 101,
    UPGRADE_BAD_REQUEST = 400,
    UPGRADE_FORBIDDEN = 403, /* the origin */
    UPGRADE_NOT_FOUND = 404, /* the path */
    UPGRADE_BAD_METHOD = 405,
    UPGRADE_REQUIRED = 426, /* no WebSocket, or another version of it */
    UPGRADE_TOO_LARGE = 431,
};

#define UPGRADE_KEY_CHARS    24U
#define UPGRADE_ACCEPT_CHARS 28U
struct upgrade_request {
    enum upgrade_status status; /* the answer */
    const char *why;            /* static; what is wrong, for people; "" with UPGRADE_SWITCHING */
    const char *protocol;       /* of those offered, the one we speak; static */
    char key[UPGRADE_KEY_CHARS + 1];
    size_t bytes; /* its length; what is behind it is frames. 0 when it is refused */
};

/* WILCO_AGAIN: it is not all here, and what is here may become one. WILCO_OK: `out` says what to
 * answer. */
WILCO_MUST_CHECK enum wilco_status upgrade_request_read(struct upgrade_request *out,
                                                        struct span bytes,
                                                        const struct upgrade_terms *terms);

/* Writes the answer; its length. */
#define UPGRADE_ANSWER_BYTES 512U
size_t upgrade_answer_write(char out[UPGRADE_ANSWER_BYTES], const struct upgrade_request *r);

/* The request of a client. `host` and `port` as in the URL (an IPv6 address without brackets), and
 * `path` begins with a slash. `random` is what `key` is made of. The length of what is in `out`; 0:
 * the path contains what a request must not. */
#define UPGRADE_REQUEST_BYTES 1024U
struct upgrade_target {
    const char *host;
    const char *path;
    unsigned port;
    bool is_default_port; /* of HTTP or HTTPS, which is not named */
};
size_t upgrade_request_write(char out[UPGRADE_REQUEST_BYTES], const struct upgrade_target *target,
                             const uint8_t random[16], char key[UPGRADE_KEY_CHARS + 1]);

/* The server's answer to the request with this key. WILCO_AGAIN: it is not all here. WILCO_OK: it
 * is agreed, and `*len` is its length. WILCO_EPROTOCOL: it is not, and `why` says what the server
 * answers. */
#define UPGRADE_WHY_BYTES 160U
WILCO_MUST_CHECK enum wilco_status upgrade_answer_read(struct span bytes, const char *key,
                                                       size_t *len, char why[UPGRADE_WHY_BYTES]);

#endif
