#include "wire/connack.h"

#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *name;
    enum wire_version version;
    const char *body;
    enum wilco_status want;
} rows[] = {
    {"success", WIRE_V5, "00 00 00", WILCO_OK},
    {"session present", WIRE_V5, "01 00 00", WILCO_OK},
    {"refused", WIRE_V5, "00 87 00", WILCO_OK},
    {"[MQTT-3.2.2-1] flag 1", WIRE_V5, "02 00 00", WILCO_EMALFORMED},
    {"flag 7", WIRE_V5, "80 00 00", WILCO_EMALFORMED},
    {"[MQTT-3.2.2-6] refused with a session", WIRE_V5, "01 87 00", WILCO_EPROTOCOL},
    {"[MQTT-3.2.2-8] a code of PUBACK", WIRE_V5, "00 10 00", WILCO_EPROTOCOL},
    {"a return code of 3.1.1", WIRE_V5, "00 01 00", WILCO_EPROTOCOL},
    {"an unknown code", WIRE_V5, "00 FF 00", WILCO_EPROTOCOL},
    {"empty", WIRE_V5, "", WILCO_EMALFORMED},
    {"no code", WIRE_V5, "00", WILCO_EMALFORMED},
    {"[MQTT-2.2.2-1] no property length", WIRE_V5, "00 00", WILCO_EMALFORMED},
    {"something behind", WIRE_V5, "00 00 00 00", WILCO_EMALFORMED},
    {"[U-3.2.2-1] maximum qos 2", WIRE_V5, "00 00 [24 02]", WILCO_EPROTOCOL},
    {"a property of CONNECT", WIRE_V5, "00 00 [19 01]", WILCO_EMALFORMED},
    {"3.1.1", WIRE_V311, "00 00", WILCO_OK},
    {"3.1.1 session present", WIRE_V311, "01 00", WILCO_OK},
    {"3.1.1 code 5", WIRE_V311, "00 05", WILCO_OK},
    {"3.1.1 code 6", WIRE_V311, "00 06", WILCO_EPROTOCOL},
    {"3.1.1 code of 5.0", WIRE_V311, "00 87", WILCO_EPROTOCOL},
    {"3.1.1 refused with a session", WIRE_V311, "01 05", WILCO_EPROTOCOL},
    {"3.1.1 flag 1", WIRE_V311, "02 00", WILCO_EMALFORMED},
    {"3.1.1 with properties", WIRE_V311, "00 00 00", WILCO_EMALFORMED},
    {"3.1", WIRE_V31, "00 04", WILCO_OK},
};

static void
table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span body = bytes_from(rows[i].body);
        struct wire_connack p;

        if (wire_connack_decode(&p, body, rows[i].version) != rows[i].want) {
            fail_msg("%s", rows[i].name);
        }
        bytes_free(body);
    }
}

static void
encodes_from_fields(void **state)
{
    struct wire_connack p = {
        .session_present = true,
        .properties = {.response_information = SPAN_LITERAL("$r/x"), .topic_alias_maximum = 10},
    };
    struct span want = bytes_from("20 [01 00 [1A 0004 '$r/x' 22 000A]]");
    uint8_t bytes[32];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    size_t len;

    (void)state;
    wire_properties_set(&p.properties, WIRE_RESPONSE_INFORMATION);
    wire_properties_set(&p.properties, WIRE_TOPIC_ALIAS_MAXIMUM);
    wire_connack_encode(&w, &p, WIRE_V5);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    assert_true(span_equal(span_of(bytes, len), want));
    w = wire_writer_init(bytes, sizeof(bytes));
    wire_connack_encode(&w, &p, WIRE_V311);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    assert_true(span_equal(span_of(bytes, len), SPAN_LITERAL("\x20\x02\x01\x00")));
    bytes_free(want);
}

static void
return_codes(void **state)
{
    static const struct {
        uint8_t reason;
        uint8_t want;
    } codes[] = {
        {0x84, 1}, {0x85, 2}, {0x86, 4}, {0x87, 5}, {0x8A, 5}, {0x8C, 5},
        {0x88, 3}, {0x89, 3}, {0x80, 3}, {0x97, 3}, {0x9C, 3}, {0x9F, 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        assert_int_equal(wire_connack_return_code(codes[i].reason), codes[i].want);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(encodes_from_fields),
        cmocka_unit_test(return_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
