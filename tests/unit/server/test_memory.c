#include "broker/core/rcu.h"
#include "fixture.h"
#include "mqtt_peer.h"
#include "support/counting_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* What those who do nothing cost, counted: it must not grow unseen. The ceilings leave room for a
 * hash table that has just doubled, and for no more fields than fit into the allocator's size of
 * block (224 bytes for a peer, and for a session with a client identifier of up to 15 bytes). */

#define CONNECTIONS 200
#define MANY        50 /* subscriptions of one client, in the last test */

#define CONNECTION_BYTES   504
#define CONNECTION_BLOCKS  3 /* peer, stream, session */
#define SUBSCRIPTION_BYTES 128
#define PLACE_BYTES        16 /* more where a session has many */

struct crowd {
    struct counting_alloc counting;
    struct server *server;
    struct mqtt_peer clients[CONNECTIONS];
    struct mqtt_peer first; /* has made what is made once */
};

static void
name(char out[32], const char *prefix, int number)
{
    (void)snprintf(out, 32, "%s%06d", prefix, number);
}

/* Bytes in use, when what was taken out of the topic index has been given back. */
static size_t
bytes_in_use(struct crowd *c)
{
    rcu_thread_enter();
    rcu_settle();
    rcu_settle(); /* what came while the first one was waited for */
    rcu_thread_leave();
    return atomic_load(&c->counting.bytes);
}

static size_t
blocks_in_use(const struct crowd *c)
{
    return atomic_load(&c->counting.small) + atomic_load(&c->counting.large);
}

static void
open_crowd(struct crowd *c)
{
    struct server_config config = fixture_config(1);

    counting_alloc_init(&c->counting);
    config.alloc = &c->counting.alloc;
    c->server = fixture_start_with(&config);
    mqtt_peer_connect(&c->first, fixture_address(c->server), "first");
    mqtt_peer_subscribe(&c->first, "first");
}

static void
connect_all(struct crowd *c)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        char id[32];

        name(id, "idle-", i);
        mqtt_peer_connect(&c->clients[i], fixture_address(c->server), id);
    }
}

static void
subscribe(struct mqtt_peer *client, int number)
{
    char filter[32];

    name(filter, "bench/number/", number);
    mqtt_peer_subscribe(client, filter);
}

static void
close_crowd(struct crowd *c)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        mqtt_peer_close(&c->clients[i]);
    }
    mqtt_peer_close(&c->first);
    server_stop(c->server);
    assert_int_equal(atomic_load(&c->counting.bytes), 0);
}

static void
an_idle_connection_is_small(void **state)
{
    static struct crowd c;
    size_t bytes = 0;
    size_t blocks = 0;

    (void)state;
    open_crowd(&c);
    bytes = bytes_in_use(&c);
    blocks = blocks_in_use(&c);
    connect_all(&c);
    assert_true(bytes_in_use(&c) - bytes <= (size_t)CONNECTIONS * CONNECTION_BYTES);
    assert_true(blocks_in_use(&c) - blocks <= (size_t)CONNECTIONS * CONNECTION_BLOCKS);
    close_crowd(&c);
}

static void
one_subscription_is_one_block(void **state)
{
    static struct crowd c;
    size_t bytes = 0;
    size_t blocks = 0;

    (void)state;
    open_crowd(&c);
    connect_all(&c);
    bytes = bytes_in_use(&c);
    blocks = blocks_in_use(&c);
    for (int i = 0; i < CONNECTIONS; i++) {
        subscribe(&c.clients[i], i);
    }
    assert_true(bytes_in_use(&c) - bytes <= (size_t)CONNECTIONS * SUBSCRIPTION_BYTES);
    assert_true(blocks_in_use(&c) - blocks <= (size_t)CONNECTIONS + 1);
    close_crowd(&c);
}

static void
many_subscriptions_take_little_more(void **state)
{
    static struct crowd c;
    size_t bytes = 0;

    (void)state;
    open_crowd(&c);
    connect_all(&c);
    bytes = bytes_in_use(&c);
    for (int i = 0; i < MANY * MANY; i++) {
        subscribe(&c.clients[i / MANY], i);
    }
    assert_true(bytes_in_use(&c) - bytes <=
                (size_t)MANY * MANY * (SUBSCRIPTION_BYTES + PLACE_BYTES));
    close_crowd(&c);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_idle_connection_is_small),
        cmocka_unit_test(one_subscription_is_one_block),
        cmocka_unit_test(many_subscriptions_take_little_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
