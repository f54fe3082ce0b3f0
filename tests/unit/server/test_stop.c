#define _POSIX_C_SOURCE 200809L

#include "base/clock.h"
#include "fixture.h"
#include "mqtt_peer.h"
#include "support/bytes.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define CROWD 12

static void *
stop(void *server)
{
    server_stop(server);
    return NULL;
}

static void
tells_every_client(void **state)
{
    static const char *const settings[] = {"drain_timeout_ms=600000", NULL};
    struct server *s = fixture_start(*(unsigned *)*state, settings);
    struct mqtt_peer crowd[CROWD];
    struct mqtt_peer door;
    pthread_t stopper;

    for (int i = 0; i < CROWD; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "client %d", i);
        mqtt_peer_connect(&crowd[i], fixture_address(s), name);
    }
    mqtt_peer_open(&door, fixture_address(s)); /* has not said anything */
    assert_int_equal(pthread_create(&stopper, NULL, stop, s), 0);
    for (int i = 0; i < CROWD; i++) {
        mqtt_peer_expect_disconnect(&crowd[i], WIRE_REASON_SERVER_SHUTTING_DOWN);
        mqtt_peer_close(&crowd[i]); /* now the server need not wait for it */
    }
    mqtt_peer_expect_close(&door);
    mqtt_peer_close(&door);
    assert_int_equal(pthread_join(stopper, NULL), 0);
}

/* Clients that stay, or do not read at all, are not waited for any longer than drain_timeout_ms. */
static void
waits_so_long_and_no_longer(void **state)
{
    static const char *const settings[] = {"drain_timeout_ms=100", "ending_timeout_ms=600000",
                                           NULL};
    struct server *s = fixture_start(*(unsigned *)*state, settings);
    uint8_t *data = calloc(1, 1000000);
    struct wire_any packet = mqtt_publish("to/me", span_of(data, 1000000));
    struct mqtt_peer idle;
    struct mqtt_peer deaf;
    uint64_t start_ms = 0;

    assert_non_null(data);
    mqtt_peer_connect(&idle, fixture_address(s), "idle");
    mqtt_peer_connect(&deaf, fixture_address(s), "deaf");
    mqtt_peer_subscribe(&deaf, "to/me");
    for (int i = 0; i < 20; i++) {
        mqtt_peer_send(&idle, &packet);
    }
    mqtt_peer_ping(&idle);
    start_ms = clock_monotonic_ms();
    server_stop(s);
    assert_true(clock_monotonic_ms() - start_ms >= 100);
    mqtt_peer_close(&idle);
    mqtt_peer_close(&deaf);
    free(data);
}

/* Clients that knock, and messages that cross, while it stops: some are served, some are not,
 * nothing breaks. */
struct knocker {
    struct address address;
    pthread_t thread;
};

static void *
knock(void *argument)
{
    const struct knocker *k = argument;
    const struct wire_any hello = mqtt_connect("");
    struct span bytes = mqtt_bytes(&hello);
    bool is_open = true;

    while (is_open) {
        int fd = socket(k->address.storage.ss_family, SOCK_STREAM, 0);

        is_open = connect(fd, (const struct sockaddr *)&k->address.storage, k->address.len) == 0;
        if (is_open) {
            (void)!send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);
        }
        (void)close(fd);
    }
    bytes_free(bytes);
    return NULL;
}

static void
stops_in_the_middle_of_everything(void **state)
{
    static const char *const settings[] = {"drain_timeout_ms=100", NULL};

    for (int i = 0; i < 5; i++) {
        struct server *s = fixture_start(*(unsigned *)*state, settings);
        struct knocker knockers[3];
        struct mqtt_peer p;

        for (int k = 0; k < 3; k++) {
            knockers[k].address = *fixture_address(s);
            assert_int_equal(pthread_create(&knockers[k].thread, NULL, knock, &knockers[k]), 0);
        }
        mqtt_peer_connect(&p, fixture_address(s), "me");
        server_stop(s);
        mqtt_peer_expect_disconnect(&p, WIRE_REASON_SERVER_SHUTTING_DOWN);
        mqtt_peer_close(&p);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(pthread_join(knockers[k].thread, NULL), 0);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SHARDS(tells_every_client, 1),
        ON_SHARDS(tells_every_client, 4),
        ON_SHARDS(waits_so_long_and_no_longer, 1),
        ON_SHARDS(waits_so_long_and_no_longer, 4),
        ON_SHARDS(stops_in_the_middle_of_everything, 1),
        ON_SHARDS(stops_in_the_middle_of_everything, 4),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
