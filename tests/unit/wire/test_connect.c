#include "wire/connect.h"

#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
    const char *name;
    const char *body;
    enum wilco_status want;
} rows[] = {
    {"5.0", "0004 'MQTT' 05 02 0000 00 0001 'c'", WILCO_OK},
    {"3.1.1", "0004 'MQTT' 04 02 0000 0001 'c'", WILCO_OK},
    {"3.1", "0006 'MQIsdp' 03 02 0000 0001 'c'", WILCO_OK},
    /* [MQTT-3.1.2-1], [MQTT-3.1.2-2] */
    {"another name", "0004 'MQTX' 05 02 0000 00 0001 'c'", WILCO_ENOTFOUND},
    {"small letters", "0004 'mqtt' 05 02 0000 00 0001 'c'", WILCO_ENOTFOUND},
    {"an empty name", "0000 05 02 0000 00 0001 'c'", WILCO_ENOTFOUND},
    {"a name that is no UTF-8", "0001 FF 05", WILCO_ENOTFOUND},
    {"MQIsdp with level 4", "0006 'MQIsdp' 04 02 0000 0001 'c'", WILCO_ENOTFOUND},
    {"MQIsdp with level 5", "0006 'MQIsdp' 05 02 0000 00 0001 'c'", WILCO_ENOTFOUND},
    {"MQTT with level 3", "0004 'MQTT' 03 02 0000 0001 'c'", WILCO_ENOTFOUND},
    {"level 0", "0004 'MQTT' 00 02 0000 0001 'c'", WILCO_ENOTFOUND},
    {"level 6", "0004 'MQTT' 06", WILCO_ENOTFOUND},
    {"level 0x84, a bridge", "0004 'MQTT' 84 02 0000 0001 'c'", WILCO_ENOTFOUND},
    {"a name cut short", "0004 'MQT'", WILCO_EMALFORMED},
    {"no level", "0004 'MQTT'", WILCO_EMALFORMED},
    {"no flags", "0004 'MQTT' 05", WILCO_EMALFORMED},
    {"[MQTT-3.1.2-3] reserved flag", "0004 'MQTT' 05 03 0000 00 0001 'c'", WILCO_EMALFORMED},
    {"reserved flag in 3.1.1", "0004 'MQTT' 04 03 0000 0001 'c'", WILCO_EMALFORMED},
    {"[MQTT-3.1.2-11] will qos 1 without will", "0004 'MQTT' 05 08 0000 00 0001 'c'",
     WILCO_EMALFORMED},
    {"will qos 2 without will", "0004 'MQTT' 05 10 0000 00 0001 'c'", WILCO_EMALFORMED},
    {"[MQTT-3.1.2-13] will retain without will", "0004 'MQTT' 05 20 0000 00 0001 'c'",
     WILCO_EMALFORMED},
    {"[MQTT-3.1.2-12] will qos 3", "0004 'MQTT' 05 1C 0000 00 0001 'c' 00 0001 't' 0000",
     WILCO_EMALFORMED},
    {"will qos 3 in 3.1.1", "0004 'MQTT' 04 1C 0000 0001 'c' 0001 't' 0000", WILCO_EMALFORMED},
    {"[MQTT-3.1.2-9] a will without fields", "0004 'MQTT' 05 04 0000 00 0001 'c'",
     WILCO_EMALFORMED},
    {"a will without payload", "0004 'MQTT' 05 04 0000 00 0001 'c' 00 0001 't'", WILCO_EMALFORMED},
    {"a will without properties", "0004 'MQTT' 05 04 0000 00 0001 'c' 0001 't' 0000",
     WILCO_EMALFORMED},
    {"[MQTT-3.1.2-16] a user name without flag", "0004 'MQTT' 05 00 0000 00 0001 'c' 0001 'u'",
     WILCO_EMALFORMED},
    {"[MQTT-3.1.2-17] a flag without user name", "0004 'MQTT' 05 80 0000 00 0001 'c'",
     WILCO_EMALFORMED},
    {"[MQTT-3.1.2-18] a password without flag",
     "0004 'MQTT' 05 80 0000 00 0001 'c' 0001 'u' 0001 'p'", WILCO_EMALFORMED},
    {"[MQTT-3.1.2-19] a flag without password", "0004 'MQTT' 05 40 0000 00 0001 'c'",
     WILCO_EMALFORMED},
    {"a password without user name", "0004 'MQTT' 05 40 0000 00 0001 'c' 0001 'p'", WILCO_OK},
    {"a password without user name in 3.1.1", "0004 'MQTT' 04 40 0000 0001 'c' 0001 'p'",
     WILCO_EMALFORMED},
    {"a password without user name in 3.1", "0006 'MQIsdp' 03 40 0000 0001 'c' 0001 'p'",
     WILCO_EMALFORMED},
    {"half a keep alive", "0004 'MQTT' 05 02 00", WILCO_EMALFORMED},
    {"[MQTT-2.2.2-1] no property length", "0004 'MQTT' 05 02 0000", WILCO_EMALFORMED},
    {"[MQTT-3.1.3-3] no client id", "0004 'MQTT' 05 02 0000 00", WILCO_EMALFORMED},
    {"[MQTT-3.1.3-4] a client id that is no UTF-8", "0004 'MQTT' 05 02 0000 00 0001 FF",
     WILCO_EMALFORMED},
    {"an empty client id", "0004 'MQTT' 05 00 0000 00 0000", WILCO_OK},
    {"an empty client id in 3.1.1", "0004 'MQTT' 04 00 0000 0000", WILCO_OK},
    {"[MQTT-3.1.3-11] a will topic that is no UTF-8",
     "0004 'MQTT' 05 04 0000 00 0001 'c' 00 0001 FF 0000", WILCO_EMALFORMED},
    {"[MQTT-3.1.3-12] a user name that is no UTF-8", "0004 'MQTT' 05 80 0000 00 0001 'c' 0001 FF",
     WILCO_EMALFORMED},
    {"binary will payload and password",
     "0004 'MQTT' 05 44 0000 00 0001 'c' 00 0001 't' 0001 FF 0001 00", WILCO_OK},
    {"[U-3.1.2-5] receive maximum 0", "0004 'MQTT' 05 02 0000 [21 0000] 0001 'c'", WILCO_EPROTOCOL},
    {"[U-3.1.2-6] maximum packet size 0", "0004 'MQTT' 05 02 0000 [27 00000000] 0001 'c'",
     WILCO_EPROTOCOL},
    {"[U-3.1.2-13] data without method", "0004 'MQTT' 05 02 0000 [16 0000] 0001 'c'",
     WILCO_EPROTOCOL},
    {"a will property among the others", "0004 'MQTT' 05 02 0000 [18 00000000] 0001 'c'",
     WILCO_EMALFORMED},
    {"another property in the will", "0004 'MQTT' 05 04 0000 00 0001 'c' [21 0001] 0001 't' 0000",
     WILCO_EMALFORMED},
    {"[MQTT-3.3.2-14] a will response topic with a wildcard",
     "0004 'MQTT' 05 04 0000 00 0001 'c' [08 0003 'a/+'] 0001 't' 0000", WILCO_EPROTOCOL},
    {"an empty will response topic", "0004 'MQTT' 05 04 0000 00 0001 'c' [08 0000] 0001 't' 0000",
     WILCO_EPROTOCOL},
    {"[U-3.1.3-1] two will delays",
     "0004 'MQTT' 05 04 0000 00 0001 'c' [18 00000000 18 00000000] 0001 't' 0000", WILCO_EPROTOCOL},
};

static void
table(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span body = bytes_from(rows[i].body);
        struct wire_connect p;

        if (wire_connect_decode(&p, body) != rows[i].want) {
            fail_msg("%s", rows[i].name);
        }
        bytes_free(body);
    }
}

static void
the_version_asked_for_is_told(void **state)
{
    struct span six = bytes_from("0004 'MQTT' 06 02");
    struct span none = bytes_from("0003 'HTTP'");
    struct wire_connect p;

    (void)state;
    assert_int_equal(wire_connect_decode(&p, six), WILCO_ENOTFOUND);
    assert_int_equal(p.version, 6);
    assert_int_equal(wire_connect_decode(&p, span_first(none, 5)), WILCO_EMALFORMED);
    assert_int_equal(p.version, 0);
    bytes_free(none);
    bytes_free(six);
}

static const struct wire_connect full = {
    .version = WIRE_V5,
    .clean_start = true,
    .has_will = true,
    .has_user_name = true,
    .has_password = true,
    .keep_alive = 60,
    .properties = {.receive_maximum = 20, .present = UINT64_C(1) << WIRE_RECEIVE_MAXIMUM},
    .client_id = SPAN_INIT("c"),
    .will = {.qos = 2,
             .retain = true,
             .topic = SPAN_INIT("t"),
             .payload = SPAN_INIT("\0\xFF"),
             .properties = {.will_delay_interval = 5,
                            .present = UINT64_C(1) << WIRE_WILL_DELAY_INTERVAL}},
    .user_name = SPAN_INIT("u"),
    .password = SPAN_INIT("\xFF"),
};

static void
assert_equal(const struct wire_connect *a, const struct wire_connect *b)
{
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->clean_start, b->clean_start);
    assert_int_equal(a->has_will, b->has_will);
    assert_int_equal(a->has_user_name, b->has_user_name);
    assert_int_equal(a->has_password, b->has_password);
    assert_int_equal(a->keep_alive, b->keep_alive);
    assert_true(span_equal(a->client_id, b->client_id));
    assert_int_equal(a->will.qos, b->will.qos);
    assert_int_equal(a->will.retain, b->will.retain);
    assert_true(span_equal(a->will.topic, b->will.topic));
    assert_true(span_equal(a->will.payload, b->will.payload));
    assert_true(span_equal(a->user_name, b->user_name));
    assert_true(span_equal(a->password, b->password));
}

static struct wire_connect
there_and_back(const struct wire_connect *in, uint8_t *bytes, size_t capacity)
{
    struct wire_writer w = wire_writer_init(bytes, capacity);
    struct wire_connect out;
    size_t len;

    wire_connect_encode(&w, in);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    assert_int_equal(wire_connect_decode(&out, span_of(bytes + 2, len - 2)), WILCO_OK);
    return out;
}

static void
fields_encode_and_decode(void **state)
{
    static const enum wire_version versions[] = {WIRE_V5, WIRE_V311, WIRE_V31};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct wire_connect in = full;
        struct wire_connect out;
        uint8_t bytes[128];

        in.version = versions[i];
        out = there_and_back(&in, bytes, sizeof(bytes));
        assert_equal(&in, &out);
        assert_int_equal(out.properties.receive_maximum, in.version == WIRE_V5 ? 20 : 0);
        assert_int_equal(out.will.properties.will_delay_interval, in.version == WIRE_V5 ? 5 : 0);
    }
}

/* Each of the parts that may be missing, in every combination. */
static void
every_combination_of_parts(void **state)
{
    (void)state;
    for (unsigned parts = 0; parts < 16; parts++) {
        struct wire_connect in = full;
        struct wire_connect out;
        uint8_t bytes[128];

        in.clean_start = (parts & 1U) != 0;
        in.has_will = (parts & 2U) != 0;
        in.has_user_name = (parts & 4U) != 0;
        in.has_password = (parts & 8U) != 0;
        out = there_and_back(&in, bytes, sizeof(bytes));
        in.will = in.has_will ? in.will : (struct wire_will){.qos = 0};
        in.user_name = in.has_user_name ? in.user_name : SPAN_EMPTY;
        in.password = in.has_password ? in.password : SPAN_EMPTY;
        assert_equal(&in, &out);
    }
}

static void
a_password_alone_cannot_be_said_before_5(void **state)
{
    struct wire_connect p = {.version = WIRE_V311, .has_password = true};
    struct wire_writer w = wire_writer_measure();
    size_t len;

    (void)state;
    wire_connect_encode(&w, &p);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_EINVAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(the_version_asked_for_is_told),
        cmocka_unit_test(fields_encode_and_decode),
        cmocka_unit_test(every_combination_of_parts),
        cmocka_unit_test(a_password_alone_cannot_be_said_before_5),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
