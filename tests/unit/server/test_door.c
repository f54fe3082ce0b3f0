#include "base/clock.h"
#include "fixture.h"
#include "mqtt_peer.h"
#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define CROWD 64

/* What a client may say instead of a right CONNECT, and what it hears before the server closes. */
static const struct {
    const char *name;
    const char *bytes;
    const char *answer;
} rows[] = {
    {"PINGREQ comes first [MQTT-3.1.0-1]", "C0 00", ""},
    {"half a PUBLISH comes first", "30 FF 01 00", ""},
    {"no packet at all", "'GET / HTTP/1.1'", ""},
    {"flags of CONNECT are reserved", "11 [ 00 04 'MQTT' 05 02 00 00 00 00 00 ]", ""},
    {"Remaining Length is over-long", "10 80 80 80 80 01", ""},
    {"no version of ours [MQTT-3.1.2-2]", "10 [ 00 04 'MQTT' 06 02 00 00 00 00 00 ]",
     "20 [ 00 84 2A 1F 00 27 'MQTT 5.0, 3.1.1 and 3.1 are spoken here' ]"},
    {"CONNECT is too large, as its header says", "10 FF 7F", ""},
};

static void
closes_on_what_is_no_connect(void **state)
{
    static const char *const settings[] = {"connect_bytes_max=128", NULL};
    struct server *s = fixture_start(*(unsigned *)*state, settings);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span bytes = bytes_from(rows[i].bytes);
        struct span answer = bytes_from(rows[i].answer);
        struct mqtt_peer p;

        print_message("%s\n", rows[i].name);
        mqtt_peer_open(&p, fixture_address(s));
        mqtt_peer_send_bytes(&p, bytes);
        if (answer.len > 0) {
            struct wire_any packet;

            assert_true(mqtt_peer_next(&p, &packet));
            assert_true(span_equal(span_of(p.in, p.used), answer));
        }
        mqtt_peer_expect_close(&p);
        mqtt_peer_close(&p);
        bytes_free(bytes);
        bytes_free(answer);
    }
    assert_int_equal(server_stats(s).connections, 0);
    server_stop(s);
}

static void
bounds_connect(void **state)
{
    static const char *const settings[] = {"connect_bytes_max=64", NULL};
    struct server *s = fixture_start(*(unsigned *)*state, settings);
    struct wire_any packet = mqtt_connect("a name of thirty bytes, not 31");
    struct mqtt_peer p;

    mqtt_peer_connect(&p, fixture_address(s), "a name of thirty bytes, not 31");
    mqtt_peer_close(&p);
    packet.as.connect.has_user_name = true; /* 15 + 30 bytes so far; now it has 65 */
    packet.as.connect.user_name = span_of_text("nineteen bytes long");
    mqtt_peer_open(&p, fixture_address(s));
    mqtt_peer_send(&p, &packet);
    mqtt_peer_expect_close(&p);
    mqtt_peer_close(&p);
    packet.as.connect.user_name = span_of_text("seventeen - bytes");
    mqtt_peer_open(&p, fixture_address(s));
    mqtt_peer_send(&p, &packet);
    mqtt_peer_expect(&p, WIRE_CONNACK, &packet);
    mqtt_peer_close(&p);
    server_stop(s);
}

static void
waits_so_long_for_connect(void **state)
{
    static const char *const settings[] = {"connect_timeout_ms=200", NULL};
    static const char *const begun[] = {"", "10", "10 20", "10 20 00 04 'MQTT' 05 02"};
    struct server *s = fixture_start(*(unsigned *)*state, settings);
    struct mqtt_peer crowd[CROWD];
    struct mqtt_peer other;
    uint64_t start_ms = clock_monotonic_ms();

    for (size_t i = 0; i < CROWD; i++) {
        struct span bytes = bytes_from(begun[i % 4]);

        mqtt_peer_open(&crowd[i], fixture_address(s));
        mqtt_peer_send_bytes(&crowd[i], bytes);
        bytes_free(bytes);
    }
    mqtt_peer_connect(&other, fixture_address(s), "others are served meanwhile");
    for (size_t i = 0; i < CROWD; i++) {
        mqtt_peer_expect_close(&crowd[i]);
        mqtt_peer_close(&crowd[i]);
    }
    assert_true(clock_monotonic_ms() - start_ms >= 200);
    mqtt_peer_ping(&other); /* the time to CONNECT is over, and nothing to those who did */
    mqtt_peer_close(&other);
    server_stop(s);
}

static void
lets_go_who_hangs_up(void **state)
{
    struct server *s = fixture_start(*(unsigned *)*state, NULL);
    struct span half = bytes_from("10 20 00 04 'MQTT'");
    struct mqtt_peer p;

    for (int i = 0; i < CROWD; i++) {
        mqtt_peer_open(&p, fixture_address(s));
        mqtt_peer_send_bytes(&p, i % 2 == 0 ? half : SPAN_EMPTY);
        mqtt_peer_close(&p);
    }
    mqtt_peer_connect(&p, fixture_address(s), "me");
    mqtt_peer_close(&p);
    bytes_free(half);
    server_stop(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SHARDS(closes_on_what_is_no_connect, 1),
        ON_SHARDS(closes_on_what_is_no_connect, 4),
        ON_SHARDS(bounds_connect, 1),
        ON_SHARDS(bounds_connect, 4),
        ON_SHARDS(waits_so_long_for_connect, 1),
        ON_SHARDS(waits_so_long_for_connect, 4),
        ON_SHARDS(lets_go_who_hangs_up, 1),
        ON_SHARDS(lets_go_who_hangs_up, 4),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
