#include "fixture.h"
#include "mqtt_peer.h"
#include "net/websocket_input.h"
#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

/* MQTT in frames of every size, at a listener. What a client does here is bytes on a socket. */

#define REQUEST(path, more)                                                                        \
    "GET " path " HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"            \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"                 \
    "Sec-WebSocket-Protocol: mqtt\r\n" more "\r\n"

#define CONNECT     "10 [ 0004 'MQTT' 05 02 0000 00 0000 ]"
#define SUBSCRIBE   "82 [ 0001 00 0001 't' 00 ]"
#define PUBLISH     "30 [ 0001 't' 00 'twenty-four bytes, as told' ]"
#define ALL         CONNECT SUBSCRIBE PUBLISH PUBLISH
#define FRAMES_MAX  4096U
#define FRAME_BYTES 6U /* of head, with a mask of zeroes */

struct client {
    struct mqtt_peer peer;
    struct websocket_input input;
    uint8_t got[4096]; /* payload of the server's frames */
    size_t len;
    unsigned close_code;
};

static struct server *
start(unsigned shards, const char *url, const char *origins)
{
    struct transport_options options = {.is_websocket = false};
    struct server_config config = fixture_config(shards);

    (void)snprintf(options.websocket_origins, sizeof(options.websocket_origins), "%s", origins);
    config.listen = &url;
    config.transports = &options;
    return fixture_start_with(&config);
}

/* The answer to a request, up to its empty line. */
static void
read_head(struct client *c, char out[1024])
{
    size_t len = 0;

    while (len < 1023 && (len < 4 || memcmp(out + len - 4, "\r\n\r\n", 4) != 0)) {
        assert_int_equal(recv(c->peer.fd, out + len, 1, 0), 1);
        len++;
    }
    out[len] = '\0';
}

static void
client_open(struct client *c, const struct server *s, const char *request)
{
    *c = (struct client){.len = 0};
    mqtt_peer_open(&c->peer, fixture_address(s));
    websocket_input_init(&c->input, alloc_system(), false);
    mqtt_peer_send_bytes(&c->peer, span_of_text(request));
}

static void
client_close(struct client *c)
{
    websocket_input_fini(&c->input);
    mqtt_peer_close(&c->peer);
}

/* Until there are `bytes` of payload, or the server has closed. */
static void
client_read(struct client *c, size_t bytes)
{
    ssize_t n = 1;

    while (n > 0 && c->len < bytes) {
        uint8_t *place = c->got + c->len;
        struct websocket_news news = {.bytes = 0};

        n = recv(c->peer.fd, place, sizeof(c->got) - c->len, 0);
        if (n > 0) {
            assert_int_equal(websocket_input_feed(&c->input, place, (size_t)n, &news), WILCO_OK);
            c->len += news.bytes;
            c->close_code = news.has_close ? news.close_code : c->close_code;
        }
    }
}

/* Cuts `bytes` into frames of `step` bytes; the last one of each `fragments` ends a message. */
static struct span
frames_of(uint8_t out[FRAMES_MAX], struct span bytes, size_t step, unsigned fragments)
{
    size_t len = 0;
    unsigned part = 0;

    while (bytes.len > 0) {
        size_t n = bytes.len < step ? bytes.len : step;
        bool is_first = part == 0;

        part = n == bytes.len || part + 1 == fragments ? 0 : part + 1;
        out[len] = (uint8_t)((part == 0 ? 0x80 : 0) | (is_first ? 2 : 0));
        out[len + 1] = (uint8_t)(0x80 | n);
        memset(out + len + 2, 0, 4);
        memcpy(out + len + FRAME_BYTES, bytes.data, n);
        len += FRAME_BYTES + n;
        bytes = span_skip(bytes, n);
    }
    return span_of(out, len);
}

/* CONNACK, SUBACK and the message twice, however they come. */
static void
expect_answers(struct client *c)
{
    struct span tail = bytes_from("90 [ 0001 00 00 ]" PUBLISH PUBLISH);
    size_t connack = 0;

    client_read(c, 2);
    assert_int_equal(c->got[0], 0x20);
    connack = 2U + c->got[1];
    client_read(c, connack + tail.len);
    assert_int_equal(c->len, connack + tail.len);
    assert_memory_equal(c->got + connack, tail.data, tail.len);
    bytes_free(tail);
}

/* Both say Close. */
static void
part(struct client *c)
{
    mqtt_peer_send_bytes(&c->peer, SPAN_LITERAL("\x88\x80\0\0\0\0"));
    client_read(c, SIZE_MAX);
    assert_int_equal(c->close_code, WEBSOCKET_CLOSE_NORMAL);
}

/* Packets and frames have nothing to do with each other [MQTT-6.0.0-2]: a Remaining Length that is
 * larger than the frame it came in (NanoMQ CVE-2026-25627) waits for the next frame. */
static void
packets_over_frames(void **state)
{
    struct server *s = start(*(unsigned *)*state, "ws://127.0.0.1:0/mqtt", "");
    struct span bytes = bytes_from(ALL);
    uint8_t frames[FRAMES_MAX];

    for (size_t step = 1; step <= bytes.len && step < 126; step += step < 8 ? 1 : 13) {
        for (unsigned fragments = 1; fragments <= 3; fragments++) {
            struct client c;
            char head[1024];

            client_open(&c, s, REQUEST("/mqtt", ""));
            mqtt_peer_send_bytes(&c.peer, frames_of(frames, bytes, step, fragments));
            read_head(&c, head);
            assert_memory_equal(head, "HTTP/1.1 101 ", 13);
            expect_answers(&c);
            part(&c);
            client_close(&c);
        }
    }
    bytes_free(bytes);
    server_stop(s);
}

static const struct {
    const char *name;
    const char *frames;
    unsigned close_code;
} faults[] = {
    {"text", "81 81 00000000 'a'", WEBSOCKET_CLOSE_UNSUPPORTED},
    {"not masked", "82 01 'a'", WEBSOCKET_CLOSE_PROTOCOL},
    {"reserved bit", "C2 81 00000000 'a'", WEBSOCKET_CLOSE_PROTOCOL},
    {"ping in parts", "09 80 00000000", WEBSOCKET_CLOSE_PROTOCOL},
    {"2^63 bytes", "82 FF 8000000000000000", WEBSOCKET_CLOSE_PROTOCOL},
    {"malformed MQTT", "82 82 00000000 F0 00", WEBSOCKET_CLOSE_NORMAL},
    {"close in the middle of a packet", "82 82 00000000 30 09 88 82 00000000 03E8",
     WEBSOCKET_CLOSE_NORMAL},
};

static void
faults_end_a_connection(void **state)
{
    struct server *s = start(*(unsigned *)*state, "ws://127.0.0.1:0", "");
    struct span connect = bytes_from(CONNECT);
    uint8_t frames[FRAMES_MAX];

    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct span bytes = bytes_from(faults[i].frames);
        struct client c;
        char head[1024];

        print_message("%s\n", faults[i].name);
        client_open(&c, s, REQUEST("/any", ""));
        mqtt_peer_send_bytes(&c.peer, frames_of(frames, connect, 125, 1));
        read_head(&c, head);
        client_read(&c, 1);
        assert_int_equal(c.got[0], 0x20);
        mqtt_peer_send_bytes(&c.peer, bytes);
        client_read(&c, SIZE_MAX);
        assert_int_equal(c.close_code, faults[i].close_code);
        client_close(&c);
        bytes_free(bytes);
    }
    bytes_free(connect);
    server_stop(s);
}

static const struct {
    const char *request;
    const char *answer;
} refusals[] = {
    {REQUEST("/mqtt", "Origin: https://evil.example\r\n"), "HTTP/1.1 403 "},
    {REQUEST("/other", ""), "HTTP/1.1 404 "},
    {"GET /mqtt HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 426 "},
    {"\x10\x0C", "HTTP/1.1 400 "},
    {REQUEST("/mqtt", "Origin: https://a.example\r\n"), "HTTP/1.1 101 "},
};

static void
requests_that_are_refused(void **state)
{
    struct server *s = start(*(unsigned *)*state, "ws://127.0.0.1:0/mqtt", "https://a.example");

    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct client c;
        char head[1024];

        client_open(&c, s, refusals[i].request);
        read_head(&c, head);
        assert_memory_equal(head, refusals[i].answer, strlen(refusals[i].answer));
        client_close(&c);
    }
    server_stop(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SHARDS(packets_over_frames, 1),
        ON_SHARDS(packets_over_frames, 4),
        ON_SHARDS(faults_end_a_connection, 1),
        ON_SHARDS(requests_that_are_refused, 2),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
