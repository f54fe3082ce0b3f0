/* A route holds as long as it is true: whatever changes who wants a topic, the next message goes by
 * it. Each step is published twice, by what the index says and by what was kept. */
#include "broker/core/route_cache.h"

#include "broker/core/session_id.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct scene {
    struct rig rig;
    struct rig_client publisher;
    struct rig_client a;
    struct rig_client b;
};

static void
publish_twice(struct scene *s, struct rig_client *one, struct rig_client *other)
{
    struct wire_any got;

    for (int i = 0; i < 2; i++) {
        rig_publish(&s->publisher, "t/1", "x");
        if (one != NULL) {
            rig_expect_publish(one, "x", &got);
        }
        if (other != NULL) {
            rig_expect_publish(other, "x", &got);
        }
        rig_expect_nothing(&s->a);
        rig_expect_nothing(&s->b);
    }
}

static void
unsubscribe(struct rig_client *c, struct span filter)
{
    const struct wire_any packet = {
        .type = WIRE_UNSUBSCRIBE,
        .as.unsubscribe = {.packet_id = 3, .count = 1, .filters = &filter},
    };
    struct wire_any got;

    rig_send(c, &packet);
    rig_expect(c, WIRE_UNSUBACK, &got);
}

static void
close_all(struct scene *s)
{
    rig_client_close(&s->publisher);
    rig_client_close(&s->a);
    rig_client_close(&s->b);
    rig_close(&s->rig);
}

static void
follow_changes(unsigned shards)
{
    struct scene s;

    rig_open(&s.rig, shards, NULL);
    rig_client_connect(&s.rig, &s.publisher, "publisher");
    rig_client_connect(&s.rig, &s.a, "a");
    rig_client_connect(&s.rig, &s.b, "b");
    publish_twice(&s, NULL, NULL);
    rig_subscribe(&s.a, "t/1", 0);
    publish_twice(&s, &s.a, NULL);
    rig_subscribe(&s.b, "t/+", 0);
    publish_twice(&s, &s.a, &s.b);
    unsubscribe(&s.a, SPAN_LITERAL("t/1"));
    publish_twice(&s, &s.b, NULL);
    rig_client_close(&s.b);
    rig_client_connect(&s.rig, &s.b, "b");
    publish_twice(&s, NULL, NULL);
    rig_subscribe(&s.a, "$share/g/t/1", 0);
    publish_twice(&s, &s.a, NULL);
    close_all(&s);
}

static void
every_change_is_seen(void **state)
{
    (void)state;
    follow_changes(1);
    follow_changes(4);
}

/* What a subscription asks for, on the second message as on the first. */
static void
options_are_kept(void **state)
{
    const struct wire_subscription own = {
        .filter = SPAN_LITERAL("own"), .qos = 1, .no_local = true};
    const struct wire_subscription retained = {
        .filter = SPAN_LITERAL("kept"), .qos = 1, .retain_as_published = true};
    struct scene s;
    struct wire_any packet = rig_publish_packet("kept", "x", 1, 7);
    struct wire_any got;

    (void)state;
    rig_open(&s.rig, 1, NULL);
    rig_client_connect(&s.rig, &s.a, "a");
    rig_client_connect(&s.rig, &s.b, "b");
    rig_client_connect(&s.rig, &s.publisher, "publisher");
    rig_subscribe_with(&s.a, &own, 0, 1);
    rig_subscribe_with(&s.a, &retained, 77, 1);
    packet.as.publish.retain = true;
    for (uint16_t i = 1; i <= 2; i++) {
        rig_publish(&s.a, "own", "x"); /* [MQTT-3.8.3-3] */
        rig_expect_nothing(&s.a);
        rig_send(&s.publisher, &packet);
        rig_expect_ack(&s.publisher, WIRE_PUBACK, 7, WIRE_REASON_SUCCESS);
        rig_expect_publish(&s.a, "x", &got);
        assert_int_equal(got.as.publish.qos, 1);
        assert_true(got.as.publish.retain);
        assert_int_equal(got.as.publish.properties.subscription_identifier, 77);
        rig_ack(&s.a, WIRE_PUBACK, i);
    }
    close_all(&s);
}

static void
long_topics_have_no_route(void **state)
{
    static const uint8_t topic[ROUTE_TOPIC_BYTES_MAX + 1] = {'t'};
    struct route r = {.changes = 0};

    (void)state;
    route_keep(&r, span_of(topic, sizeof(topic)), 5, 1, NULL, 0);
    assert_false(route_is_for(&r, span_of(topic, sizeof(topic)), 5, 1));
    route_keep(&r, span_of(topic, sizeof(topic) - 1), 5, 1, NULL, 0);
    assert_true(route_is_for(&r, span_of(topic, sizeof(topic) - 1), 5, 1));
    assert_false(route_is_for(&r, span_of(topic, sizeof(topic) - 1), 5, 2));
    assert_false(route_is_for(&r, span_of(topic, sizeof(topic) - 2), 5, 1));
    assert_true(r.session_id == SESSION_ID_NONE);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_is_seen),
        cmocka_unit_test(options_are_kept),
        cmocka_unit_test(long_topics_have_no_route),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
