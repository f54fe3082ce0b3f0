#include "wire/ack.h"

#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const enum wire_type types[] = {WIRE_PUBACK, WIRE_PUBREC, WIRE_PUBREL, WIRE_PUBCOMP};

/* Rows that hold for all four. */
static const struct {
    const char *name;
    const char *body;
    enum wilco_status want5;
    enum wilco_status want311;
} rows[] = {
    {"[U-3.4.2-1] two bytes", "0001", WILCO_OK, WILCO_OK},
    {"[U-3.4.2-1] three bytes", "0001 00", WILCO_OK, WILCO_EMALFORMED},
    {"four bytes", "0001 00 00", WILCO_OK, WILCO_EMALFORMED},
    {"properties", "0001 00 [1F 0001 'x' 26 0000 0000]", WILCO_OK, WILCO_EMALFORMED},
    {"[U-2.2.1-1] packet id 0", "0000", WILCO_EMALFORMED, WILCO_EMALFORMED},
    {"empty", "", WILCO_EMALFORMED, WILCO_EMALFORMED},
    {"half a packet id", "01", WILCO_EMALFORMED, WILCO_EMALFORMED},
    {"an unknown code", "0001 03", WILCO_EPROTOCOL, WILCO_EMALFORMED},
    {"a code of CONNACK", "0001 86 00", WILCO_EPROTOCOL, WILCO_EMALFORMED},
    {"a property length past the packet", "0001 00 01", WILCO_EMALFORMED, WILCO_EMALFORMED},
    {"something behind", "0001 00 00 00", WILCO_EMALFORMED, WILCO_EMALFORMED},
    {"[U-3.4.2-2] two reason strings", "0001 00 [1F 0000 1F 0000]", WILCO_EPROTOCOL,
     WILCO_EMALFORMED},
    {"a property of another packet", "0001 00 [23 0001]", WILCO_EMALFORMED, WILCO_EMALFORMED},
};

static void
table(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4 * sizeof(rows) / sizeof(rows[0]); i++) {
        enum wire_type type = types[i % 4];
        struct span body = bytes_from(rows[i / 4].body);
        struct wire_ack p;

        if (wire_ack_decode(&p, type, body, WIRE_V5) != rows[i / 4].want5 ||
            wire_ack_decode(&p, type, body, WIRE_V311) != rows[i / 4].want311) {
            fail_msg("%s: %s", wire_type_name(type), rows[i / 4].name);
        }
        bytes_free(body);
    }
}

/* [MQTT-3.4.2-1], [MQTT-3.5.2-1], [MQTT-3.6.2-1], [MQTT-3.7.2-1] */
static void
reason_codes(void **state)
{
    static const uint8_t of_publish[] = {0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99};
    static const uint8_t of_release[] = {0x00, 0x92};

    (void)state;
    for (unsigned i = 0; i < 4 * 256; i++) {
        enum wire_type type = types[i % 4];
        const uint8_t body[] = {0, 1, (uint8_t)(i / 4)};
        bool first = type == WIRE_PUBACK || type == WIRE_PUBREC;
        const uint8_t *allowed = first ? of_publish : of_release;
        bool want = memchr(allowed, body[2], first ? sizeof(of_publish) : sizeof(of_release));
        struct wire_ack p;

        assert_int_equal(wire_ack_decode(&p, type, span_of(body, sizeof(body)), WIRE_V5),
                         want ? WILCO_OK : WILCO_EPROTOCOL);
    }
}

static void
the_shortest_form_is_written(void **state)
{
    static const struct {
        enum wire_type type;
        enum wire_version version;
        struct wire_ack ack;
        const char *want;
    } acks[] = {
        {WIRE_PUBACK, WIRE_V5, {.packet_id = 1}, "40 [0001]"},
        {WIRE_PUBREC, WIRE_V5, {.packet_id = 1, .reason_code = 0x10}, "50 [0001 10]"},
        {WIRE_PUBREL, WIRE_V5, {.packet_id = 0x0102}, "62 [0102]"},
        {WIRE_PUBCOMP,
         WIRE_V5,
         {.packet_id = 1, .reason_code = 0x92, .properties = {.block = SPAN_INIT("")}},
         "70 [0001 92 00]"},
        {WIRE_PUBACK,
         WIRE_V5,
         {.packet_id = 1,
          .properties = {.present = UINT64_C(1) << WIRE_REASON_STRING,
                         .reason_string = SPAN_INIT("ok")}},
         "40 [0001 00 [1F 0002 'ok']]"},
        {WIRE_PUBACK, WIRE_V311, {.packet_id = 1, .reason_code = 0x10}, "40 [0001]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(acks) / sizeof(acks[0]); i++) {
        struct span want = bytes_from(acks[i].want);
        uint8_t bytes[32];
        struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
        size_t len;

        wire_ack_encode(&w, acks[i].type, &acks[i].ack, acks[i].version);
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
        cmocka_unit_test(reason_codes),
        cmocka_unit_test(the_shortest_form_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
