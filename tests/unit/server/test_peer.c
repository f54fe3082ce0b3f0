#include "fixture.h"
#include "mqtt_peer.h"
#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define MEBIBYTE (1U << 20)

static struct span
zeros(size_t len)
{
    uint8_t *data = calloc(len, 1);

    assert_non_null(data);
    return span_of(data, len);
}

/* What the server has not read when it closes must not cost the client the reason why. */
static void
says_why_even_if_more_was_sent(void **state)
{
    struct server *s = fixture_start(*(unsigned *)*state, NULL);
    struct span wrong = bytes_from("F0 00"); /* AUTH, unasked */
    struct span more = zeros(2 * MEBIBYTE);

    for (int i = 0; i < 10; i++) {
        struct mqtt_peer p;

        mqtt_peer_connect(&p, fixture_address(s), "me");
        mqtt_peer_send_bytes(&p, wrong);
        mqtt_peer_send_bytes(&p, more);
        mqtt_peer_expect_disconnect(&p, WIRE_REASON_PROTOCOL_ERROR);
        mqtt_peer_close(&p);
    }
    assert_int_equal(server_stats(s).protocol_errors, 10);
    bytes_free(wrong);
    bytes_free(more);
    server_stop(s);
}

/* Neither a client that stays after the end, nor one that does not read it, is kept. */
static void
has_no_endless_patience(void **state)
{
    static const char *const settings[] = {"ending_timeout_ms=50", NULL};
    struct server *s = fixture_start(*(unsigned *)*state, settings);
    struct span wrong = bytes_from("F0 00");
    struct mqtt_peer p;
    uint8_t byte = 0;

    mqtt_peer_connect(&p, fixture_address(s), "me");
    mqtt_peer_send_bytes(&p, wrong);
    mqtt_peer_expect_disconnect(&p, WIRE_REASON_PROTOCOL_ERROR);
    while (send(p.fd, &byte, 1, MSG_NOSIGNAL) == 1) { /* until it is closed, and says so */
        continue;
    }
    mqtt_peer_close(&p);
    bytes_free(wrong);
    server_stop(s);
}

/* Sends itself more than the server will keep for it, without reading. */
static void
fill(struct mqtt_peer *p, const char *topic, size_t messages)
{
    struct span payload = zeros(MEBIBYTE / 16);
    struct wire_any packet = mqtt_publish(topic, payload);
    struct span bytes = mqtt_bytes(&packet);

    for (size_t i = 0; i < messages; i++) {
        mqtt_peer_send_bytes(p, bytes);
    }
    bytes_free(payload);
    bytes_free(bytes);
}

static void
a_slow_reader_stops_nobody(void **state)
{
    static const char *const settings[] = {"output_bytes_max=65536", "drain_timeout_ms=50", NULL};
    struct server *s = fixture_start(*(unsigned *)*state, settings);
    struct mqtt_peer slow;
    struct mqtt_peer sender;
    struct mqtt_peer other;

    mqtt_peer_connect(&slow, fixture_address(s), "slow");
    mqtt_peer_subscribe(&slow, "to/slow");
    mqtt_peer_connect(&sender, fixture_address(s), "sender");
    mqtt_peer_connect(&other, fixture_address(s), "other");
    mqtt_peer_subscribe(&other, "to/other");
    for (int i = 0; i < 20; i++) {
        fill(&sender, "to/slow", 20);
        mqtt_peer_publish(&sender, "to/other", "still here");
        mqtt_peer_expect_message(&other, "to/other", "still here");
    }
    assert_true(server_stats(s).dropped_output_full > 0);
    mqtt_peer_ping(&slow); /* it reads again, and is served again */
    mqtt_peer_publish(&sender, "to/slow", "at last");
    mqtt_peer_expect_message(&slow, "to/slow", "at last");
    mqtt_peer_close(&slow);
    mqtt_peer_close(&sender);
    mqtt_peer_close(&other);
    server_stop(s);
}

/* A client that goes away while the server waits to write to it. */
static void
a_blocked_reader_may_vanish(void **state)
{
    struct server *s = fixture_start(*(unsigned *)*state, NULL);
    struct mqtt_peer slow;
    struct mqtt_peer other;

    mqtt_peer_connect(&other, fixture_address(s), "other");
    for (int i = 0; i < 5; i++) {
        mqtt_peer_connect(&slow, fixture_address(s), "slow");
        mqtt_peer_subscribe(&slow, "to/slow");
        fill(&other, "to/slow", 200);
        mqtt_peer_close(&slow);
        mqtt_peer_ping(&other);
    }
    mqtt_peer_close(&other);
    server_stop(s);
}

/* Far more than one turn reads or writes. */
static void
passes_large_messages(void **state)
{
    static const char *const settings[] = {"output_bytes_max=16777216", NULL};
    struct server *s = fixture_start(*(unsigned *)*state, settings);
    struct span payload = zeros(3 * MEBIBYTE / 2);
    struct wire_any packet = mqtt_publish("to/all", payload);
    struct mqtt_peer from;
    struct mqtt_peer to[4];
    static const char *const names[] = {"a", "b", "c", "d"};

    for (int i = 0; i < 4; i++) {
        mqtt_peer_connect(&to[i], fixture_address(s), names[i]);
        mqtt_peer_subscribe(&to[i], "to/all");
    }
    mqtt_peer_connect(&from, fixture_address(s), "from");
    mqtt_peer_send(&from, &packet);
    mqtt_peer_send(&from, &packet);
    for (int i = 0; i < 8; i++) {
        mqtt_peer_expect(&to[i % 4], WIRE_PUBLISH, &packet);
        assert_int_equal(packet.as.publish.payload.len, payload.len);
    }
    for (int i = 0; i < 4; i++) {
        mqtt_peer_close(&to[i]);
    }
    mqtt_peer_close(&from);
    bytes_free(payload);
    server_stop(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SHARDS(says_why_even_if_more_was_sent, 1), ON_SHARDS(says_why_even_if_more_was_sent, 4),
        ON_SHARDS(has_no_endless_patience, 1),        ON_SHARDS(has_no_endless_patience, 4),
        ON_SHARDS(a_slow_reader_stops_nobody, 1),     ON_SHARDS(a_slow_reader_stops_nobody, 4),
        ON_SHARDS(a_blocked_reader_may_vanish, 1),    ON_SHARDS(a_blocked_reader_may_vanish, 4),
        ON_SHARDS(passes_large_messages, 1),          ON_SHARDS(passes_large_messages, 4),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
