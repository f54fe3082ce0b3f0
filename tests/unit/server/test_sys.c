/* $SYS topics where shards have threads: whoever is awake adds up what all have counted, and
 * everybody who watches hears of it. */
#include "fixture.h"
#include "mqtt_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define PEERS 8U

/* Reads until this PUBLISH; what was true before may come first. */
static void
wait_for(struct mqtt_peer *p, const char *topic, const char *payload)
{
    struct wire_any packet = {.type = WIRE_PINGRESP};

    do {
        mqtt_peer_expect(p, WIRE_PUBLISH, &packet);
    } while (!span_equal(packet.as.publish.topic, span_of_text(topic)) ||
             !span_equal(packet.as.publish.payload, span_of_text(payload)));
}

static void
all_shards_hear_the_same(void **state)
{
    static const char *const settings[] = {"sys_interval_s=1", NULL};
    struct server *s = fixture_start(*(unsigned *)*state, settings);
    struct mqtt_peer peers[PEERS];
    struct mqtt_peer one_more;
    char text[32];

    for (unsigned i = 0; i < PEERS; i++) {
        (void)snprintf(text, sizeof(text), "peer-%u", i);
        mqtt_peer_connect(&peers[i], fixture_address(s), text);
        mqtt_peer_subscribe(&peers[i], "$SYS/broker/publish/messages/received");
    }
    for (unsigned k = 0; k < 50; k++) {
        for (unsigned i = 0; i < PEERS; i++) {
            mqtt_peer_publish(&peers[i], "chatter", "x");
        }
    }
    (void)snprintf(text, sizeof(text), "%u", 50 * PEERS);
    for (unsigned i = 0; i < PEERS; i++) {
        wait_for(&peers[i], "$SYS/broker/publish/messages/received", text);
        mqtt_peer_subscribe(&peers[i], "$SYS/broker/clients/connected");
    }
    mqtt_peer_connect(&one_more, fixture_address(s), "one more");
    (void)snprintf(text, sizeof(text), "%u", PEERS + 1);
    for (unsigned i = 0; i < PEERS; i++) {
        wait_for(&peers[i], "$SYS/broker/clients/connected", text);
        mqtt_peer_close(&peers[i]);
    }
    assert_int_equal(server_stats(s).connections, PEERS + 1);
    assert_int_equal(server_stats(s).sockets, PEERS + 1);
    mqtt_peer_close(&one_more);
    server_stop(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SHARDS(all_shards_hear_the_same, 1),
        ON_SHARDS(all_shards_hear_the_same, 4),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
