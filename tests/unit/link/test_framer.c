#include "link/framer.h"
#include "support/bytes.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define NO_MAXIMUM 268435460U

/* What came out of a framer, packet by packet, as bytes that can be compared. */
struct record {
    struct buffer bytes;
    size_t packets;
};

static void
record_init(struct record *r)
{
    buffer_init(&r->bytes, alloc_system(), SIZE_MAX);
    r->packets = 0;
}

static void
record_frame(struct record *r, const struct frame *f)
{
    const uint8_t head[2] = {(uint8_t)f->type, f->flags};
    const size_t lengths[2] = {f->body.len, f->packet_bytes};

    assert_int_equal(buffer_append(&r->bytes, span_of(head, sizeof(head))), WILCO_OK);
    assert_int_equal(buffer_append(&r->bytes, span_of(lengths, sizeof(lengths))), WILCO_OK);
    assert_int_equal(buffer_append(&r->bytes, f->body), WILCO_OK);
    r->packets++;
}

/* Feeds one piece, which lives in a block of exactly its size and is gone afterwards. */
static enum wilco_status
feed(struct framer *f, struct span piece, struct record *r)
{
    struct span copy = bytes_copy(piece);
    struct span in = copy;
    struct frame frame;
    enum wilco_status st = framer_next(f, &in, &frame);

    while (st == WILCO_OK) {
        assert_false(framer_is_partial(f));
        record_frame(r, &frame);
        st = framer_next(f, &in, &frame);
    }
    if (st == WILCO_AGAIN) {
        assert_int_equal(in.len, 0);
    }
    bytes_free(copy);
    return st;
}

/* Bodies of these lengths, and a packet cut short at the end. */
#define BODIES 9U
static const size_t small_bodies[BODIES] = {0, 1, 127, 128, 300, 0, 5, 2, 0};
static const size_t large_bodies[BODIES] = {0, 127, 16383, 16384, 2, 0, 40000, 128, 1};

static struct span
sample_stream(const size_t bodies[BODIES])
{
    struct buffer b;
    uint8_t fill = 0;

    buffer_init(&b, alloc_system(), SIZE_MAX);
    for (size_t i = 0; i < BODIES; i++) {
        uint8_t head[5] = {0x30, 0, 0, 0, 0};
        size_t n = 1;

        for (size_t left = bodies[i]; n == 1 || left > 0; left /= 128) {
            head[n] = (uint8_t)(left % 128 + (left >= 128 ? 128 : 0));
            n++;
        }
        assert_int_equal(buffer_append(&b, span_of(head, n)), WILCO_OK);
        for (size_t j = 0; j < bodies[i]; j++) {
            assert_int_equal(buffer_append(&b, span_of(&fill, 1)), WILCO_OK);
            fill = (uint8_t)(fill * 5 + 3);
        }
    }
    assert_int_equal(buffer_append(&b, SPAN_LITERAL("\x30\x05hel")), WILCO_OK);
    return buffer_span(&b);
}

static struct record
in_one_piece(struct span stream)
{
    struct framer f;
    struct record r;

    record_init(&r);
    framer_init(&f, alloc_system(), NO_MAXIMUM);
    assert_int_equal(feed(&f, stream, &r), WILCO_AGAIN);
    assert_true(framer_is_partial(&f));
    framer_fini(&f);
    assert_int_equal(r.packets, BODIES);
    return r;
}

static void
assert_same(const struct record *a, const struct record *b)
{
    assert_int_equal(a->packets, b->packets);
    assert_true(span_equal(buffer_span(&a->bytes), buffer_span(&b->bytes)));
}

static void
a_cut_at_any_byte_changes_nothing(void **state)
{
    struct span stream = sample_stream(small_bodies);
    struct record want = in_one_piece(stream);

    (void)state;
    for (size_t cut = 0; cut <= stream.len; cut++) {
        struct framer f;
        struct record got;

        record_init(&got);
        framer_init(&f, alloc_system(), NO_MAXIMUM);
        assert_int_equal(feed(&f, span_first(stream, cut), &got), WILCO_AGAIN);
        assert_int_equal(feed(&f, span_skip(stream, cut), &got), WILCO_AGAIN);
        assert_same(&got, &want);
        framer_fini(&f);
        buffer_fini(&got.bytes);
    }
    buffer_fini(&want.bytes);
    bytes_free(stream);
}

/* Feeds `stream`, `size` bytes at a time, until a status other than WILCO_AGAIN. */
static enum wilco_status
feed_in_pieces(struct framer *f, struct span stream, size_t size, struct record *r)
{
    enum wilco_status st = WILCO_AGAIN;

    for (size_t at = 0; at < stream.len && st == WILCO_AGAIN; at += size) {
        size_t left = stream.len - at;

        st = feed(f, span_first(span_skip(stream, at), size < left ? size : left), r);
    }
    return st;
}

static void
pieces_of_any_size_change_nothing(void **state)
{
    struct span stream = sample_stream(large_bodies);
    struct record want = in_one_piece(stream);

    (void)state;
    for (size_t size = 1; size < 700; size = size < 12 ? size + 1 : size * 2 + 1) {
        struct framer f;
        struct record got;

        record_init(&got);
        framer_init(&f, alloc_system(), NO_MAXIMUM);
        assert_int_equal(feed_in_pieces(&f, stream, size, &got), WILCO_AGAIN);
        assert_same(&got, &want);
        framer_fini(&f);
        buffer_fini(&got.bytes);
    }
    buffer_fini(&want.bytes);
    bytes_free(stream);
}

static const struct {
    const char *name;
    const char *bytes;
    size_t maximum;
    enum wilco_status want;
    size_t packets;
} rows[] = {
    {"nothing", "", 100, WILCO_AGAIN, 0},
    {"half a header", "30", 100, WILCO_AGAIN, 0},
    {"a header and no body", "30 03", 100, WILCO_AGAIN, 0},
    {"a whole packet", "30 03 'abc'", 100, WILCO_AGAIN, 1},
    {"two packets", "C0 00 30 03 'abc'", 100, WILCO_AGAIN, 2},
    {"type 0", "00 00", 100, WILCO_EMALFORMED, 0},
    {"wrong flags", "C1 00", 100, WILCO_EMALFORMED, 0},
    {"a length of five bytes", "30 80 80 80 80 01", 100, WILCO_EMALFORMED, 0},
    {"a length longer than needed", "30 80 00", 100, WILCO_EMALFORMED, 0},
    {"a good packet, then a bad one", "C0 00 00 00", 100, WILCO_EMALFORMED, 1},
    {"exactly the maximum", "30 03 'abc'", 5, WILCO_AGAIN, 1},
    {"one more than the maximum", "30 04 'abcd'", 5, WILCO_ELIMIT, 0},
    {"too large is said on the header", "30 04", 5, WILCO_ELIMIT, 0},
    {"256 MB announced", "30 FF FF FF 7F", 1048576, WILCO_ELIMIT, 0},
    {"256 MB allowed", "30 FF FF FF 7F", NO_MAXIMUM, WILCO_AGAIN, 0},
    {"256 MB, one byte too many", "30 FF FF FF 7F", NO_MAXIMUM - 1, WILCO_ELIMIT, 0},
    {"a maximum below any header", "30 80", 1, WILCO_AGAIN, 0},
    {"a maximum below any packet", "C0 00", 1, WILCO_ELIMIT, 0},
    {"a long header above a tiny maximum", "30 80 80 80 01", 2, WILCO_ELIMIT, 0},
};

/* Each row in one piece and byte by byte. */
static void
packets_and_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
        struct span stream = bytes_from(rows[i / 2].bytes);
        size_t size = i % 2 == 0 ? 1 : stream.len + 1;
        struct framer f;
        struct record got;
        enum wilco_status st = WILCO_OK;

        record_init(&got);
        framer_init(&f, alloc_system(), rows[i / 2].maximum);
        st = feed_in_pieces(&f, stream, size, &got);
        if (st != rows[i / 2].want || got.packets != rows[i / 2].packets) {
            fail_msg("%s, %zu bytes at a time: status %d, %zu packets", rows[i / 2].name, size,
                     (int)st, got.packets);
        }
        framer_fini(&f);
        buffer_fini(&got.bytes);
        bytes_free(stream);
    }
}

static void
whole_packets_stay_where_they_are(void **state)
{
    struct span stream = bytes_from("C0 00 30 03 'abc' D0 00");
    struct span in = stream;
    struct failing_alloc a;
    struct framer f;
    struct frame frame;

    (void)state;
    failing_alloc_init(&a, 0);
    framer_init(&f, &a.alloc, 100);
    assert_int_equal(framer_next(&f, &in, &frame), WILCO_OK);
    assert_int_equal(frame.type, WIRE_PINGREQ);
    assert_int_equal(frame.body.len, 0);
    assert_int_equal(framer_next(&f, &in, &frame), WILCO_OK);
    assert_ptr_equal(frame.body.data, stream.data + 4);
    assert_int_equal(frame.packet_bytes, 5);
    assert_int_equal(framer_next(&f, &in, &frame), WILCO_OK);
    assert_int_equal(framer_next(&f, &in, &frame), WILCO_AGAIN);
    assert_int_equal(a.attempts, 0);
    framer_fini(&f);
    bytes_free(stream);
}

/* The tail takes what completes its packet and leaves the rest of the input alone. */
static void
a_tail_takes_only_what_is_missing(void **state)
{
    struct span start = bytes_from("30 03 'a'");
    struct span rest = bytes_from("'bc' C0 00");
    struct span in = start;
    struct failing_alloc a;
    struct framer f;
    struct frame frame;

    (void)state;
    failing_alloc_init(&a, 0);
    framer_init(&f, &a.alloc, 100);
    assert_int_equal(framer_next(&f, &in, &frame), WILCO_AGAIN);
    assert_true(framer_is_partial(&f));
    assert_int_equal(a.live, 2); /* the buffer and its bytes */
    in = rest;
    assert_int_equal(framer_next(&f, &in, &frame), WILCO_OK);
    assert_true(span_equal(frame.body, SPAN_LITERAL("abc")));
    assert_false(framer_is_partial(&f));
    assert_ptr_equal(in.data, rest.data + 2);
    assert_int_equal(framer_next(&f, &in, &frame), WILCO_OK);
    assert_int_equal(frame.type, WIRE_PINGREQ);
    assert_int_equal(a.live, 0); /* given back */
    framer_fini(&f);
    bytes_free(start);
    bytes_free(rest);
}

/* A peer that announces 256 MB and sends little is worth little memory. */
static void
memory_grows_with_what_arrives(void **state)
{
    struct framer f;
    struct frame frame;
    size_t arrived = 5;
    struct span in = SPAN_LITERAL("\x30\xFF\xFF\xFF\x7F");

    (void)state;
    framer_init(&f, alloc_system(), NO_MAXIMUM);
    assert_int_equal(framer_next(&f, &in, &frame), WILCO_AGAIN);
    for (size_t i = 0; i < 2000; i++) {
        in = SPAN_LITERAL("0123456789012345678901234567890123456789");
        arrived += in.len;
        assert_int_equal(framer_next(&f, &in, &frame), WILCO_AGAIN);
        assert_true(f.tail->capacity <= 64 + 2 * arrived);
    }
    framer_fini(&f);
    assert_null(f.tail);
}

static void
every_allocation_may_fail(void **state)
{
    struct span stream = sample_stream(large_bodies);
    struct failing_alloc a;
    size_t fail_at = 0;

    (void)state;
    do {
        struct framer f;
        struct record got;
        enum wilco_status st = WILCO_OK;

        failing_alloc_init(&a, fail_at);
        record_init(&got);
        framer_init(&f, &a.alloc, NO_MAXIMUM);
        st = feed_in_pieces(&f, stream, 100, &got);
        assert_int_equal(st, fail_at == 0 || fail_at > a.attempts ? WILCO_AGAIN : WILCO_ENOMEM);
        framer_fini(&f);
        assert_int_equal(a.live, 0);
        buffer_fini(&got.bytes);
        fail_at++;
    } while (fail_at <= a.attempts + 1);
    assert_true(fail_at > 5);
    bytes_free(stream);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_at_any_byte_changes_nothing),
        cmocka_unit_test(pieces_of_any_size_change_nothing),
        cmocka_unit_test(packets_and_errors),
        cmocka_unit_test(whole_packets_stay_where_they_are),
        cmocka_unit_test(a_tail_takes_only_what_is_missing),
        cmocka_unit_test(memory_grows_with_what_arrives),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
