#include "wire/suback.h"

#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *name;
    enum wire_type type;
    enum wire_version version;
    const char *body;
    enum wilco_status want;
} rows[] = {
    {"granted", WIRE_SUBACK, WIRE_V5, "0001 00 00 01 02", WILCO_OK},
    {"failures", WIRE_SUBACK, WIRE_V5, "0001 00 80 83 87 8F 91 97 9E A1 A2", WILCO_OK},
    {"[MQTT-3.9.3-2] code 3", WIRE_SUBACK, WIRE_V5, "0001 00 00 03", WILCO_EPROTOCOL},
    {"a code of UNSUBACK", WIRE_SUBACK, WIRE_V5, "0001 00 11", WILCO_EPROTOCOL},
    {"no code", WIRE_SUBACK, WIRE_V5, "0001 00", WILCO_EPROTOCOL},
    {"packet id 0", WIRE_SUBACK, WIRE_V5, "0000 00 00", WILCO_EMALFORMED},
    {"no properties", WIRE_SUBACK, WIRE_V5, "0001", WILCO_EMALFORMED},
    {"properties past the packet", WIRE_SUBACK, WIRE_V5, "0001 05 00", WILCO_EMALFORMED},
    {"a property of another packet", WIRE_SUBACK, WIRE_V5, "0001 [0B 01] 00", WILCO_EMALFORMED},
    {"3.1.1", WIRE_SUBACK, WIRE_V311, "0001 00 01 02 80", WILCO_OK},
    {"3.1.1 code 3", WIRE_SUBACK, WIRE_V311, "0001 03", WILCO_EPROTOCOL},
    {"3.1.1 code of 5.0", WIRE_SUBACK, WIRE_V311, "0001 87", WILCO_EPROTOCOL},
    {"3.1.1 no code", WIRE_SUBACK, WIRE_V311, "0001", WILCO_EPROTOCOL},
    {"3.1.1 packet id 0", WIRE_SUBACK, WIRE_V311, "0000 00", WILCO_EMALFORMED},
    {"unsuback", WIRE_UNSUBACK, WIRE_V5, "0001 00 00 11 80 83 87 8F 91", WILCO_OK},
    {"[MQTT-3.11.3-2] code 1", WIRE_UNSUBACK, WIRE_V5, "0001 00 01", WILCO_EPROTOCOL},
    {"unsuback, no code", WIRE_UNSUBACK, WIRE_V5, "0001 00", WILCO_EPROTOCOL},
    {"unsuback 3.1.1", WIRE_UNSUBACK, WIRE_V311, "0001", WILCO_OK},
    {"unsuback 3.1.1 with codes", WIRE_UNSUBACK, WIRE_V311, "0001 00", WILCO_EMALFORMED},
    {"unsuback 3.1.1 packet id 0", WIRE_UNSUBACK, WIRE_V311, "0000", WILCO_EMALFORMED},
};

static void
table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span body = bytes_from(rows[i].body);
        struct wire_suback p;

        if (wire_suback_decode(&p, rows[i].type, body, rows[i].version) != rows[i].want) {
            fail_msg("%s", rows[i].name);
        }
        bytes_free(body);
    }
}

static void
encodes_from_fields(void **state)
{
    static const struct {
        enum wire_type type;
        enum wire_version version;
        const char *want;
    } forms[] = {
        {WIRE_SUBACK, WIRE_V5, "90 [0102 [1F 0001 'x'] 00 80]"},
        {WIRE_UNSUBACK, WIRE_V5, "B0 [0102 [1F 0001 'x'] 00 80]"},
        {WIRE_SUBACK, WIRE_V311, "90 [0102 00 80]"},
        {WIRE_UNSUBACK, WIRE_V311, "B0 [0102]"},
    };
    struct wire_suback p = {
        .packet_id = 0x0102,
        .properties = {.reason_string = SPAN_LITERAL("x")},
        .reason_codes = SPAN_LITERAL("\x00\x80"),
    };

    (void)state;
    wire_properties_set(&p.properties, WIRE_REASON_STRING);
    for (size_t i = 0; i < 4; i++) {
        struct span want = bytes_from(forms[i].want);
        uint8_t bytes[32];
        struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
        size_t len;

        wire_suback_encode(&w, forms[i].type, &p, forms[i].version);
        assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
        assert_true(span_equal(span_of(bytes, len), want));
        bytes_free(want);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(encodes_from_fields),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
