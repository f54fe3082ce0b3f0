/* What comes into an inbox: to its owner what its subscriptions say, to nobody else anything. */
#include "broker/core/inbox.h"

#include "broker/core/retained.h"
#include "support/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const unsigned shard_counts[] = {1, 4};

/* `pattern`: scene_text(). */
static void
subscribe(const struct scene *s, struct rig_client *c, const char *pattern, uint8_t reason_code)
{
    char filter[SCENE_TEXT_BYTES];
    struct wire_subscription w = {.qos = reason_code < 0x80 ? reason_code : 0};

    scene_text(s, filter, pattern);
    w.filter = span_of_text(filter);
    rig_subscribe_with(c, &w, 0, reason_code);
}

/* T14: some stock clients always ask for Response Information. */
static void
having_one_is_no_subscription(void **state)
{
    struct scene s;

    (void)state;
    for (size_t i = 0; i < sizeof(shard_counts) / sizeof(shard_counts[0]); i++) {
        scene_open(&s, shard_counts[i], NULL, ASKER_RRI);
        scene_answer(&s, s.inbox, "unseen", false);
        rig_expect_nothing(&s.asker);
        rig_subscribe(&s.asker, s.inbox, 1);
        rig_expect_nothing(&s.asker);
        scene_exchange(&s, "", "seen");
        scene_close(&s);
    }
}

/* The subscription that the broker assigns (4.5) is for the whole sub-tree, and not the client's to
 * end. */
static void
an_assigned_subscription(void **state)
{
    static const char *const rests[] = {"", "/a", "/a/b", "/", "//x", "/$share/g"};
    struct scene s;
    struct wire_any packet;

    (void)state;
    for (size_t i = 0; i < sizeof(shard_counts) / sizeof(shard_counts[0]); i++) {
        scene_open(&s, shard_counts[i], NULL, ASKER_FULL);
        for (size_t n = 0; n < sizeof(rests) / sizeof(rests[0]); n++) {
            scene_exchange(&s, rests[n], "answer");
        }
        packet = (struct wire_any){
            .type = WIRE_UNSUBSCRIBE,
            .as.unsubscribe = {
                .packet_id = 1, .count = 1, .filters = (struct span[]){span_of_text(s.inbox)}}};
        rig_send(&s.asker, &packet);
        rig_expect(&s.asker, WIRE_UNSUBACK, &packet);
        assert_int_equal(packet.as.suback.reason_codes.data[0], 0x11);
        scene_exchange(&s, "/a", "answer");
        scene_close(&s);
    }
}

/* What a client that subscribes itself gets, of a response that is published with QoS 2. */
static const struct {
    unsigned kind;
    struct {
        const char *filter; /* scene_text() */
        uint8_t qos;
        uint32_t identifier;
    } filters[3];
    const char *answered_at;
    int qos; /* -1: it gets nothing */
    uint32_t identifiers[3];
} subscriptions[] = {
    {ASKER_RRI, {{"%s", 0, 0}}, "%s", 0, {0}},
    {ASKER_RRI, {{"%s", 1, 0}}, "%s/a", -1, {0}},
    {ASKER_RRI, {{"%s/#", 1, 7}}, "%s", 1, {7}}, /* the parent level, too: 4.7.1.2 */
    {ASKER_RRI, {{"%s/#", 2, 7}}, "%s/a/b/c", 2, {7}},
    {ASKER_RRI, {{"%s/+/x", 1, 0}}, "%s/a/x", 1, {0}},
    {ASKER_RRI, {{"%s/+/x", 1, 0}}, "%s/a/y", -1, {0}},
    {ASKER_RRI, {{"%s/+/x", 1, 0}}, "%s/x", -1, {0}},
    /* Those that overlap: one copy, the highest QoS, all identifiers [MQTT-3.3.4-2] to
     * [MQTT-3.3.4-4] */
    {ASKER_RRI, {{"%s/#", 0, 1}, {"%s/a/+", 1, 0}, {"%s/a/b", 0, 3}}, "%s/a/b", 1, {3, 1}},
    {ASKER_RRI, {{"%s/#", 0, 1}, {"%s/a/+", 2, 2}, {"%s/+/b", 1, 3}}, "%s/a/b", 2, {1, 2, 3}},
    /* Subscribed again: replaced [MQTT-3.8.4-3] */
    {ASKER_RRI, {{"%s/#", 2, 1}, {"%s/#", 0, 2}}, "%s/a", 0, {2}},
    /* Beside the assigned one */
    {ASKER_FULL, {{"%s/a", 0, 9}}, "%s/b", 2, {0}},
    {ASKER_FULL, {{"%s/a", 0, 9}}, "%s/a", 2, {9}},
};

static void
expect_identifiers(const struct wire_publish *p, const uint32_t *want)
{
    struct wire_property_iterator it = wire_property_iterate(p->properties.block);
    struct wire_property property;
    uint32_t got[4] = {0};
    size_t count = 0;

    while (wire_property_next(&it, &property)) {
        if (property.id == WIRE_SUBSCRIPTION_IDENTIFIER) {
            assert_true(count < 3);
            got[count++] = (uint32_t)property.number;
        }
    }
    assert_memory_equal(got, want, 3 * sizeof(*want));
}

static void
subscriptions_in_the_inbox(void **state)
{
    struct scene s;
    struct wire_any packet;
    char text[SCENE_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(subscriptions) / sizeof(subscriptions[0]); i++) {
        print_message("row %zu\n", i);
        scene_open(&s, i % 2 + 1, NULL, subscriptions[i].kind);
        for (size_t n = 0; n < 3 && subscriptions[i].filters[n].filter != NULL; n++) {
            struct wire_subscription w = {.qos = subscriptions[i].filters[n].qos};

            scene_text(&s, text, subscriptions[i].filters[n].filter);
            w.filter = span_of_text(text);
            rig_subscribe_with(&s.asker, &w, subscriptions[i].filters[n].identifier, w.qos);
        }
        scene_text(&s, text, subscriptions[i].answered_at);
        scene_answer(&s, text, "answer", false);
        if (subscriptions[i].qos >= 0) {
            rig_expect_publish(&s.asker, "answer", &packet);
            assert_int_equal(packet.as.publish.qos, subscriptions[i].qos);
            expect_identifiers(&packet.as.publish, subscriptions[i].identifiers);
        }
        rig_expect_nothing(&s.asker);
        scene_close(&s);
    }
}

/* [MQTT-3.3.4-3], [MQTT-3.3.4-4]: however many there are. */
static void
many_identifiers(void **state)
{
    struct scene s;
    struct wire_any packet;
    struct wire_property_iterator it;
    struct wire_property property;
    static const char levels[] = "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a";
    char filter[INBOX_TEXT_BYTES + sizeof(levels) + 4];
    unsigned count = 0;

    (void)state;
    scene_open(&s, 1, NULL, ASKER_RRI);
    for (uint32_t i = 1; i <= 40; i++) { /* "+/#", "#", "a/+/#", "a/#", ... */
        struct wire_subscription w = {.qos = 0};

        (void)snprintf(filter, sizeof(filter), "%s/%.*s%s", s.inbox, (int)((i - 1) / 2 * 2), levels,
                       i % 2 == 0 ? "#" : "+/#");
        w.filter = span_of_text(filter);
        rig_subscribe_with(&s.asker, &w, i, 0);
    }
    (void)snprintf(filter, sizeof(filter), "%s/%s", s.inbox, levels);
    scene_answer(&s, filter, "answer", false);
    rig_expect_publish(&s.asker, "answer", &packet);
    it = wire_property_iterate(packet.as.publish.properties.block);
    while (wire_property_next(&it, &property)) {
        count += property.id == WIRE_SUBSCRIPTION_IDENTIFIER;
    }
    assert_int_equal(count, 40);
    scene_close(&s);
}

/* Each allocation on the way of a response fails once: then the responder is told so and may try
 * again, or the requester is told. There is never nothing. */
static void
no_memory_for_a_response(void **state)
{
    bool has_failed = true;
    unsigned statuses = 0;

    (void)state;
    for (size_t which = 1; has_failed; which++) {
        struct scene s;
        struct wire_any packet;
        char filter[INBOX_TEXT_BYTES + 16];

        scene_open(&s, 1, NULL, ASKER_FULL);
        for (unsigned i = 0; i < 400; i++) {
            (void)snprintf(filter, sizeof(filter), "%s/%u", s.inbox, i);
            rig_subscribe(&s.asker, filter, 0);
        }
        ask(&s.asker,
            &(struct ask){.topic = "service/x", .response_topic = s.inbox, .correlation = "c"});
        expect_request(&s.responder, true, &packet);
        s.r.alloc.fail_at = s.r.alloc.attempts + which;
        respond(&s.responder, &packet.as.publish, "answer", 1, 5);
        has_failed = s.r.alloc.attempts >= s.r.alloc.fail_at;
        s.r.alloc.fail_at = 0;
        if (!rig_next(&s.responder, &packet)) {
            assert_true(rig_client_is_ended(&s.responder));
        } else if (packet.as.ack.reason_code == 0x97) {
            ask(&s.responder,
                &(struct ask){.topic = s.inbox, .correlation = "c", .payload = "answer"});
        }
        if (!rig_client_is_ended(&s.asker)) {
            rig_expect(&s.asker, WIRE_PUBLISH, &packet);
            statuses += packet.as.publish.payload.len == 0;
            rig_expect_nothing(&s.asker);
        }
        scene_close(&s);
    }
    assert_true(statuses > 0);
}

/* A client that asks itself: No Local keeps its own responses out [MQTT-3.8.3-3]. */
static void
no_local_in_the_inbox(void **state)
{
    struct scene s;
    struct wire_any request;

    (void)state;
    for (int no_local = 0; no_local <= 1; no_local++) {
        scene_open(&s, 1, NULL, ASKER_RRI);
        rig_subscribe_with(
            &s.asker,
            &(struct wire_subscription){.filter = span_of_text(s.inbox), .no_local = no_local != 0},
            0, 0);
        rig_subscribe(&s.asker, "own/service", 0);
        ask(&s.asker,
            &(struct ask){.topic = "own/service", .response_topic = s.inbox, .correlation = "own"});
        expect_request(&s.asker, true, &request);
        respond(&s.asker, &request.as.publish, "to myself", 0, 0);
        if (no_local == 0) {
            expect_response(&s.asker, "own", "to myself");
        }
        rig_expect_nothing(&s.asker);
        scene_exchange(&s, "", "from another");
        scene_close(&s);
    }
}

static void
unsubscribing(void **state)
{
    struct scene s;
    struct wire_any packet = {.type = WIRE_UNSUBSCRIBE};

    (void)state;
    scene_open(&s, 1, NULL, ASKER_RRI);
    rig_subscribe(&s.asker, s.inbox, 1);
    subscribe(&s, &s.asker, "%s/+", 1);
    assert_int_equal(rig_stats(&s.r).subscriptions, 3);
    packet.as.unsubscribe = (struct wire_unsubscribe){
        .packet_id = 1,
        .count = 3,
        .filters = (struct span[]){span_of_text(s.inbox), span_of_text(s.inbox),
                                   SPAN_LITERAL("$r/someone/else")}};
    rig_send(&s.asker, &packet);
    rig_expect(&s.asker, WIRE_UNSUBACK, &packet);
    assert_memory_equal(packet.as.suback.reason_codes.data, "\x00\x11\x11", 3);
    assert_int_equal(rig_stats(&s.r).subscriptions, 2);
    scene_answer(&s, s.inbox, "unseen", false);
    rig_expect_nothing(&s.asker);
    scene_exchange(&s, "/a", "seen");
    scene_close(&s);
}

/* Inside and outside together. */
static void
a_bound_on_subscriptions(void **state)
{
    struct settings settings = settings_default();
    struct scene s;

    (void)state;
    settings.subscriptions_max = 3;
    scene_open(&s, 1, &settings, ASKER_RRI);
    subscribe(&s, &s.asker, "%s", 0);
    subscribe(&s, &s.asker, "elsewhere", 0);
    subscribe(&s, &s.asker, "%s/a", 0);
    subscribe(&s, &s.asker, "%s/b", 0x97);
    subscribe(&s, &s.asker, "somewhere", 0x97);
    subscribe(&s, &s.asker, "%s", 1); /* replaced: none more */
    scene_close(&s);
}

/* C33: what somebody who knows all but cannot do all might try. "%s" stands for the inbox. */
static const struct {
    const char *filter;
    uint8_t reason_code;
} eavesdroppings[] = {
    {"$r", 0x87},
    {"$r/#", 0x87},
    {"$r/+", 0x87},
    {"$r/+/#", 0x87},
    {"%s", 0x87},
    {"%s/#", 0x87},
    {"%s/+", 0x87},
    {"%s/a/b", 0x87},
    {"$share/g/%s", 0x87},
    {"$share/g/%s/#", 0x87},
    {"$share/g/$r/#", 0x87},
    {"$share/g/$r/+", 0x87},
    {"#", 0},
    {"+/#", 0},
    {"+/+", 0},
    {"+/+/+/+", 0},
    {"$share/g/#", 0},
    {"$share/g/+/+", 0},
    {"$R/#", 0},
};

static void
nobody_else_may_subscribe(void **state)
{
    struct scene s;
    struct rig_client spy;

    (void)state;
    for (size_t i = 0; i < sizeof(shard_counts) / sizeof(shard_counts[0]); i++) {
        scene_open(&s, shard_counts[i], NULL, ASKER_FULL);
        rig_client_connect(&s.r, &spy, "spy");
        for (size_t n = 0; n < sizeof(eavesdroppings) / sizeof(eavesdroppings[0]); n++) {
            subscribe(&s, &spy, eavesdroppings[n].filter, eavesdroppings[n].reason_code);
        }
        rig_client_close(&spy);
        scene_close(&s);
    }
}

/* What may be subscribed to sees the request, and never a response or a status response. */
static void
nobody_else_sees_a_response(void **state)
{
    static const char *const rests[] = {"", "/a", "/a/b"};
    struct scene s;
    struct rig_client spy;
    struct wire_any packet;
    unsigned seen = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(shard_counts) / sizeof(shard_counts[0]); i++) {
        scene_open(&s, shard_counts[i], NULL, ASKER_FULL);
        rig_client_connect(&s.r, &spy, "spy");
        for (size_t n = 0; n < sizeof(eavesdroppings) / sizeof(eavesdroppings[0]); n++) {
            if (eavesdroppings[n].reason_code == 0) {
                subscribe(&s, &spy, eavesdroppings[n].filter, 0);
            }
        }
        for (size_t n = 0; n < sizeof(rests) / sizeof(rests[0]); n++) {
            scene_exchange(&s, rests[n], "secret");
        }
        ask(&s.asker, &(struct ask){.topic = "service/nowhere",
                                    .response_topic = s.inbox,
                                    .correlation = "c1",
                                    .expiry_s = 1});
        rig_advance(&s.r, 1000);
        expect_status(&s.asker, "c1", "504", "delivered", "maybe");
        while (rig_next(&spy, &packet)) {
            assert_memory_equal(packet.as.publish.topic.data, "service/", 8);
            seen++;
        }
        rig_client_close(&spy);
        scene_close(&s);
    }
    assert_true(seen > 0);
}

/* Its owner may subscribe in it, but neither share it nor look into the rest. */
static void
what_the_owner_may_not(void **state)
{
    static const char *const filters[] = {"$share/g/%s", "$share/g/%s/#", "%sx", "$r/#", "$r/+"};
    struct scene s;

    (void)state;
    scene_open(&s, 1, NULL, ASKER_FULL);
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        subscribe(&s, &s.asker, filters[i], 0x87);
    }
    scene_close(&s);
}

/* C37, T4: a response with RETAIN 1 is delivered, and gone. */
static void
nothing_in_an_inbox_is_retained(void **state)
{
    struct scene s;
    struct wire_any packet;

    (void)state;
    scene_open(&s, 2, NULL, ASKER_RRI);
    rig_subscribe_with(
        &s.asker,
        &(struct wire_subscription){.filter = span_of_text(s.inbox), .retain_as_published = true},
        0, 0);
    scene_answer(&s, s.inbox, "once", true);
    rig_expect_publish(&s.asker, "once", &packet);
    assert_true(packet.as.publish.retain); /* [MQTT-3.3.1-13] */
    assert_int_equal(retained_count(s.r.broker.retained), 0);
    rig_subscribe(&s.asker, s.inbox, 0);
    rig_expect_nothing(&s.asker);
    scene_answer(&s, s.inbox, "once", true);
    rig_expect_publish(&s.asker, "once", &packet);
    assert_false(packet.as.publish.retain); /* [MQTT-3.3.1-12] */
    scene_close(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(having_one_is_no_subscription),
        cmocka_unit_test(an_assigned_subscription),
        cmocka_unit_test(subscriptions_in_the_inbox),
        cmocka_unit_test(many_identifiers),
        cmocka_unit_test(no_memory_for_a_response),
        cmocka_unit_test(no_local_in_the_inbox),
        cmocka_unit_test(unsubscribing),
        cmocka_unit_test(a_bound_on_subscriptions),
        cmocka_unit_test(nobody_else_may_subscribe),
        cmocka_unit_test(nobody_else_sees_a_response),
        cmocka_unit_test(what_the_owner_may_not),
        cmocka_unit_test(nothing_in_an_inbox_is_retained),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
