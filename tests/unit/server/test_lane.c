#define _GNU_SOURCE

#include "broker/core/rcu.h"
#include "broker/server/driver.h"
#include "broker/server/peer.h"
#include "fixture.h"
#include "mqtt_peer.h"
#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* Drivers without their threads: the tests make their turns, so that what has arrived before a turn
 * is what the turn finds, and bulk_turn_us=1 makes it do one step of bulk in each. */
struct bench {
    struct crew crew;
    struct driver *driver; /* the one that is used just now */
};

#define READ_BYTES 512U /* bulk_read_bytes in these tests */
#define WHOLE_TURN 0U   /* bulk_turn_us that turns the lane off */
#define ONE_STEP   1U

static void
start(struct bench *b, unsigned shards, uint64_t bulk_turn_us)
{
    struct broker_config config = {
        .settings = settings_default(),
        .alloc = alloc_system(),
        .random = random_system(),
        .shard_count = shards,
    };

    config.settings.bulk_turn_us = bulk_turn_us;
    config.settings.bulk_read_bytes = READ_BYTES;
    *b = (struct bench){.driver = NULL};
    rcu_thread_enter();
    halt_init(&b->crew.halt);
    assert_int_equal(broker_init(&b->crew.broker, &config, 1), WILCO_OK);
    guests_init(&b->crew.guests, alloc_system(), 0);
    for (unsigned i = 0; i < shards; i++) {
        b->crew.drivers[i] = driver_new(&b->crew, i);
        assert_non_null(b->crew.drivers[i]);
        b->crew.drivers[i]->shard->lane_until_ms = UINT64_MAX; /* as if somebody asked */
    }
    b->crew.driver_count = shards;
    b->driver = b->crew.drivers[0];
}

static void
stop(struct bench *b)
{
    for (unsigned i = 0; i < b->crew.driver_count; i++) {
        driver_free(b->crew.drivers[i]);
    }
    guests_fini(&b->crew.guests);
    broker_fini(&b->crew.broker);
    halt_fini(&b->crew.halt);
    rcu_thread_leave();
}

static void
turn(struct bench *b)
{
    assert_int_equal(loop_wait(b->driver->loop, false), WILCO_OK);
    assert_true(driver_turn(b->driver));
}

/* The number of turns until nothing is left to do. */
static unsigned
finish(struct bench *b)
{
    unsigned turns = 1;

    for (turn(b); b->driver->is_behind; turns++) {
        turn(b);
    }
    return turns;
}

/* Connected; the peer that serves it, which lives as long as the connection. */
static struct peer *
join(struct bench *b, struct mqtt_peer *p, const char *client_id)
{
    struct wire_any packet = mqtt_connect(client_id);
    struct span bytes = mqtt_bytes(&packet);
    struct peer *peer = NULL;
    int fds[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    mqtt_peer_adopt(p, fds[1]);
    peer = peer_open(b->driver, stream_of_socket(fds[0], alloc_system()), &entrance_standard, NULL,
                     NULL);
    assert_non_null(peer);
    conn_feed(&peer->conn, bytes);
    bytes_free(bytes);
    (void)finish(b);
    mqtt_peer_expect(p, WIRE_CONNACK, &packet);
    return peer;
}

static void
subscribe(struct bench *b, struct mqtt_peer *p, const char *filter)
{
    const struct wire_subscription subscription = {.filter = span_of_text(filter)};
    struct wire_any packet = {
        .type = WIRE_SUBSCRIBE,
        .as.subscribe = {.packet_id = 1, .count = 1, .subscriptions = &subscription}};

    mqtt_peer_send(p, &packet);
    (void)finish(b);
    mqtt_peer_expect(p, WIRE_SUBACK, &packet);
}

static void
ask(struct mqtt_peer *p, const char *topic)
{
    struct wire_any packet = mqtt_publish(topic, SPAN_LITERAL("?"));

    packet.as.publish.properties.response_topic = SPAN_LITERAL("answers");
    wire_properties_set(&packet.as.publish.properties, WIRE_RESPONSE_TOPIC);
    mqtt_peer_send(p, &packet);
}

static void
answer(struct mqtt_peer *p, const char *topic)
{
    struct wire_any packet = mqtt_publish(topic, SPAN_LITERAL("!"));

    packet.as.publish.properties.correlation_data = SPAN_LITERAL("1");
    wire_properties_set(&packet.as.publish.properties, WIRE_CORRELATION_DATA);
    mqtt_peer_send(p, &packet);
}

/* Plain messages with these numbers as payload. */
static void
publish_numbers(struct mqtt_peer *p, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        char number[16];

        (void)snprintf(number, sizeof(number), "%08u", i);
        mqtt_peer_publish(p, "bulk", number);
    }
}

static void
expect_numbers(struct mqtt_peer *p, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        char number[16];

        (void)snprintf(number, sizeof(number), "%08u", i);
        mqtt_peer_expect_message(p, "bulk", number);
    }
}

static bool
has_input(const struct mqtt_peer *p)
{
    uint8_t byte = 0;

    return recv(p->fd, &byte, 1, MSG_PEEK) == 1;
}

/* Of 17 bytes each: so many are more than READ_BYTES, and it takes several steps to read them. */
#define NUMBERS 200U

/* What was sent first is handled first only where the lane is off. */
static void
a_request_is_handled_before_bulk(void **state)
{
    static const uint64_t turns_us[] = {WHOLE_TURN, ONE_STEP};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct bench b;
        struct mqtt_peer flood;
        struct mqtt_peer asker;
        struct mqtt_peer observer;

        start(&b, 1, turns_us[i]);
        (void)join(&b, &observer, "observer");
        (void)join(&b, &asker, "asker");
        (void)join(&b, &flood, "flood");
        publish_numbers(&flood, 0, NUMBERS);
        (void)finish(&b);
        subscribe(&b, &observer, "#");
        publish_numbers(&flood, 0, NUMBERS);
        ask(&asker, "question");
        turn(&b);
        if (turns_us[i] == ONE_STEP) {
            mqtt_peer_expect_message(&observer, "question", "?");
            assert_true(b.driver->is_behind);
            (void)finish(&b);
            expect_numbers(&observer, 0, NUMBERS);
        } else {
            expect_numbers(&observer, 0, NUMBERS);
            mqtt_peer_expect_message(&observer, "question", "?");
        }
        mqtt_peer_close(&flood);
        mqtt_peer_close(&asker);
        mqtt_peer_close(&observer);
        stop(&b);
    }
}

static void
bulk_is_read_in_small_steps(void **state)
{
    struct bench b;
    struct mqtt_peer flood;
    struct mqtt_peer observer;
    const struct stats *stats = NULL;
    uint64_t before = 0;
    unsigned turns = 0;

    (void)state;
    start(&b, 1, ONE_STEP);
    stats = &b.driver->shard->stats;
    (void)join(&b, &observer, "observer");
    subscribe(&b, &observer, "bulk");
    (void)join(&b, &flood, "flood");
    for (unsigned round = 0; round < 2; round++) { /* in the second it is known for what it is */
        publish_numbers(&flood, 0, NUMBERS);
        do {
            before = stats->publish_received;
            turn(&b);
            turns++;
            assert_true(stats->publish_received - before <= (2 - round) * (READ_BYTES / 17 + 1));
        } while (b.driver->is_behind);
        expect_numbers(&observer, 0, NUMBERS);
    }
    assert_true(turns >= NUMBERS * 17 / READ_BYTES * 2);
    mqtt_peer_close(&flood);
    mqtt_peer_close(&observer);
    stop(&b);
}

/* As long as nobody asks or answers, everybody is read as far as there is something, and written.
 */
static void
where_nobody_asks_nothing_is_bulk(void **state)
{
    static const char *const names[] = {"one", "two", "three"};
    struct bench b;
    struct mqtt_peer flood;
    struct mqtt_peer observers[3];
    const struct peer *peer = NULL;

    (void)state;
    start(&b, 1, ONE_STEP);
    b.driver->shard->lane_until_ms = 0;
    for (size_t i = 0; i < 3; i++) {
        (void)join(&b, &observers[i], names[i]);
        subscribe(&b, &observers[i], "bulk");
    }
    peer = join(&b, &flood, "flood");
    publish_numbers(&flood, 0, NUMBERS);
    turn(&b);
    assert_int_equal(b.driver->shard->stats.publish_received, NUMBERS);
    assert_false(conn_is_bulk(&peer->conn));
    assert_false(b.driver->is_behind);
    for (size_t i = 0; i < 3; i++) {
        expect_numbers(&observers[i], 0, NUMBERS);
        mqtt_peer_close(&observers[i]);
    }
    ask(&flood, "somebody");
    turn(&b);
    assert_true(shard_has_lane(b.driver->shard));
    mqtt_peer_close(&flood);
    stop(&b);
}

/* And who asks or answers is not bulk, whatever was before. */
static void
a_request_or_response_ends_bulk(void **state)
{
    struct bench b;
    struct mqtt_peer flood;
    const struct peer *p = NULL;

    (void)state;
    start(&b, 1, ONE_STEP);
    p = join(&b, &flood, "flood");
    for (int i = 0; i < 2; i++) {
        publish_numbers(&flood, 0, NUMBERS);
        (void)finish(&b);
        assert_true(conn_is_bulk(&p->conn));
        if (i == 0) {
            ask(&flood, "question");
        } else {
            answer(&flood, "answers");
        }
        (void)finish(&b);
        assert_false(conn_is_bulk(&p->conn));
    }
    mqtt_peer_close(&flood);
    stop(&b);
}

#define CROWD 5

/* One message for many, then a request, in one read: the request leaves in this turn, and of the
 * crowd one gets its message in each. */
static void
a_request_is_written_before_bulk(void **state)
{
    struct bench b;
    struct mqtt_peer crowd[CROWD];
    struct mqtt_peer sender;
    struct mqtt_peer responder;

    (void)state;
    start(&b, 1, ONE_STEP);
    for (int i = 0; i < CROWD; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "crowd %d", i);
        (void)join(&b, &crowd[i], name);
        subscribe(&b, &crowd[i], "bulk");
    }
    (void)join(&b, &responder, "responder");
    subscribe(&b, &responder, "question");
    (void)join(&b, &sender, "sender");
    publish_numbers(&sender, 0, 1);
    ask(&sender, "question");
    for (int written = 1; written <= CROWD; written++) {
        int waiting = 0;

        turn(&b);
        for (int i = 0; i < CROWD; i++) {
            waiting += !has_input(&crowd[i]);
        }
        assert_int_equal(waiting, CROWD - written);
        assert_int_equal(b.driver->is_behind, waiting > 0);
        assert_true(has_input(&responder));
    }
    mqtt_peer_expect_message(&responder, "question", "?");
    for (int i = 0; i < CROWD; i++) {
        expect_numbers(&crowd[i], 0, 1);
        mqtt_peer_close(&crowd[i]);
    }
    mqtt_peer_close(&responder);
    mqtt_peer_close(&sender);
    stop(&b);
}

/* Its own bytes keep their order. */
static void
who_gets_both_gets_them_at_once_in_order(void **state)
{
    struct bench b;
    struct mqtt_peer plain;
    struct mqtt_peer both;
    struct mqtt_peer sender;

    (void)state;
    start(&b, 1, ONE_STEP);
    (void)join(&b, &plain, "plain");
    subscribe(&b, &plain, "bulk");
    (void)join(&b, &both, "both");
    subscribe(&b, &both, "#");
    (void)join(&b, &sender, "sender");
    publish_numbers(&sender, 0, 2);
    ask(&sender, "question");
    publish_numbers(&sender, 2, 3);
    turn(&b);
    expect_numbers(&both, 0, 2);
    mqtt_peer_expect_message(&both, "question", "?");
    expect_numbers(&both, 2, 3);
    publish_numbers(&sender, 3, 4); /* plain again: it waits for its turn */
    turn(&b);
    turn(&b);
    (void)finish(&b);
    expect_numbers(&both, 3, 4);
    expect_numbers(&plain, 0, 4);
    mqtt_peer_close(&plain);
    mqtt_peer_close(&both);
    mqtt_peer_close(&sender);
    stop(&b);
}

static size_t
peer_count(const struct bench *b)
{
    size_t count = 0;

    LIST_EACH(node, &b->driver->peers)
    {
        count++;
    }
    return count;
}

/* What it had sent is handled, then it is gone; a conn that waits to be written may go, too. */
static void
who_waits_may_vanish(void **state)
{
    struct bench b;
    struct mqtt_peer flood;
    struct mqtt_peer observer;

    (void)state;
    start(&b, 1, ONE_STEP);
    (void)join(&b, &observer, "observer");
    subscribe(&b, &observer, "bulk");
    (void)join(&b, &flood, "flood");
    publish_numbers(&flood, 0, NUMBERS);
    (void)finish(&b);
    publish_numbers(&flood, 0, NUMBERS);
    turn(&b);
    assert_true(b.driver->is_behind);
    mqtt_peer_close(&flood);
    mqtt_peer_close(&observer);
    (void)finish(&b);
    turn(&b);
    assert_int_equal(b.driver->shard->stats.publish_received, 2 * NUMBERS);
    assert_int_equal(peer_count(&b), 0);
    stop(&b);
}

/* Another connection with its name ends it in the middle of its bulk. */
static void
who_waits_may_be_replaced(void **state)
{
    struct bench b;
    struct mqtt_peer flood;
    struct mqtt_peer other;
    struct wire_any packet;

    (void)state;
    start(&b, 1, ONE_STEP);
    (void)join(&b, &flood, "flood");
    publish_numbers(&flood, 0, NUMBERS);
    (void)finish(&b);
    publish_numbers(&flood, 0, NUMBERS);
    turn(&b);
    assert_true(b.driver->is_behind);
    (void)join(&b, &other, "flood");
    mqtt_peer_expect(&flood, WIRE_DISCONNECT, &packet);
    assert_int_equal(packet.as.disconnect.reason_code, WIRE_REASON_SESSION_TAKEN_OVER);
    assert_true(b.driver->shard->stats.publish_received < 2 * NUMBERS);
    mqtt_peer_close(&flood);
    for (int i = 0; i < 8; i++) {
        turn(&b); /* what it still sent is thrown away */
    }
    assert_int_equal(peer_count(&b), 1);
    mqtt_peer_close(&other);
    stop(&b);
}

/* A turn with mail for another shard leaves bulk to the next one, which does not. */
static void
mail_is_not_kept_by_bulk(void **state)
{
    struct bench b;
    struct mqtt_peer flood;
    struct mqtt_peer asker;
    struct mqtt_peer responder;
    const struct stats *stats = NULL;

    (void)state;
    start(&b, 2, ONE_STEP);
    stats = &b.driver->shard->stats;
    b.driver = b.crew.drivers[1];
    (void)join(&b, &responder, "responder");
    subscribe(&b, &responder, "question");
    b.driver = b.crew.drivers[0];
    (void)join(&b, &asker, "asker");
    (void)join(&b, &flood, "flood");
    publish_numbers(&flood, 0, NUMBERS);
    (void)finish(&b);
    publish_numbers(&flood, 0, NUMBERS);
    turn(&b);
    for (int i = 0; i < 4; i++) {
        uint64_t before = stats->publish_received;

        ask(&asker, "question");
        turn(&b);
        assert_int_equal(shard_take_kicks(b.driver->shard), 2);
        assert_int_equal(stats->publish_received - before > 1, i % 2 == 1);
        assert_true(b.driver->is_behind);
    }
    b.driver = b.crew.drivers[1];
    turn(&b);
    for (int i = 0; i < 4; i++) {
        mqtt_peer_expect_message(&responder, "question", "?");
    }
    mqtt_peer_close(&flood);
    mqtt_peer_close(&asker);
    mqtt_peer_close(&responder);
    stop(&b);
}

/* With threads, sockets and the smallest of turns: nothing is lost, and order is kept. */
static void
everything_arrives_in_order(void **state)
{
    static const char *const settings[] = {"bulk_turn_us=1", "bulk_read_bytes=256", NULL};
    struct server *s = fixture_start(*(unsigned *)*state, settings);
    struct mqtt_peer flood;
    struct mqtt_peer observer;
    struct mqtt_peer asker;
    struct mqtt_peer responder;

    mqtt_peer_connect(&observer, fixture_address(s), "observer");
    mqtt_peer_subscribe(&observer, "bulk");
    mqtt_peer_connect(&responder, fixture_address(s), "responder");
    mqtt_peer_subscribe(&responder, "question");
    mqtt_peer_connect(&asker, fixture_address(s), "asker");
    mqtt_peer_subscribe(&asker, "answers");
    mqtt_peer_connect(&flood, fixture_address(s), "flood");
    for (unsigned i = 0; i < 50; i++) {
        publish_numbers(&flood, i * NUMBERS, (i + 1) * NUMBERS);
        ask(&asker, "question");
        mqtt_peer_expect_message(&responder, "question", "?");
        answer(&responder, "answers");
        mqtt_peer_expect_message(&asker, "answers", "!");
        expect_numbers(&observer, i * NUMBERS, (i + 1) * NUMBERS);
    }
    mqtt_peer_close(&flood);
    mqtt_peer_close(&observer);
    mqtt_peer_close(&asker);
    mqtt_peer_close(&responder);
    server_stop(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_handled_before_bulk),
        cmocka_unit_test(bulk_is_read_in_small_steps),
        cmocka_unit_test(where_nobody_asks_nothing_is_bulk),
        cmocka_unit_test(a_request_or_response_ends_bulk),
        cmocka_unit_test(a_request_is_written_before_bulk),
        cmocka_unit_test(who_gets_both_gets_them_at_once_in_order),
        cmocka_unit_test(who_waits_may_vanish),
        cmocka_unit_test(who_waits_may_be_replaced),
        cmocka_unit_test(mail_is_not_kept_by_bulk),
        ON_SHARDS(everything_arrives_in_order, 1),
        ON_SHARDS(everything_arrives_in_order, 4),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
