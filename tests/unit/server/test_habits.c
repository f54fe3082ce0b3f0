#include "fixture.h"
#include "mqtt_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <cmocka.h>

/* What forwarding costs, counted: it must not grow unseen. */

struct counter {
    struct wilco_alloc alloc;
    atomic_uint allocations;
};

static void *
counting_alloc(void *context, size_t size)
{
    atomic_fetch_add(&((struct counter *)context)->allocations, 1);
    return malloc(size);
}

static void *
counting_realloc(void *context, void *memory, size_t size)
{
    atomic_fetch_add(&((struct counter *)context)->allocations, 1);
    return realloc(memory, size);
}

static void
counting_free(void *context, void *memory)
{
    (void)context;
    free(memory);
}

#define CLIENTS  8
#define MESSAGES 100

static void
send_round(struct mqtt_peer clients[CLIENTS], const char *const topics[CLIENTS])
{
    for (int i = 0; i < CLIENTS; i++) {
        int to = (i + 1) % CLIENTS;

        mqtt_peer_publish(&clients[i], topics[to], "a small message");
        mqtt_peer_expect_message(&clients[to], topics[to], "a small message");
    }
}

/* In one shard the message itself; the envelope of its mail, too, when it goes to another. */
static void
a_message_costs_one_allocation(void **state)
{
    static const char *const topics[CLIENTS] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    struct counter counter = {.alloc = {counting_alloc, counting_realloc, counting_free, &counter}};
    unsigned shards = *(unsigned *)*state;
    struct server_config config = fixture_config(shards);
    struct mqtt_peer clients[CLIENTS];
    struct server *s = NULL;
    unsigned before = 0;
    unsigned cost = 0;

    config.alloc = &counter.alloc;
    s = fixture_start_with(&config);
    for (int i = 0; i < CLIENTS; i++) {
        mqtt_peer_connect(&clients[i], fixture_address(s), topics[i]);
        mqtt_peer_subscribe(&clients[i], topics[i]);
    }
    send_round(clients, topics); /* what is kept for reuse is made now */
    before = atomic_load(&counter.allocations);
    for (int i = 0; i < MESSAGES; i++) {
        send_round(clients, topics);
    }
    cost = atomic_load(&counter.allocations) - before;
    assert_true(cost >= MESSAGES * CLIENTS);
    assert_true(cost <= MESSAGES * CLIENTS * (shards == 1 ? 1 : 2));
    for (int i = 0; i < CLIENTS; i++) {
        mqtt_peer_close(&clients[i]);
    }
    server_stop(s);
}

/* One requester and one responder, and what they say to each other. */
struct pair {
    struct mqtt_peer asker;
    struct mqtt_peer responder;
};

static void
exchange(struct pair *p)
{
    struct wire_any packet = mqtt_publish("service", SPAN_LITERAL("a question"));
    struct wire_any request;

    packet.as.publish.properties.response_topic = SPAN_LITERAL("answers");
    packet.as.publish.properties.correlation_data = SPAN_LITERAL("c");
    wire_properties_set(&packet.as.publish.properties, WIRE_RESPONSE_TOPIC);
    wire_properties_set(&packet.as.publish.properties, WIRE_CORRELATION_DATA);
    mqtt_peer_send(&p->asker, &packet);
    mqtt_peer_expect(&p->responder, WIRE_PUBLISH, &request);
    packet = mqtt_publish("answers", SPAN_LITERAL("an answer"));
    packet.as.publish.properties.correlation_data = request.as.publish.properties.correlation_data;
    wire_properties_set(&packet.as.publish.properties, WIRE_CORRELATION_DATA);
    mqtt_peer_send(&p->responder, &packet);
    mqtt_peer_expect(&p->asker, WIRE_PUBLISH, &packet);
}

/* Tracking a request takes nothing that is not there already. */
static void
an_exchange_costs_two_allocations(void **state)
{
    struct counter counter = {.alloc = {counting_alloc, counting_realloc, counting_free, &counter}};
    unsigned shards = *(unsigned *)*state;
    struct server_config config = fixture_config(shards);
    struct pair p;
    struct server *s = NULL;
    unsigned before = 0;

    config.alloc = &counter.alloc;
    s = fixture_start_with(&config);
    mqtt_peer_connect(&p.asker, fixture_address(s), "asker");
    mqtt_peer_connect(&p.responder, fixture_address(s), "responder");
    mqtt_peer_subscribe(&p.asker, "answers");
    mqtt_peer_subscribe(&p.responder, "service");
    exchange(&p); /* what is kept for reuse is made now */
    before = atomic_load(&counter.allocations);
    for (int i = 0; i < MESSAGES; i++) {
        exchange(&p);
    }
    assert_true(atomic_load(&counter.allocations) - before <= 2 * MESSAGES * (shards == 1 ? 1 : 2));
    mqtt_peer_close(&p.asker);
    mqtt_peer_close(&p.responder);
    server_stop(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SHARDS(a_message_costs_one_allocation, 1),
        ON_SHARDS(a_message_costs_one_allocation, 4),
        ON_SHARDS(an_exchange_costs_two_allocations, 1),
        ON_SHARDS(an_exchange_costs_two_allocations, 4),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
