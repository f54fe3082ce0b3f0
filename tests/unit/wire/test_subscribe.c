#include "wire/subscribe.h"

#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *name;
    const char *body; /* behind the packet id and, in 5.0, the properties */
    enum wilco_status want5;
    enum wilco_status want311;
} rows[] = {
    {"qos 0", "0001 'a' 00", WILCO_OK, WILCO_OK},
    {"qos 2", "0001 'a' 02", WILCO_OK, WILCO_OK},
    {"[U-3.8.3-2] qos 3", "0001 'a' 03", WILCO_EPROTOCOL, WILCO_EPROTOCOL},
    {"no local", "0001 'a' 04", WILCO_OK, WILCO_EMALFORMED},
    {"retain as published", "0001 'a' 08", WILCO_OK, WILCO_EMALFORMED},
    {"retain handling 1", "0001 'a' 10", WILCO_OK, WILCO_EMALFORMED},
    {"retain handling 2", "0001 'a' 20", WILCO_OK, WILCO_EMALFORMED},
    {"[U-3.8.3-2] retain handling 3", "0001 'a' 30", WILCO_EPROTOCOL, WILCO_EMALFORMED},
    {"[MQTT-3.8.3-5] bit 6", "0001 'a' 40", WILCO_EMALFORMED, WILCO_EMALFORMED},
    {"bit 7", "0001 'a' 80", WILCO_EMALFORMED, WILCO_EMALFORMED},
    {"[MQTT-3.8.3-4] no local on a shared subscription", "000A '$share/g/a' 04", WILCO_EPROTOCOL,
     WILCO_EMALFORMED},
    {"a shared subscription", "000A '$share/g/a' 02", WILCO_OK, WILCO_OK},
    {"[MQTT-3.8.3-2] none", "", WILCO_EPROTOCOL, WILCO_EPROTOCOL},
    {"no options", "0001 'a'", WILCO_EMALFORMED, WILCO_EMALFORMED},
    {"a filter cut short", "0003 'a'", WILCO_EMALFORMED, WILCO_EMALFORMED},
    {"[MQTT-3.8.3-1] a filter that is no UTF-8", "0001 FF 00", WILCO_EMALFORMED, WILCO_EMALFORMED},
    {"an empty filter is left to the caller", "0000 00", WILCO_OK, WILCO_OK},
    {"a wrong filter is left to the caller", "0002 'a#' 00", WILCO_OK, WILCO_OK},
    {"the second is wrong", "0001 'a' 00 0001 'b' 03", WILCO_EPROTOCOL, WILCO_EPROTOCOL},
    {"the second is cut short", "0001 'a' 00 00", WILCO_EMALFORMED, WILCO_EMALFORMED},
};

static enum wilco_status
decode(const char *before, const char *behind, enum wire_version version)
{
    struct span first = bytes_from(before);
    struct span second = bytes_from(behind);
    uint8_t bytes[64];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    struct wire_subscribe p;
    struct span body;
    enum wilco_status st;
    size_t len;

    wire_writer_bytes(&w, first);
    wire_writer_bytes(&w, second);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    body = bytes_copy(span_of(bytes, len));
    st = wire_subscribe_decode(&p, body, version);
    bytes_free(body);
    bytes_free(second);
    bytes_free(first);
    return st;
}

static void
table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (decode("0001 00", rows[i].body, WIRE_V5) != rows[i].want5 ||
            decode("0001", rows[i].body, WIRE_V311) != rows[i].want311) {
            fail_msg("%s", rows[i].name);
        }
    }
}

static void
what_stands_before(void **state)
{
    (void)state;
    assert_int_equal(decode("", "", WIRE_V5), WILCO_EMALFORMED);
    assert_int_equal(decode("0000 00", "0001 'a' 00", WIRE_V5), WILCO_EMALFORMED);
    assert_int_equal(decode("0000", "0001 'a' 00", WIRE_V311), WILCO_EMALFORMED);
    assert_int_equal(decode("0001 [0B 05]", "0001 'a' 00", WIRE_V5), WILCO_OK);
    /* [U-3.8.2-1] */
    assert_int_equal(decode("0001 [0B 00]", "0001 'a' 00", WIRE_V5), WILCO_EPROTOCOL);
    assert_int_equal(decode("0001 [0B 01 0B 02]", "0001 'a' 00", WIRE_V5), WILCO_EPROTOCOL);
    assert_int_equal(decode("0001 [1F 0000]", "0001 'a' 00", WIRE_V5), WILCO_EMALFORMED);
}

static const struct wire_subscription subscriptions[] = {
    {.filter = SPAN_INIT("a/+"), .qos = 1},
    {.filter = SPAN_INIT("$share/g/#"), .qos = 2, .retain_handling = 2},
    {.filter = SPAN_INIT("b"), .no_local = true, .retain_as_published = true},
    {.filter = SPAN_INIT(""), .retain_handling = 1},
};

static void
fields_encode_and_decode(void **state)
{
    struct wire_subscribe in = {.packet_id = 0x0102, .count = 4, .subscriptions = subscriptions};
    struct wire_subscribe out;
    struct wire_subscription s;
    uint8_t bytes[64];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    size_t len;

    (void)state;
    in.properties.subscription_identifier = 9;
    wire_properties_set(&in.properties, WIRE_SUBSCRIPTION_IDENTIFIER);
    wire_subscribe_encode(&w, &in, WIRE_V5);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    assert_int_equal(bytes[0], 0x82);
    assert_int_equal(wire_subscribe_decode(&out, span_of(bytes + 2, len - 2), WIRE_V5), WILCO_OK);
    assert_int_equal(out.packet_id, 0x0102);
    assert_int_equal(out.properties.subscription_identifier, 9);
    assert_int_equal(out.count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_true(wire_subscribe_next(&out.payload, &s));
        assert_true(span_equal(s.filter, subscriptions[i].filter));
        assert_int_equal(wire_subscription_options(&s),
                         wire_subscription_options(&subscriptions[i]));
    }
    assert_false(wire_subscribe_next(&out.payload, &s));
}

static void
options_of_a_byte(void **state)
{
    struct span payload = SPAN_LITERAL("\x00\x01"
                                       "a\x2E");
    struct wire_subscription s;

    (void)state;
    assert_true(wire_subscribe_next(&payload, &s));
    assert_int_equal(s.qos, 2);
    assert_true(s.no_local);
    assert_true(s.retain_as_published);
    assert_int_equal(s.retain_handling, 2);
    assert_int_equal(wire_subscription_options(&s), 0x2E);
}

static void
before_5_only_the_qos_is_said(void **state)
{
    struct wire_subscribe p = {.packet_id = 1, .count = 3, .subscriptions = subscriptions};
    struct span want = bytes_from("82 [0001 0003 'a/+' 01 000A '$share/g/#' 02 0001 'b' 00]");
    uint8_t bytes[64];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    size_t len;

    (void)state;
    wire_subscribe_encode(&w, &p, WIRE_V311);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    assert_true(span_equal(span_of(bytes, len), want));
    bytes_free(want);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(what_stands_before),
        cmocka_unit_test(fields_encode_and_decode),
        cmocka_unit_test(options_of_a_byte),
        cmocka_unit_test(before_5_only_the_qos_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
