#include "fixture.h"
#include "mqtt_peer.h"
#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CROWD 16

/* Over TCP, which keeps order and loses nothing [MQTT-4.2-1]. */
static void
answers_connect_and_ping(void **state)
{
    struct server *s = fixture_start(*(unsigned *)*state, NULL);
    struct wire_any packet = {.type = WIRE_DISCONNECT};
    struct mqtt_peer p;

    mqtt_peer_connect(&p, fixture_address(s), "one");
    mqtt_peer_ping(&p);
    mqtt_peer_send(&p, &packet);
    mqtt_peer_expect_close(&p);
    mqtt_peer_close(&p);
    assert_int_equal(server_stats(s).connections, 1);
    assert_int_equal(server_stats(s).protocol_errors, 0);
    server_stop(s);
}

static void
assigns_a_name(void **state)
{
    struct server *s = fixture_start(*(unsigned *)*state, NULL);
    struct wire_any packet = mqtt_connect("");
    struct mqtt_peer p;

    mqtt_peer_open(&p, fixture_address(s));
    mqtt_peer_send(&p, &packet);
    mqtt_peer_expect(&p, WIRE_CONNACK, &packet); /* [MQTT-3.1.3-7] */
    assert_true(packet.as.connack.properties.assigned_client_identifier.len > 0);
    mqtt_peer_ping(&p);
    mqtt_peer_close(&p);
    server_stop(s);
}

/* So many clients that they live on all shards. */
static void
connect_crowd(struct mqtt_peer crowd[CROWD], const struct server *s)
{
    char name[16];

    for (int i = 0; i < CROWD; i++) {
        (void)snprintf(name, sizeof(name), "to/%d", i);
        mqtt_peer_connect(&crowd[i], fixture_address(s), name);
        mqtt_peer_subscribe(&crowd[i], name);
    }
}

static void
close_crowd(struct mqtt_peer crowd[CROWD])
{
    for (int i = 0; i < CROWD; i++) {
        mqtt_peer_close(&crowd[i]);
    }
}

/* One message at a time, so that each time the receiver's thread is likely to sleep. */
static void
passes_messages_between_shards(void **state)
{
    struct server *s = fixture_start(*(unsigned *)*state, NULL);
    struct mqtt_peer crowd[CROWD];
    char topic[16];

    connect_crowd(crowd, s);
    for (int i = 0; i < 40 * CROWD; i++) {
        int to = (i * 7 + 1) % CROWD;

        (void)snprintf(topic, sizeof(topic), "to/%d", to);
        mqtt_peer_publish(&crowd[i % CROWD], topic, "hello");
        mqtt_peer_expect_message(&crowd[to], topic, "hello");
    }
    close_crowd(crowd);
    server_stop(s);
}

/* All at once, so that the threads meet each other awake. Nothing may be lost or change its order.
 */
static void
keeps_the_order_under_load(void **state)
{
    struct server *s = fixture_start(*(unsigned *)*state, NULL);
    struct mqtt_peer crowd[CROWD];
    char topic[16];
    char text[16];

    connect_crowd(crowd, s);
    for (int i = 0; i < 200 * CROWD; i++) {
        (void)snprintf(topic, sizeof(topic), "to/%d", (i + 1) % CROWD);
        (void)snprintf(text, sizeof(text), "%d", i);
        mqtt_peer_publish(&crowd[i % CROWD], topic, text);
    }
    for (int i = 0; i < 200 * CROWD; i++) {
        (void)snprintf(topic, sizeof(topic), "to/%d", (i + 1) % CROWD);
        (void)snprintf(text, sizeof(text), "%d", i);
        mqtt_peer_expect_message(&crowd[(i + 1) % CROWD], topic, text);
    }
    close_crowd(crowd);
    server_stop(s);
}

static struct span
joined(struct span a, struct span b)
{
    uint8_t *both = malloc(a.len + b.len);

    assert_non_null(both);
    memcpy(both, a.data, a.len);
    memcpy(both + a.len, b.data, b.len);
    return span_of(both, a.len + b.len);
}

/* CONNECT and what follows it come in one piece, or in the smallest: all of it finds its way to the
 * client's shard. */
static void
takes_what_comes_with_connect(void **state)
{
    struct server *s = fixture_start(*(unsigned *)*state, NULL);

    for (int i = 0; i < CROWD; i++) {
        char name[16];
        struct wire_any packet;
        struct span connect;
        struct span ping = bytes_from("C0 00");
        struct span bytes;
        struct mqtt_peer p;

        (void)snprintf(name, sizeof(name), "client %d", i);
        packet = mqtt_connect(name);
        connect = mqtt_bytes(&packet);
        bytes = joined(connect, ping);
        mqtt_peer_open(&p, fixture_address(s));
        for (size_t sent = 0, step = i % 2 == 0 ? bytes.len : 1; sent < bytes.len; sent += step) {
            mqtt_peer_send_bytes(&p, span_first(span_skip(bytes, sent), step));
        }
        mqtt_peer_expect(&p, WIRE_CONNACK, &packet);
        mqtt_peer_expect(&p, WIRE_PINGRESP, &packet);
        mqtt_peer_close(&p);
        bytes_free(connect);
        bytes_free(ping);
        bytes_free(bytes);
    }
    server_stop(s);
}

/* Whichever shard accepts it, the same client is always in the same shard [MQTT-3.1.4-3]. */
static void
takes_over(void **state)
{
    struct server *s = fixture_start(*(unsigned *)*state, NULL);
    struct mqtt_peer old;

    mqtt_peer_connect(&old, fixture_address(s), "me");
    for (int i = 0; i < 30; i++) {
        struct mqtt_peer new;

        mqtt_peer_connect(&new, fixture_address(s), "me");
        mqtt_peer_expect_disconnect(&old, WIRE_REASON_SESSION_TAKEN_OVER);
        mqtt_peer_close(&old);
        old = new;
    }
    mqtt_peer_ping(&old);
    mqtt_peer_close(&old);
    server_stop(s);
}

static void
lets_many_come_and_go(void **state)
{
    struct server *s = fixture_start(*(unsigned *)*state, NULL);
    struct mqtt_peer crowd[CROWD];
    struct wire_any bye = {.type = WIRE_DISCONNECT};

    for (int i = 0; i < 25; i++) {
        connect_crowd(crowd, s);
        for (int k = 0; k < CROWD; k++) { /* some with a word, some without */
            if (k % 2 == 0) {
                mqtt_peer_send(&crowd[k], &bye);
            }
        }
        close_crowd(crowd);
    }
    assert_int_equal(server_stats(s).connections, 25 * CROWD);
    server_stop(s);
}

static void
two_servers_live_side_by_side(void **state)
{
    struct server *a = fixture_start(2, NULL);
    struct server *b = fixture_start(2, NULL);
    struct mqtt_peer p;
    struct mqtt_peer q;

    (void)state;
    mqtt_peer_connect(&p, fixture_address(a), "me");
    mqtt_peer_connect(&q, fixture_address(b), "me");
    mqtt_peer_ping(&p);
    mqtt_peer_ping(&q);
    mqtt_peer_close(&p);
    mqtt_peer_close(&q);
    server_stop(a);
    server_stop(b);
}

static void
one_shard_for_each_core(void **state)
{
    struct server *s = fixture_start(0, NULL);
    struct mqtt_peer p;

    (void)state;
    mqtt_peer_connect(&p, fixture_address(s), "me");
    mqtt_peer_close(&p);
    assert_null(server_address(s, 1));
    server_stop(s);
    server_stop(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SHARDS(answers_connect_and_ping, 1),
        ON_SHARDS(answers_connect_and_ping, 4),
        ON_SHARDS(assigns_a_name, 1),
        ON_SHARDS(assigns_a_name, 4),
        ON_SHARDS(passes_messages_between_shards, 1),
        ON_SHARDS(passes_messages_between_shards, 4),
        ON_SHARDS(keeps_the_order_under_load, 1),
        ON_SHARDS(keeps_the_order_under_load, 4),
        ON_SHARDS(takes_what_comes_with_connect, 1),
        ON_SHARDS(takes_what_comes_with_connect, 4),
        ON_SHARDS(takes_over, 1),
        ON_SHARDS(takes_over, 4),
        ON_SHARDS(lets_many_come_and_go, 1),
        ON_SHARDS(lets_many_come_and_go, 4),
        cmocka_unit_test(two_servers_live_side_by_side),
        cmocka_unit_test(one_shard_for_each_core),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
