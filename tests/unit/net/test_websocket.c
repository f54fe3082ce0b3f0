#include "net/websocket.h"
#include "support/bytes.h"
#include "support/counting_alloc.h"
#include "support/failing_alloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* One end is a WebSocket, at the other we write and read its bytes as they are. That it is a stream
 * as all others is for test_stream.c. */

#define REQUEST                                                                                    \
    "GET /mqtt HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"               \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"                 \
    "Sec-WebSocket-Protocol: mqtt\r\n\r\n"
#define PIPE_BYTES 20000U

static const struct upgrade_terms terms = {.path = "/mqtt"};

struct bench {
    struct stream *socket; /* the server */
    struct stream *wire;   /* its client, bytes as they are */
};

static void
bench_open(struct bench *b, const struct wilco_alloc *a, size_t pipe_bytes)
{
    struct stream *ends[2];

    assert_int_equal(stream_memory_pair(ends, alloc_system(), pipe_bytes), WILCO_OK);
    b->socket = websocket_serve(ends[0], &terms, a);
    assert_non_null(b->socket);
    b->wire = ends[1];
}

static void
bench_close(struct bench *b)
{
    stream_close(b->socket);
    stream_close(b->wire);
}

static void
put(struct stream *s, struct span bytes)
{
    size_t len = 0;

    assert_int_equal(stream_write(s, &bytes, 1, &len), WILCO_OK);
    assert_int_equal(len, bytes.len);
}

static void
put_text(struct stream *s, const char *text)
{
    struct span bytes = bytes_from(text);

    put(s, bytes);
    bytes_free(bytes);
}

static enum wilco_status
get(struct stream *s, char out[256])
{
    size_t len = 0;
    enum wilco_status st = stream_read(s, out, 255, &len);

    out[st == WILCO_OK ? len : 0] = '\0';
    return st;
}

static void
expect(struct stream *s, const char *text)
{
    struct span want = bytes_from(text);
    char got[256];
    size_t len = 0;

    assert_int_equal(stream_read(s, got, sizeof(got), &len), WILCO_OK);
    assert_true(span_equal(span_of(got, len), want));
    bytes_free(want);
}

/* The handshake is over. */
static void
bench_greet(struct bench *b)
{
    char got[256];

    put(b->wire, SPAN_LITERAL(REQUEST));
    assert_int_equal(stream_shake_hands(b->socket), WILCO_OK);
    assert_int_equal(get(b->wire, got), WILCO_OK);
    assert_memory_equal(got, "HTTP/1.1 101 ", 13);
}

static void
frames_in_the_segment_of_the_request(void **state)
{
    struct bench b;
    char got[256];

    (void)state;
    bench_open(&b, alloc_system(), PIPE_BYTES);
    put(b.wire, SPAN_LITERAL(REQUEST "\x82\x81\0\0\0\0a\x82\x82\0\0\0\0bc"));
    assert_int_equal(stream_shake_hands(b.socket), WILCO_OK);
    assert_true(stream_has_pending(b.socket));
    assert_int_equal(get(b.socket, got), WILCO_OK);
    assert_string_equal(got, "abc");
    assert_false(stream_has_pending(b.socket));
    assert_int_equal(get(b.socket, got), WILCO_AGAIN);
    bench_close(&b);
}

/* Byte for byte, everything arrives. */
static void
the_whole_connection_in_bytes(void **state)
{
    struct span bytes = SPAN_LITERAL(REQUEST "\x02\x81\1\2\3\4a\x89\x82\0\0\0\0hi\x80\x83\0\0\0\0"
                                             "bcd");
    struct bench b;
    char all[16] = "";
    char got[256];

    (void)state;
    bench_open(&b, alloc_system(), PIPE_BYTES);
    for (size_t i = 0; i < bytes.len; i++) {
        put(b.wire, span_first(span_skip(bytes, i), 1));
        if (get(b.socket, got) == WILCO_OK) {
            assert_true(strlen(all) + strlen(got) < sizeof(all));
            memcpy(all + strlen(all), got, strlen(got) + 1);
        }
    }
    assert_string_equal(all, "`bcd"); /* 'a' with its mask */
    assert_int_equal(get(b.wire, got), WILCO_OK);
    assert_string_equal(strstr(got, "\r\n\r\n"), "\r\n\r\n\x8A\x02hi");
    bench_close(&b);
}

static void
a_write_is_a_frame(void **state)
{
    static uint8_t large[70000];
    const struct span spans[] = {SPAN_INIT("ab"), SPAN_INIT(""), SPAN_INIT("cde")};
    struct span one = span_of(large, 126);
    struct bench b;
    size_t len = 0;
    uint8_t head[10];

    (void)state;
    bench_open(&b, alloc_system(), 100000);
    bench_greet(&b);
    assert_int_equal(stream_write(b.socket, spans, 3, &len), WILCO_OK);
    assert_int_equal(len, 5);
    expect(b.wire, "82 05 'abcde'");
    put(b.socket, one);
    assert_int_equal(stream_read(b.wire, head, 4, &len), WILCO_OK);
    assert_memory_equal(head, "\x82\x7E\x00\x7E", 4);
    assert_int_equal(stream_read(b.wire, large, 126, &len), WILCO_OK);
    put(b.socket, span_of(large, sizeof(large)));
    assert_int_equal(stream_read(b.wire, head, 10, &len), WILCO_OK);
    assert_memory_equal(head, "\x82\x7F\0\0\0\0\0\x01\x11\x70", 10);
    bench_close(&b);
}

/* A hundred thousand pings of somebody who reads no answer: one is kept. */
static void
a_flood_of_pings_is_answered_once(void **state)
{
    struct counting_alloc a;
    struct bench b;
    size_t before = 0;
    size_t len = 0;
    uint8_t byte = 0;
    uint8_t got[256];

    (void)state;
    counting_alloc_init(&a);
    bench_open(&b, &a.alloc, 1000);
    bench_greet(&b);
    before = a.bytes;
    for (int i = 0; i < 10000; i++) {
        for (int k = 0; k < 10; k++) {
            put_text(b.wire, "89 84 00000000 'ping'");
        }
        assert_int_equal(stream_read(b.socket, &byte, 1, &len), WILCO_AGAIN);
        assert_true(a.bytes - before < 6000);
    }
    while (stream_read(b.wire, got, sizeof(got), &len) == WILCO_OK) {
        continue;
    }
    assert_int_equal(stream_read(b.socket, &byte, 1, &len), WILCO_AGAIN);
    assert_true(stream_read(b.wire, got, sizeof(got), &len) == WILCO_OK);
    assert_true(len < 12); /* what was begun, and the last one */
    assert_int_equal(a.bytes, before);
    bench_close(&b);
}

static void
a_ping_waits_for_the_end_of_a_frame(void **state)
{
    uint8_t bytes[100] = {0};
    struct bench b;
    char got[256];
    size_t len = 0;
    struct span rest = span_of(bytes, 100);

    (void)state;
    bench_open(&b, alloc_system(), sizeof(REQUEST));
    bench_greet(&b);
    put_text(b.wire, "89 81 00000000 'p'");
    assert_int_equal(stream_write(b.socket, &rest, 1, &len), WILCO_OK);
    rest = span_skip(rest, len);
    put(b.socket, rest); /* fits, for the pipe is larger */
    assert_int_equal(get(b.socket, got), WILCO_AGAIN);
    assert_int_equal(stream_read(b.wire, got, 102, &len), WILCO_OK);
    assert_int_equal(get(b.wire, got), WILCO_OK);
    assert_memory_equal(got, "\x8A\x01p", 3);
    bench_close(&b);
}

static const struct {
    const char *name, *frame, *payload;
    const char *close;
    enum wilco_status status;
} ends[] = {
    {"text", "81 81 00000000 'a'", "", "88 02 03EB", WILCO_EIO},
    {"not masked", "82 01 'a'", "", "88 02 03EA", WILCO_EIO},
    {"2^63 bytes", "82 FF 8000000000000000", "", "88 02 03EA", WILCO_EIO},
    {"after something right", "82 81 00000000 'a' 81 81 00000000 'b'", "a", "88 02 03EB",
     WILCO_EIO},
};

static void
faults_are_told_to_the_peer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct span bytes = SPAN_LITERAL("x");
        struct bench b;
        char got[256];
        size_t len = 0;

        print_message("%s\n", ends[i].name);
        bench_open(&b, alloc_system(), PIPE_BYTES);
        bench_greet(&b);
        put_text(b.wire, ends[i].frame);
        if (ends[i].payload[0] != '\0') {
            assert_int_equal(get(b.socket, got), WILCO_OK);
            assert_string_equal(got, ends[i].payload);
            assert_true(stream_has_pending(b.socket));
        }
        assert_int_equal(get(b.socket, got), ends[i].status);
        assert_int_equal(errno, EPROTO);
        assert_true(stream_why(b.socket)[0] != '\0');
        assert_false(stream_has_pending(b.socket));
        expect(b.wire, ends[i].close);
        assert_int_equal(stream_write(b.socket, &bytes, 1, &len), WILCO_ECLOSED);
        assert_int_equal(get(b.socket, got), ends[i].status);
        bench_close(&b);
    }
}

static void
the_closing_handshake(void **state)
{
    struct bench b;
    char got[256];

    (void)state;
    bench_open(&b, alloc_system(), PIPE_BYTES); /* the client begins */
    bench_greet(&b);
    put_text(b.wire, "88 82 00000000 03E9");
    assert_int_equal(get(b.socket, got), WILCO_ECLOSED);
    put(b.socket, SPAN_LITERAL("b")); /* our side is still open */
    expect(b.wire, "82 01 'b'");
    stream_close(b.socket);
    expect(b.wire, "88 02 03E8");
    assert_int_equal(get(b.wire, got), WILCO_ECLOSED);
    stream_close(b.wire);

    bench_open(&b, alloc_system(), PIPE_BYTES); /* together with something else: it is answered */
    bench_greet(&b);
    put_text(b.wire, "82 81 00000000 'a' 88 82 00000000 03E9");
    assert_int_equal(get(b.socket, got), WILCO_OK);
    assert_true(stream_has_pending(b.socket));
    expect(b.wire, "88 02 03E8");
    assert_int_equal(get(b.wire, got), WILCO_ECLOSED);
    assert_int_equal(get(b.socket, got), WILCO_ECLOSED);
    bench_close(&b);

    bench_open(&b, alloc_system(), PIPE_BYTES); /* the server begins */
    bench_greet(&b);
    b.socket->ops->finish(b.socket);
    expect(b.wire, "88 02 03E8");
    put_text(b.wire, "82 81 00000000 'a' 88 82 00000000 03E8");
    assert_int_equal(get(b.socket, got), WILCO_OK);
    assert_int_equal(get(b.socket, got), WILCO_ECLOSED);
    bench_close(&b);
}

/* Finished while nothing can be written: reading gets Close out later. */
static void
close_that_must_wait(void **state)
{
    static uint8_t bytes[1000];
    struct span all = span_of(bytes, sizeof(bytes));
    struct bench b;
    char got[256];
    size_t len = 0;

    (void)state;
    bench_open(&b, alloc_system(), 500);
    bench_greet(&b);
    put_text(b.wire, "82 81 00000000 'a'");
    all.len = 496; /* and four bytes of head fill the pipe */
    put(b.socket, all);
    b.socket->ops->finish(b.socket);
    assert_int_equal(stream_interest(b.socket, false), STREAM_READABLE | STREAM_WRITABLE);
    while (stream_read(b.wire, bytes, sizeof(bytes), &len) == WILCO_OK) {
        continue;
    }
    assert_int_equal(get(b.socket, got), WILCO_OK);
    expect(b.wire, "88 02 03E8");
    assert_int_equal(get(b.wire, got), WILCO_ECLOSED);
    assert_int_equal(stream_interest(b.socket, false), STREAM_READABLE);
    bench_close(&b);
}

static void
who_is_refused_hears_why(void **state)
{
    struct bench b;
    char got[256];

    (void)state;
    bench_open(&b, alloc_system(), PIPE_BYTES);
    put(b.wire, SPAN_LITERAL("GET /other HTTP/1.1\r\nHost: h\r\n\r\nand more"));
    assert_int_equal(get(b.socket, got), WILCO_AGAIN); /* until the client has read it */
    assert_int_equal(get(b.wire, got), WILCO_OK);
    assert_memory_equal(got, "HTTP/1.1 404 ", 13);
    assert_int_equal(get(b.wire, got), WILCO_ECLOSED);
    assert_int_equal(get(b.socket, got), WILCO_AGAIN);
    b.wire->ops->finish(b.wire);
    assert_int_equal(get(b.socket, got), WILCO_EIO);
    assert_int_equal(errno, EPROTO);
    assert_memory_equal(stream_why(b.socket), "404: ", 5);
    bench_close(&b);
}

/* WEBSOCKET_REFUSED_BYTES_MAX */
static void
who_is_refused_may_not_go_on_for_ever(void **state)
{
    static uint8_t bytes[PIPE_BYTES];
    struct bench b;
    char got[256];
    enum wilco_status st = WILCO_AGAIN;
    size_t sent = 0;

    (void)state;
    bench_open(&b, alloc_system(), PIPE_BYTES);
    put(b.wire, SPAN_LITERAL("GET /other HTTP/1.1\r\nHost: h\r\n\r\n"));
    while (st == WILCO_AGAIN) {
        st = get(b.socket, got);
        if (st == WILCO_AGAIN) {
            put(b.wire, span_of(bytes, 10000));
            sent += 10000;
        }
    }
    assert_int_equal(st, WILCO_EIO);
    assert_true(sent >= WEBSOCKET_REFUSED_BYTES_MAX);
    assert_true(sent < WEBSOCKET_REFUSED_BYTES_MAX + 20000);
    bench_close(&b);
}

/* ---- Clients ---- */

static const struct upgrade_target target = {.host = "h", .path = "/mqtt", .port = 80};

static const struct {
    const char *answer, *why;
} lies[] = {
    {"HTTP/1.1 404 Not Found\r\n\r\n", "404 Not Found"},
    {"HTTP/1.1 101 Yes\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
     "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n",
     "Sec-WebSocket-Accept"},
    {"\x20\x02", "HTTP"},
};

static void
a_client_believes_no_other_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct stream *pair[2];
        struct stream *client = NULL;
        char got[256];

        assert_int_equal(stream_memory_pair(pair, alloc_system(), PIPE_BYTES), WILCO_OK);
        client = websocket_connect(pair[0], &target, random_system(), alloc_system());
        assert_non_null(client);
        assert_int_equal(stream_shake_hands(client), WILCO_AGAIN);
        put(pair[1], span_of_text(lies[i].answer));
        assert_int_equal(stream_shake_hands(client), WILCO_EIO);
        assert_non_null(strstr(stream_why(client), lies[i].why));
        assert_int_equal(get(client, got), WILCO_EIO);
        stream_close(client);
        stream_close(pair[1]);
    }
}

/* The mask is another one for each frame, and is not zero for all of them. */
static void
a_client_masks(void **state)
{
    struct stream *pair[2];
    struct stream *client = NULL;
    struct stream *server = NULL;
    struct random_seeded random;
    uint8_t frames[3][9];
    size_t len = 0;

    (void)state;
    random_seeded_init(&random, 7);
    assert_int_equal(stream_memory_pair(pair, alloc_system(), PIPE_BYTES), WILCO_OK);
    client = websocket_connect(pair[0], &target, &random.source, alloc_system());
    assert_non_null(client);
    assert_int_equal(stream_shake_hands(client), WILCO_AGAIN);
    server = websocket_serve(pair[1], &terms, alloc_system());
    assert_non_null(server);
    assert_int_equal(stream_shake_hands(server), WILCO_OK);
    assert_int_equal(stream_shake_hands(client), WILCO_OK);
    for (size_t i = 0; i < 3; i++) {
        put(client, SPAN_LITERAL("abc"));
        assert_int_equal(stream_read(pair[1], frames[i], 9, &len), WILCO_OK);
        assert_int_equal(len, 9);
        assert_memory_equal(frames[i], "\x82\x83", 2);
        assert_int_equal(frames[i][6] ^ frames[i][2], 'a');
        assert_int_equal(frames[i][8] ^ frames[i][4], 'c');
        assert_true(i == 0 || memcmp(frames[i] + 2, frames[i - 1] + 2, 4) != 0);
    }
    stream_close(client);
    stream_close(server);
}

/* ---- Memory ---- */

/* docs/websocket.md and websocket.h say these. */
static void
what_an_idle_one_takes(void **state)
{
    struct counting_alloc a;
    struct bench b;

    (void)state;
    counting_alloc_init(&a);
    bench_open(&b, &a.alloc, PIPE_BYTES);
    bench_greet(&b);
    assert_true(a.bytes <= 184);
    assert_int_equal(a.small, 1);
    put_text(b.wire, "82 FF 7FFFFFFFFFFFFFFF 00000000 'a'"); /* announced */
    expect(b.socket, "'a'");
    assert_true(a.bytes <= 184);
    bench_close(&b);
    assert_int_equal(a.bytes, 0);
}

/* A handshake, a ping, a message there and back, the end; false: memory was not there. */
static bool
scene(const struct wilco_alloc *a)
{
    struct stream *pair[2];
    struct stream *s = NULL;
    struct span word = SPAN_LITERAL("b");
    char got[256];
    bool is_whole = false;
    size_t len = 0;

    assert_int_equal(stream_memory_pair(pair, alloc_system(), PIPE_BYTES), WILCO_OK);
    s = websocket_serve(pair[0], &terms, a);
    put(pair[1], SPAN_LITERAL(REQUEST "\x89\x81\0\0\0\0p\x82\x81\0\0\0\0a"));
    is_whole = s != NULL && stream_shake_hands(s) == WILCO_OK && get(s, got) == WILCO_OK &&
               stream_write(s, &word, 1, &len) == WILCO_OK;
    if (is_whole) {
        s->ops->finish(s);
    }
    stream_close(s != NULL ? s : pair[0]);
    stream_close(pair[1]);
    return is_whole;
}

static void
each_allocation_fails_once(void **state)
{
    struct failing_alloc a;
    size_t at = 1;
    bool is_whole = false;

    (void)state;
    do {
        failing_alloc_init(&a, at);
        is_whole = scene(&a.alloc);
        assert_int_equal(a.live, 0);
        at++;
    } while (a.attempts >= at - 1);
    assert_true(is_whole);
    assert_true(at > 4);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_in_the_segment_of_the_request),
        cmocka_unit_test(the_whole_connection_in_bytes),
        cmocka_unit_test(a_write_is_a_frame),
        cmocka_unit_test(a_flood_of_pings_is_answered_once),
        cmocka_unit_test(a_ping_waits_for_the_end_of_a_frame),
        cmocka_unit_test(faults_are_told_to_the_peer),
        cmocka_unit_test(the_closing_handshake),
        cmocka_unit_test(close_that_must_wait),
        cmocka_unit_test(who_is_refused_hears_why),
        cmocka_unit_test(who_is_refused_may_not_go_on_for_ever),
        cmocka_unit_test(a_client_believes_no_other_answer),
        cmocka_unit_test(a_client_masks),
        cmocka_unit_test(what_an_idle_one_takes),
        cmocka_unit_test(each_allocation_fails_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
