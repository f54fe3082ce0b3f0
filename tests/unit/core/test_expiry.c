/* Message Expiry Interval: counted down while a message waits, and the end of one that waits too
 * long (MQTT 5.0, 3.3.2.3.3). */
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void
publish_for(struct rig_client *c, const char *payload, uint8_t qos, uint32_t expiry_s)
{
    struct wire_any packet = rig_publish_packet("t", payload, qos, 1);

    packet.as.publish.properties.message_expiry_interval = expiry_s;
    wire_properties_set(&packet.as.publish.properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    rig_send(c, &packet);
    if (qos > 0) {
        rig_expect(c, qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, &packet);
    }
    if (qos == 2) {
        rig_ack(c, WIRE_PUBREL, 1);
        rig_expect(c, WIRE_PUBCOMP, &packet);
    }
}

/* [MQTT-3.3.2-6]: what was received minus the time it waited, in seconds rounded up, so that one
 * with a fraction of a second left does not arrive as expired. */
static void
test_counted_down(void **state)
{
    static const struct {
        uint64_t waited_ms;
        uint32_t left_s;
    } rows[] = {{0, 10}, {1, 10}, {999, 10}, {1000, 9}, {1001, 9}, {9000, 1}, {9999, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (uint8_t qos = 1; qos <= 2; qos++) {
            struct rig r;
            struct rig_client publisher;
            struct rig_client c;
            struct wire_any packet;

            rig_open(&r, 4, NULL);
            rig_client_connect(&r, &publisher, "publisher");
            rig_resume(&r, &c, "c", false);
            rig_subscribe(&c, "t", 2);
            rig_client_close(&c);
            publish_for(&publisher, "x", qos, 10);
            rig_advance(&r, rows[i].waited_ms);
            rig_resume(&r, &c, "c", true);
            rig_expect_publish(&c, "x", &packet);
            assert_int_equal(packet.as.publish.properties.message_expiry_interval, rows[i].left_s);
            rig_client_close(&publisher);
            rig_client_close(&c);
            rig_close(&r);
        }
    }
}

/* [MQTT-3.3.2-5]: dropped where it waits; those around it are not. */
static void
test_dropped_in_the_queue(void **state)
{
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    for (uint8_t qos = 1; qos <= 2; qos++) {
        rig_open(&r, 1, NULL);
        rig_client_connect(&r, &publisher, "publisher");
        rig_resume(&r, &c, "c", false);
        rig_subscribe(&c, "t", 2);
        rig_client_close(&c);
        publish_for(&publisher, "stays", qos, 20);
        publish_for(&publisher, "goes", qos, 10);
        rig_publish_qos(&publisher, "t", "for ever", qos, 2);
        rig_advance(&r, 10000);
        rig_resume(&r, &c, "c", true);
        rig_expect_publish(&c, "stays", &packet);
        rig_expect_publish(&c, "for ever", &packet);
        rig_expect_nothing(&c);
        assert_int_equal(r.broker.shards[0]->stats.dropped_expired, 1);
        rig_client_close(&publisher);
        rig_client_close(&c);
        rig_close(&r);
    }
}

/* While it waits for quota, the same. */
static void
test_dropped_for_want_of_quota(void **state)
{
    struct wire_connect how = rig_lasting("c", 0);
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    how.properties.receive_maximum = 1;
    wire_properties_set(&how.properties, WIRE_RECEIVE_MAXIMUM);
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &publisher, "publisher");
    rig_connect(&r, &c, &how, &packet);
    rig_subscribe(&c, "t", 2);
    publish_for(&publisher, "1", 1, 10);
    publish_for(&publisher, "2", 1, 10);
    publish_for(&publisher, "3", 2, 20);
    rig_expect_publish(&c, "1", &packet);
    rig_advance(&r, 12000);
    rig_expect_nothing(&c);
    rig_ack(&c, WIRE_PUBACK, 1);
    rig_expect_publish(&c, "3", &packet);
    assert_int_equal(packet.as.publish.properties.message_expiry_interval, 8);
    rig_client_close(&publisher);
    rig_client_close(&c);
    rig_close(&r);
}

/* An interval of 0 has passed when it arrives: it reaches nobody, nor is it kept. */
static void
test_zero(void **state)
{
    struct rig r;
    struct rig_client c;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &c, "c");
    rig_subscribe(&c, "t", 2);
    for (uint8_t qos = 0; qos <= 2; qos++) {
        publish_for(&c, "x", qos, 0);
    }
    rig_expect_nothing(&c);
    rig_client_close(&c);
    rig_close(&r);
}

/* A full queue makes room by what has expired at its front. */
static void
test_expired_make_room(void **state)
{
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client publisher;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    settings.queued_messages_max = 3;
    rig_open(&r, 1, &settings);
    rig_client_connect(&r, &publisher, "publisher");
    rig_resume(&r, &c, "c", false);
    rig_subscribe(&c, "t", 2);
    rig_client_close(&c);
    publish_for(&publisher, "1", 1, 1);
    publish_for(&publisher, "2", 1, 1);
    publish_for(&publisher, "3", 1, 100);
    publish_for(&publisher, "no room", 1, 100);
    rig_advance(&r, 1000);
    publish_for(&publisher, "4", 1, 100);
    publish_for(&publisher, "5", 1, 100);
    publish_for(&publisher, "no room", 1, 100);
    assert_int_equal(r.broker.shards[0]->stats.dropped_queue_full, 2);
    assert_int_equal(r.broker.shards[0]->stats.dropped_expired, 2);
    rig_resume(&r, &c, "c", true);
    rig_expect_publish(&c, "3", &packet);
    rig_expect_publish(&c, "4", &packet);
    rig_expect_publish(&c, "5", &packet);
    rig_expect_nothing(&c);
    rig_client_close(&publisher);
    rig_client_close(&c);
    rig_close(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counted_down),
        cmocka_unit_test(test_dropped_in_the_queue),
        cmocka_unit_test(test_dropped_for_want_of_quota),
        cmocka_unit_test(test_zero),
        cmocka_unit_test(test_expired_make_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
