/* Many clients in all shards at once: requesters on threads of their own, responders in groups,
 * clients that come and go meanwhile. Every request is answered once, by a member of the group it
 * was meant for. */
#include "scenario.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define REQUESTERS 8U
#define MEMBERS    3U
#define GROUPS     2U
#define ROUNDS     100U
#define VISITS     30U

struct fleet {
    struct scenario s;
    struct wilco *responders[GROUPS][MEMBERS];
    atomic_uint served[GROUPS];
    atomic_uint wrong;
};

static struct fleet fleet;

static void
serve(void *context, struct wilco_call *call)
{
    const unsigned *group = context;
    char text[64];
    struct wilco_bytes payload = wilco_message_payload(wilco_call_message(call));

    atomic_fetch_add(&fleet.served[*group], 1);
    (void)snprintf(text, sizeof(text), "%u:%.*s", *group, WILCO_PRINTF_BYTES(payload));
    (void)wilco_reply_bytes(call, (struct wilco_bytes){text, strlen(text)});
}

static void
ask_once(struct wilco *client, unsigned requester, unsigned round)
{
    unsigned group = (requester + round) % GROUPS;
    char topic[32];
    char payload[32];
    char expected[64];
    struct wilco_request request = {
        .topic = topic, .timeout_ms = 60000, .qos = (uint8_t)(1 + round % 2)};
    struct wilco_message *response = NULL;
    struct wilco_bytes answer = {NULL, 0};

    (void)snprintf(topic, sizeof(topic), "fleet/%u/%u", group, requester);
    (void)snprintf(payload, sizeof(payload), "%u.%u", requester, round);
    (void)snprintf(expected, sizeof(expected), "%u:%s", group, payload);
    request.payload = (struct wilco_bytes){payload, strlen(payload)};
    if (wilco_request(client, &request, &response) == WILCO_OK) {
        answer = wilco_message_payload(response);
    }
    if (answer.len != strlen(expected) || memcmp(answer.data, expected, answer.len) != 0) {
        atomic_fetch_add(&fleet.wrong, 1);
    }
    wilco_message_unref(response);
}

static void *
ask_all(void *context)
{
    const unsigned *requester = context;
    struct wilco *client = NULL;
    const struct wilco_options options = {.url = fleet.s.url};

    if (wilco_open(&client, &options) != WILCO_OK) {
        atomic_fetch_add(&fleet.wrong, 1);
        return NULL;
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        ask_once(client, *requester, round);
    }
    wilco_close(client);
    return NULL;
}

static void
ignore_message(void *context, const struct wilco_message *message)
{
    (void)context;
    (void)message;
}

/* Connects, subscribes to everything, publishes, and leaves, again and again under the same name,
 * so that sessions are taken over and the topic index changes under everybody's feet. */
static void *
visit(void *context)
{
    const char *name = context;

    for (unsigned i = 0; i < VISITS; i++) {
        struct wilco *client = NULL;
        const struct wilco_options options = {.url = fleet.s.url,
                                              .client_id = name,
                                              .session_expiry_s = i % 2,
                                              .keep_session = i % 3 == 0};
        const struct wilco_subscription all = {.filter = "#", .qos = (uint8_t)(i % 3)};
        const struct wilco_publish hello = {
            .topic = "hello", .payload = WILCO_TEXT("x"), .retain = true};

        /* The other visitor of this name may have the connection ended at any time. */
        if (wilco_open(&client, &options) == WILCO_OK) {
            (void)wilco_subscribe(client, &all, ignore_message, NULL, NULL);
            (void)wilco_publish(client, &hello, NULL);
            wilco_close(client);
        }
    }
    return NULL;
}

static void
open_responders(unsigned *numbers)
{
    for (unsigned g = 0; g < GROUPS; g++) {
        char filter[32];
        char group[16];

        numbers[g] = g;
        (void)snprintf(filter, sizeof(filter), "fleet/%u/+", g);
        (void)snprintf(group, sizeof(group), "group%u", g);
        for (unsigned m = 0; m < MEMBERS; m++) {
            fleet.responders[g][m] = scenario_client(&fleet.s, NULL);
            scenario_respond(fleet.responders[g][m], filter, group, serve, &numbers[g]);
        }
    }
}

static void
check_fleet(unsigned shards)
{
    unsigned groups[GROUPS];
    unsigned requesters[REQUESTERS];
    static char name[] = "visitor";
    pthread_t askers[REQUESTERS];
    pthread_t visitors[2];

    memset(&fleet, 0, sizeof(fleet));
    scenario_open(&fleet.s, shards);
    open_responders(groups);
    for (unsigned i = 0; i < REQUESTERS; i++) {
        requesters[i] = i;
        assert_int_equal(pthread_create(&askers[i], NULL, ask_all, &requesters[i]), 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&visitors[i], NULL, visit, name), 0);
    }
    for (unsigned i = 0; i < REQUESTERS; i++) {
        (void)pthread_join(askers[i], NULL);
    }
    for (unsigned i = 0; i < 2; i++) {
        (void)pthread_join(visitors[i], NULL);
    }
    assert_int_equal(atomic_load(&fleet.wrong), 0);
    assert_int_equal(atomic_load(&fleet.served[0]) + atomic_load(&fleet.served[1]),
                     REQUESTERS * ROUNDS);
    for (unsigned g = 0; g < GROUPS; g++) {
        for (unsigned m = 0; m < MEMBERS; m++) {
            wilco_close(fleet.responders[g][m]);
        }
    }
    scenario_close(&fleet.s);
}

static void
test_one_shard(void **state)
{
    (void)state;
    check_fleet(1);
}

static void
test_four_shards(void **state)
{
    (void)state;
    check_fleet(4);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_shard),
        cmocka_unit_test(test_four_shards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
