#include "wire/packet.h"

#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* [MQTT-2.1.3-1], [U-2.1.3-1], [U-2.1.2-1], [MQTT-3.6.1-1], [MQTT-3.8.1-1], [MQTT-3.10.1-1],
 * [MQTT-3.14.1-1], [MQTT-3.15.1-1] */
static void
flags_of_every_type(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        uint8_t bytes[] = {(uint8_t)first, 0};
        struct wire_header h;
        unsigned type = first >> 4;
        unsigned flags = first & 0x0F;
        unsigned due = type == 6 || type == 8 || type == 10 ? 2 : 0;
        bool want = type != 0 && (type == 3 || flags == due);
        enum wilco_status st = wire_header_decode(&h, span_of(bytes, sizeof(bytes)));

        assert_int_equal(st, want ? WILCO_OK : WILCO_EMALFORMED);
        /* What is wrong is said before the length is there. */
        st = wire_header_decode(&h, span_of(bytes, 1));
        assert_int_equal(st, want ? WILCO_AGAIN : WILCO_EMALFORMED);
        if (want) {
            assert_int_equal(h.type, type);
            assert_int_equal(h.flags, flags);
        }
        if (want && type != 3) {
            assert_int_equal(wire_type_flags(h.type), due);
        }
    }
}

static void
remaining_lengths(void **state)
{
    static const struct {
        const char *bytes;
        enum wilco_status want;
        size_t header_bytes;
        uint32_t remaining;
    } rows[] = {
        {"", WILCO_AGAIN, 0, 0},
        {"30", WILCO_AGAIN, 0, 0},
        {"30 80", WILCO_AGAIN, 0, 0},
        {"30 FFFFFF", WILCO_AGAIN, 0, 0},
        {"30 00", WILCO_OK, 2, 0},
        {"30 7F", WILCO_OK, 2, 127},
        {"30 7F 'more'", WILCO_OK, 2, 127},
        {"30 8001", WILCO_OK, 3, 128},
        {"30 FF7F", WILCO_OK, 3, 16383},
        {"30 808001", WILCO_OK, 4, 16384},
        {"30 80808001", WILCO_OK, 5, 2097152},
        {"30 FFFFFF7F", WILCO_OK, 5, 268435455},
        {"30 8000", WILCO_EMALFORMED, 0, 0},
        {"30 80808000", WILCO_EMALFORMED, 0, 0},
        {"30 FFFFFFFF", WILCO_EMALFORMED, 0, 0},
        {"30 FFFFFFFF01", WILCO_EMALFORMED, 0, 0},
        {"30 8080808001", WILCO_EMALFORMED, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span bytes = bytes_from(rows[i].bytes);
        struct wire_header h;

        assert_int_equal(wire_header_decode(&h, bytes), rows[i].want);
        if (rows[i].want == WILCO_OK) {
            assert_int_equal(h.header_bytes, rows[i].header_bytes);
            assert_int_equal(h.remaining, rows[i].remaining);
        }
        bytes_free(bytes);
    }
}

static void
headers_encode(void **state)
{
    uint8_t bytes[5];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    size_t len;

    (void)state;
    wire_header_encode(&w, WIRE_PUBLISH, 0x0B, 321);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    assert_true(span_equal(span_of(bytes, len), SPAN_LITERAL("\x3B\xC1\x02")));
    w = wire_writer_init(bytes, sizeof(bytes));
    wire_header_encode(&w, WIRE_PUBLISH, 0, WIRE_VARINT_MAX);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    assert_int_equal(len, 5);
    w = wire_writer_init(bytes, sizeof(bytes));
    wire_header_encode(&w, WIRE_PUBLISH, 0, (size_t)WIRE_VARINT_MAX + 1);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_ELIMIT);
}

static void
types_have_names(void **state)
{
    static const char *const names[] = {
        "RESERVED", "CONNECT",  "CONNACK",    "PUBLISH", "PUBACK",      "PUBREC",
        "PUBREL",   "PUBCOMP",  "SUBSCRIBE",  "SUBACK",  "UNSUBSCRIBE", "UNSUBACK",
        "PINGREQ",  "PINGRESP", "DISCONNECT", "AUTH",    "RESERVED",
    };

    (void)state;
    for (unsigned type = 0; type <= 16; type++) {
        assert_string_equal(wire_type_name((enum wire_type)type), names[type]);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_of_every_type),
        cmocka_unit_test(remaining_lengths),
        cmocka_unit_test(headers_encode),
        cmocka_unit_test(types_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
