#define _POSIX_C_SOURCE 200809L

#include "net/http_upgrade.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stddef.h>
#include <stdio.h>

/* Read strictly, because whoever sends anything unusual here is no MQTT client: every line ends
 * with CRLF, no header is continued on the next line, none that matters comes twice, and there is
 * no body. */

#define PROTOCOL     "mqtt"     /* [MQTT-6.0.0-4] */
#define PROTOCOL_OLD "mqttv3.1" /* as some clients of MQTT 3.1 call it */
#define GUID         "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 section 1.3 */

/* The headers that matter. */
struct headers {
    struct span host;
    struct span upgrade;
    struct span connection;
    struct span key;
    struct span version;
    struct span protocol;
    struct span origin;
    struct span accept;
    struct span length;
    struct span encoding;
};

static const struct {
    const char *name; /* lower case */
    size_t offset;
    const char *wanted; /* may come more than once, and then the one with this word counts */
} known[] = {
    {"host", offsetof(struct headers, host), NULL},
    {"upgrade", offsetof(struct headers, upgrade), NULL},
    {"connection", offsetof(struct headers, connection), "upgrade"},
    {"sec-websocket-key", offsetof(struct headers, key), NULL},
    {"sec-websocket-version", offsetof(struct headers, version), NULL},
    {"sec-websocket-protocol", offsetof(struct headers, protocol), PROTOCOL},
    {"origin", offsetof(struct headers, origin), NULL},
    {"sec-websocket-accept", offsetof(struct headers, accept), NULL},
    {"content-length", offsetof(struct headers, length), NULL},
    {"transfer-encoding", offsetof(struct headers, encoding), NULL},
};
#define KNOWN (sizeof(known) / sizeof(known[0]))

static uint8_t
lower_case(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

/* Whether `text` is `word`, which is in lower case. */
static bool
is_word(struct span text, const char *word)
{
    size_t i = 0;

    while (i < text.len && word[i] != '\0' && lower_case(text.data[i]) == (uint8_t)word[i]) {
        i++;
    }
    return i == text.len && word[i] == '\0';
}

static size_t
find(struct span text, char c)
{
    const uint8_t *at = text.len == 0 ? NULL : memchr(text.data, c, text.len);

    return at == NULL ? text.len : (size_t)(at - text.data);
}

static struct span
trim(struct span text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text = span_skip(text, 1);
    }
    while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t')) {
        text = span_first(text, text.len - 1);
    }
    return text;
}

/* Takes what stands before the next `separator` off a list. */
static struct span
take_item(struct span *list, char separator)
{
    size_t end = find(*list, separator);
    struct span item = trim(span_first(*list, end));

    *list = span_skip(*list, end < list->len ? end + 1 : end);
    return item;
}

/* Whether a list with commas holds `word`. */
static bool
has_word(struct span list, const char *word)
{
    while (list.len > 0) {
        if (is_word(take_item(&list, ','), word)) {
            return true;
        }
    }
    return false;
}

/* ---- A head: lines up to an empty one ---- */

/* The length of the head with the empty line; 0: it is not all here. */
static size_t
head_bytes(struct span bytes)
{
    for (size_t i = 3; i < bytes.len; i++) {
        if (bytes.data[i] == '\n' && memcmp(bytes.data + i - 3, "\r\n\r\n", 4) == 0) {
            return i + 1;
        }
    }
    return 0;
}

/* Whether these may be the first bytes of a head: no control characters but CR before LF, and
 * tabs. What speaks MQTT or TLS to us is found out at once. */
static bool
may_be_head(struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t c = bytes.data[i];
        bool is_end = (c == '\n' && i > 0 && bytes.data[i - 1] == '\r') ||
                      (c == '\r' && (i + 1 == bytes.len || bytes.data[i + 1] == '\n'));

        if (c == 0x7F || (c < ' ' && c != '\t' && !is_end)) {
            return false;
        }
    }
    return true;
}

static struct span
take_line(struct span *head)
{
    size_t end = find(*head, '\r');
    struct span line = span_first(*head, end);

    *head = span_skip(*head, end + 2); /* every line ends with both */
    return line;
}

/* False: the header is there already. */
static bool
put_header(struct headers *h, size_t row, struct span value)
{
    struct span *place = (struct span *)(void *)((uint8_t *)h + known[row].offset);

    if (place->data != NULL) {
        if (known[row].wanted == NULL) {
            return false;
        }
        if (has_word(*place, known[row].wanted)) {
            return true;
        }
    }
    *place = value;
    return true;
}

/* NULL, or what is wrong. */
static const char *
read_header(struct headers *h, struct span line)
{
    size_t colon = find(line, ':');
    struct span name = span_first(line, colon);

    if (colon == 0 || colon == line.len || find(name, ' ') < colon || find(name, '\t') < colon) {
        return "a line is no header";
    }
    for (size_t i = 0; i < KNOWN; i++) {
        if (is_word(name, known[i].name) && !put_header(h, i, trim(span_skip(line, colon + 1)))) {
            return "a header comes twice";
        }
    }
    return NULL;
}

/* The lines behind the first one, up to the empty one. */
static const char *
read_headers(struct headers *h, struct span head)
{
    const char *why = NULL;

    *h = (struct headers){.host = SPAN_EMPTY};
    for (struct span line = take_line(&head); line.len > 0 && why == NULL;
         line = take_line(&head)) {
        why = read_header(h, line);
    }
    return why;
}

/* What the server makes of a key. */
static void
accept_of(const char key[UPGRADE_KEY_CHARS + 1], char out[UPGRADE_ACCEPT_CHARS + 1])
{
    char text[UPGRADE_KEY_CHARS + sizeof(GUID)];
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    int ok = 0;

    (void)snprintf(text, sizeof(text), "%.24s%s", key, GUID);
    ok = EVP_Digest(text, sizeof(text) - 1, digest, &len, EVP_sha1(), NULL);
    assert(ok == 1 && len == 20);
    (void)EVP_EncodeBlock((unsigned char *)out, digest, (int)len);
}

/* ---- Server ---- */

static bool
key_is_valid(struct span key)
{
    uint8_t decoded[18]; /* 16 bytes and what the two = stand for */

    return key.len == UPGRADE_KEY_CHARS && key.data[22] == '=' && key.data[23] == '=' &&
           EVP_DecodeBlock(decoded, key.data, (int)key.len) == (int)sizeof(decoded);
}

static bool
origin_is_allowed(const struct upgrade_terms *terms, struct span origin)
{
    struct span list = span_of_text(terms->origins);

    if (list.len == 0 || origin.data == NULL) {
        return true;
    }
    while (list.len > 0) {
        struct span item = take_item(&list, ' ');

        if (item.len > 0 && span_equal(item, origin)) {
            return true;
        }
    }
    return false;
}

static void
refuse(struct upgrade_request *out, enum upgrade_status status, const char *why)
{
    *out = (struct upgrade_request){.status = status, .why = why, .protocol = ""};
}

/* "GET /path?query HTTP/1.1". False: refused. */
static bool
read_request_line(struct upgrade_request *out, struct span line, const struct upgrade_terms *terms)
{
    struct span method = take_item(&line, ' ');
    struct span target = take_item(&line, ' ');
    struct span path = span_first(target, find(target, '?'));

    if (!span_equal(line, SPAN_LITERAL("HTTP/1.1")) || path.len == 0 || path.data[0] != '/') {
        refuse(out, UPGRADE_BAD_REQUEST, "no request of HTTP/1.1");
    } else if (!span_equal(method, SPAN_LITERAL("GET"))) {
        refuse(out, UPGRADE_BAD_METHOD, "another method than GET");
    } else if (terms->path[0] != '\0' && !span_equal(path, span_of_text(terms->path))) {
        refuse(out, UPGRADE_NOT_FOUND, "another path than that of the listener");
    } else {
        return true;
    }
    return false;
}

static void
judge(struct upgrade_request *out, const struct headers *h, const struct upgrade_terms *terms)
{
    const char *protocol = has_word(h->protocol, PROTOCOL)       ? PROTOCOL
                           : has_word(h->protocol, PROTOCOL_OLD) ? PROTOCOL_OLD
                                                                 : NULL;
    bool has_body = h->encoding.data != NULL ||
                    (h->length.data != NULL && !span_equal(h->length, SPAN_LITERAL("0")));

    if (h->host.len == 0) {
        refuse(out, UPGRADE_BAD_REQUEST, "the Host is missing");
    } else if (has_body) {
        refuse(out, UPGRADE_BAD_REQUEST, "the request has a body");
    } else if (!has_word(h->upgrade, "websocket") || !has_word(h->connection, "upgrade")) {
        refuse(out, UPGRADE_REQUIRED, "no request for WebSocket");
    } else if (!span_equal(h->version, SPAN_LITERAL("13"))) {
        refuse(out, UPGRADE_REQUIRED, "another version of WebSocket than 13");
    } else if (!key_is_valid(h->key)) {
        refuse(out, UPGRADE_BAD_REQUEST, "Sec-WebSocket-Key is not 16 bytes of base64");
    } else if (protocol == NULL) {
        refuse(out, UPGRADE_BAD_REQUEST, "the subprotocol mqtt is not offered");
    } else if (!origin_is_allowed(terms, h->origin)) {
        refuse(out, UPGRADE_FORBIDDEN, "the origin is not one of websockets_origin");
    } else {
        *out =
            (struct upgrade_request){.status = UPGRADE_SWITCHING, .why = "", .protocol = protocol};
        memcpy(out->key, h->key.data, UPGRADE_KEY_CHARS);
    }
}

enum wilco_status
upgrade_request_read(struct upgrade_request *out, struct span bytes,
                     const struct upgrade_terms *terms)
{
    struct span head =
        span_first(bytes, bytes.len < UPGRADE_BYTES_MAX ? bytes.len : UPGRADE_BYTES_MAX);
    size_t len = head_bytes(head);
    struct headers headers;
    const char *why = NULL;
    struct span line;

    head = span_first(head, len > 0 ? len : head.len);
    if (!may_be_head(head)) {
        refuse(out, UPGRADE_BAD_REQUEST, "no HTTP");
        return WILCO_OK;
    }
    if (len == 0 && head.len < UPGRADE_BYTES_MAX) {
        return WILCO_AGAIN;
    }
    if (len == 0) {
        refuse(out, UPGRADE_TOO_LARGE, "the request is larger than 8 KiB");
        return WILCO_OK;
    }
    line = take_line(&head);
    if (!read_request_line(out, line, terms)) {
        return WILCO_OK;
    }
    why = read_headers(&headers, head);
    if (why != NULL) {
        refuse(out, UPGRADE_BAD_REQUEST, why);
        return WILCO_OK;
    }
    judge(out, &headers, terms);
    out->bytes = out->status == UPGRADE_SWITCHING ? len : 0;
    return WILCO_OK;
}

static const char *
phrase_of(enum upgrade_status status)
{
    switch (status) {
    case UPGRADE_SWITCHING: return "Switching Protocols";
    case UPGRADE_BAD_REQUEST: return "Bad Request";
    case UPGRADE_FORBIDDEN: return "Forbidden";
    case UPGRADE_NOT_FOUND: return "Not Found";
    case UPGRADE_BAD_METHOD: return "Method Not Allowed";
    case UPGRADE_REQUIRED: return "Upgrade Required";
    case UPGRADE_TOO_LARGE: return "Request Header Fields Too Large";
    }
    return "";
}

/* The headers that the status asks for. */
static const char *
headers_of(enum upgrade_status status)
{
    switch (status) {
    case UPGRADE_BAD_METHOD: return "Allow: GET\r\n";
    case UPGRADE_REQUIRED: return "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    default: return "";
    }
}

size_t
upgrade_answer_write(char out[UPGRADE_ANSWER_BYTES], const struct upgrade_request *r)
{
    char accept[UPGRADE_ACCEPT_CHARS + 1];
    int len = 0;

    if (r->status == UPGRADE_SWITCHING) {
        accept_of(r->key, accept);
        len = snprintf(out, UPGRADE_ANSWER_BYTES,
                       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                       "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
                       "Sec-WebSocket-Protocol: %s\r\n\r\n",
                       accept, r->protocol);
    } else {
        len = snprintf(out, UPGRADE_ANSWER_BYTES,
                       "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                       "Connection: %sclose\r\n%s\r\n%s\n",
                       (int)r->status, phrase_of(r->status), strlen(r->why) + 1,
                       r->status == UPGRADE_REQUIRED ? "Upgrade, " : "", headers_of(r->status),
                       r->why);
    }
    assert(len > 0 && (size_t)len < UPGRADE_ANSWER_BYTES);
    return (size_t)len;
}

/* ---- Client, who offers mqtt [MQTT-6.0.0-3] ---- */

static bool
path_is_valid(const char *path)
{
    for (size_t i = 0; path[i] != '\0'; i++) {
        if ((uint8_t)path[i] <= ' ' || (uint8_t)path[i] >= 0x7F || path[i] == '#') {
            return false;
        }
    }
    return path[0] == '/';
}

size_t
upgrade_request_write(char out[UPGRADE_REQUEST_BYTES], const struct upgrade_target *target,
                      const uint8_t random[16], char key[UPGRADE_KEY_CHARS + 1])
{
    bool is_v6 = strchr(target->host, ':') != NULL;
    char port[8] = "";
    int len = 0;

    if (!path_is_valid(target->path)) {
        return 0;
    }
    if (!target->is_default_port) {
        (void)snprintf(port, sizeof(port), ":%u", target->port & 0xFFFFU);
    }
    (void)EVP_EncodeBlock((unsigned char *)key, random, 16);
    len = snprintf(out, UPGRADE_REQUEST_BYTES,
                   "GET %s HTTP/1.1\r\nHost: %s%s%s%s\r\nUpgrade: websocket\r\n"
                   "Connection: Upgrade\r\nSec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n"
                   "Sec-WebSocket-Protocol: " PROTOCOL "\r\n\r\n",
                   target->path, is_v6 ? "[" : "", target->host, is_v6 ? "]" : "", port, key);
    return len > 0 && (size_t)len < UPGRADE_REQUEST_BYTES ? (size_t)len : 0;
}

/* What of a server's first line can be shown to people. */
static void
explain_status(char why[UPGRADE_WHY_BYTES], struct span line)
{
    size_t len = line.len < 80 ? line.len : 80;

    for (size_t i = 0; i < len; i++) {
        if (line.data[i] < ' ' || line.data[i] >= 0x7F) {
            len = i;
        }
    }
    (void)snprintf(why, UPGRADE_WHY_BYTES, "the server refuses WebSocket here: %.*s", (int)len,
                   line.len == 0 ? "" : (const char *)line.data);
}

static const char *
fault_of_answer(const struct headers *h, const char *key)
{
    char accept[UPGRADE_ACCEPT_CHARS + 1];

    accept_of(key, accept);
    if (!has_word(h->upgrade, "websocket") || !has_word(h->connection, "upgrade")) {
        return "the server's answer does not switch to WebSocket";
    }
    if (!span_equal(h->accept, span_of_text(accept))) {
        return "the server's Sec-WebSocket-Accept is not the one for our key";
    }
    if (!span_equal(h->protocol, SPAN_LITERAL(PROTOCOL))) {
        return "the server does not choose the subprotocol mqtt";
    }
    return NULL;
}

enum wilco_status
upgrade_answer_read(struct span bytes, const char *key, size_t *len, char why[UPGRADE_WHY_BYTES])
{
    struct span head =
        span_first(bytes, bytes.len < UPGRADE_BYTES_MAX ? bytes.len : UPGRADE_BYTES_MAX);
    size_t end = head_bytes(head);
    struct headers headers;
    const char *fault = NULL;
    struct span line;

    head = span_first(head, end > 0 ? end : head.len);
    if (!may_be_head(head) || (end == 0 && head.len == UPGRADE_BYTES_MAX)) {
        (void)snprintf(why, UPGRADE_WHY_BYTES, "the server does not answer in HTTP");
        return WILCO_EPROTOCOL;
    }
    if (end == 0) {
        return WILCO_AGAIN;
    }
    line = take_line(&head);
    if (line.len < 13 || memcmp(line.data, "HTTP/1.1 101 ", 13) != 0) {
        explain_status(why, line);
        return WILCO_EPROTOCOL;
    }
    fault = read_headers(&headers, head);
    if (fault == NULL) {
        fault = fault_of_answer(&headers, key);
    }
    if (fault != NULL) {
        (void)snprintf(why, UPGRADE_WHY_BYTES, "%s", fault);
        return WILCO_EPROTOCOL;
    }
    *len = end;
    return WILCO_OK;
}
