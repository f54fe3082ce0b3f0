#include "wire/reader.h"

#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
reads_in_order(void **state)
{
    struct span bytes = bytes_from("FF 0102 FFFEFDFC 8001 0003 'abc' 0002 00FF 'rest'");
    struct wire_reader r = wire_reader_init(bytes);

    (void)state;
    assert_int_equal(wire_reader_u8(&r), 0xFF);
    assert_int_equal(wire_reader_u16(&r), 0x0102);
    assert_int_equal(wire_reader_u32(&r), 0xFFFEFDFC);
    assert_int_equal(wire_reader_varint(&r), 128);
    assert_true(span_equal(wire_reader_string(&r), SPAN_LITERAL("abc")));
    assert_true(span_equal(wire_reader_binary(&r), SPAN_LITERAL("\0\xFF")));
    assert_int_equal(wire_reader_left(&r), 4);
    assert_true(span_equal(wire_reader_bytes(&r, 1), SPAN_LITERAL("r")));
    assert_true(span_equal(wire_reader_rest(&r), SPAN_LITERAL("est")));
    assert_int_equal(wire_reader_finish(&r), WILCO_OK);
    bytes_free(bytes);
}

/* [MQTT-1.5.5-1], [U-1.5.5-1] */
static void
varints(void **state)
{
    static const struct {
        const char *bytes;
        uint32_t value;
        enum wilco_status want;
    } rows[] = {
        {"00", 0, WILCO_OK},
        {"01", 1, WILCO_OK},
        {"7F", 127, WILCO_OK},
        {"8001", 128, WILCO_OK},
        {"FF7F", 16383, WILCO_OK},
        {"808001", 16384, WILCO_OK},
        {"FFFF7F", 2097151, WILCO_OK},
        {"80808001", 2097152, WILCO_OK},
        {"FFFFFF7F", 268435455, WILCO_OK},
        {"", 0, WILCO_EMALFORMED},
        {"80", 0, WILCO_EMALFORMED},
        {"FFFF", 0, WILCO_EMALFORMED},
        {"FFFFFF", 0, WILCO_EMALFORMED},
        {"8000", 0, WILCO_EMALFORMED},
        {"FF00", 0, WILCO_EMALFORMED},
        {"808000", 0, WILCO_EMALFORMED},
        {"80808000", 0, WILCO_EMALFORMED},
        {"FFFFFF80", 0, WILCO_EMALFORMED},
        {"8080808001", 0, WILCO_EMALFORMED},
        {"FFFFFFFF01", 0, WILCO_EMALFORMED},
        {"8080808000", 0, WILCO_EMALFORMED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span bytes = bytes_from(rows[i].bytes);
        struct wire_reader r = wire_reader_init(bytes);

        assert_int_equal(wire_reader_varint(&r), rows[i].value);
        assert_int_equal(wire_reader_finish(&r), rows[i].want);
        bytes_free(bytes);
    }
}

static void
the_first_failure_sticks(void **state)
{
    struct span bytes = bytes_from("0005 'abcd'");
    struct wire_reader r = wire_reader_init(bytes);

    (void)state;
    assert_int_equal(wire_reader_binary(&r).len, 0);
    assert_int_equal(r.status, WILCO_EMALFORMED);
    assert_int_equal(wire_reader_left(&r), 0);
    assert_int_equal(wire_reader_u8(&r), 0);
    assert_int_equal(wire_reader_u16(&r), 0);
    assert_int_equal(wire_reader_u32(&r), 0);
    assert_int_equal(wire_reader_varint(&r), 0);
    assert_int_equal(wire_reader_string(&r).len, 0);
    assert_int_equal(wire_reader_rest(&r).len, 0);
    wire_reader_fail(&r, WILCO_EPROTOCOL);
    assert_int_equal(wire_reader_finish(&r), WILCO_EMALFORMED);
    bytes_free(bytes);
}

static void
numbers_cut_short(void **state)
{
    struct span bytes = bytes_from("010203");
    struct wire_reader r = wire_reader_init(span_first(bytes, 1));

    (void)state;
    assert_int_equal(wire_reader_u16(&r), 0);
    assert_int_equal(wire_reader_finish(&r), WILCO_EMALFORMED);
    r = wire_reader_init(bytes);
    (void)wire_reader_u32(&r);
    assert_int_equal(wire_reader_finish(&r), WILCO_EMALFORMED);
    bytes_free(bytes);
}

static void
leftover_bytes_are_malformed(void **state)
{
    struct span bytes = bytes_from("0102");
    struct wire_reader r = wire_reader_init(bytes);

    (void)state;
    (void)wire_reader_u8(&r);
    assert_int_equal(wire_reader_finish(&r), WILCO_EMALFORMED);
    bytes_free(bytes);
}

/* [U-2.2.1-1] */
static void
packet_identifiers(void **state)
{
    struct span bytes = bytes_from("FFFF 0001 0000");
    struct wire_reader r = wire_reader_init(bytes);

    (void)state;
    assert_int_equal(wire_reader_packet_id(&r), 65535);
    assert_int_equal(wire_reader_packet_id(&r), 1);
    assert_int_equal(wire_reader_packet_id(&r), 0);
    assert_int_equal(wire_reader_finish(&r), WILCO_EMALFORMED);
    bytes_free(bytes);
}

static void
strings_are_utf8_and_binary_is_anything(void **state)
{
    struct span bytes = bytes_from("0002 C3A9 0001 FF");
    struct wire_reader r = wire_reader_init(bytes);

    (void)state;
    assert_int_equal(wire_reader_string(&r).len, 2);
    assert_int_equal(wire_reader_string(&r).len, 0);
    assert_int_equal(wire_reader_finish(&r), WILCO_EMALFORMED);
    r = wire_reader_init(bytes);
    (void)wire_reader_binary(&r);
    assert_int_equal(wire_reader_binary(&r).len, 1);
    assert_int_equal(wire_reader_finish(&r), WILCO_OK);
    bytes_free(bytes);
}

static void
nothing_at_all(void **state)
{
    struct wire_reader r = wire_reader_init(SPAN_EMPTY);

    (void)state;
    assert_int_equal(wire_reader_rest(&r).len, 0);
    assert_int_equal(wire_reader_finish(&r), WILCO_OK);
    assert_int_equal(wire_reader_u8(&r), 0);
    assert_int_equal(wire_reader_finish(&r), WILCO_EMALFORMED);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_in_order),
        cmocka_unit_test(varints),
        cmocka_unit_test(the_first_failure_sticks),
        cmocka_unit_test(numbers_cut_short),
        cmocka_unit_test(leftover_bytes_are_malformed),
        cmocka_unit_test(packet_identifiers),
        cmocka_unit_test(strings_are_utf8_and_binary_is_anything),
        cmocka_unit_test(nothing_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
