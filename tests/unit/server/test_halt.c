#include "fixture.h"
#include "mqtt_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define CROWD 8

static void
set_topic_levels(void *context, struct settings *settings)
{
    settings->topic_levels_max = *(const uint64_t *)context;
}

static void
publish_at_qos_1(struct mqtt_peer *p, const char *topic, uint8_t reason_code)
{
    struct wire_any packet = mqtt_publish(topic, SPAN_LITERAL("x"));

    packet.as.publish.qos = 1;
    packet.as.publish.packet_id = 1;
    mqtt_peer_send(p, &packet);
    mqtt_peer_expect(p, WIRE_PUBACK, &packet);
    assert_int_equal(packet.as.ack.reason_code, reason_code);
}

static void
a_change_is_seen_by_all_shards(void **state)
{
    struct server *s = fixture_start(*(unsigned *)*state, NULL);
    struct mqtt_peer crowd[CROWD];
    uint64_t levels = 2;

    for (int i = 0; i < CROWD; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "to/%d", i);
        mqtt_peer_connect(&crowd[i], fixture_address(s), name);
        publish_at_qos_1(&crowd[i], "a/b/c", WIRE_REASON_NO_MATCHING_SUBSCRIBERS);
    }
    server_change(s, set_topic_levels, &levels, NULL);
    for (int i = 0; i < CROWD; i++) {
        publish_at_qos_1(&crowd[i], "a/b/c", WIRE_REASON_TOPIC_NAME_INVALID);
        mqtt_peer_close(&crowd[i]);
    }
    server_stop(s);
}

/* Each change while there is mail between the shards. */
static void
nothing_is_lost_meanwhile(void **state)
{
    struct server *s = fixture_start(*(unsigned *)*state, NULL);
    struct mqtt_peer crowd[CROWD];
    char name[16];

    for (int i = 0; i < CROWD; i++) {
        (void)snprintf(name, sizeof(name), "to/%d", i);
        mqtt_peer_connect(&crowd[i], fixture_address(s), name);
        mqtt_peer_subscribe(&crowd[i], name);
    }
    for (int round = 0; round < 50; round++) {
        uint64_t levels = 100 + (uint64_t)round;

        for (int i = 0; i < CROWD; i++) {
            (void)snprintf(name, sizeof(name), "to/%d", (i + round) % CROWD);
            mqtt_peer_publish(&crowd[i], name, "hello");
        }
        server_change(s, set_topic_levels, &levels, NULL);
        for (int i = 0; i < CROWD; i++) {
            (void)snprintf(name, sizeof(name), "to/%d", i);
            mqtt_peer_expect_message(&crowd[i], name, "hello");
        }
    }
    for (int i = 0; i < CROWD; i++) {
        mqtt_peer_close(&crowd[i]);
    }
    server_stop(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SHARDS(a_change_is_seen_by_all_shards, 1),
        ON_SHARDS(a_change_is_seen_by_all_shards, 4),
        ON_SHARDS(nothing_is_lost_meanwhile, 1),
        ON_SHARDS(nothing_is_lost_meanwhile, 4),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
