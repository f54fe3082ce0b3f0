/* Words about requests between threads: requesters ask a group and cancel at once, while its
 * members answer some, and all shards are at it. Each request ends, in an answer or in a status. */
#include "scenario.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    ASKERS = 4,
    MEMBERS = 3,
    REQUESTS = 500, /* of each */
};

struct asker {
    const struct scenario *s;
    struct wilco *client;
    struct gate ended; /* raised once for each request */
    unsigned number;
    bool has_ended[REQUESTS];
    unsigned cancelled;
};

static void
take_outcome(void *context, const struct wilco_message *m)
{
    struct asker *a = context;
    struct wilco_bytes correlation = wilco_message_correlation_data(m);
    unsigned i = 0;

    assert_int_equal(correlation.len, sizeof(i));
    memcpy(&i, correlation.data, sizeof(i));
    assert_true(i < REQUESTS);
    a->cancelled += wilco_message_status(m) == 499;
    if (!a->has_ended[i]) {
        a->has_ended[i] = true;
        gate_raise(&a->ended);
    }
}

struct member {
    struct wilco *client;
    struct wilco_call *kept[2 * ASKERS * REQUESTS];
    size_t kept_count;
};

/* A member answers every other request and keeps the rest; those that are taken back it may learn
 * of only when it answers. */
static void
work(void *context, struct wilco_call *call)
{
    struct member *me = context;
    const struct wilco_message *m = wilco_call_message(call);
    unsigned i = 0;

    memcpy(&i, wilco_message_correlation_data(m).data, sizeof(i));
    assert_null(wilco_message_user_property(m, "rr-op").data); /* that is no request */
    if (i % 2 == 0) {
        enum wilco_status st = wilco_reply_bytes(call, WILCO_TEXT("done"));

        assert_true(st == WILCO_OK || st == WILCO_ECANCELLED);
    } else {
        me->kept[me->kept_count++] = wilco_call_ref(call);
    }
}

static void
open_member(struct member *me, const struct scenario *s, unsigned number)
{
    char name[16];

    (void)snprintf(name, sizeof(name), "member%u", number);
    me->client = scenario_client(s, name);
    scenario_respond(me->client, "work/+", "g", work, me);
}

static void
close_member(struct member *me)
{
    wilco_close(me->client);
    for (size_t i = 0; i < me->kept_count; i++) {
        wilco_call_unref(me->kept[i]);
    }
}

static void
say(struct asker *a, unsigned i, const struct wilco_user_property *user)
{
    char topic[32];
    char response_topic[32];
    const struct wilco_publish p = {
        .topic = topic,
        .response_topic = response_topic,
        .correlation_data = {&i, sizeof(i)},
        .user_properties = user,
        .user_property_count = user != NULL,
    };

    (void)snprintf(topic, sizeof(topic), "work/%u", i % 7);
    (void)snprintf(response_topic, sizeof(response_topic), "done/%u", a->number);
    assert_int_equal(wilco_publish(a->client, &p, NULL), WILCO_OK);
}

static void *
ask_and_cancel(void *context)
{
    static const struct wilco_user_property cancel = {"rr-op", "cancel"};
    struct asker *a = context;

    for (unsigned i = 0; i < REQUESTS; i++) {
        say(a, i, NULL);
        say(a, i, &cancel);
    }
    return NULL;
}

static void
open_asker(struct asker *a, const struct scenario *s, unsigned number)
{
    char name[16];
    char filter[16];
    const struct wilco_subscription subscription = {.filter = filter, .qos = 1};

    *a = (struct asker){.s = s, .number = number};
    gate_init(&a->ended);
    (void)snprintf(name, sizeof(name), "asker%u", number);
    (void)snprintf(filter, sizeof(filter), "done/%u", number);
    a->client = scenario_client(s, name);
    assert_int_equal(wilco_subscribe(a->client, &subscription, take_outcome, a, NULL), WILCO_OK);
}

static void
test_cancelling_at_once(void **state)
{
    static struct member members[MEMBERS];
    static struct asker askers[ASKERS];
    pthread_t threads[ASKERS];
    unsigned cancelled = 0;
    struct scenario s;

    (void)state;
    scenario_open(&s, 4);
    for (unsigned i = 0; i < MEMBERS; i++) {
        open_member(&members[i], &s, i);
    }
    for (unsigned i = 0; i < ASKERS; i++) {
        open_asker(&askers[i], &s, i);
    }
    for (unsigned i = 0; i < ASKERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ask_and_cancel, &askers[i]), 0);
    }
    for (unsigned i = 0; i < ASKERS; i++) {
        (void)pthread_join(threads[i], NULL);
        assert_true(gate_wait(&askers[i].ended, REQUESTS));
    }
    for (unsigned i = 0; i < ASKERS; i++) {
        wilco_close(askers[i].client);
        cancelled += askers[i].cancelled;
        gate_fini(&askers[i].ended);
    }
    assert_true(cancelled >= ASKERS * REQUESTS / 2); /* those that nobody answers */
    for (unsigned i = 0; i < MEMBERS; i++) {
        close_member(&members[i]);
    }
    scenario_close(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cancelling_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
