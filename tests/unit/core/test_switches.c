/* The settings that take something away from what MQTT offers, or bound what a packet holds. */
#include "support/bytes.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const enum wire_version versions[] = {WIRE_V31, WIRE_V311, WIRE_V5};

static void
connect_as(struct rig *r, struct rig_client *c, enum wire_version version, struct wire_any *connack)
{
    const struct wire_connect how = {
        .version = version,
        .clean_start = true,
        .client_id = SPAN_INIT("c"),
    };

    rig_connect(r, c, &how, connack);
    assert_int_equal(connack->as.connack.reason_code, 0);
}

static void
send_text(struct rig_client *c, const char *text)
{
    struct span bytes = bytes_from(text);

    rig_send_bytes(c, bytes.data, bytes.len);
    bytes_free(bytes);
}

/* Nothing is announced of what MQTT assumes anyway. */
static void
test_defaults(void **state)
{
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    connect_as(&r, &c, WIRE_V5, &packet);
    assert_int_equal(packet.as.connack.properties.present,
                     UINT64_C(1) << WIRE_RECEIVE_MAXIMUM | UINT64_C(1) << WIRE_MAXIMUM_PACKET_SIZE |
                         UINT64_C(1) << WIRE_TOPIC_ALIAS_MAXIMUM);
    rig_client_close(&c);
    rig_close(&r);
}

static void
refuse_qos(const struct settings *settings, enum wire_version version)
{
    struct rig r;
    struct rig_client c;
    struct rig_client publisher;
    struct wire_any packet;
    uint8_t max = (uint8_t)settings->maximum_qos;

    rig_open(&r, 1, settings);
    connect_as(&r, &c, version, &packet);
    if (version == WIRE_V5) { /* [MQTT-3.2.2-9], [U-3.2.2-1] */
        assert_int_equal(wire_properties_has(&packet.as.connack.properties, WIRE_MAXIMUM_QOS),
                         max < 2);
        assert_int_equal(packet.as.connack.properties.maximum_qos, max < 2 ? max : 0);
    }
    for (uint8_t qos = 0; qos <= 2; qos++) { /* [MQTT-3.2.2-10] */
        const struct wire_subscription w = {.filter = SPAN_INIT("t"), .qos = qos};

        rig_subscribe_with(&c, &w, 0, qos < max ? qos : max);
    }
    rig_client_connect(&r, &publisher, "publisher");
    for (uint8_t qos = 0; qos <= 2; qos++) { /* [U-3.2.2-2] */
        if (qos > max) {
            rig_publish_qos(&publisher, "t", "x", qos, 1);
            rig_expect_end(&publisher, 0x9B);
            break;
        }
        rig_publish_qos(&publisher, "t", "x", qos, 1);
        rig_expect_publish(&c, "x", &packet);
        assert_int_equal(packet.as.publish.qos, qos);
        if (qos > 0) {
            rig_expect_ack(&publisher, qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, 1, 0);
        }
    }
    rig_expect_nothing(&c);
    rig_client_close(&publisher);
    rig_client_close(&c);
    rig_close(&r);
}

static void
test_maximum_qos(void **state)
{
    (void)state;
    for (uint64_t max = 0; max <= 2; max++) {
        struct settings settings = settings_default();

        settings.maximum_qos = max;
        for (size_t i = 0; i < 3; i++) {
            refuse_qos(&settings, versions[i]);
        }
    }
}

/* Retained messages are no way around the Maximum QoS of a subscription. */
static void
test_maximum_qos_of_retained(void **state)
{
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    settings.maximum_qos = 1;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &c, "c");
    packet = rig_publish_packet("t", "x", 1, 1);
    packet.as.publish.retain = true;
    rig_send(&c, &packet);
    rig_expect_ack(&c, WIRE_PUBACK, 1, 0x10);
    for (uint8_t qos = 0; qos <= 2; qos++) {
        const struct wire_subscription w = {.filter = SPAN_INIT("t"), .qos = qos};

        rig_subscribe_with(&c, &w, 0, qos == 0 ? 0 : 1);
        rig_expect_publish(&c, "x", &packet);
        assert_int_equal(packet.as.publish.qos, qos == 0 ? 0 : 1);
    }
    rig_client_close(&c);
    rig_close(&r);
}

/* Wills that ask for too much are refused before they are made [MQTT-3.2.2-12],
 * [MQTT-3.2.2-13]. */
static void
test_wills(void **state)
{
    static const struct {
        uint64_t maximum_qos;
        uint64_t retain_available;
        uint8_t qos;
        bool retain;
        uint8_t code;
    } rows[] = {
        {0, 1, 0, false, 0},    {0, 1, 1, false, 0x9B}, {0, 1, 2, true, 0x9B}, {1, 1, 1, true, 0},
        {1, 1, 2, false, 0x9B}, {2, 0, 2, false, 0},    {2, 0, 0, true, 0x9A},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct settings settings = settings_default();
        struct wire_connect how = rig_lasting("c", 0);
        struct rig r;
        struct rig_client c;
        struct wire_any packet;

        settings.maximum_qos = rows[i].maximum_qos;
        settings.retain_available = rows[i].retain_available;
        how.has_will = true;
        how.will = (struct wire_will){
            .topic = SPAN_INIT("t"), .qos = rows[i].qos, .retain = rows[i].retain};
        rig_open(&r, 1, &settings);
        rig_connect(&r, &c, &how, &packet);
        assert_int_equal(packet.as.connack.reason_code, rows[i].code);
        assert_int_equal(rig_client_is_ended(&c), rows[i].code != 0);
        rig_client_close(&c);
        rig_close(&r);
    }
}

static void
test_retain_available(void **state)
{
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    settings.retain_available = 0;
    rig_open(&r, 1, &settings);
    for (size_t i = 0; i < 3; i++) {
        connect_as(&r, &c, versions[i], &packet);
        if (versions[i] == WIRE_V5) {
            assert_true(wire_properties_has(&packet.as.connack.properties, WIRE_RETAIN_AVAILABLE));
            assert_int_equal(packet.as.connack.properties.retain_available, 0);
        }
        packet = rig_publish_packet("t", "x", 0, 0);
        packet.as.publish.retain = true;
        rig_send(&c, &packet);
        rig_expect_end(&c, 0x9A); /* [U-3.2.2-3] */
        rig_client_close(&c);
    }
    rig_client_connect(&r, &c, "c");
    rig_subscribe(&c, "t", 0);
    rig_expect_nothing(&c); /* and it was not retained */
    rig_client_close(&c);
    rig_close(&r);
}

/* wildcard_subscriptions, shared_subscriptions, subscription_identifiers: DISCONNECT in MQTT 5.0,
 * where the client was told, and nothing of the packet is done; a failure in SUBACK before. */
static void
test_subscriptions(void **state)
{
    static const struct {
        const char *setting;
        enum wire_property_id announced;
        const char *subscribe;
        uint8_t code;
    } rows[] = {
        {"wildcard_subscriptions=0", WIRE_WILDCARD_SUBSCRIPTION_AVAILABLE,
         "82 [ 00 05 00 00 01 'a' 00 00 03 'b/#' 00 ]", 0xA2}, /* [U-3.2.2-5] */
        {"wildcard_subscriptions=0", WIRE_WILDCARD_SUBSCRIPTION_AVAILABLE,
         "82 [ 00 05 00 00 01 'a' 00 00 0A '$share/g/+' 00 ]", 0xA2},
        {"shared_subscriptions=0", WIRE_SHARED_SUBSCRIPTION_AVAILABLE,
         "82 [ 00 05 00 00 01 'a' 00 00 0A '$share/g/b' 00 ]", 0x9E}, /* [U-3.2.2-7] */
        {"subscription_identifiers=0", WIRE_SUBSCRIPTION_IDENTIFIER_AVAILABLE,
         "82 [ 00 05 02 0B 01 00 01 'a' 00 ]", 0xA1}, /* [U-3.2.2-6] */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct settings settings = settings_default();
        char reason[SETTINGS_REASON_BYTES];
        struct rig r;
        struct rig_client c;
        struct rig_client publisher;
        struct wire_any packet;

        assert_int_equal(settings_apply(&settings, rows[i].setting, reason), WILCO_OK);
        rig_open(&r, 1, &settings);
        rig_resume(&r, &c, "c", false);
        rig_client_close(&c);
        connect_as(&r, &c, WIRE_V5, &packet);
        assert_true(wire_properties_has(&packet.as.connack.properties, rows[i].announced));
        rig_client_close(&c);
        rig_resume(&r, &c, "c", false);
        send_text(&c, rows[i].subscribe);
        rig_expect_end(&c, rows[i].code);
        rig_client_close(&c);
        rig_resume(&r, &c, "c", true);
        rig_client_connect(&r, &publisher, "publisher");
        rig_publish_qos(&publisher, "a", "x", 1, 1);
        rig_expect_ack(&publisher, WIRE_PUBACK, 1, 0x10); /* no filter of it was taken */
        rig_client_close(&publisher);
        rig_subscribe(&c, "a", 0); /* what is left works */
        rig_client_close(&c);
        rig_close(&r);
    }
}

static void
test_subscriptions_before_5(void **state)
{
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    settings.wildcard_subscriptions = 0;
    settings.shared_subscriptions = 0;
    settings.subscription_identifiers = 0;
    rig_open(&r, 1, &settings);
    connect_as(&r, &c, WIRE_V311, &packet);
    send_text(&c, "82 [ 00 05 00 01 'a' 01 00 03 'b/#' 00 00 0A '$share/g/b' 00 00 01 '+' 02 ]");
    rig_expect(&c, WIRE_SUBACK, &packet);
    assert_true(span_equal(packet.as.suback.reason_codes, SPAN_LITERAL("\x01\x80\x80\x80")));
    rig_client_close(&c);
    rig_close(&r);
}

static void
test_no_matching_subscribers(void **state)
{
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client c;

    (void)state;
    settings.no_matching_subscribers = 0;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &c, "c");
    rig_publish_qos(&c, "t", "x", 1, 1);
    rig_expect_ack(&c, WIRE_PUBACK, 1, 0);
    rig_publish_qos(&c, "t", "x", 2, 1);
    rig_expect_ack(&c, WIRE_PUBREC, 1, 0);
    assert_int_equal(r.broker.shards[0]->stats.publish_unmatched, 2);
    rig_client_close(&c);
    rig_close(&r);
}

/* keep_alive_max_s, in place of a longer Keep Alive or of none: Server Keep Alive [U-3.2.2-8]; the
 * clock runs by it whether the client could be told or not. */
static void
keep_alive(enum wire_version version, uint16_t wanted, uint16_t granted)
{
    struct settings settings = settings_default();
    struct wire_connect how = {
        .version = version, .clean_start = true, .client_id = SPAN_INIT("c")};
    struct rig r;
    struct rig_client c;
    struct wire_any packet;
    const struct wire_properties *v = &packet.as.connack.properties;

    settings.keep_alive_max_s = 10;
    how.keep_alive = wanted;
    rig_open(&r, 1, &settings);
    rig_connect(&r, &c, &how, &packet);
    assert_int_equal(wire_properties_has(v, WIRE_SERVER_KEEP_ALIVE),
                     version == WIRE_V5 && wanted != granted); /* [MQTT-3.2.2-22] */
    assert_int_equal(v->server_keep_alive, version == WIRE_V5 && wanted != granted ? granted : 0);
    rig_advance(&r, (uint64_t)granted * 1500 - 1);
    assert_false(rig_client_is_ended(&c));
    rig_advance(&r, 1);
    rig_expect_end(&c, 0x8D);
    rig_client_close(&c);
    rig_close(&r);
}

static void
test_keep_alive_max(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        keep_alive(versions[i], 0, 10);
        keep_alive(versions[i], 9, 9);
        keep_alive(versions[i], 10, 10);
        keep_alive(versions[i], 11, 10);
        keep_alive(versions[i], 65535, 10);
    }
}

/* user_properties_max, in each packet that may bring many; two are allowed here. */
static void
test_user_properties_max(void **state)
{
    static const struct {
        const char *bytes[2]; /* with two, with three */
        uint8_t codes[2];
        enum wire_type answer;
    } rows[] = {
        {{"32 [ 00 01 't' 00 01 0A 26 00 00 00 00 26 00 00 00 00 ]",
          "32 [ 00 01 't' 00 01 0F 26 00 00 00 00 26 00 00 00 00 26 00 00 00 00 ]"},
         {0x10, 0x97},
         WIRE_PUBACK},
        {{"34 [ 00 01 't' 00 01 0A 26 00 00 00 00 26 00 00 00 00 ]",
          "34 [ 00 01 't' 00 01 0F 26 00 00 00 00 26 00 00 00 00 26 00 00 00 00 ]"},
         {0x10, 0x97},
         WIRE_PUBREC},
        {{"82 [ 00 01 0A 26 00 00 00 00 26 00 00 00 00 00 01 'u' 00 ]",
          "82 [ 00 01 0F 26 00 00 00 00 26 00 00 00 00 26 00 00 00 00 00 01 'u' 00 ]"},
         {0, 0x97},
         WIRE_SUBACK},
        {{"A2 [ 00 01 0A 26 00 00 00 00 26 00 00 00 00 00 01 'u' ]",
          "A2 [ 00 01 0F 26 00 00 00 00 26 00 00 00 00 26 00 00 00 00 00 01 'u' ]"},
         {0, 0x97},
         WIRE_UNSUBACK},
        {{"10 [ 00 04 'MQTT' 05 02 00 00 0A 26 00 00 00 00 26 00 00 00 00 00 01 'c' ]",
          "10 [ 00 04 'MQTT' 05 02 00 00 0F 26 00 00 00 00 26 00 00 00 00 26 00 00 00 00 00 01 'c' "
          "]"},
         {0, 0x97},
         WIRE_CONNACK},
        {{"10 [ 00 04 'MQTT' 05 06 00 00 00 00 01 'c' 0A 26 00 00 00 00 26 00 00 00 00 00 01 't' "
          "00 "
          "00 ]",
          "10 [ 00 04 'MQTT' 05 06 00 00 00 00 01 'c' 0F 26 00 00 00 00 26 00 00 00 00 26 00 00 00 "
          "00 00 01 't' 00 00 ]"},
         {0, 0x97},
         WIRE_CONNACK},
    };
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    settings.user_properties_max = 2;
    rig_open(&r, 1, &settings);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t k = 0; k < 2; k++) {
            bool ends =
                k == 1 && (rows[i].answer == WIRE_SUBACK || rows[i].answer == WIRE_UNSUBACK);

            if (rows[i].answer == WIRE_CONNACK) {
                rig_client_open(&r, &c, "c", WIRE_V5);
            } else {
                rig_client_connect(&r, &c, "c");
            }
            send_text(&c, rows[i].bytes[k]);
            rig_expect(&c, ends ? WIRE_DISCONNECT : rows[i].answer, &packet);
            if (ends) {
                assert_int_equal(packet.as.disconnect.reason_code, rows[i].codes[k]);
            } else if (rows[i].answer == WIRE_CONNACK) {
                assert_int_equal(packet.as.connack.reason_code, rows[i].codes[k]);
            } else if (rows[i].answer == WIRE_PUBACK || rows[i].answer == WIRE_PUBREC) {
                assert_int_equal(packet.as.ack.reason_code, rows[i].codes[k]);
            }
            assert_int_equal(rig_client_is_ended(&c),
                             ends || (k == 1 && rows[i].answer == WIRE_CONNACK));
            rig_client_close(&c);
        }
    }
    rig_close(&r);
}

static void
test_topic_bytes_max(void **state)
{
    static const struct wire_subscription filters[] = {
        {.filter = SPAN_INIT("12345678")},
        {.filter = SPAN_INIT("123456789")},
    };
    struct settings settings = settings_default();
    struct wire_connect how = rig_lasting("w", 0);
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    settings.topic_bytes_max = 8;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &c, "c");
    rig_subscribe_with(&c, &filters[0], 0, 0);
    rig_subscribe_with(&c, &filters[1], 0, 0x8F);
    rig_publish_qos(&c, "12345678", "x", 1, 1);
    rig_expect_publish(&c, "x", &packet);
    rig_expect_ack(&c, WIRE_PUBACK, 1, 0);
    rig_publish_qos(&c, "123456789", "x", 1, 1);
    rig_expect_ack(&c, WIRE_PUBACK, 1, 0x90);
    rig_client_close(&c);
    for (size_t i = 0; i < 2; i++) {
        how.has_will = true;
        how.will.topic = filters[i].filter;
        rig_connect(&r, &c, &how, &packet);
        assert_int_equal(packet.as.connack.reason_code, i == 0 ? 0 : 0x90);
        rig_client_close(&c);
    }
    rig_close(&r);
}

/* topic_alias_bytes_max: what one client's aliases stand for is bounded however many it may set,
 * and short topics never meet the bound. */
static void
test_topic_alias_bytes_max(void **state)
{
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client c;
    struct wire_any packet;
    char topic[400] = "";
    uint16_t alias = 0;

    (void)state;
    settings.topic_alias_bytes_max = 4096;
    settings.topic_alias_maximum = 65535;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &c, "c");
    memset(topic, 't', sizeof(topic) - 1);
    while (!rig_client_is_ended(&c)) {
        packet = rig_publish_packet(topic, "x", 0, 0);
        packet.as.publish.properties.topic_alias = ++alias;
        wire_properties_set(&packet.as.publish.properties, WIRE_TOPIC_ALIAS);
        rig_send(&c, &packet);
    }
    assert_in_range(alias, 5, 4096 / 400 + 1);
    rig_expect_end(&c, 0x97);
    rig_client_close(&c);

    rig_client_connect(&r, &c, "c"); /* the same alias again and again holds one topic */
    for (char i = 'a'; i <= 'z'; i++) {
        topic[0] = i;
        packet = rig_publish_packet(topic, "x", 1, 1);
        packet.as.publish.properties.topic_alias = 1;
        wire_properties_set(&packet.as.publish.properties, WIRE_TOPIC_ALIAS);
        rig_send(&c, &packet);
        rig_expect_ack(&c, WIRE_PUBACK, 1, 0x10);
    }
    rig_client_close(&c);
    rig_close(&r);
}

/* The other direction: only topics of which every alias could hold one get an alias. */
static void
test_topic_alias_bytes_max_out(void **state)
{
    struct settings settings = settings_default();
    struct wire_connect how = rig_lasting("c", 0);
    struct rig r;
    struct rig_client c;
    struct wire_any packet;
    char topic[130] = "";

    (void)state;
    settings.topic_alias_bytes_max = 1024;
    settings.topic_alias_out_max = 8;
    memset(topic, 't', sizeof(topic) - 1);
    how.properties.topic_alias_maximum = 100;
    wire_properties_set(&how.properties, WIRE_TOPIC_ALIAS_MAXIMUM);
    rig_open(&r, 1, &settings);
    rig_connect(&r, &c, &how, &packet);
    rig_subscribe(&c, "#", 0);
    for (size_t len = 129; len >= 128; len--) {
        topic[len] = '\0';
        rig_publish(&c, topic, "x");
        rig_expect_publish(&c, "x", &packet);
        assert_int_equal(wire_properties_has(&packet.as.publish.properties, WIRE_TOPIC_ALIAS),
                         len == 128);
    }
    rig_client_close(&c);
    rig_close(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_maximum_qos),
        cmocka_unit_test(test_maximum_qos_of_retained),
        cmocka_unit_test(test_wills),
        cmocka_unit_test(test_retain_available),
        cmocka_unit_test(test_subscriptions),
        cmocka_unit_test(test_subscriptions_before_5),
        cmocka_unit_test(test_no_matching_subscribers),
        cmocka_unit_test(test_keep_alive_max),
        cmocka_unit_test(test_user_properties_max),
        cmocka_unit_test(test_topic_bytes_max),
        cmocka_unit_test(test_topic_alias_bytes_max),
        cmocka_unit_test(test_topic_alias_bytes_max_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
