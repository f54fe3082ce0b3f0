#ifndef WILCO_NET_ADDRESS_H
#define WILCO_NET_ADDRESS_H

#include "base/compiler.h"
#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* What a URL of DESIGN.md section 6 names: `mqtt://host:1883`, `unix:/path`, and the schemes of
 * transports that build on these. */
enum url_scheme {
    URL_MQTT,
    URL_MQTTS, /* TLS */
    URL_WS,    /* WebSocket */
    URL_WSS,   /* WebSocket over TLS */
    URL_UNIX,
};

struct url {
    enum url_scheme scheme;
    char user[256];
    char password[256];
    bool has_user;
    bool has_password;
    char host[256]; /* without the brackets of an IPv6 address; empty for unix */
    uint16_t port;  /* the scheme's default when the URL names none; 0 asks the system */
    char path[108]; /* unix: the socket's path; otherwise what follows the port, with its slash */
};

/* The name of the scheme, with what ends it: "mqtt://". */
const char *url_scheme_name(enum url_scheme scheme);

/* `mqtt://[user[:password]@]host[:port][/path]`, `host[:port]` alone, or `unix:/path`. Percent
 * escapes in user and password are undone; `unix:///path` is accepted. WILCO_EINVAL, and `reason`
 * (static text, NULL is allowed) says what is wrong. A scheme we know but cannot speak is such an
 * error. The host `*`, to listen on, is every address of this machine. */
WILCO_MUST_CHECK enum wilco_status url_parse(struct url *out, const char *text,
                                             const char **reason);

/* A socket address of any family. */
struct address {
    struct sockaddr_storage storage;
    socklen_t len;
};

/* Looks the host up (may block on the name service); at most `max` addresses. WILCO_ENOTFOUND: no
 * such host; WILCO_ENOMEM; WILCO_EINVAL. `*reason` as above. */
WILCO_MUST_CHECK enum wilco_status address_resolve(struct address *out, size_t max, size_t *count,
                                                   const struct url *url, bool passive,
                                                   const char **reason);

/* "127.0.0.1:1883", "[::1]:1883" or "unix:/path"; cut to fit. Always ends in zero. */
#define ADDRESS_TEXT_BYTES 128
void address_text(const struct address *a, char out[ADDRESS_TEXT_BYTES]);
/* Loopback, or a Unix socket. */
bool address_is_local(const struct address *a);

#endif
