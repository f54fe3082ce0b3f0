#include "net/http_upgrade.h"
#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The example of RFC 6455 section 1.3. */
#define KEY    "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

#define HOST    "Host: h\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define SECURE  "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 13\r\n"
#define MQTT    "Sec-WebSocket-Protocol: mqtt\r\n"
#define GET     "GET /mqtt HTTP/1.1\r\n"
#define GOOD    GET HOST UPGRADE SECURE MQTT

#define ORIGINS "https://a.example http://b.example:8080"

static const struct row {
    const char *name, *text;
    unsigned status;
    const char *path, *origins, *protocol;
} rows[] = {
    {"as usual", GOOD "\r\n", 101, "", "", "mqtt"},
    {"any path", "GET /x?y=/z HTTP/1.1\r\n" HOST UPGRADE SECURE MQTT "\r\n", 101, "", "", "mqtt"},
    {"that path", GOOD "\r\n", 101, "/mqtt", "", "mqtt"},
    {"that path with a query", "GET /mqtt?token=1 HTTP/1.1\r\n" HOST UPGRADE SECURE MQTT "\r\n",
     101, "/mqtt", "", "mqtt"},
    {"frames behind it", GOOD "\r\n\x82\x80\r\n\r\n", 101, "", "", "mqtt"},
    {"several subprotocols", GET HOST UPGRADE SECURE "Sec-WebSocket-Protocol: soap ,\tMQTT\r\n\r\n",
     101, "", "", "mqtt"},
    {"mqttv3.1", GET HOST UPGRADE SECURE "Sec-WebSocket-Protocol: mqttv3.1\r\n\r\n", 101, "", "",
     "mqttv3.1"},
    {"mqtt before mqttv3.1",
     GET HOST UPGRADE SECURE "Sec-WebSocket-Protocol: mqttv3.1, mqtt\r\n\r\n", 101, "", "", "mqtt"},
    {"subprotocols in two headers",
     GET HOST UPGRADE SECURE "Sec-WebSocket-Protocol: soap\r\n" MQTT "\r\n", 101, "", "", "mqtt"},
    {"names in any case",
     GET "HOST:h\r\nupgrade:WebSocket\r\nCONNECTION: keep-alive, upgrade \r\n"
         "sec-websocket-key:" KEY "\r\nSEC-WEBSOCKET-VERSION:13\r\n" MQTT "\r\n",
     101, "", "", "mqtt"},
    {"extensions are not taken", GOOD "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n", 101,
     "", "", "mqtt"},
    {"an empty body", GOOD "Content-Length: 0\r\n\r\n", 101, "", "", "mqtt"},
    {"an allowed origin", GOOD "Origin: http://b.example:8080\r\n\r\n", 101, "", ORIGINS, "mqtt"},
    {"no origin, so no browser", GOOD "\r\n", 101, "", ORIGINS, "mqtt"},
    {"any origin", GOOD "Origin: https://evil.example\r\n\r\n", 101, "", "", "mqtt"},

    {"another origin", GOOD "Origin: https://evil.example\r\n\r\n", 403, "", ORIGINS, ""},
    {"a part of an origin", GOOD "Origin: https://a.example.evil\r\n\r\n", 403, "", ORIGINS, ""},
    {"two origins in one", GOOD "Origin: " ORIGINS "\r\n\r\n", 403, "", ORIGINS, ""},
    {"no origin at all", GOOD "Origin: null\r\n\r\n", 403, "", ORIGINS, ""},
    {"an empty origin", GOOD "Origin:\r\n\r\n", 403, "", ORIGINS, ""},
    {"another path", GOOD "\r\n", 404, "/other", "", ""},
    {"the beginning of the path", GOOD "\r\n", 404, "/mqtt/x", "", ""},
    {"more than the path", "GET /mqttx HTTP/1.1\r\n" HOST UPGRADE SECURE MQTT "\r\n", 404, "/mqtt",
     "", ""},
    {"POST", "POST /mqtt HTTP/1.1\r\n" HOST UPGRADE SECURE MQTT "\r\n", 405, "", "", ""},
    {"get", "get /mqtt HTTP/1.1\r\n" HOST UPGRADE SECURE MQTT "\r\n", 405, "", "", ""},
    {"a browser looks", GET HOST "\r\n", 426, "", "", ""},
    {"another protocol", GET HOST "Upgrade: h2c\r\nConnection: Upgrade\r\n" SECURE MQTT "\r\n", 426,
     "", "", ""},
    {"Connection does not say so", GET HOST "Upgrade: websocket\r\n" SECURE MQTT "\r\n", 426, "",
     "", ""},
    {"version 8",
     GET HOST UPGRADE MQTT "Sec-WebSocket-Key: " KEY "\r\nSec-WebSocket-Version: 8\r\n\r\n", 426,
     "", "", ""},
    {"no version", GET HOST UPGRADE MQTT "Sec-WebSocket-Key: " KEY "\r\n\r\n", 426, "", "", ""},

    {"no subprotocol", GET HOST UPGRADE SECURE "\r\n", 400, "", "", ""},
    {"another subprotocol", GET HOST UPGRADE SECURE "Sec-WebSocket-Protocol: mqttx\r\n\r\n", 400,
     "", "", ""},
    {"no key", GET HOST UPGRADE MQTT "Sec-WebSocket-Version: 13\r\n\r\n", 400, "", "", ""},
    {"a short key",
     GET HOST UPGRADE MQTT "Sec-WebSocket-Key: AAAA\r\nSec-WebSocket-Version: 13\r\n\r\n", 400, "",
     "", ""},
    {"a key that is no base64",
     GET HOST UPGRADE MQTT
     "Sec-WebSocket-Key: dGhl!HNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
     400, "", "", ""},
    {"two keys", GOOD "Sec-WebSocket-Key: " KEY "\r\n\r\n", 400, "", "", ""},
    {"two hosts", GOOD HOST "\r\n", 400, "", "", ""},
    {"two origins", GOOD "Origin: http://a\r\nOrigin: http://a\r\n\r\n", 400, "", "", ""},
    {"no host", GET UPGRADE SECURE MQTT "\r\n", 400, "", "", ""},
    {"a body", GOOD "Content-Length: 4\r\n\r\n", 400, "", "", ""},
    {"a body of unknown length", GOOD "Transfer-Encoding: chunked\r\n\r\n", 400, "", "", ""},
    {"HTTP/1.0", "GET /mqtt HTTP/1.0\r\n" HOST UPGRADE SECURE MQTT "\r\n", 400, "", "", ""},
    {"HTTP/1.11", "GET /mqtt HTTP/1.11\r\n" HOST UPGRADE SECURE MQTT "\r\n", 400, "", "", ""},
    {"no version of HTTP", "GET /mqtt\r\n" HOST UPGRADE SECURE MQTT "\r\n", 400, "", "", ""},
    {"a word too many", "GET /mqtt x HTTP/1.1\r\n" HOST UPGRADE SECURE MQTT "\r\n", 400, "", "",
     ""},
    {"no path", "GET  HTTP/1.1\r\n" HOST UPGRADE SECURE MQTT "\r\n", 400, "", "", ""},
    {"a URL as path", "GET http://h/mqtt HTTP/1.1\r\n" HOST UPGRADE SECURE MQTT "\r\n", 400, "", "",
     ""},
    {"an empty line first", "\r\n\r\n" GOOD "\r\n", 400, "", "", ""},
    {"a line without a colon", GOOD "what\r\n\r\n", 400, "", "", ""},
    {"a line without a name", GOOD ": what\r\n\r\n", 400, "", "", ""},
    {"a blank before the colon", GET "Host : h\r\n" UPGRADE SECURE MQTT "\r\n", 400, "", "", ""},
    {"a header that goes on", GOOD " more: x\r\n\r\n", 400, "", "", ""},
    {"lines without CR", "GET /mqtt HTTP/1.1\nHost: h\n\n", 400, "", "", ""},
    {"CR inside a line", GET "Host: a\rb\r\n\r\n", 400, "", "", ""},
    {"MQTT", "\x10\x0c\0\4MQTT", 400, "", "", ""},
    {"TLS", "\x16\x03\x01\x02", 400, "", "", ""},
};

static struct upgrade_terms
terms_of(const struct row *row)
{
    struct upgrade_terms terms = {.path = ""};

    (void)snprintf(terms.path, sizeof(terms.path), "%s", row->path);
    (void)snprintf(terms.origins, sizeof(terms.origins), "%s", row->origins);
    return terms;
}

static void
requests_and_their_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct upgrade_terms terms = terms_of(&rows[i]);
        struct upgrade_request r = {.status = 0};
        struct span text = bytes_copy(span_of_text(rows[i].text));
        char answer[UPGRADE_ANSWER_BYTES];
        char first[32];

        print_message("%s\n", rows[i].name);
        assert_int_equal(upgrade_request_read(&r, text, &terms), WILCO_OK);
        assert_int_equal(r.status, rows[i].status);
        assert_string_equal(r.protocol, rows[i].protocol);
        assert_int_equal(r.why[0] == '\0', r.status == UPGRADE_SWITCHING);
        (void)upgrade_answer_write(answer, &r);
        (void)snprintf(first, sizeof(first), "HTTP/1.1 %u ", rows[i].status);
        assert_memory_equal(answer, first, strlen(first));
        assert_non_null(strstr(answer, "\r\n\r\n"));
        bytes_free(text);
    }
}

/* A request that is good asks for more at each byte but the last, and reads no byte behind it. */
static void
a_request_in_pieces(void **state)
{
    struct span text = SPAN_LITERAL(GOOD "Origin: http://x\r\n\r\n");
    const struct upgrade_terms terms = {.path = ""};
    struct upgrade_request r;

    (void)state;
    for (size_t len = 0; len <= text.len; len++) {
        struct span part = bytes_copy(span_first(text, len));
        enum wilco_status st = upgrade_request_read(&r, part, &terms);

        assert_int_equal(st, len < text.len ? WILCO_AGAIN : WILCO_OK);
        bytes_free(part);
    }
    assert_int_equal(r.status, UPGRADE_SWITCHING);
    assert_int_equal(r.bytes, text.len);
}

/* It says mqtt [MQTT-6.0.0-4]. */
static void
the_answer_of_the_standard(void **state)
{
    const struct upgrade_terms terms = {.path = ""};
    struct upgrade_request r;
    char answer[UPGRADE_ANSWER_BYTES];

    (void)state;
    assert_int_equal(upgrade_request_read(&r, SPAN_LITERAL(GOOD "\r\n\x82"), &terms), WILCO_OK);
    assert_int_equal(r.bytes, strlen(GOOD "\r\n"));
    (void)upgrade_answer_write(answer, &r);
    assert_non_null(strstr(answer, "\r\nSec-WebSocket-Accept: " ACCEPT "\r\n"));
    assert_non_null(strstr(answer, "\r\nSec-WebSocket-Protocol: mqtt\r\n"));
    assert_null(strstr(answer, "Extensions"));
}

static void
what_a_refusal_must_name(void **state)
{
    struct upgrade_request r = {.status = UPGRADE_REQUIRED, .why = "because"};
    char answer[UPGRADE_ANSWER_BYTES];

    (void)state;
    (void)upgrade_answer_write(answer, &r);
    assert_non_null(strstr(answer, "\r\nSec-WebSocket-Version: 13\r\n"));
    assert_non_null(strstr(answer, "\r\nContent-Length: 8\r\n"));
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\nbecause\n");
    r.status = UPGRADE_BAD_METHOD;
    (void)upgrade_answer_write(answer, &r);
    assert_non_null(strstr(answer, "\r\nAllow: GET\r\n"));
}

/* UPGRADE_BYTES_MAX with everything. */
static void
the_largest_request(void **state)
{
    static char text[UPGRADE_BYTES_MAX + 10];
    const struct upgrade_terms terms = {.path = ""};
    struct upgrade_request r;
    size_t len = strlen(GOOD "X: ");

    (void)state;
    memset(text, 'x', sizeof(text));
    memcpy(text, GOOD "X: ", len);
    memcpy(text + UPGRADE_BYTES_MAX - 4, "\r\n\r\n", 4);
    assert_int_equal(upgrade_request_read(&r, span_of(text, UPGRADE_BYTES_MAX - 1), &terms),
                     WILCO_AGAIN);
    assert_int_equal(upgrade_request_read(&r, span_of(text, sizeof(text)), &terms), WILCO_OK);
    assert_int_equal(r.status, UPGRADE_SWITCHING);
    assert_int_equal(r.bytes, UPGRADE_BYTES_MAX);
    memset(text + UPGRADE_BYTES_MAX - 4, 'x', 4);
    memcpy(text + UPGRADE_BYTES_MAX - 3, "\r\n\r\n", 4);
    assert_int_equal(upgrade_request_read(&r, span_of(text, sizeof(text)), &terms), WILCO_OK);
    assert_int_equal(r.status, UPGRADE_TOO_LARGE);
}

static const struct {
    const char *host, *path;
    unsigned port;
    bool is_default_port;
    const char *want; /* NULL: cannot be asked for */
} targets[] = {
    {"h.example", "/mqtt", 8083, false, "GET /mqtt HTTP/1.1\r\nHost: h.example:8083\r\n"},
    {"h.example", "/a?b=c", 80, true, "GET /a?b=c HTTP/1.1\r\nHost: h.example\r\n"},
    {"::1", "/", 1, false, "GET / HTTP/1.1\r\nHost: [::1]:1\r\n"},
    {"h", "/a b", 80, true, NULL},
    {"h", "/a\r\nX: y", 80, true, NULL},
    {"h", "/\xC3\xA4", 80, true, NULL},
    {"h", "/a#b", 80, true, NULL},
    {"h", "mqtt", 80, true, NULL},
};

/* It offers mqtt [MQTT-6.0.0-3], which our server insists on. */
static void
what_a_client_asks(void **state)
{
    const struct upgrade_terms terms = {.path = ""};

    (void)state;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        const struct upgrade_target target = {.host = targets[i].host,
                                              .path = targets[i].path,
                                              .port = targets[i].port,
                                              .is_default_port = targets[i].is_default_port};
        struct upgrade_request r;
        char text[UPGRADE_REQUEST_BYTES];
        char key[UPGRADE_KEY_CHARS + 1];
        size_t len = upgrade_request_write(text, &target, (const uint8_t *)"the sample nonce", key);

        assert_int_equal(len > 0, targets[i].want != NULL);
        if (len > 0) {
            assert_memory_equal(text, targets[i].want, strlen(targets[i].want));
            assert_string_equal(key, KEY);
            assert_int_equal(upgrade_request_read(&r, span_of(text, len), &terms), WILCO_OK);
            assert_int_equal(r.status, UPGRADE_SWITCHING);
            assert_int_equal(r.bytes, len);
        }
    }
}

#define SWITCH "HTTP/1.1 101 Whatever\r\n" UPGRADE
#define TAKES  "Sec-WebSocket-Accept: " ACCEPT "\r\n"

static const struct {
    const char *text;
    enum wilco_status want;
    const char *why; /* a part of it */
} answers[] = {
    {SWITCH TAKES MQTT "\r\n", WILCO_OK, ""},
    {SWITCH TAKES MQTT "Server: x\r\n\r\n\x82", WILCO_OK, ""},
    {SWITCH TAKES "\r\n", WILCO_EPROTOCOL, "subprotocol"},
    {SWITCH TAKES "Sec-WebSocket-Protocol: soap\r\n\r\n", WILCO_EPROTOCOL, "subprotocol"},
    {SWITCH MQTT "\r\n", WILCO_EPROTOCOL, "Accept"},
    {SWITCH MQTT "Sec-WebSocket-Accept: " KEY "\r\n\r\n", WILCO_EPROTOCOL, "Accept"},
    {"HTTP/1.1 101 Switching\r\n" TAKES MQTT "\r\n", WILCO_EPROTOCOL, "switch"},
    {"HTTP/1.1 404 Not Found\r\n\r\n", WILCO_EPROTOCOL, "404 Not Found"},
    {"HTTP/1.1 302 \x80\r\n\r\n", WILCO_EPROTOCOL, "302"},
    {"\x20\x02\0\0", WILCO_EPROTOCOL, "HTTP"},
    {SWITCH TAKES TAKES MQTT "\r\n", WILCO_EPROTOCOL, "twice"},
};

static void
what_servers_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        char why[UPGRADE_WHY_BYTES] = "";
        struct span text = span_of_text(answers[i].text);
        const char *end = strstr(answers[i].text, "\r\n\r\n");
        size_t len = 0;

        print_message("%s\n", answers[i].why);
        for (size_t cut = 0; end != NULL && cut < (size_t)(end - answers[i].text) + 4; cut++) {
            struct span part = bytes_copy(span_first(text, cut));

            assert_int_equal(upgrade_answer_read(part, KEY, &len, why), WILCO_AGAIN);
            bytes_free(part);
        }
        assert_int_equal(upgrade_answer_read(text, KEY, &len, why), answers[i].want);
        assert_non_null(strstr(why, answers[i].why));
        if (answers[i].want == WILCO_OK) {
            assert_int_equal(len, end + 4 - answers[i].text);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_and_their_answers), cmocka_unit_test(a_request_in_pieces),
        cmocka_unit_test(the_answer_of_the_standard), cmocka_unit_test(what_a_refusal_must_name),
        cmocka_unit_test(the_largest_request),        cmocka_unit_test(what_a_client_asks),
        cmocka_unit_test(what_servers_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
