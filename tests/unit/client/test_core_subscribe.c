#include "peer.h"

#include "client/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
on_message(void *context, const struct wilco_message *m)
{
    (void)context;
    (void)m;
}

static int first, second; /* contexts */

static enum wilco_status
subscribe(struct peer *p, const struct wilco_subscription *s, void *context, uint8_t *reason_code)
{
    const struct core_subscriber to = {.on_message = on_message, .context = context};

    return core_subscribe(p->core, s, &to, p, reason_code);
}

static void
must_subscribe(struct peer *p, const char *filter, void *context)
{
    const struct wilco_subscription s = {.filter = filter};
    uint8_t reason_code = 0;

    assert_int_equal(subscribe(p, &s, context, &reason_code), WILCO_OK);
}

static void
expect_done(struct peer *p, enum wilco_status status, uint8_t reason_code)
{
    struct core_event event;

    peer_awaited(p, CORE_OPERATION, &event);
    assert_ptr_equal(event.context, p);
    assert_int_equal(event.status, status);
    assert_int_equal(event.reason_code, reason_code);
}

static void
expect_message_for(struct peer *p, void *context)
{
    struct core_event event;

    peer_event(p, CORE_MESSAGE, &event);
    assert_ptr_equal(event.context, context);
    wilco_message_unref(event.message);
}

static void
answer_unsubscribe(struct peer *p, uint8_t reason_code)
{
    struct wire_any packet;
    struct wire_any answer = {.type = WIRE_UNSUBACK};

    peer_expect(p, WIRE_UNSUBSCRIBE, &packet);
    answer.as.suback.packet_id = packet.as.unsubscribe.packet_id;
    answer.as.suback.reason_codes = span_of(&reason_code, 1);
    peer_send(p, &answer);
}

static void
says_what_is_wanted(void **state)
{
    const struct wilco_subscription s = {.filter = "a/+",
                                         .qos = 1,
                                         .no_local = true,
                                         .retain_as_published = true,
                                         .retain_handling = 2};
    struct wire_subscription got;
    struct wire_any packet;
    uint8_t reason_code = 0;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    assert_int_equal(subscribe(&p, &s, &first, &reason_code), WILCO_OK);
    peer_expect(&p, WIRE_SUBSCRIBE, &packet);
    assert_true(wire_subscribe_next(&packet.as.subscribe.payload, &got));
    assert_true(span_equal(got.filter, SPAN_LITERAL("a/+")));
    assert_int_equal(got.qos, 1);
    assert_true(got.no_local);
    assert_true(got.retain_as_published);
    assert_int_equal(got.retain_handling, 2);
    assert_int_not_equal(packet.as.subscribe.properties.subscription_identifier, 0);
    peer_no_event(&p);
    peer_close(&p);
}

/* Few and many, in order; and not what is no text. */
static void
says_user_properties(void **state)
{
    static const size_t counts[] = {0, 1, 16, 17, 100};
    struct wilco_user_property users[100];
    struct wilco_subscription s = {.filter = "a", .user_properties = users};
    struct wire_any packet;
    uint8_t reason_code = 0;
    struct peer p;

    (void)state;
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
        users[i] = (struct wilco_user_property){"rr-observe", i % 2 == 0 ? "1" : "2"};
    }
    peer_open(&p, NULL, NULL);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        s.user_property_count = counts[i];
        assert_int_equal(subscribe(&p, &s, &first, &reason_code), WILCO_OK);
        peer_expect(&p, WIRE_SUBSCRIBE, &packet);
        assert_int_equal(packet.as.subscribe.properties.user_count, counts[i]);
        assert_int_not_equal(packet.as.subscribe.properties.subscription_identifier, 0);
    }
    users[0].value = "\xff";
    assert_int_equal(subscribe(&p, &s, &first, &reason_code), WILCO_EINVAL);
    users[0].value = NULL;
    assert_int_equal(subscribe(&p, &s, &first, &reason_code), WILCO_EINVAL);
    peer_close(&p);
}

/* [MQTT-4.7.1-1, 4.7.1-2, 4.7.3-1]: what a filter is; [MQTT-4.8.2-1, 4.8.2-2]: a shared one;
 * [MQTT-3.8.3-1]: UTF-8; [U-3.8.3-2]: no QoS 3 and no Retain Handling 3 */
static void
refuses_what_cannot_be_subscribed(void **state)
{
    static const struct {
        const char *name;
        struct wilco_subscription s;
        enum wire_property_id id; /* of CONNACK; says no with 0 */
        enum wilco_status want;
        uint8_t reason_code;
    } rows[] = {
        {"nothing", {.filter = NULL}, WIRE_RETAIN_AVAILABLE, WILCO_EINVAL, 0},
        {"empty", {.filter = ""}, WIRE_RETAIN_AVAILABLE, WILCO_EINVAL, 0},
        {"not a filter", {.filter = "a#"}, WIRE_RETAIN_AVAILABLE, WILCO_EINVAL, 0},
        {"not at the end", {.filter = "a/#/b"}, WIRE_RETAIN_AVAILABLE, WILCO_EINVAL, 0},
        {"not a whole level", {.filter = "a+/b"}, WIRE_RETAIN_AVAILABLE, WILCO_EINVAL, 0},
        {"group with a wildcard", {.filter = "$share/+/a"}, WIRE_RETAIN_AVAILABLE, WILCO_EINVAL, 0},
        {"group without filter", {.filter = "$share/g"}, WIRE_RETAIN_AVAILABLE, WILCO_EINVAL, 0},
        {"and with an empty one", {.filter = "$share/g/"}, WIRE_RETAIN_AVAILABLE, WILCO_EINVAL, 0},
        {"not UTF-8", {.filter = "\xff"}, WIRE_RETAIN_AVAILABLE, WILCO_EINVAL, 0},
        {"QoS 3", {.filter = "a", .qos = 3}, WIRE_RETAIN_AVAILABLE, WILCO_EINVAL, 0},
        {"handling", {.filter = "a", .retain_handling = 3}, WIRE_RETAIN_AVAILABLE, WILCO_EINVAL, 0},
        {"group without name", {.filter = "$share//a"}, WIRE_RETAIN_AVAILABLE, WILCO_EINVAL, 0},
        {"No Local and shared",
         {.filter = "$share/g/a", .no_local = true},
         WIRE_RETAIN_AVAILABLE,
         WILCO_EINVAL,
         0}, /* [MQTT-3.8.3-4] */
        {"no shared",
         {.filter = "$share/g/a"},
         WIRE_SHARED_SUBSCRIPTION_AVAILABLE,
         WILCO_EREFUSED,
         0x9E},
        {"no wildcards",
         {.filter = "a/+"},
         WIRE_WILDCARD_SUBSCRIPTION_AVAILABLE,
         WILCO_EREFUSED,
         0xA2},
        {"plain", {.filter = "a"}, WIRE_WILDCARD_SUBSCRIPTION_AVAILABLE, WILCO_OK, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wire_properties connack = {.present = 0};
        uint8_t reason_code = 0;
        struct peer p;

        wire_properties_set(&connack, rows[i].id);
        peer_open(&p, NULL, &connack);
        if (subscribe(&p, &rows[i].s, &first, &reason_code) != rows[i].want ||
            reason_code != rows[i].reason_code) {
            fail_msg("%s", rows[i].name);
        }
        if (rows[i].want != WILCO_OK) {
            peer_expect_nothing(&p);
        }
        peer_close(&p);
    }
}

/* Messages may come before the SUBACK (MQTT 5.0, 3.8.4). */
static void
delivers_from_the_subscribe_on(void **state)
{
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    must_subscribe(&p, "a", &first);
    peer_publish(&p, "a", "x", 0, 0);
    expect_message_for(&p, &first);
    (void)peer_grant(&p, 2);
    expect_done(&p, WILCO_OK, 2);
    peer_close(&p);
}

static void
forgets_what_was_refused(void **state)
{
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    must_subscribe(&p, "a", &first);
    (void)peer_grant(&p, 0x87);
    expect_done(&p, WILCO_EREFUSED, 0x87);
    peer_publish(&p, "a", "x", 0, 0);
    peer_no_event(&p);
    assert_int_equal(core_unsubscribe(p.core, "a", &p), WILCO_ENOTFOUND);
    peer_close(&p);
}

static void
replaces_a_subscription(void **state)
{
    uint32_t identifier = 0;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    must_subscribe(&p, "a", &first);
    identifier = peer_grant(&p, 0);
    expect_done(&p, WILCO_OK, 0);
    must_subscribe(&p, "a", &second);
    assert_int_equal(peer_grant(&p, 0), identifier);
    expect_done(&p, WILCO_OK, 0);
    peer_publish(&p, "a", "x", 0, 0);
    expect_message_for(&p, &second);
    peer_no_event(&p);
    must_subscribe(&p, "a", &first);
    (void)peer_grant(&p, 0x97); /* refused: it stays as it was */
    expect_done(&p, WILCO_EREFUSED, 0x97);
    peer_publish(&p, "a", "x", 0, 0);
    expect_message_for(&p, &second);
    peer_close(&p);
}

static void
ends_a_subscription(void **state)
{
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    must_subscribe(&p, "$share/g/a", &first);
    (void)peer_grant(&p, 0);
    expect_done(&p, WILCO_OK, 0);
    assert_int_equal(core_unsubscribe(p.core, "b", &p), WILCO_ENOTFOUND);
    assert_int_equal(core_unsubscribe(p.core, "a", &p), WILCO_OK); /* as a responder names it */
    peer_publish(&p, "a", "x", 0, 0);
    expect_message_for(&p, &first); /* until the UNSUBACK */
    answer_unsubscribe(&p, 0);
    expect_done(&p, WILCO_OK, 0);
    peer_publish(&p, "a", "x", 0, 0);
    peer_no_event(&p);
    assert_int_equal(core_unsubscribe(p.core, "a", &p), WILCO_ENOTFOUND);
    peer_close(&p);
}

static void
keeps_what_could_not_be_ended(void **state)
{
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    must_subscribe(&p, "a", &first);
    (void)peer_grant(&p, 0);
    expect_done(&p, WILCO_OK, 0);
    assert_int_equal(core_unsubscribe(p.core, "a", &p), WILCO_OK);
    answer_unsubscribe(&p, 0x87);
    expect_done(&p, WILCO_EREFUSED, 0x87);
    peer_publish(&p, "a", "x", 0, 0);
    expect_message_for(&p, &first);
    peer_close(&p);
}

/* A new SUBSCRIBE overtakes the answer to the UNSUBSCRIBE before it. */
static void
survives_its_own_end(void **state)
{
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    must_subscribe(&p, "a", &first);
    (void)peer_grant(&p, 0);
    expect_done(&p, WILCO_OK, 0);
    assert_int_equal(core_unsubscribe(p.core, "a", &p), WILCO_OK);
    must_subscribe(&p, "a", &second);
    answer_unsubscribe(&p, 0);
    expect_done(&p, WILCO_OK, 0);
    (void)peer_grant(&p, 0);
    expect_done(&p, WILCO_OK, 0);
    peer_publish(&p, "a", "x", 0, 0);
    expect_message_for(&p, &second);
    peer_close(&p);
}

static void
keeps_response_topics_to_itself(void **state)
{
    const struct wilco_request r = {.topic = "do", .response_topic = "mine"};
    const struct wilco_subscription s = {.filter = "mine"};
    const struct core_asker asker = {.on_response = peer_on_response};
    struct peer_request request;
    uint64_t call = 0;
    uint8_t reason_code = 0;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    (void)peer_ask_first(&p, &r, &request);
    assert_int_equal(subscribe(&p, &s, &first, &reason_code), WILCO_EINVAL);
    assert_int_equal(core_unsubscribe(p.core, "mine", &p), WILCO_ENOTFOUND);
    must_subscribe(&p, "a", &first);
    (void)peer_grant(&p, 0);
    assert_int_equal(core_request(p.core,
                                  &(struct wilco_request){.topic = "do", .response_topic = "a"},
                                  &asker, p.now_ms, &call, &reason_code),
                     WILCO_EINVAL);
    peer_close(&p);
}

/* That of a client which does not connect again. */
static const struct wilco_options once = {.client_id = "me", .reconnect_off = true};

static void
ends_with_the_connection(void **state)
{
    struct core_event event;
    struct peer p;

    (void)state;
    peer_open(&p, &once, NULL);
    must_subscribe(&p, "a", &first);
    must_subscribe(&p, "b", &first);
    assert_int_equal(core_unsubscribe(p.core, "a", &p), WILCO_OK);
    core_lost(p.core, "cut", p.now_ms);
    for (int i = 0; i < 3; i++) {
        expect_done(&p, WILCO_ECLOSED, 0);
    }
    assert_int_equal(core_unsubscribe(p.core, "a", &p), WILCO_ECLOSED);
    peer_event(&p, CORE_ENDED, &event);
    peer_no_event(&p);
    peer_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_is_wanted),
        cmocka_unit_test(says_user_properties),
        cmocka_unit_test(refuses_what_cannot_be_subscribed),
        cmocka_unit_test(delivers_from_the_subscribe_on),
        cmocka_unit_test(forgets_what_was_refused),
        cmocka_unit_test(replaces_a_subscription),
        cmocka_unit_test(ends_a_subscription),
        cmocka_unit_test(keeps_what_could_not_be_ended),
        cmocka_unit_test(survives_its_own_end),
        cmocka_unit_test(keeps_response_topics_to_itself),
        cmocka_unit_test(ends_with_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
