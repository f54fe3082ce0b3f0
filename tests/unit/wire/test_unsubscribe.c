#include "wire/unsubscribe.h"

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
    {"one", WIRE_V5, "0001 00 0001 'a'", WILCO_OK},
    {"two", WIRE_V5, "0001 00 0001 'a' 0000", WILCO_OK},
    {"[MQTT-3.10.3-2] none", WIRE_V5, "0001 00", WILCO_EPROTOCOL},
    {"no properties", WIRE_V5, "0001", WILCO_EMALFORMED},
    {"packet id 0", WIRE_V5, "0000 00 0001 'a'", WILCO_EMALFORMED},
    {"empty", WIRE_V5, "", WILCO_EMALFORMED},
    {"[MQTT-3.10.3-1] no UTF-8", WIRE_V5, "0001 00 0001 FF", WILCO_EMALFORMED},
    {"cut short", WIRE_V5, "0001 00 0002 'a'", WILCO_EMALFORMED},
    {"half a length behind", WIRE_V5, "0001 00 0001 'a' 00", WILCO_EMALFORMED},
    {"a property of SUBSCRIBE", WIRE_V5, "0001 [0B 01] 0001 'a'", WILCO_EMALFORMED},
    {"user properties", WIRE_V5, "0001 [26 0000 0000] 0001 'a'", WILCO_OK},
    {"3.1.1", WIRE_V311, "0001 0001 'a'", WILCO_OK},
    {"3.1.1 none", WIRE_V311, "0001", WILCO_EPROTOCOL},
    {"3.1.1 packet id 0", WIRE_V311, "0000 0001 'a'", WILCO_EMALFORMED},
};

static void
table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span body = bytes_from(rows[i].body);
        struct wire_unsubscribe p;

        if (wire_unsubscribe_decode(&p, body, rows[i].version) != rows[i].want) {
            fail_msg("%s", rows[i].name);
        }
        bytes_free(body);
    }
}

static void
fields_encode_and_decode(void **state)
{
    static const enum wire_version versions[] = {WIRE_V5, WIRE_V311};
    static const struct span filters[] = {SPAN_INIT("a/#"), SPAN_INIT("$share/g/b")};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct wire_unsubscribe in = {.packet_id = 0x0102, .count = 2, .filters = filters};
        struct wire_unsubscribe out;
        struct span filter;
        uint8_t bytes[64];
        struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
        size_t len;

        wire_unsubscribe_encode(&w, &in, versions[i]);
        assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
        assert_int_equal(bytes[0], 0xA2);
        assert_int_equal(wire_unsubscribe_decode(&out, span_of(bytes + 2, len - 2), versions[i]),
                         WILCO_OK);
        assert_int_equal(out.packet_id, 0x0102);
        assert_int_equal(out.count, 2);
        assert_true(wire_unsubscribe_next(&out.payload, &filter));
        assert_true(span_equal(filter, filters[0]));
        assert_true(wire_unsubscribe_next(&out.payload, &filter));
        assert_true(span_equal(filter, filters[1]));
        assert_false(wire_unsubscribe_next(&out.payload, &filter));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(fields_encode_and_decode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
