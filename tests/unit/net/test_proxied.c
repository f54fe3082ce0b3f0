#define _POSIX_C_SOURCE 200809L

#include "net/proxied.h"
#include "sockets.h"
#include "support/bytes.h"
#include "support/failing_alloc.h"

/* Headers of proxies, and the stream that reads one. That it is a stream as all others is for
 * test_stream.c. */

#define SIGNATURE "0D0A0D0A000D0A515549540A"
#define V4        "C0000201 C0000202 3039 075B" /* 192.0.2.1:12345 to 192.0.2.2:1883 */
#define V6                                                                                         \
    "20010DB8000000000000000000000001 20010DB8000000000000000000000002 3039 075B" /* [2001:db8::1] \
                                                                                   */
#define V4_TEXT "192.0.2.1:12345"
#define V6_TEXT "[2001:db8::1]:12345"

static const struct row {
    const char *name, *bytes;
    unsigned versions;
    enum wilco_status want;
    const char *source; /* "": none */
    const char *user;
} rows[] = {
    {"v1 TCP4", "'PROXY TCP4 192.0.2.1 192.0.2.2 12345 1883' 0D0A", PROXY_V1, WILCO_OK, V4_TEXT,
     ""},
    {"v1 TCP6", "'PROXY TCP6 2001:db8::1 2001:db8::2 12345 1883' 0D0A", PROXY_V1, WILCO_OK, V6_TEXT,
     ""},
    {"v1 unknown", "'PROXY UNKNOWN' 0D0A", PROXY_V1, WILCO_OK, "", ""},
    {"v1 unknown and more", "'PROXY UNKNOWN ffff:f 1 x' 0D0A", PROXY_V1, WILCO_OK, "", ""},
    {"v1 where both may come", "'PROXY UNKNOWN' 0D0A", PROXY_V1 | PROXY_V2, WILCO_OK, "", ""},
    {"v1 ports 0 and 65535", "'PROXY TCP4 192.0.2.1 192.0.2.2 0 65535' 0D0A", PROXY_V1, WILCO_OK,
     "192.0.2.1:0", ""},
    {"v1 the longest line",
     "'PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
     "65535 65535' 0D0A",
     PROXY_V1, WILCO_OK, "", ""},

    {"v1 one byte longer",
     "'PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
     "65535 655355' 0D0A",
     PROXY_V1, WILCO_EMALFORMED, "", ""},
    {"v1 not taken", "'PROXY UNKNOWN' 0D0A", PROXY_V2, WILCO_EMALFORMED, "", ""},
    {"v1 port 65536", "'PROXY TCP4 192.0.2.1 192.0.2.2 65536 1883' 0D0A", PROXY_V1,
     WILCO_EMALFORMED, "", ""},
    {"v1 port with a zero", "'PROXY TCP4 192.0.2.1 192.0.2.2 012 1883' 0D0A", PROXY_V1,
     WILCO_EMALFORMED, "", ""},
    {"v1 port with a sign", "'PROXY TCP4 192.0.2.1 192.0.2.2 +12 1883' 0D0A", PROXY_V1,
     WILCO_EMALFORMED, "", ""},
    {"v1 no second port", "'PROXY TCP4 192.0.2.1 192.0.2.2 12345' 0D0A", PROXY_V1, WILCO_EMALFORMED,
     "", ""},
    {"v1 a word too many", "'PROXY TCP4 192.0.2.1 192.0.2.2 12345 1883 x' 0D0A", PROXY_V1,
     WILCO_EMALFORMED, "", ""},
    {"v1 a blank too many", "'PROXY TCP4 192.0.2.1  192.0.2.2 12345 1883' 0D0A", PROXY_V1,
     WILCO_EMALFORMED, "", ""},
    {"v1 a blank at the end", "'PROXY TCP4 192.0.2.1 192.0.2.2 12345 1883 ' 0D0A", PROXY_V1,
     WILCO_EMALFORMED, "", ""},
    {"v1 an address of the other family", "'PROXY TCP4 2001:db8::1 2001:db8::2 12345 1883' 0D0A",
     PROXY_V1, WILCO_EMALFORMED, "", ""},
    {"v1 a short address", "'PROXY TCP4 192.0.2 192.0.2.2 12345 1883' 0D0A", PROXY_V1,
     WILCO_EMALFORMED, "", ""},
    {"v1 a name", "'PROXY TCP4 localhost 192.0.2.2 12345 1883' 0D0A", PROXY_V1, WILCO_EMALFORMED,
     "", ""},
    {"v1 another family", "'PROXY UDP4 192.0.2.1 192.0.2.2 12345 1883' 0D0A", PROXY_V1,
     WILCO_EMALFORMED, "", ""},
    {"v1 no family", "'PROXY ' 0D0A", PROXY_V1, WILCO_EMALFORMED, "", ""},
    {"v1 a line without CR", "'PROXY UNKNOWN' 0A", PROXY_V1, WILCO_EMALFORMED, "", ""},
    {"v1 a zero in it", "'PROXY TCP4 192.0.2.1' 00 ' 192.0.2.2 12345 1883' 0D0A", PROXY_V1,
     WILCO_EMALFORMED, "", ""},
    {"v1 in small letters", "'proxy unknown' 0D0A", PROXY_V1, WILCO_EMALFORMED, "", ""},

    {"v2 TCP4", SIGNATURE "21 11 000C" V4, PROXY_V2, WILCO_OK, V4_TEXT, ""},
    {"v2 TCP6", SIGNATURE "21 21 0024" V6, PROXY_V2, WILCO_OK, V6_TEXT, ""},
    {"v2 where both may come", SIGNATURE "21 11 000C" V4, PROXY_V1 | PROXY_V2, WILCO_OK, V4_TEXT,
     ""},
    {"v2 local", SIGNATURE "20 00 0000", PROXY_V2, WILCO_OK, "", ""},
    {"v2 local with an address", SIGNATURE "20 11 000C" V4, PROXY_V2, WILCO_OK, "", ""},
    {"v2 unknown", SIGNATURE "21 00 0003 'abc'", PROXY_V2, WILCO_OK, "", ""},
    {"v2 with items", SIGNATURE "21 11 0015" V4 "01 0002 'h2' 04 0001 00", PROXY_V2, WILCO_OK,
     V4_TEXT, ""},
    {"v2 with an item of no bytes", SIGNATURE "21 11 000F" V4 "EE 0000", PROXY_V2, WILCO_OK,
     V4_TEXT, ""},
    {"v2 with a certificate", SIGNATURE "21 11 001A" V4 "20 000B 07 00000000 22 0003 'ann'",
     PROXY_V2, WILCO_OK, V4_TEXT, "ann"},
    {"v2 with one shown earlier", SIGNATURE "21 11 001A" V4 "20 000B 05 00000000 22 0003 'ann'",
     PROXY_V2, WILCO_OK, V4_TEXT, "ann"},
    {"v2 with one that is not right", SIGNATURE "21 11 001A" V4 "20 000B 07 00000001 22 0003 'ann'",
     PROXY_V2, WILCO_OK, V4_TEXT, ""},
    {"v2 with TLS, without one", SIGNATURE "21 11 001A" V4 "20 000B 01 00000000 22 0003 'ann'",
     PROXY_V2, WILCO_OK, V4_TEXT, ""},
    {"v2 with a name that has a zero",
     SIGNATURE "21 11 001A" V4 "20 000B 07 00000000 22 0003 610061", PROXY_V2, WILCO_OK, V4_TEXT,
     ""},

    {"v2 not taken", SIGNATURE "21 11 000C" V4, PROXY_V1, WILCO_EMALFORMED, "", ""},
    {"v2 version 1", SIGNATURE "11 11 000C" V4, PROXY_V2, WILCO_EMALFORMED, "", ""},
    {"v2 version 3", SIGNATURE "31 11 000C" V4, PROXY_V2, WILCO_EMALFORMED, "", ""},
    {"v2 command 2", SIGNATURE "22 11 000C" V4, PROXY_V2, WILCO_EMALFORMED, "", ""},
    {"v2 UDP4", SIGNATURE "21 12 000C" V4, PROXY_V2, WILCO_EMALFORMED, "", ""},
    {"v2 family 4", SIGNATURE "21 41 000C" V4, PROXY_V2, WILCO_EMALFORMED, "", ""},
    {"v2 addresses cut short", SIGNATURE "21 11 000B" V4, PROXY_V2, WILCO_EMALFORMED, "", ""},
    {"v2 of IPv6 cut short", SIGNATURE "21 21 000C" V4, PROXY_V2, WILCO_EMALFORMED, "", ""},
    {"v2 an item cut in its head", SIGNATURE "21 11 000E" V4 "01 00", PROXY_V2, WILCO_EMALFORMED,
     "", ""},
    {"v2 an item longer than the rest", SIGNATURE "21 11 0011" V4 "01 0003 'h2'", PROXY_V2,
     WILCO_EMALFORMED, "", ""},
    {"v2 the longest item", SIGNATURE "21 11 0011" V4 "01 FFFF 'h2'", PROXY_V2, WILCO_EMALFORMED,
     "", ""},
    {"v2 TLS cut in its head", SIGNATURE "21 11 0013" V4 "20 0004 07 000000", PROXY_V2,
     WILCO_EMALFORMED, "", ""},
    {"v2 a name longer than TLS", SIGNATURE "21 11 001A" V4 "20 000B 07 00000000 22 0004 'ann'",
     PROXY_V2, WILCO_EMALFORMED, "", ""},
    {"v2 a name and half an item",
     SIGNATURE "21 11 001C" V4 "20 000D 07 00000000 22 0003 'ann' 21 00", PROXY_V2,
     WILCO_EMALFORMED, "", ""},
    {"v2 larger than we take", SIGNATURE "21 11 07F1", PROXY_V2, WILCO_EMALFORMED, "", ""},
    {"v2 of 65551 bytes", SIGNATURE "20 00 FFFF", PROXY_V2, WILCO_EMALFORMED, "", ""},
    {"MQTT", "10 0C 0004 'MQTT'", PROXY_V1 | PROXY_V2, WILCO_EMALFORMED, "", ""},
    {"TLS", "16 03 01", PROXY_V1 | PROXY_V2, WILCO_EMALFORMED, "", ""},
};

static void
check(const struct row *row, enum wilco_status st, const struct proxy_header *h, const char *why)
{
    char text[ADDRESS_TEXT_BYTES] = "";

    assert_int_equal(st, row->want);
    if (h->source.len > 0) {
        address_text(&h->source, text);
    }
    assert_string_equal(text, row->source);
    assert_string_equal(h->user, row->user);
    assert_int_equal(why != NULL, row->want != WILCO_OK);
}

/* Each beginning of a good one asks for more, each of a bad one may end it earlier; and no byte
 * behind the header is looked at. */
static void
headers_and_their_beginnings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        struct span bytes = bytes_from(row->bytes);
        enum wilco_status st = WILCO_AGAIN;
        struct proxy_header h;
        const char *why = NULL;
        size_t len = 0;

        print_message("%s\n", row->name);
        for (len = 0; st == WILCO_AGAIN && len <= bytes.len; len++) {
            struct span part = bytes_copy(span_first(bytes, len));

            st = proxy_header_read(&h, part, row->versions, &why);
            bytes_free(part);
        }
        check(row, st, &h, why);
        if (st == WILCO_OK) {
            assert_int_equal(len - 1, bytes.len);
            assert_int_equal(h.bytes, bytes.len);
        }
        bytes_free(bytes);
    }
}

static void
of_a_unix_socket(void **state)
{
    uint8_t bytes[16 + 216];
    struct span head = bytes_from(SIGNATURE "21 31 00D8");
    struct proxy_header h;
    char text[ADDRESS_TEXT_BYTES];
    const char *why = NULL;

    (void)state;
    memset(bytes, 0, sizeof(bytes));
    memcpy(bytes, head.data, head.len);
    memcpy(bytes + 16, "/run/app", 8);
    bytes_free(head);
    assert_int_equal(proxy_header_read(&h, span_of(bytes, sizeof(bytes)), PROXY_V2, &why),
                     WILCO_OK);
    address_text(&h.source, text);
    assert_string_equal(text, "unix:/run/app");
    memset(bytes + 16, 'x', 216); /* without a zero, both of them */
    assert_int_equal(proxy_header_read(&h, span_of(bytes, sizeof(bytes)), PROXY_V2, &why),
                     WILCO_OK);
    address_text(&h.source, text);
    assert_memory_equal(text, "unix:xxx", 8);
}

/* PROXY_HEADER_BYTES_MAX, all of it items. */
static void
the_largest_header(void **state)
{
    static uint8_t bytes[PROXY_HEADER_BYTES_MAX];
    struct span head = bytes_from(SIGNATURE "21 11 07F0" V4 "EE 07E1");
    struct proxy_header h;
    const char *why = NULL;

    (void)state;
    memcpy(bytes, head.data, head.len);
    bytes_free(head);
    assert_int_equal(proxy_header_read(&h, span_of(bytes, sizeof(bytes) - 1), PROXY_V2, &why),
                     WILCO_AGAIN);
    assert_int_equal(proxy_header_read(&h, span_of(bytes, sizeof(bytes)), PROXY_V2, &why),
                     WILCO_OK);
    assert_int_equal(h.bytes, PROXY_HEADER_BYTES_MAX);
}

/* ---- The stream ---- */

static void
put(struct stream *s, struct span bytes)
{
    size_t len = 0;

    assert_int_equal(stream_write(s, &bytes, 1, &len), WILCO_OK);
    assert_int_equal(len, bytes.len);
}

static enum wilco_status
get(struct stream *s, char out[ADDRESS_TEXT_BYTES], size_t capacity)
{
    size_t len = 0;
    enum wilco_status st = stream_read(s, out, capacity, &len);

    out[st == WILCO_OK ? len : 0] = '\0';
    return st;
}

static void
what_comes_behind_the_header(void **state)
{
    struct span bytes = bytes_from(SIGNATURE "21 11 001A" V4 "20 000B 07 00000000 22 0003 'ann'"
                                             "'hello'");
    struct stream *ends[2];
    struct stream *s = NULL;
    struct stream_peer peer;
    char got[ADDRESS_TEXT_BYTES];

    (void)state;
    assert_int_equal(stream_memory_pair(ends, alloc_system(), 1000), WILCO_OK);
    s = stream_of_proxied(ends[0], PROXY_V2, alloc_system());
    assert_non_null(s);
    for (size_t i = 0; i + 6 < bytes.len; i++) { /* byte for byte */
        put(ends[1], span_first(span_skip(bytes, i), 1));
        assert_int_equal(stream_shake_hands(s), WILCO_AGAIN);
        stream_describe(s, &peer);
        assert_int_equal(peer.address.len, 0);
    }
    put(ends[1], span_skip(bytes, bytes.len - 6)); /* its last one, and what is behind it */
    assert_int_equal(get(s, got, 2), WILCO_OK);
    assert_string_equal(got, "he");
    assert_true(stream_has_pending(s));
    stream_describe(s, &peer);
    assert_string_equal(peer.user, "ann");
    address_text(&peer.address, got);
    assert_string_equal(got, V4_TEXT);
    assert_int_equal(get(s, got, 60), WILCO_OK);
    assert_string_equal(got, "llo");
    assert_false(stream_has_pending(s));
    stream_close(s);
    stream_close(ends[1]);
    bytes_free(bytes);
}

static void
a_wrong_header_is_the_end(void **state)
{
    struct stream *ends[2];
    struct stream *s = NULL;
    struct stream_peer peer;
    struct span bytes = SPAN_LITERAL("x");
    char got[ADDRESS_TEXT_BYTES];
    size_t len = 0;

    (void)state;
    assert_int_equal(stream_memory_pair(ends, alloc_system(), 1000), WILCO_OK);
    s = stream_of_proxied(ends[0], PROXY_V1, alloc_system());
    assert_non_null(s);
    put(ends[1], SPAN_LITERAL("PROXY TCP4 192.0.2.1 192.0.2.2 1 99999\r\nhello"));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(get(s, got, 60), WILCO_EIO);
        assert_int_equal(errno, EPROTO);
        assert_string_equal(stream_why(s), "the line of the proxy is malformed");
    }
    assert_int_equal(stream_write(s, &bytes, 1, &len), WILCO_EIO);
    stream_describe(s, &peer);
    assert_int_equal(peer.address.len, 0);
    stream_close(s);
    stream_close(ends[1]);
}

static void
without_memory(void **state)
{
    struct span bytes =
        bytes_from(SIGNATURE "21 11 001A" V4 "20 000B 07 00000000 22 0003 'ann' 'x'");
    size_t attempts = 0;

    (void)state;
    for (size_t at = 1; at <= attempts + 1; at++) {
        struct failing_alloc a;
        struct stream *ends[2];
        struct stream *s = NULL;
        char got[ADDRESS_TEXT_BYTES];

        failing_alloc_init(&a, at);
        assert_int_equal(stream_memory_pair(ends, alloc_system(), 1000), WILCO_OK);
        s = stream_of_proxied(ends[0], PROXY_V2, &a.alloc);
        put(ends[1], bytes);
        if (s != NULL) {
            enum wilco_status st = get(s, got, 60);

            assert_int_equal(st, at <= a.attempts ? WILCO_EIO : WILCO_OK);
        }
        attempts = a.attempts;
        stream_close(s != NULL ? s : ends[0]);
        stream_close(ends[1]);
        assert_int_equal(a.live, 0);
        assert_true(at < 20);
    }
    assert_true(attempts >= 4);
    bytes_free(bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_and_their_beginnings),
        cmocka_unit_test(of_a_unix_socket),
        cmocka_unit_test(the_largest_header),
        cmocka_unit_test(what_comes_behind_the_header),
        cmocka_unit_test(a_wrong_header_is_the_end),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
