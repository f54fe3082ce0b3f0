#include "net/websocket_input.h"
#include "support/bytes.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Frames in, payload and close codes out: RFC 6455 section 5, at both ends. Binary ones alone
 * [MQTT-6.0.0-1], whose borders mean nothing [MQTT-6.0.0-2]. The mask of most is 01020304. */

#define KEY "01020304"

static const struct row {
    const char *name;
    bool is_client; /* who reads is one */
    const char *frames;
    const char *payload;
    enum wilco_status want;
    unsigned close_code; /* 0: none */
    const char *ping;    /* NULL: none */
} rows[] = {
    {"one frame", false, "82 83 " KEY " 60 60 60", "61 62 63", WILCO_OK, 0, NULL},
    {"an empty frame", false, "82 80 " KEY, "", WILCO_OK, 0, NULL},
    {"three in one go", false, "82 81 " KEY " 60 82 80 " KEY " 82 81 00000000 'b'", "'ab'",
     WILCO_OK, 0, NULL},
    {"a message of three frames", false,
     "02 81 00000000 'a' 00 80 00000000 00 81 00000000 'b' 80 81 00000000 'c' 82 81 00000000 'd'",
     "'abcd'", WILCO_OK, 0, NULL},
    {"a ping between them", false, "02 81 00000000 'a' 89 82 00000000 'hi' 80 81 00000000 'b'",
     "'ab'", WILCO_OK, 0, "'hi'"},
    {"an empty ping", false, "89 80 " KEY, "", WILCO_OK, 0, ""},
    {"the last of two pings", false, "89 81 00000000 'a' 89 81 00000000 'b'", "", WILCO_OK, 0,
     "'b'"},
    {"a pong nobody asked for", false, "8A 81 00000000 'a' 82 81 00000000 'b'", "'b'", WILCO_OK, 0,
     NULL},
    {"close without a code", false, "88 80 " KEY, "", WILCO_OK, 1000, NULL},
    {"close with one", false, "88 82 00000000 03E9", "", WILCO_OK, 1001, NULL},
    {"close with words", false, "88 85 00000000 0BB8 'bye'", "", WILCO_OK, 3000, NULL},
    {"nothing counts behind close", false, "82 81 00000000 'a' 88 80 " KEY " FF FF FF", "'a'",
     WILCO_OK, 1000, NULL},
    {"close with half a code", false, "88 81 00000000 03", "", WILCO_OK, 1002, NULL},
    {"close code 999", false, "88 82 00000000 03E7", "", WILCO_OK, 1002, NULL},
    {"close code 1004", false, "88 82 00000000 03EC", "", WILCO_OK, 1002, NULL},
    {"close code 1005", false, "88 82 00000000 03ED", "", WILCO_OK, 1002, NULL},
    {"close code 1006", false, "88 82 00000000 03EE", "", WILCO_OK, 1002, NULL},
    {"close code 1007", false, "88 82 00000000 03EF", "", WILCO_OK, 1007, NULL},
    {"close code 1014", false, "88 82 00000000 03F6", "", WILCO_OK, 1014, NULL},
    {"close code 1015", false, "88 82 00000000 03F7", "", WILCO_OK, 1002, NULL},
    {"close code 2999", false, "88 82 00000000 0BB7", "", WILCO_OK, 1002, NULL},
    {"close code 4999", false, "88 82 00000000 1387", "", WILCO_OK, 4999, NULL},
    {"close code 5000", false, "88 82 00000000 1388", "", WILCO_OK, 1002, NULL},

    {"of a server", true, "82 03 'abc' 89 01 'p'", "'abc'", WILCO_OK, 0, "'p'"},
    {"masked by a server", true, "82 83 00000000 'abc'", "", WILCO_EPROTOCOL, 1002, NULL},
    {"not masked by a client", false, "82 03 'abc'", "", WILCO_EPROTOCOL, 1002, NULL},
    {"ping not masked by a client", false, "89 00", "", WILCO_EPROTOCOL, 1002, NULL},

    {"what is right before it counts", false, "82 81 00000000 'a' C2 81 00000000 'b'", "'a'",
     WILCO_EPROTOCOL, 1002, NULL},
    {"first reserved bit", false, "C2 81 00000000 'a'", "", WILCO_EPROTOCOL, 1002, NULL},
    {"second reserved bit", false, "A2 81 00000000 'a'", "", WILCO_EPROTOCOL, 1002, NULL},
    {"third reserved bit", false, "92 81 00000000 'a'", "", WILCO_EPROTOCOL, 1002, NULL},
    {"reserved bit of a ping", false, "C9 80 00000000", "", WILCO_EPROTOCOL, 1002, NULL},
    {"text", false, "81 81 00000000 'a'", "", WILCO_EPROTOCOL, 1003, NULL},
    {"empty text", false, "81 80 00000000", "", WILCO_EPROTOCOL, 1003, NULL},
    {"text as the first of several", false, "01 81 00000000 'a'", "", WILCO_EPROTOCOL, 1003, NULL},
    {"opcode 3", false, "83 81 00000000 'a'", "", WILCO_EPROTOCOL, 1002, NULL},
    {"opcode 7", false, "87 80 00000000", "", WILCO_EPROTOCOL, 1002, NULL},
    {"opcode B", false, "8B 80 00000000", "", WILCO_EPROTOCOL, 1002, NULL},
    {"opcode F", false, "8F 80 00000000", "", WILCO_EPROTOCOL, 1002, NULL},
    {"goes on where nothing began", false, "80 81 00000000 'a'", "", WILCO_EPROTOCOL, 1002, NULL},
    {"begins before the end", false, "02 81 00000000 'a' 82 81 00000000 'b'", "'a'",
     WILCO_EPROTOCOL, 1002, NULL},
    {"text before the end", false, "02 81 00000000 'a' 81 81 00000000 'b'", "'a'", WILCO_EPROTOCOL,
     1002, NULL},
    {"ping in parts", false, "09 80 00000000", "", WILCO_EPROTOCOL, 1002, NULL},
    {"close in parts", false, "08 80 00000000", "", WILCO_EPROTOCOL, 1002, NULL},
    {"ping of 126 bytes", false, "89 FE 007E 00000000", "", WILCO_EPROTOCOL, 1002, NULL},
    {"close of 126 bytes", false, "88 FE 007E 00000000", "", WILCO_EPROTOCOL, 1002, NULL},
    {"ping of 2^63 bytes", false, "89 FF 8000000000000000", "", WILCO_EPROTOCOL, 1002, NULL},
    {"2^63 bytes", false, "82 FF 8000000000000000", "", WILCO_EPROTOCOL, 1002, NULL},
    {"2^64 - 1 bytes", false, "82 FF FFFFFFFFFFFFFFFF", "", WILCO_EPROTOCOL, 1002, NULL},
    {"2^63 - 1 bytes, of which two come", false, "82 FF 7FFFFFFFFFFFFFFF 00000000 'ab'", "'ab'",
     WILCO_OK, 0, NULL},
    {"125 in two bytes", false, "82 FE 007D 00000000 'a'", "", WILCO_EPROTOCOL, 1002, NULL},
    {"126 in two bytes", false, "82 FE 007E 00000000 'a'", "'a'", WILCO_OK, 0, NULL},
    {"65535 in eight", false, "82 FF 000000000000FFFF 00000000 'a'", "", WILCO_EPROTOCOL, 1002,
     NULL},
    {"65536 in eight", false, "82 FF 0000000000010000 00000000 'a'", "'a'", WILCO_OK, 0, NULL},
};

/* What has come so far. */
struct seen {
    uint8_t payload[64];
    size_t bytes;
    enum wilco_status status;
    unsigned close_code;
    bool has_ping;
    struct websocket_control ping;
    bool has_ended;
};

static void
feed(struct websocket_input *in, struct span piece, struct seen *seen)
{
    struct websocket_news news;
    struct span copy = bytes_copy(piece); /* becomes the payload */

    seen->status = websocket_input_feed(in, (uint8_t *)(uintptr_t)copy.data, copy.len, &news);
    assert_true(news.bytes <= piece.len);
    if (news.bytes > 0) {
        memcpy(seen->payload + seen->bytes, copy.data, news.bytes);
    }
    seen->bytes += news.bytes;
    if (news.has_ping) {
        seen->has_ping = true;
        seen->ping = news.ping;
    }
    seen->close_code = news.close_code;
    seen->has_ended = news.has_close || seen->status != WILCO_OK;
    bytes_free(copy);
}

static void
check(const struct row *row, const struct seen *seen)
{
    struct span payload = bytes_from(row->payload);
    struct span ping = bytes_from(row->ping == NULL ? "" : row->ping);

    assert_int_equal(seen->status, row->want);
    assert_int_equal(seen->close_code, row->close_code);
    assert_true(span_equal(span_of(seen->payload, seen->bytes), payload));
    assert_int_equal(seen->has_ping, row->ping != NULL);
    if (row->ping != NULL) {
        assert_true(span_equal(span_of(seen->ping.bytes, seen->ping.len), ping));
    }
    bytes_free(payload);
    bytes_free(ping);
}

/* In two pieces, cut at `at`, and the second in pieces of `step`. */
static void
run(const struct row *row, struct span frames, size_t at, size_t step)
{
    struct websocket_input in;
    struct seen seen = {.bytes = 0};
    struct failing_alloc a;

    failing_alloc_init(&a, 0);
    websocket_input_init(&in, &a.alloc, !row->is_client);
    if (at > 0) {
        feed(&in, span_first(frames, at), &seen);
    }
    while (at < frames.len && !seen.has_ended) {
        size_t n = frames.len - at < step ? frames.len - at : step;

        feed(&in, span_first(span_skip(frames, at), n), &seen);
        at += n;
    }
    check(row, &seen);
    websocket_input_fini(&in);
    assert_int_equal(a.live, 0);
}

static void
frames_however_they_are_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span frames = bytes_from(rows[i].frames);

        print_message("%s\n", rows[i].name);
        for (size_t at = 0; at < frames.len; at++) {
            run(&rows[i], frames, at, SIZE_MAX);
            run(&rows[i], frames, at, 1);
        }
        bytes_free(frames);
    }
}

static void
large_frames_come_through(void **state)
{
    static uint8_t bytes[200000];
    static uint8_t want[sizeof(bytes)];
    static const uint8_t head[] = {0x82, 0xFF, 0, 0, 0, 0, 0, 3, 0x0D, 0x32, 1, 2, 3, 4};
    const size_t payload = 199986; /* 0x30D32 */
    size_t done = 0;
    struct websocket_input in;

    (void)state;
    memcpy(bytes, head, sizeof(head));
    for (size_t i = 0; i < payload; i++) {
        want[i] = (uint8_t)(i * 7 + i / 251);
        bytes[sizeof(head) + i] = want[i] ^ (uint8_t)(i % 4 + 1);
    }
    websocket_input_init(&in, alloc_system(), true);
    for (size_t at = 0; at < sizeof(head) + payload;) {
        struct websocket_news news;
        size_t left = sizeof(head) + payload - at;
        size_t n = left < 33333 ? left : 33333;

        assert_int_equal(websocket_input_feed(&in, bytes + at, n, &news), WILCO_OK);
        assert_memory_equal(bytes + at, want + done, news.bytes);
        done += news.bytes;
        at += n;
    }
    assert_int_equal(done, payload);
    assert_null(in.frames); /* nothing is kept between frames */
    websocket_input_fini(&in);
}

static void
without_memory_for_a_ping(void **state)
{
    uint8_t bytes[] = {0x89, 0x81, 0, 0, 0, 0, 'a'};
    struct websocket_input in;
    struct websocket_news news;
    struct failing_alloc a;

    (void)state;
    failing_alloc_init(&a, 1);
    websocket_input_init(&in, &a.alloc, true);
    assert_int_equal(websocket_input_feed(&in, bytes, sizeof(bytes), &news), WILCO_ENOMEM);
    websocket_input_fini(&in);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_however_they_are_cut),
        cmocka_unit_test(large_frames_come_through),
        cmocka_unit_test(without_memory_for_a_ping),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
