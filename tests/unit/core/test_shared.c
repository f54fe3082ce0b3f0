/* Shared subscriptions (MQTT 5.0, 4.8.2): each message to one member. */
#include "support/leaving.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MEMBERS 3

static const char *const names[MEMBERS] = {"one", "two", "three"};

/* How many PUBLISH packets have come; the client looks at all of them and acknowledges QoS 1. */
static size_t
count_publishes(struct rig_client *c)
{
    struct wire_any packet;
    size_t count = 0;

    while (rig_next(c, &packet)) {
        count += packet.type == WIRE_PUBLISH;
        if (packet.type == WIRE_PUBLISH && packet.as.publish.qos == 1) {
            rig_ack(c, WIRE_PUBACK, packet.as.publish.packet_id);
        }
    }
    return count;
}

static void
publish_many(struct rig_client *c, size_t count, uint8_t qos)
{
    for (size_t i = 0; i < count; i++) {
        rig_publish_qos(c, "t/x", "x", qos, (uint16_t)(i % 1000 + 1));
        if (qos == 2) {
            rig_ack(c, WIRE_PUBREL, (uint16_t)(i % 1000 + 1));
        }
    }
    (void)count_publishes(c);
}

/* Members take turns; another group and a plain subscriber get theirs, too [U-4.8.2-1],
 * [U-4.8.2-3]. */
static void
test_turns(void **state)
{
    struct rig r;
    struct rig_client publisher;
    struct rig_client other;
    struct rig_client plain;
    struct rig_client member[MEMBERS];

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        rig_open(&r, shards, NULL);
        rig_client_connect(&r, &publisher, "publisher");
        rig_client_connect(&r, &other, "other");
        rig_client_connect(&r, &plain, "plain");
        rig_subscribe(&other, "$share/another/t/#", 0);
        rig_subscribe(&plain, "t/#", 0);
        for (size_t i = 0; i < MEMBERS; i++) {
            rig_client_connect(&r, &member[i], names[i]);
            rig_subscribe(&member[i], "$share/group/t/#", 0);
        }
        publish_many(&publisher, 300, 0);
        assert_int_equal(count_publishes(&other), 300);
        assert_int_equal(count_publishes(&plain), 300);
        for (size_t i = 0; i < MEMBERS; i++) {
            assert_int_equal(count_publishes(&member[i]), 100);
            rig_client_close(&member[i]);
        }
        rig_client_close(&publisher);
        rig_client_close(&other);
        rig_client_close(&plain);
        rig_close(&r);
    }
}

/* Those that are connected go first; when none is, a session keeps it; one whose session ended is
 * skipped. */
static void
test_online_first(void **state)
{
    struct rig r;
    struct rig_client publisher;
    struct rig_client member[MEMBERS];
    size_t count[MEMBERS] = {0};
    size_t kept = 0;

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        rig_open(&r, shards, NULL);
        rig_client_connect(&r, &publisher, "publisher");
        for (size_t i = 0; i < MEMBERS; i++) {
            rig_resume(&r, &member[i], names[i], false);
            rig_subscribe(&member[i], "$share/group/t/#", 1);
        }
        rig_client_close(&member[0]);
        publish_many(&publisher, 20, 1);
        for (size_t i = 1; i < MEMBERS; i++) {
            count[i] = count_publishes(&member[i]);
            assert_in_range(count[i], 6, 14); /* the turn of one that is away goes to the next */
        }
        assert_int_equal(count[1] + count[2], 20);
        rig_client_close(&member[1]);
        rig_client_close(&member[2]);
        publish_many(&publisher, 21, 1);
        kept = 0;
        for (size_t i = 0; i < MEMBERS; i++) {
            rig_resume(&r, &member[i], names[i], true);
            kept += count_publishes(&member[i]);
        }
        assert_int_equal(kept, 21);
        for (size_t i = 0; i < MEMBERS; i++) {
            rig_client_close(&member[i]);
        }
        rig_client_close(&publisher);
        rig_close(&r);
    }
}

static void
test_gone_members_are_skipped(void **state)
{
    struct rig r;
    struct rig_client publisher;
    struct rig_client member[MEMBERS];

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        rig_open(&r, shards, NULL);
        rig_client_connect(&r, &publisher, "publisher");
        for (size_t i = 0; i < MEMBERS; i++) {
            rig_client_connect(&r, &member[i], names[i]);
            rig_subscribe(&member[i], "$share/group/t/#", 1);
        }
        for (size_t gone = 0; gone < MEMBERS; gone++) {
            publish_many(&publisher, 12, 1);
            for (size_t i = gone; i < MEMBERS; i++) {
                assert_int_equal(count_publishes(&member[i]), 12 / (MEMBERS - gone));
            }
            rig_client_close(&member[gone]);
        }
        rig_publish_qos(&publisher, "t/x", "x", 1, 9);
        rig_expect_ack(&publisher, WIRE_PUBACK, 9, 0x10);
        rig_client_close(&publisher);
        rig_close(&r);
    }
}

/* A member whose session has ended on another thread is in the index for a moment yet: it gets
 * nothing, whether others are there or not. */
static void
test_a_member_that_ends_just_now(void **state)
{
    const uint64_t ghost = session_id_make(0, 99, 0);
    const struct subscription_how how = {.qos = 1};
    struct rig r;
    struct rig_client c;
    bool existed = false;

    (void)state;
    rig_open(&r, 1, NULL);
    assert_int_equal(topic_index_subscribe(r.broker.index, SPAN_LITERAL("t/#"),
                                           SPAN_LITERAL("group"), ghost, &how, &existed),
                     WILCO_OK);
    rig_resume(&r, &c, "c", false);
    rig_publish_qos(&c, "t/x", "x", 1, 1);
    rig_expect_ack(&c, WIRE_PUBACK, 1, 0x10);
    rig_subscribe(&c, "$share/group/t/#", 1);
    publish_many(&c, 10, 0);
    assert_int_equal(r.broker.shards[0]->stats.publish_sent, 10);
    rig_client_drop(&c); /* away, but better than a ghost */
    rig_client_close(&c);
    rig_client_connect(&r, &c, "publisher");
    for (uint16_t id = 1; id <= 4; id++) {
        rig_publish_qos(&c, "t/x", "x", 1, id);
    }
    rig_client_close(&c);
    rig_resume(&r, &c, "c", true);
    assert_int_equal(count_publishes(&c), 4);
    rig_client_close(&c);
    assert_true(leave_index(r.broker.index, SPAN_LITERAL("t/#"), SPAN_LITERAL("group"), ghost));
    rig_close(&r);
}

/* Each member has a QoS and an identifier of its own [MQTT-4.8.2-3]. */
static void
test_qos_per_member(void **state)
{
    struct rig r;
    struct rig_client publisher;
    struct rig_client member[MEMBERS];
    struct wire_any packet;

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        rig_open(&r, shards, NULL);
        rig_client_connect(&r, &publisher, "publisher");
        for (size_t i = 0; i < MEMBERS; i++) {
            const struct wire_subscription w = {.filter = SPAN_LITERAL("$share/group/t/#"),
                                                .qos = (uint8_t)i};

            rig_client_connect(&r, &member[i], names[i]);
            rig_subscribe_with(&member[i], &w, (uint32_t)i + 10, (uint8_t)i);
        }
        publish_many(&publisher, MEMBERS, 2);
        for (size_t i = 0; i < MEMBERS; i++) {
            rig_expect_publish(&member[i], "x", &packet);
            assert_int_equal(packet.as.publish.qos, i);
            assert_int_equal(packet.as.publish.properties.subscription_identifier, i + 10);
            if (packet.as.publish.qos == 1) {
                rig_ack(&member[i], WIRE_PUBACK, packet.as.publish.packet_id);
            }
            rig_expect_nothing(&member[i]);
            rig_client_close(&member[i]);
        }
        rig_client_close(&publisher);
        rig_close(&r);
    }
}

/* [MQTT-4.8.2-4]: QoS 2 is completed with the member it went to, when that comes back;
 * [MQTT-4.8.2-5]: it goes to no other when that never does; [MQTT-4.8.2-6]: nor when it refuses. */
static void
test_a_message_stays_with_its_member(void **state)
{
    struct rig r;
    struct rig_client publisher;
    struct rig_client member[2];
    struct wire_any packet;
    size_t chosen = 0;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &publisher, "publisher");
    for (size_t i = 0; i < 2; i++) {
        rig_resume(&r, &member[i], names[i], false);
        rig_subscribe(&member[i], "$share/group/t/#", 2);
    }
    rig_publish_qos(&publisher, "t/x", "x", 2, 1);
    chosen = member[0].input_at < member[0].input_len ? 0 : 1;
    rig_expect_publish(&member[chosen], "x", &packet);
    rig_expect_nothing(&member[1 - chosen]);
    rig_client_close(&member[chosen]);
    rig_expect_nothing(&member[1 - chosen]);
    rig_resume(&r, &member[chosen], names[chosen], true);
    rig_expect_publish(&member[chosen], "x", &packet);
    assert_true(packet.as.publish.dup);
    packet = (struct wire_any){
        .type = WIRE_PUBREC,
        .as.ack = {.packet_id = packet.as.publish.packet_id, .reason_code = 0x97}};
    rig_send(&member[chosen], &packet);
    rig_expect_nothing(&member[0]);
    rig_expect_nothing(&member[1]);

    rig_publish_qos(&publisher, "t/x", "y", 2, 2);
    chosen = member[0].input_at < member[0].input_len ? 0 : 1;
    rig_client_close(&member[chosen]);
    rig_client_connect(&r, &member[chosen], names[chosen]); /* Clean Start: the session ends */
    rig_expect_nothing(&member[0]);
    rig_expect_nothing(&member[1]);
    for (size_t i = 0; i < 2; i++) {
        rig_client_close(&member[i]);
    }
    rig_client_close(&publisher);
    rig_close(&r);
}

/* A session with a shared and a plain subscription has two subscriptions: a copy for each. */
static void
test_shared_and_plain(void **state)
{
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &c, "c");
    rig_subscribe(&c, "$share/group/t/#", 1);
    rig_subscribe(&c, "t/#", 0);
    rig_publish(&c, "t/x", "x");
    rig_expect_publish(&c, "x", &packet);
    rig_expect_publish(&c, "x", &packet);
    rig_expect_nothing(&c);
    rig_client_close(&c);
    rig_close(&r);
}

/* Retained messages are not for shared subscriptions [U-3.3.1-4]. */
static void
test_no_retained(void **state)
{
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    rig_open(&r, 1, NULL);
    rig_client_connect(&r, &c, "c");
    packet = rig_publish_packet("t", "kept", 1, 1);
    packet.as.publish.retain = true;
    rig_send(&c, &packet);
    rig_expect_ack(&c, WIRE_PUBACK, 1, 0x10);
    rig_subscribe(&c, "$share/g/t", 1);
    rig_expect_nothing(&c);
    rig_subscribe(&c, "t", 1);
    rig_expect_publish(&c, "kept", &packet);
    rig_client_close(&c);
    rig_close(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_online_first),
        cmocka_unit_test(test_gone_members_are_skipped),
        cmocka_unit_test(test_a_member_that_ends_just_now),
        cmocka_unit_test(test_qos_per_member),
        cmocka_unit_test(test_a_message_stays_with_its_member),
        cmocka_unit_test(test_shared_and_plain),
        cmocka_unit_test(test_no_retained),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
