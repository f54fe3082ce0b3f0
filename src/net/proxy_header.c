#define _POSIX_C_SOURCE 200809L

#include "net/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#define V1_BYTES_MAX 107U /* with its CRLF */
#define V2_HEAD      16U
#define UNIX_BYTES   108U /* of a path */
_Static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) <= UNIX_BYTES, "a path is cut to fit");

/* Of version 2. */
enum command {
    COMMAND_LOCAL = 0x20,
    COMMAND_PROXY = 0x21,
};
enum family {
    FAMILY_UNKNOWN = 0x00,
    FAMILY_TCP4 = 0x11,
    FAMILY_TCP6 = 0x21,
    FAMILY_UNIX = 0x31,
};
enum item {
    ITEM_TLS = 0x20,
    ITEM_TLS_NAME = 0x22, /* in it: the certificate's common name */
};
#define TLS_HEAD            5U
#define TLS_HAS_CERTIFICATE 0x06U /* in this connection or this TLS session */

static const struct span signature_v1 = SPAN_INIT("PROXY ");
static const struct span signature_v2 = SPAN_INIT("\r\n\r\n\0\r\nQUIT\n");

static enum wilco_status
wrong(const char **why, const char *text)
{
    *why = text;
    return WILCO_EMALFORMED;
}

/* Whether `bytes` begin so, as far as they go. */
static bool
begin_with(struct span bytes, struct span signature)
{
    size_t len = bytes.len < signature.len ? bytes.len : signature.len;

    return len == 0 || memcmp(bytes.data, signature.data, len) == 0;
}

static void
set_v4(struct address *out, const void *ip, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = port};

    memcpy(&in.sin_addr, ip, sizeof(in.sin_addr));
    *out = (struct address){.len = sizeof(in)};
    memcpy(&out->storage, &in, sizeof(in));
}

static void
set_v6(struct address *out, const void *ip, uint16_t port)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = port};

    memcpy(&in6.sin6_addr, ip, sizeof(in6.sin6_addr));
    *out = (struct address){.len = sizeof(in6)};
    memcpy(&out->storage, &in6, sizeof(in6));
}

/* A path without its zeroes; a client that has none is on a Unix socket all the same. */
static void
set_unix(struct address *out, const uint8_t *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    memcpy(un.sun_path, path, sizeof(un.sun_path) - 1);
    *out = (struct address){.len = sizeof(un)};
    memcpy(&out->storage, &un, sizeof(un));
}

/* ---- Version 1: "PROXY TCP4 192.0.2.1 192.0.2.2 56324 1883\r\n" ---- */

static bool
take_word(struct span *line, char out[INET6_ADDRSTRLEN])
{
    const uint8_t *blank = line->len == 0 ? NULL : memchr(line->data, ' ', line->len);
    size_t len = blank == NULL ? line->len : (size_t)(blank - line->data);

    if (len == 0 || len >= INET6_ADDRSTRLEN || memchr(line->data, '\0', len) != NULL) {
        return false;
    }
    memcpy(out, line->data, len);
    out[len] = '\0';
    *line = span_skip(*line, blank == NULL ? len : len + 1);
    return true;
}

static bool
parse_port(const char *text, uint16_t *out)
{
    unsigned port = 0;

    if (text[0] == '0' && text[1] != '\0') {
        return false;
    }
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] < '0' || text[i] > '9' || port > UINT16_MAX) {
            return false;
        }
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    *out = htons((uint16_t)port);
    return port <= UINT16_MAX;
}

/* What stands behind "TCP4 " or "TCP6 ". */
static bool
parse_addresses(struct address *out, struct span line, int family)
{
    char words[4][INET6_ADDRSTRLEN];
    uint8_t source[16];
    uint8_t target[16];
    uint16_t ports[2];
    bool ends_in_blank = line.len > 0 && line.data[line.len - 1] == ' ';

    for (size_t i = 0; i < 4; i++) {
        if (!take_word(&line, words[i])) {
            return false;
        }
    }
    if (line.len > 0 || ends_in_blank || inet_pton(family, words[0], source) != 1 ||
        inet_pton(family, words[1], target) != 1 || !parse_port(words[2], &ports[0]) ||
        !parse_port(words[3], &ports[1])) {
        return false;
    }
    if (family == AF_INET) {
        set_v4(out, source, ports[0]);
    } else {
        set_v6(out, source, ports[0]);
    }
    return true;
}

/* `line` without its CRLF. */
static bool
parse_line(struct address *out, struct span line)
{
    struct span rest = span_skip(line, signature_v1.len);
    char family[INET6_ADDRSTRLEN];

    if (!take_word(&rest, family)) {
        return false;
    }
    if (strcmp(family, "UNKNOWN") == 0) { /* what follows means nothing */
        return true;
    }
    if (strcmp(family, "TCP4") == 0) {
        return parse_addresses(out, rest, AF_INET);
    }
    return strcmp(family, "TCP6") == 0 && parse_addresses(out, rest, AF_INET6);
}

static enum wilco_status
read_v1(struct proxy_header *out, struct span bytes, const char **why)
{
    size_t max = bytes.len < V1_BYTES_MAX ? bytes.len : V1_BYTES_MAX;
    const uint8_t *end = max == 0 ? NULL : memchr(bytes.data, '\n', max);

    if (end == NULL) {
        return bytes.len < V1_BYTES_MAX ? WILCO_AGAIN
                                        : wrong(why, "the line of the proxy is too long");
    }
    out->bytes = (size_t)(end - bytes.data) + 1;
    if (out->bytes < signature_v1.len + 2 || end[-1] != '\r' ||
        !parse_line(&out->source, span_first(bytes, out->bytes - 2))) {
        return wrong(why, "the line of the proxy is malformed");
    }
    return WILCO_OK;
}

/* ---- Version 2 ---- */

/* One item of a list: a byte of type, two of length, the value. False: it is cut short. */
static bool
take_item(struct span *list, unsigned *type, struct span *value)
{
    size_t len = list->len < 3 ? 0 : list->data[1] * 256U + list->data[2];

    if (list->len < 3 || list->len - 3 < len) {
        return false;
    }
    *type = list->data[0];
    *value = span_first(span_skip(*list, 3), len);
    *list = span_skip(*list, 3 + len);
    return true;
}

static void
set_user(struct proxy_header *out, struct span name)
{
    bool is_printable = name.len > 0 && name.len < sizeof(out->user);

    for (size_t i = 0; i < name.len && is_printable; i++) {
        is_printable = name.data[i] >= ' ' && name.data[i] != 0x7F;
    }
    if (is_printable) {
        memcpy(out->user, name.data, name.len);
        out->user[name.len] = '\0';
    }
}

/* What the proxy says about TLS between the client and itself. */
static bool
read_tls(struct proxy_header *out, struct span value)
{
    bool is_verified = false;

    if (value.len < TLS_HEAD) {
        return false;
    }
    is_verified =
        (value.data[0] & TLS_HAS_CERTIFICATE) != 0 && memcmp(value.data + 1, "\0\0\0\0", 4) == 0;
    value = span_skip(value, TLS_HEAD);
    while (value.len > 0) {
        unsigned type = 0;
        struct span part;

        if (!take_item(&value, &type, &part)) {
            return false;
        }
        if (type == ITEM_TLS_NAME && is_verified) {
            set_user(out, part);
        }
    }
    return true;
}

static bool
read_items(struct proxy_header *out, struct span list)
{
    while (list.len > 0) {
        unsigned type = 0;
        struct span value;

        if (!take_item(&list, &type, &value) || (type == ITEM_TLS && !read_tls(out, value))) {
            return false;
        }
    }
    return true;
}

/* Bytes of both addresses; 0: a family that no stream has. */
static size_t
address_bytes(unsigned family)
{
    switch (family) {
    case FAMILY_TCP4: return 12; /* and ports */
    case FAMILY_TCP6: return 36; /* likewise */
    case FAMILY_UNIX: return (size_t)2 * UNIX_BYTES;
    default: return 0;
    }
}

static void
set_source(struct address *out, unsigned family, const uint8_t *bytes)
{
    uint16_t port = 0;

    if (family == FAMILY_TCP4) {
        memcpy(&port, bytes + 8, 2);
        set_v4(out, bytes, port);
    } else if (family == FAMILY_TCP6) {
        memcpy(&port, bytes + 32, 2);
        set_v6(out, bytes, port);
    } else {
        set_unix(out, bytes);
    }
}

static enum wilco_status
read_body(struct proxy_header *out, unsigned family, struct span body, const char **why)
{
    size_t len = address_bytes(family);

    if (family == FAMILY_UNKNOWN) { /* what follows means nothing */
        return WILCO_OK;
    }
    if (len == 0) {
        return wrong(why, "the proxy speaks of something that is no stream");
    }
    if (body.len < len) {
        return wrong(why, "the addresses of the proxy's header are cut short");
    }
    set_source(&out->source, family, body.data);
    if (!read_items(out, span_skip(body, len))) {
        return wrong(why, "what follows the addresses in the proxy's header is cut short");
    }
    return WILCO_OK;
}

static enum wilco_status
read_v2(struct proxy_header *out, struct span bytes, const char **why)
{
    size_t len = bytes.len < V2_HEAD ? 0 : bytes.data[14] * 256U + bytes.data[15];
    unsigned command = bytes.len <= 12 ? (unsigned)COMMAND_LOCAL : bytes.data[12];

    if (command != COMMAND_LOCAL && command != COMMAND_PROXY) {
        return wrong(why,
                     "the proxy's header is of another version than 2, or of no known command");
    }
    if (V2_HEAD + len > PROXY_HEADER_BYTES_MAX) {
        return wrong(why, "the proxy's header is larger than 2048 bytes");
    }
    if (bytes.len < V2_HEAD + len) {
        return WILCO_AGAIN;
    }
    out->bytes = V2_HEAD + len;
    if (command == COMMAND_LOCAL) { /* the proxy looks whether we are well */
        return WILCO_OK;
    }
    return read_body(out, bytes.data[13], span_first(span_skip(bytes, V2_HEAD), len), why);
}

enum wilco_status
proxy_header_read(struct proxy_header *out, struct span bytes, unsigned versions, const char **why)
{
    bool may_be_v1 = (versions & PROXY_V1) != 0 && begin_with(bytes, signature_v1);
    bool may_be_v2 = (versions & PROXY_V2) != 0 && begin_with(bytes, signature_v2);
    enum wilco_status st = WILCO_OK;

    *out = (struct proxy_header){.bytes = 0};
    if (!may_be_v1 && !may_be_v2) {
        return wrong(why, "no header of a proxy");
    }
    if (bytes.len == 0) {
        return WILCO_AGAIN;
    }
    st = may_be_v1 ? read_v1(out, bytes, why) : read_v2(out, bytes, why);
    if (st != WILCO_OK) {
        *out = (struct proxy_header){.bytes = 0};
    }
    return st;
}
