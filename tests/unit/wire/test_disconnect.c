#include "wire/disconnect.h"

#include "support/bytes.h"
#include "wire/reason.h"

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
    {"[U-3.14.2-1] empty", WIRE_DISCONNECT, WIRE_V5, "", WILCO_OK},
    {"[U-3.14.2-1] a code", WIRE_DISCONNECT, WIRE_V5, "04", WILCO_OK},
    {"a code and no properties", WIRE_DISCONNECT, WIRE_V5, "00 00", WILCO_OK},
    {"a session expiry", WIRE_DISCONNECT, WIRE_V5, "00 [11 0000000A]", WILCO_OK},
    {"[MQTT-3.14.2-1] a code of PUBACK", WIRE_DISCONNECT, WIRE_V5, "10", WILCO_EPROTOCOL},
    {"an unknown code", WIRE_DISCONNECT, WIRE_V5, "7F 00", WILCO_EPROTOCOL},
    {"properties past the packet", WIRE_DISCONNECT, WIRE_V5, "00 01", WILCO_EMALFORMED},
    {"something behind", WIRE_DISCONNECT, WIRE_V5, "00 00 00", WILCO_EMALFORMED},
    {"a property of CONNECT", WIRE_DISCONNECT, WIRE_V5, "00 [21 0001]", WILCO_EMALFORMED},
    {"two session expiries", WIRE_DISCONNECT, WIRE_V5, "00 [11 00000001 11 00000001]",
     WILCO_EPROTOCOL},
    {"3.1.1", WIRE_DISCONNECT, WIRE_V311, "", WILCO_OK},
    {"3.1.1 with a code", WIRE_DISCONNECT, WIRE_V311, "00", WILCO_EMALFORMED},
    {"[U-3.15.2-1] auth, empty", WIRE_AUTH, WIRE_V5, "", WILCO_OK},
    {"auth", WIRE_AUTH, WIRE_V5, "18 [15 0001 'M']", WILCO_OK},
    {"auth with data", WIRE_AUTH, WIRE_V5, "19 [16 0001 00 15 0001 'M']", WILCO_OK},
    {"[U-3.15.2-1] auth without method", WIRE_AUTH, WIRE_V5, "18 00", WILCO_EPROTOCOL},
    {"auth, data without method", WIRE_AUTH, WIRE_V5, "18 [16 0001 00]", WILCO_EPROTOCOL},
    {"auth, two methods", WIRE_AUTH, WIRE_V5, "18 [15 0001 'M' 15 0001 'M']", WILCO_EPROTOCOL},
    {"auth without properties", WIRE_AUTH, WIRE_V5, "18", WILCO_EMALFORMED},
    {"[MQTT-3.15.2-1] auth, a code of DISCONNECT", WIRE_AUTH, WIRE_V5, "04 [15 0001 'M']",
     WILCO_EPROTOCOL},
    {"auth, a failure", WIRE_AUTH, WIRE_V5, "87 [15 0001 'M']", WILCO_EPROTOCOL},
    {"auth in 3.1.1", WIRE_AUTH, WIRE_V311, "", WILCO_EMALFORMED},
    {"auth in 3.1", WIRE_AUTH, WIRE_V31, "", WILCO_EMALFORMED},
};

static void
table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span body = bytes_from(rows[i].body);
        struct wire_disconnect p;

        if (wire_disconnect_decode(&p, rows[i].type, body, rows[i].version) != rows[i].want) {
            fail_msg("%s", rows[i].name);
        }
        bytes_free(body);
    }
}

static void
the_shortest_form_is_written(void **state)
{
    static const struct {
        enum wire_type type;
        enum wire_version version;
        struct wire_disconnect packet;
        const char *want;
    } forms[] = {
        {WIRE_DISCONNECT, WIRE_V5, {.reason_code = 0}, "E0 00"},
        {WIRE_DISCONNECT, WIRE_V5, {.reason_code = 0x8E}, "E0 [8E]"},
        {WIRE_DISCONNECT,
         WIRE_V5,
         {.properties = {.present = UINT64_C(1) << WIRE_SESSION_EXPIRY_INTERVAL,
                         .session_expiry_interval = 10}},
         "E0 [00 [11 0000000A]]"},
        {WIRE_DISCONNECT, WIRE_V311, {.reason_code = 0x8E}, "E0 00"},
        {WIRE_AUTH, WIRE_V5, {.reason_code = 0}, "F0 00"},
        {WIRE_AUTH,
         WIRE_V5,
         {.reason_code = WIRE_REASON_CONTINUE_AUTHENTICATION,
          .properties = {.present = UINT64_C(1) << WIRE_AUTHENTICATION_METHOD,
                         .authentication_method = SPAN_INIT("M")}},
         "F0 [18 [15 0001 'M']]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        struct span want = bytes_from(forms[i].want);
        uint8_t bytes[32];
        struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
        size_t len;

        wire_disconnect_encode(&w, forms[i].type, &forms[i].packet, forms[i].version);
        assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
        assert_true(span_equal(span_of(bytes, len), want));
        bytes_free(want);
    }
}

static void
auth_cannot_be_said_before_5(void **state)
{
    struct wire_disconnect p = {.reason_code = 0};
    struct wire_writer w = wire_writer_measure();
    size_t len;

    (void)state;
    wire_disconnect_encode(&w, WIRE_AUTH, &p, WIRE_V311);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_EINVAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(the_shortest_form_is_written),
        cmocka_unit_test(auth_cannot_be_said_before_5),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
