#define _POSIX_C_SOURCE 200809L

#include "net/address.h"

#include "base/span.h"

#include <assert.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/un.h>

static enum wilco_status
refuse(const char **reason, const char *why)
{
    if (reason != NULL) {
        *reason = why;
    }
    return WILCO_EINVAL;
}

#define PORT_MQTT  1883
#define PORT_MQTTS 8883
#define PORT_WS    8083
#define PORT_WSS   8084

static const struct {
    const char *name; /* lower case, with what ends it */
    enum url_scheme scheme;
    uint16_t port;
} schemes[] = {
    {"mqtt://", URL_MQTT, PORT_MQTT},    {"unix:", URL_UNIX, 0},
    {"mqtts://", URL_MQTTS, PORT_MQTTS}, {"ws://", URL_WS, PORT_WS},
    {"wss://", URL_WSS, PORT_WSS},
};
#define SCHEME_COUNT (sizeof(schemes) / sizeof(schemes[0]))

static uint8_t
lower_case(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static bool
starts_with(struct span text, const char *prefix)
{
    for (size_t i = 0; prefix[i] != '\0'; i++) {
        if (i == text.len || lower_case(text.data[i]) != (uint8_t)prefix[i]) {
            return false;
        }
    }
    return true;
}

/* Where `c` stands first in `text`; text.len when nowhere. */
static size_t
find(struct span text, char c)
{
    const uint8_t *at = text.len == 0 ? NULL : memchr(text.data, c, text.len);

    return at == NULL ? text.len : (size_t)(at - text.data);
}

/* Copies into an array of `size` bytes and ends it with a zero; false: it does not fit. */
static bool
copy_text(char *out, size_t size, struct span text)
{
    if (text.len >= size) {
        return false;
    }
    if (text.len > 0) {
        memcpy(out, text.data, text.len);
    }
    out[text.len] = '\0';
    return true;
}

static int
hex_value(uint8_t c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c == 0 ? NULL : strchr(digits, lower_case(c));

    return at == NULL ? -1 : (int)(at - digits);
}

/* As copy_text(), with percent escapes undone; NULL, or what is wrong. */
static const char *
copy_unescaped(char *out, size_t size, struct span text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];

        if (c == '%') {
            int high = i + 2 < text.len ? hex_value(text.data[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_value(text.data[i + 2]) : -1;

            if (high < 0 || low < 0 || high + low == 0) {
                return "a % in the user name or password needs two hexadecimal digits, not 00";
            }
            c = (uint8_t)(high * 16 + low);
            i += 2;
        }
        if (n + 1 >= size) {
            return "the user name or password is longer than 255 bytes";
        }
        out[n] = (char)c;
        n++;
    }
    out[n] = '\0';
    return NULL;
}

/* "user" or "user:password". */
static const char *
parse_user(struct url *out, struct span text)
{
    size_t colon = find(text, ':');
    const char *why = copy_unescaped(out->user, sizeof(out->user), span_first(text, colon));

    out->has_user = true;
    if (why == NULL && colon < text.len) {
        out->has_password = true;
        why = copy_unescaped(out->password, sizeof(out->password), span_skip(text, colon + 1));
    }
    return why;
}

/* ":1883", or nothing for the scheme's default. */
static const char *
parse_port(struct url *out, struct span text)
{
    unsigned port = 0;

    if (text.len == 0) {
        return NULL;
    }
    for (size_t i = 1; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || port > UINT16_MAX) {
            port = UINT16_MAX + 1U;
        } else {
            port = port * 10 + (unsigned)(text.data[i] - '0');
        }
    }
    if (text.data[0] != ':' || text.len == 1 || port > UINT16_MAX) {
        return "the port after the host must be a number from 0 to 65535";
    }
    out->port = (uint16_t)port;
    return NULL;
}

static bool
host_is_valid(struct span host, const char *also)
{
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = lower_case(host.data[i]);
        bool is_usual = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

        if (!is_usual && (c == '\0' || strchr(also, c) == NULL)) {
            return false;
        }
    }
    return true;
}

/* "host", "host:port", "[v6]" or "[v6]:port". */
static const char *
parse_host(struct url *out, struct span text)
{
    bool is_bracketed = text.len > 0 && text.data[0] == '[';
    size_t end = find(text, is_bracketed ? ']' : ':');
    struct span host = span_first(text, end);
    struct span port = span_skip(text, end);

    if (is_bracketed) {
        if (end == text.len) {
            return "the ] after an IPv6 address is missing";
        }
        host = span_skip(host, 1);
        port = span_skip(port, 1);
    } else if (port.len > 0 && find(span_skip(port, 1), ':') < port.len - 1) {
        return "an IPv6 address needs brackets, as in [::1]:1883";
    }
    if (host.len == 0) {
        return "the host is missing";
    }
    if (!span_equal(host, SPAN_LITERAL("*")) &&
        !host_is_valid(host, is_bracketed ? ":.%-_" : ".-_")) {
        return "the host contains a character that no host name has";
    }
    if (!copy_text(out->host, sizeof(out->host), host)) {
        return "the host is longer than 255 bytes";
    }
    return parse_port(out, port);
}

/* "[user[:password]@]host[:port][/path]" */
static const char *
parse_authority(struct url *out, struct span text)
{
    size_t slash = find(text, '/');
    struct span authority = span_first(text, slash);
    size_t user_end = 0; /* the last @, so that a password may contain one */
    const char *why = NULL;

    if (!copy_text(out->path, sizeof(out->path), span_skip(text, slash))) {
        return "the path is longer than 107 bytes";
    }
    for (size_t i = 0; i < authority.len; i++) {
        user_end = authority.data[i] == '@' ? i + 1 : user_end;
    }
    if (user_end > 0) {
        why = parse_user(out, span_first(authority, user_end - 1));
    }
    return why != NULL ? why : parse_host(out, span_skip(authority, user_end));
}

/* "/path", or "///path" as URLs with an empty host are written. */
static const char *
parse_unix(struct url *out, struct span text)
{
    if (starts_with(text, "//")) {
        text = span_skip(text, 2);
    }
    if (text.len < 2 || text.data[0] != '/') {
        return "unix: needs an absolute path, as in unix:/run/wilco.sock";
    }
    if (!copy_text(out->path, sizeof(out->path), text)) {
        return "the path of a Unix socket is at most 107 bytes long";
    }
    return NULL;
}

static const char *
parse(struct url *out, struct span text)
{
    for (size_t i = 0; i < SCHEME_COUNT; i++) {
        if (!starts_with(text, schemes[i].name)) {
            continue;
        }
        out->scheme = schemes[i].scheme;
        out->port = schemes[i].port;
        text = span_skip(text, strlen(schemes[i].name));
        return out->scheme == URL_UNIX ? parse_unix(out, text) : parse_authority(out, text);
    }
    if (strstr((const char *)text.data, "://") != NULL) {
        return "unknown scheme: use mqtt://, mqtts://, ws:// or wss://host:port, or unix:/path";
    }
    out->scheme = URL_MQTT;
    out->port = PORT_MQTT;
    return parse_host(out, text);
}

const char *
url_scheme_name(enum url_scheme scheme)
{
    size_t i = 0;

    while (schemes[i].scheme != scheme) {
        i++;
    }
    return schemes[i].name;
}

enum wilco_status
url_parse(struct url *out, const char *text, const char **reason)
{
    const char *why = NULL;

    assert(text != NULL);
    *out = (struct url){.scheme = URL_MQTT};
    why = parse(out, span_of_text(text));
    return why == NULL ? WILCO_OK : refuse(reason, why);
}

static enum wilco_status
unix_address(struct address *out, const char *path, const char **reason)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    if (!copy_text(un.sun_path, sizeof(un.sun_path), span_of_text(path))) {
        return refuse(reason, "the path of a Unix socket is too long for this system");
    }
    *out = (struct address){.len = sizeof(un)};
    memcpy(&out->storage, &un, sizeof(un));
    return WILCO_OK;
}

static enum wilco_status
lookup_failed(int error, const char **reason)
{
    if (reason != NULL) {
        *reason = gai_strerror(error);
    }
    return error == EAI_MEMORY ? WILCO_ENOMEM : WILCO_ENOTFOUND;
}

enum wilco_status
address_resolve(struct address *out, size_t max, size_t *count, const struct url *url, bool passive,
                const char **reason)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0),
    };
    const bool is_any = strcmp(url->host, "*") == 0;
    struct addrinfo *found = NULL;
    char port[8];
    int error = 0;

    *count = 0;
    if (max == 0) {
        return refuse(reason, "no room for an address");
    }
    if (url->scheme == URL_UNIX) {
        *count = 1;
        return unix_address(out, url->path, reason);
    }
    if (is_any && !passive) {
        return refuse(reason, "the host * is for listening only");
    }
    (void)snprintf(port, sizeof(port), "%u", (unsigned)url->port);
    error = getaddrinfo(is_any ? NULL : url->host, port, &hints, &found);
    if (error != 0) {
        return lookup_failed(error, reason);
    }
    for (const struct addrinfo *i = found; i != NULL && *count < max; i = i->ai_next) {
        out[*count] = (struct address){.len = i->ai_addrlen};
        memcpy(&out[*count].storage, i->ai_addr, i->ai_addrlen);
        (*count)++;
    }
    freeaddrinfo(found);
    return WILCO_OK;
}

/* A peer that did not bind has an address without a path, and the system need not end a path with a
 * zero. */
static void
unix_text(const struct address *a, char out[ADDRESS_TEXT_BYTES])
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t start = offsetof(struct sockaddr_un, sun_path);
    size_t len = 0;

    memcpy(&un, &a->storage, sizeof(un));
    while (start + len < a->len && len < sizeof(un.sun_path) && un.sun_path[len] != '\0') {
        len++;
    }
    (void)snprintf(out, ADDRESS_TEXT_BYTES, "unix:%.*s", (int)len, un.sun_path);
}

void
address_text(const struct address *a, char out[ADDRESS_TEXT_BYTES])
{
    const struct sockaddr *sa = (const struct sockaddr *)&a->storage;
    bool is_v6 = sa->sa_family == AF_INET6;
    char host[INET6_ADDRSTRLEN + 32]; /* and the name of an interface, for a link-local address */
    char port[8];

    if (sa->sa_family == AF_UNIX) {
        unix_text(a, out);
    } else if (getnameinfo(sa, a->len, host, sizeof(host), port, sizeof(port),
                           NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        (void)snprintf(out, ADDRESS_TEXT_BYTES, "%s%s%s:%s", is_v6 ? "[" : "", host,
                       is_v6 ? "]" : "", port);
    } else {
        (void)snprintf(out, ADDRESS_TEXT_BYTES, "unknown");
    }
}

static bool
ipv4_is_loopback(const uint8_t *bytes)
{
    return bytes[0] == 127;
}

static bool
ipv6_is_loopback(const struct in6_addr *in6)
{
    return IN6_IS_ADDR_LOOPBACK(in6) ||
           (IN6_IS_ADDR_V4MAPPED(in6) && ipv4_is_loopback(in6->s6_addr + 12));
}

bool
address_is_local(const struct address *a)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;

    if (a->storage.ss_family == AF_INET) {
        memcpy(&in, &a->storage, sizeof(in));
        return ipv4_is_loopback((const uint8_t *)&in.sin_addr.s_addr);
    }
    if (a->storage.ss_family == AF_INET6) {
        memcpy(&in6, &a->storage, sizeof(in6));
        return ipv6_is_loopback(&in6.sin6_addr);
    }
    return a->storage.ss_family == AF_UNIX;
}
