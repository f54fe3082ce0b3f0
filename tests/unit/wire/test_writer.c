#include "wire/writer.h"

#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
write_everything(struct wire_writer *w)
{
    wire_writer_u8(w, 0xFF);
    wire_writer_u16(w, 0x0102);
    wire_writer_u32(w, 0xFFFEFDFC);
    wire_writer_varint(w, 128);
    wire_writer_string(w, SPAN_LITERAL("abc"));
    wire_writer_binary(w, SPAN_LITERAL("\0\xFF"));
    wire_writer_bytes(w, SPAN_LITERAL("rest"));
    wire_writer_bytes(w, SPAN_EMPTY);
    wire_writer_string(w, SPAN_EMPTY);
}

#define EVERYTHING       "FF 0102 FFFEFDFC 8001 0003 'abc' 0002 00FF 'rest' 0000"
#define EVERYTHING_BYTES 24

static void
measures_then_writes(void **state)
{
    struct span want = bytes_from(EVERYTHING);
    struct wire_writer w = wire_writer_measure();
    uint8_t bytes[EVERYTHING_BYTES];
    size_t len;

    (void)state;
    write_everything(&w);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_AGAIN);
    assert_int_equal(len, EVERYTHING_BYTES);
    w = wire_writer_init(bytes, sizeof(bytes));
    write_everything(&w);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    assert_true(span_equal(span_of(bytes, len), want));
    bytes_free(want);
}

static void
never_writes_past_the_end(void **state)
{
    (void)state;
    for (size_t capacity = 0; capacity < EVERYTHING_BYTES; capacity++) {
        uint8_t bytes[EVERYTHING_BYTES + 4];
        struct wire_writer w = wire_writer_init(bytes, capacity);
        size_t len;

        memset(bytes, 0xEE, sizeof(bytes));
        write_everything(&w);
        assert_int_equal(wire_writer_finish(&w, &len), WILCO_AGAIN);
        assert_int_equal(len, EVERYTHING_BYTES);
        for (size_t i = capacity; i < sizeof(bytes); i++) {
            assert_int_equal(bytes[i], 0xEE);
        }
    }
}

/* [MQTT-1.5.5-1] */
static void
varints(void **state)
{
    static const struct {
        uint32_t value;
        const char *bytes;
    } rows[] = {
        {0, "00"},         {127, "7F"},         {128, "8001"},         {16383, "FF7F"},
        {16384, "808001"}, {2097151, "FFFF7F"}, {2097152, "80808001"}, {268435455, "FFFFFF7F"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span want = bytes_from(rows[i].bytes);
        uint8_t bytes[4];
        struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
        size_t len;

        wire_writer_varint(&w, rows[i].value);
        assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
        assert_true(span_equal(span_of(bytes, len), want));
        assert_int_equal(wire_varint_size(rows[i].value), len);
        bytes_free(want);
    }
}

static void
what_cannot_be_said_is_a_limit(void **state)
{
    static const uint8_t much[UINT16_MAX + 1];
    struct wire_writer w = wire_writer_measure();
    size_t len;

    (void)state;
    wire_writer_binary(&w, span_of(much, UINT16_MAX));
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_AGAIN);
    wire_writer_binary(&w, span_of(much, sizeof(much)));
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_ELIMIT);
    w = wire_writer_measure();
    wire_writer_string(&w, span_of(much, sizeof(much)));
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_ELIMIT);
    w = wire_writer_measure();
    wire_writer_varint(&w, WIRE_VARINT_MAX + 1);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_ELIMIT);
    w = wire_writer_measure();
    wire_writer_length(&w, SIZE_MAX);
    wire_writer_fail(&w, WILCO_EINVAL);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_ELIMIT); /* the first sticks */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_then_writes),
        cmocka_unit_test(never_writes_past_the_end),
        cmocka_unit_test(varints),
        cmocka_unit_test(what_cannot_be_said_is_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
