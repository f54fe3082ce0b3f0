#include "fixture.h"
#include "mqtt_peer.h"
#include "support/bytes.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <cmocka.h>

/* Many clients at the same time, each with a thread: for the thread sanitizer, and for whatever
 * goes wrong only when everything happens at once. */

#define CLIENTS 6
#define ROUNDS  15
#define PINGS   20

struct client {
    const struct server *server;
    pthread_t thread;
    int number;
};

/* Asks its neighbour and answers to whoever asks; comes and goes; takes its own name over. */
static void
one_round(const struct client *c, int round)
{
    char own[16];
    char neighbour[16];
    struct mqtt_peer p;
    struct mqtt_peer again;

    (void)snprintf(own, sizeof(own), "at/%d", c->number);
    (void)snprintf(neighbour, sizeof(neighbour), "at/%d", (c->number + 1) % CLIENTS);
    mqtt_peer_connect(&p, fixture_address(c->server), own);
    mqtt_peer_subscribe(&p, own);
    for (int i = 0; i < PINGS; i++) {
        mqtt_peer_publish(&p, neighbour, "are you there?");
        mqtt_peer_ping(&p);
    }
    if (round % 3 == 0) {
        mqtt_peer_connect(&again, fixture_address(c->server), own);
        mqtt_peer_close(&p);
        p = again;
    }
    mqtt_peer_close(&p);
}

static void *
run_client(void *argument)
{
    const struct client *c = argument;

    for (int i = 0; i < ROUNDS; i++) {
        one_round(c, i);
    }
    return NULL;
}

static void
everything_at_once(void **state)
{
    struct server *s = fixture_start(*(unsigned *)*state, NULL);
    struct client clients[CLIENTS];

    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = (struct client){.server = s, .number = i};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]), 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
    }
    assert_int_equal(server_stats(s).connections, CLIENTS * (ROUNDS + ROUNDS / 3));
    assert_int_equal(server_stats(s).publish_received, CLIENTS * ROUNDS * PINGS);
    assert_int_equal(server_stats(s).protocol_errors, 0);
    server_stop(s);
}

/* Says no now and then, to everybody. */
struct stingy {
    struct wilco_alloc alloc;
    atomic_uint asked;
    atomic_uint refuses_each; /* 0: none */
};

static bool
refuses(struct stingy *s)
{
    unsigned each = atomic_load(&s->refuses_each);

    return each > 0 && atomic_fetch_add(&s->asked, 1) % each == 0;
}

static void *
stingy_alloc(void *context, size_t size)
{
    return refuses(context) ? NULL : malloc(size);
}

static void *
stingy_realloc(void *context, void *memory, size_t size)
{
    return refuses(context) ? NULL : realloc(memory, size);
}

static void
stingy_free(void *context, void *memory)
{
    (void)context;
    free(memory);
}

static void
send_any(const struct mqtt_peer *p, const struct wire_any *packet)
{
    struct span bytes = mqtt_bytes(packet);

    (void)!send(p->fd, bytes.data, bytes.len, MSG_NOSIGNAL);
    bytes_free(bytes);
}

/* A client that takes whatever comes, a reset, too: it says everything at once and waits for the
 * end. */
static void
try_everything(const struct server *s, int number)
{
    const struct wire_subscription subscription = {.filter = span_of_text("to/#"), .qos = 1};
    const struct wire_any subscribe = {
        .type = WIRE_SUBSCRIBE,
        .as.subscribe = {.packet_id = 1, .count = 1, .subscriptions = &subscription}};
    const struct wire_any bye = {.type = WIRE_DISCONNECT};
    struct wire_any publish = mqtt_publish("to/all", span_of_text("hello"));
    struct wire_any hello;
    struct mqtt_peer p;
    char name[16];

    (void)snprintf(name, sizeof(name), "client %d", number % 20);
    hello = mqtt_connect(name);
    hello.as.connect.clean_start = number % 2 == 0;
    publish.as.publish.qos = 1;
    publish.as.publish.packet_id = 2;
    mqtt_peer_open(&p, fixture_address(s));
    send_any(&p, &hello);
    send_any(&p, &subscribe);
    send_any(&p, &publish);
    send_any(&p, &bye);
    while (recv(p.fd, p.in, 1000, 0) > 0) {
        continue;
    }
    mqtt_peer_close(&p);
}

/* It may refuse clients, but it goes on, and serves them when there is memory again. */
static void
lives_with_little_memory(void **state)
{
    struct stingy stingy = {.alloc = {stingy_alloc, stingy_realloc, stingy_free, &stingy}};
    struct server_config config = fixture_config(*(unsigned *)*state);
    struct server *s = NULL;
    struct mqtt_peer p;

    config.alloc = &stingy.alloc;
    s = fixture_start_with(&config);
    for (unsigned each = 2; each < 20; each++) {
        atomic_store(&stingy.refuses_each, each);
        for (int i = 0; i < 20; i++) {
            try_everything(s, i);
        }
    }
    atomic_store(&stingy.refuses_each, 0);
    mqtt_peer_connect(&p, fixture_address(s), "client 1");
    mqtt_peer_ping(&p);
    mqtt_peer_close(&p);
    server_stop(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SHARDS(everything_at_once, 1),
        ON_SHARDS(everything_at_once, 4),
        ON_SHARDS(lives_with_little_memory, 1),
        ON_SHARDS(lives_with_little_memory, 4),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
