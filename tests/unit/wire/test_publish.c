#include "wire/publish.h"

#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *name;
    uint8_t flags;
    const char *body;
    enum wilco_status want5;
    enum wilco_status want311;
} rows[] = {
    {"qos 0", 0x0, "0001 'a' 00", WILCO_OK, WILCO_OK},
    {"qos 1", 0x2, "0001 'a' 0001 00", WILCO_OK, WILCO_OK},
    {"qos 2, dup, retain", 0xD, "0001 'a' FFFF 00", WILCO_OK, WILCO_OK},
    {"[MQTT-3.3.1-4] qos 3", 0x6, "0001 'a' 0001 00", WILCO_EMALFORMED, WILCO_EMALFORMED},
    {"qos 3 and all else", 0xF, "0001 'a' 0001 00", WILCO_EMALFORMED, WILCO_EMALFORMED},
    {"[MQTT-3.3.1-2] dup with qos 0", 0x8, "0001 'a' 00", WILCO_EMALFORMED, WILCO_EMALFORMED},
    {"[U-2.2.1-1] packet id 0", 0x2, "0001 'a' 0000 00", WILCO_EMALFORMED, WILCO_EMALFORMED},
    {"no packet id", 0x2, "0001 'a'", WILCO_EMALFORMED, WILCO_EMALFORMED},
    {"half a packet id", 0x2, "0001 'a' 00", WILCO_EMALFORMED, WILCO_EMALFORMED},
    {"no topic", 0x0, "", WILCO_EMALFORMED, WILCO_EMALFORMED},
    {"half a topic length", 0x0, "00", WILCO_EMALFORMED, WILCO_EMALFORMED},
    {"a topic cut short", 0x0, "0005 'a'", WILCO_EMALFORMED, WILCO_EMALFORMED},
    {"[MQTT-3.3.2-1] a topic that is no UTF-8", 0x0, "0001 FF 00", WILCO_EMALFORMED,
     WILCO_EMALFORMED},
    {"[MQTT-4.7.3-2] a topic with U+0000", 0x0, "0001 00 00", WILCO_EMALFORMED, WILCO_EMALFORMED},
    {"a topic with a wildcard is left to the caller", 0x0, "0003 'a/#' 00", WILCO_OK, WILCO_OK},
    {"[U-3.3.2-1] an empty topic", 0x0, "0000 00", WILCO_EPROTOCOL, WILCO_EPROTOCOL},
    {"an empty topic with an alias", 0x0, "0000 [23 0001]", WILCO_OK, WILCO_EPROTOCOL},
    {"alias 0 is left to the caller", 0x0, "0000 [23 0000]", WILCO_OK, WILCO_EPROTOCOL},
    {"[MQTT-2.2.2-1] no property length", 0x0, "0001 'a'", WILCO_EMALFORMED, WILCO_OK},
    {"a property length past the packet", 0x0, "0001 'a' 05 01 01", WILCO_EMALFORMED, WILCO_OK},
    {"a property of another packet", 0x0, "0001 'a' [21 0001]", WILCO_EMALFORMED, WILCO_OK},
    {"[MQTT-3.3.2-14] a response topic with a wildcard", 0x0, "0001 'a' [08 0001 '#']",
     WILCO_EPROTOCOL, WILCO_OK},
    {"[U-3.3.2-6] two response topics", 0x0, "0001 'a' [08 0001 'r' 08 0001 'r']", WILCO_EPROTOCOL,
     WILCO_OK},
    {"[U-3.3.2-7] two correlations", 0x0, "0001 'a' [09 0000 09 0000]", WILCO_EPROTOCOL, WILCO_OK},
};

static void
table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span body = bytes_from(rows[i].body);
        struct wire_publish p;

        if (wire_publish_decode(&p, rows[i].flags, body, WIRE_V5) != rows[i].want5 ||
            wire_publish_decode(&p, rows[i].flags, body, WIRE_V311) != rows[i].want311 ||
            wire_publish_decode(&p, rows[i].flags, body, WIRE_V31) != rows[i].want311) {
            fail_msg("%s", rows[i].name);
        }
        bytes_free(body);
    }
}

static void
fields(void **state)
{
    struct span body = bytes_from("0003 'req' 0102 [08 0001 'r' 09 0002 00FF] '{}'");
    struct wire_publish p;

    (void)state;
    memset(&p, 0xEE, sizeof(p));
    assert_int_equal(wire_publish_decode(&p, 0xD, body, WIRE_V5), WILCO_OK);
    assert_int_equal(p.qos, 2);
    assert_true(p.dup);
    assert_true(p.retain);
    assert_int_equal(p.packet_id, 0x0102);
    assert_true(span_equal(p.topic, SPAN_LITERAL("req")));
    assert_true(span_equal(p.properties.response_topic, SPAN_LITERAL("r")));
    assert_true(span_equal(p.properties.correlation_data, SPAN_LITERAL("\0\xFF")));
    assert_true(span_equal(p.payload, SPAN_LITERAL("{}")));
    assert_true(p.payload.data == body.data + body.len - 2); /* borrowed, not copied */
    bytes_free(body);
}

static void
nothing_is_left_from_before(void **state)
{
    struct span body = bytes_from("0001 'a' 'x'");
    struct wire_publish p;

    (void)state;
    memset(&p, 0xEE, sizeof(p));
    assert_int_equal(wire_publish_decode(&p, 0x0, body, WIRE_V311), WILCO_OK);
    assert_int_equal(p.qos, 0);
    assert_false(p.dup);
    assert_false(p.retain);
    assert_int_equal(p.packet_id, 0);
    assert_true(p.properties.present == 0);
    assert_null(p.properties.block.data);
    assert_int_equal(p.properties.user_count, 0);
    assert_true(span_equal(p.payload, SPAN_LITERAL("x")));
    bytes_free(body);
}

static void
encodes_from_fields(void **state)
{
    struct wire_publish p = {
        .qos = 1,
        .retain = true,
        .packet_id = 7,
        .topic = SPAN_LITERAL("a/b"),
        .properties = {.response_topic = SPAN_LITERAL("r"), .correlation_data = SPAN_LITERAL("1")},
        .payload = SPAN_LITERAL("hi"),
    };
    struct span want5 = bytes_from("33 [0003 'a/b' 0007 [08 0001 'r' 09 0001 '1'] 'hi']");
    struct span want311 = bytes_from("33 [0003 'a/b' 0007 'hi']");
    uint8_t bytes[64];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    size_t len;

    (void)state;
    wire_properties_set(&p.properties, WIRE_RESPONSE_TOPIC);
    wire_properties_set(&p.properties, WIRE_CORRELATION_DATA);
    wire_publish_encode(&w, &p, WIRE_V5);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    assert_true(span_equal(span_of(bytes, len), want5));
    w = wire_writer_init(bytes, sizeof(bytes));
    wire_publish_encode(&w, &p, WIRE_V311);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    assert_true(span_equal(span_of(bytes, len), want311));
    bytes_free(want311);
    bytes_free(want5);
}

static void
what_is_too_long_is_a_limit(void **state)
{
    static const uint8_t much[UINT16_MAX + 1];
    struct wire_publish p = {.topic = {much, sizeof(much)}};
    struct wire_writer w = wire_writer_measure();
    size_t len;

    (void)state;
    wire_publish_encode(&w, &p, WIRE_V5);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_ELIMIT);
    p.topic = SPAN_LITERAL("a");
    p.payload = span_of(much, WIRE_VARINT_MAX); /* only measured, never read */
    w = wire_writer_measure();
    wire_publish_encode(&w, &p, WIRE_V5);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_ELIMIT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(fields),
        cmocka_unit_test(nothing_is_left_from_before),
        cmocka_unit_test(encodes_from_fields),
        cmocka_unit_test(what_is_too_long_is_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
