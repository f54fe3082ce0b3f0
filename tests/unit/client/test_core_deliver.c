#include "peer.h"

#include "client/call.h"
#include "client/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What the callbacks are; the tests pull the events. */
static void
on_message(void *context, const struct wilco_message *m)
{
    (void)context;
    (void)m;
}

static void
on_request(void *context, struct wilco_call *call)
{
    (void)context;
    (void)call;
}

static uint32_t
subscribe(struct peer *p, const char *filter, bool is_responder)
{
    const struct wilco_subscription s = {.filter = filter, .qos = 2};
    const struct core_subscriber to = {
        .on_message = is_responder ? NULL : on_message,
        .on_request = is_responder ? on_request : NULL,
        .context = p,
    };
    struct core_event event;
    uint8_t reason_code = 0;
    uint32_t identifier = 0;

    assert_int_equal(core_subscribe(p->core, &s, &to, p, &reason_code), WILCO_OK);
    identifier = peer_grant(p, 2);
    peer_awaited(p, CORE_OPERATION, &event);
    assert_int_equal(event.status, WILCO_OK);
    return identifier;
}

static void
expect_message(struct peer *p, const char *payload)
{
    struct core_event event;

    peer_event(p, CORE_MESSAGE, &event);
    assert_ptr_equal(event.context, p);
    assert_true(span_equal(event.message->payload, span_of_text(payload)));
    wilco_message_unref(event.message);
}

static void
expect_ack(struct peer *p, enum wire_type type, uint16_t packet_id, uint8_t reason_code)
{
    struct wire_any packet;

    peer_expect(p, type, &packet);
    assert_int_equal(packet.as.ack.packet_id, packet_id);
    assert_int_equal(packet.as.ack.reason_code, reason_code);
}

/* [MQTT-4.3.2-4, 4.3.3-8]: only what has been handed out is acknowledged, [MQTT-3.3.4-1] as its QoS
 * asks, [MQTT-2.2.1-5] with its identifier, [MQTT-4.6.0-2, 4.6.0-3] in order. */
static void
acknowledges_when_the_callback_is_done(void **state)
{
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    (void)subscribe(&p, "#", false);
    peer_publish(&p, "a", "one", 1, 65535);
    peer_publish(&p, "a", "two", 2, 256);
    peer_publish(&p, "a", "three", 0, 0);
    peer_publish(&p, "a", "four", 1, 1);
    peer_publish(&p, "a", "five", 2, 255);
    expect_message(&p, "one");
    peer_expect_nothing(&p);
    expect_message(&p, "two");
    expect_ack(&p, WIRE_PUBACK, 65535, 0);
    peer_expect_nothing(&p);
    expect_message(&p, "three");
    expect_ack(&p, WIRE_PUBREC, 256, 0);
    expect_message(&p, "four");
    expect_message(&p, "five");
    expect_ack(&p, WIRE_PUBACK, 1, 0);
    peer_no_event(&p);
    expect_ack(&p, WIRE_PUBREC, 255, 0);
    peer_expect_nothing(&p);
    peer_close(&p);
}

static void
delivers_qos_2_exactly_once(void **state)
{
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    (void)subscribe(&p, "#", false);
    peer_publish(&p, "a", "x", 2, 7);
    peer_publish(&p, "a", "x", 2, 7); /* before the PUBREC */
    expect_message(&p, "x");
    peer_no_event(&p);
    expect_ack(&p, WIRE_PUBREC, 7, 0);
    peer_publish(&p, "a", "x", 2, 7); /* and after it [MQTT-4.3.3-10] */
    peer_no_event(&p);
    expect_ack(&p, WIRE_PUBREC, 7, 0);
    peer_ack(&p, WIRE_PUBREL, 7, 0);
    expect_ack(&p, WIRE_PUBCOMP, 7, 0); /* [MQTT-4.3.3-11] */
    peer_ack(&p, WIRE_PUBREL, 7, 0);
    expect_ack(&p, WIRE_PUBCOMP, 7, 0x92);
    peer_publish(&p, "a", "y", 2, 7); /* a new message [MQTT-4.3.3-12] */
    expect_message(&p, "y");
    peer_close(&p);
}

/* [MQTT-1.5.4-3]: EF BB BF at the beginning is part of the name. */
static void
keeps_the_byte_order_mark(void **state)
{
    struct core_event event;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    (void)subscribe(&p, "a", false);
    (void)subscribe(&p,
                    "\xEF\xBB\xBF"
                    "a",
                    false);
    peer_publish(&p,
                 "\xEF\xBB\xBF"
                 "a",
                 "x", 0, 0);
    peer_event(&p, CORE_MESSAGE, &event);
    assert_int_equal(event.message->topic.len, 4);
    wilco_message_unref(event.message);
    peer_no_event(&p); /* "a" is another one */
    peer_close(&p);
}

/* [MQTT-4.3.3-13]: a message that has expired is acknowledged to the end. */
static void
finishes_what_has_expired(void **state)
{
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    packet.as.publish.topic = SPAN_LITERAL("a");
    packet.as.publish.qos = 2;
    packet.as.publish.packet_id = 5;
    packet.as.publish.properties.message_expiry_interval = 1;
    wire_properties_set(&packet.as.publish.properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    peer_send(&p, &packet);
    peer_no_event(&p);
    expect_ack(&p, WIRE_PUBREC, 5, 0);
    peer_advance(&p, 5000);
    peer_ack(&p, WIRE_PUBREL, 5, 0);
    expect_ack(&p, WIRE_PUBCOMP, 5, 0);
    peer_close(&p);
}

/* [MQTT-4.3.2-5]: after the PUBACK the same identifier is another message. */
static void
takes_an_identifier_again(void **state)
{
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    (void)subscribe(&p, "#", false);
    for (int i = 0; i < 3; i++) {
        peer_publish(&p, "a", "x", 1, 5);
        expect_message(&p, "x");
        peer_no_event(&p);
        expect_ack(&p, WIRE_PUBACK, 5, 0);
    }
    peer_close(&p);
}

/* [MQTT-4.5.0-2] */
static void
acknowledges_what_nobody_wants(void **state)
{
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    peer_publish(&p, "a", "x", 1, 5);
    peer_no_event(&p);
    expect_ack(&p, WIRE_PUBACK, 5, 0);
    assert_int_equal(peer_counters(&p).messages_unmatched, 1);
    peer_close(&p);
}

/* What waited in a kept session comes before anybody can subscribe. */
static void
hands_the_rest_to_whoever_wants_it(void **state)
{
    struct wilco_options options = {.client_id = "a", .unmatched = on_message};
    struct peer p;

    (void)state;
    options.context = &p;
    peer_open(&p, &options, NULL);
    peer_publish(&p, "a", "waited", 1, 5);
    expect_message(&p, "waited");
    peer_expect_nothing(&p);
    peer_no_event(&p);
    expect_ack(&p, WIRE_PUBACK, 5, 0);
    (void)subscribe(&p, "a", false);
    peer_publish(&p, "a", "matched", 0, 0);
    expect_message(&p, "matched");
    peer_no_event(&p); /* once */
    assert_int_equal(peer_counters(&p).messages_unmatched, 0);
    peer_close(&p);
}

static void
resolves_topic_aliases(void **state)
{
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct core_event event;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    (void)subscribe(&p, "#", false);
    wire_properties_set(&packet.as.publish.properties, WIRE_TOPIC_ALIAS);
    for (uint16_t alias = 1; alias <= 16; alias++) { /* [MQTT-3.3.2-10] */
        packet.as.publish.properties.topic_alias = alias;
        packet.as.publish.topic = SPAN_LITERAL("some/topic");
        peer_send(&p, &packet);
        packet.as.publish.topic = SPAN_EMPTY;
        peer_send(&p, &packet);
        for (int i = 0; i < 2; i++) {
            peer_event(&p, CORE_MESSAGE, &event);
            assert_true(span_equal(event.message->topic, SPAN_LITERAL("some/topic")));
            wilco_message_unref(event.message);
        }
    }
    packet.as.publish.topic = SPAN_LITERAL("other"); /* the last one again [U-3.3.2-5] */
    peer_send(&p, &packet);
    packet.as.publish.topic = SPAN_EMPTY;
    peer_send(&p, &packet);
    for (int i = 0; i < 2; i++) {
        peer_event(&p, CORE_MESSAGE, &event);
        assert_true(span_equal(event.message->topic, SPAN_LITERAL("other")));
        wilco_message_unref(event.message);
    }
    peer_close(&p);

    peer_open(&p, NULL, NULL); /* [MQTT-3.3.2-7]: another connection knows none of them */
    peer_send(&p, &packet);
    peer_expect_end(&p, 0x94);
    peer_close(&p);
}

static void
send_named(struct peer *p, uint32_t identifier, const char *payload)
{
    struct wire_any packet = {.type = WIRE_PUBLISH};

    packet.as.publish.topic = SPAN_LITERAL("a/b");
    packet.as.publish.payload = span_of_text(payload);
    packet.as.publish.properties.subscription_identifier = identifier;
    wire_properties_set(&packet.as.publish.properties, WIRE_SUBSCRIPTION_IDENTIFIER);
    peer_send(p, &packet);
}

/* Overlapping subscriptions get a copy each from the server; none of them twice from us. */
static void
hands_copies_to_the_subscription_they_name(void **state)
{
    uint32_t wide = 0;
    uint32_t narrow = 0;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    wide = subscribe(&p, "a/#", false);
    narrow = subscribe(&p, "a/b", false);
    assert_int_not_equal(wide, narrow);
    send_named(&p, wide, "1");
    send_named(&p, narrow, "2");
    expect_message(&p, "1");
    expect_message(&p, "2");
    peer_no_event(&p);
    peer_close(&p);
}

static void
matches_by_topic_without_identifiers(void **state)
{
    struct wire_properties connack = {.subscription_identifier_available = 0};
    struct peer p;

    (void)state;
    wire_properties_set(&connack, WIRE_SUBSCRIPTION_IDENTIFIER_AVAILABLE);
    peer_open(&p, NULL, &connack);
    assert_int_equal(subscribe(&p, "a/#", false), 0); /* none is sent */
    assert_int_equal(subscribe(&p, "b", false), 0);
    peer_publish(&p, "a/b", "x", 0, 0);
    expect_message(&p, "x");
    peer_no_event(&p);
    peer_close(&p);
}

static void
send_request(struct peer *p, const char *response_topic, const char *correlation)
{
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct wire_properties *properties = &packet.as.publish.properties;

    packet.as.publish.topic = SPAN_LITERAL("do");
    packet.as.publish.qos = 1;
    packet.as.publish.packet_id = 3;
    if (response_topic != NULL) {
        properties->response_topic = span_of_text(response_topic);
        wire_properties_set(properties, WIRE_RESPONSE_TOPIC);
    }
    if (correlation != NULL) {
        properties->correlation_data = span_of_text(correlation);
        wire_properties_set(properties, WIRE_CORRELATION_DATA);
    }
    properties->subscription_identifier = 1;
    wire_properties_set(properties, WIRE_SUBSCRIPTION_IDENTIFIER);
    properties->message_expiry_interval = 2;
    wire_properties_set(properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    peer_send(p, &packet);
}

static struct wilco_call *
expect_call(struct peer *p)
{
    struct core_event event;

    peer_event(p, CORE_CALL, &event);
    assert_true(event.to.on_request == on_request);
    assert_non_null(event.call);
    return event.call;
}

/* Requests that waited in a kept session can be answered before anybody has subscribed. */
static void
hands_requests_to_whoever_answers_the_rest(void **state)
{
    struct wilco_options options = {.client_id = "a", .unmatched_request = on_request};
    struct wire_any packet;
    struct wilco_call *call = NULL;
    struct peer p;

    (void)state;
    options.context = &p;
    peer_open(&p, &options, NULL);
    send_request(&p, NULL, "no request");
    peer_no_event(&p);
    expect_ack(&p, WIRE_PUBACK, 3, 0);
    assert_int_equal(peer_counters(&p).messages_unmatched, 1);
    send_request(&p, "back", "1");
    call = expect_call(&p);
    peer_no_event(&p);
    expect_ack(&p, WIRE_PUBACK, 3, 0);
    assert_int_equal(core_reply(p.core, call, &(struct wilco_reply){.status = 200}, p.now_ms),
                     WILCO_OK);
    peer_expect(&p, WIRE_PUBLISH, &packet);
    assert_int_equal(peer_counters(&p).messages_unmatched, 1);
    peer_drop_call(&p, call);
    peer_close(&p);
}

/* T3: whatever the correlation data are, they come back byte for byte, or not at all [U-4.10-1];
 * the Subscription Identifier of the request does not [MQTT-3.3.4-6]. */
static void
answers_a_request(void **state)
{
    static const char *const correlations[] = {"{ \"requestId\": \"abcdef12345\" }", "", NULL};

    (void)state;
    for (size_t i = 0; i < sizeof(correlations) / sizeof(correlations[0]); i++) {
        const struct wilco_reply reply = {.payload = WILCO_TEXT("done")};
        struct wire_any packet;
        const struct wire_properties *got = &packet.as.publish.properties;
        struct wilco_call *call = NULL;
        struct span value;
        struct peer p;

        peer_open(&p, NULL, NULL);
        (void)subscribe(&p, "do", true);
        send_request(&p, "back", correlations[i]);
        call = expect_call(&p);
        peer_no_event(&p);
        expect_ack(&p, WIRE_PUBACK, 3, 0);
        p.now_ms += 700;
        assert_int_equal(core_reply(p.core, call, &reply, p.now_ms), WILCO_OK);
        peer_drop_call(&p, call);
        peer_expect(&p, WIRE_PUBLISH, &packet);
        assert_true(span_equal(packet.as.publish.topic, SPAN_LITERAL("back")));
        assert_true(span_equal(packet.as.publish.payload, SPAN_LITERAL("done")));
        assert_int_equal(packet.as.publish.qos, 1);        /* as the request */
        assert_int_equal(got->message_expiry_interval, 2); /* 1300 ms, rounded up */
        assert_int_equal(wire_properties_has(got, WIRE_CORRELATION_DATA), correlations[i] != NULL);
        assert_true(span_equal(got->correlation_data, span_of_text(correlations[i])));
        assert_false(wire_properties_has(got, WIRE_SUBSCRIPTION_IDENTIFIER));
        assert_true(wire_properties_user(got, SPAN_LITERAL("__stat"), &value));
        assert_true(span_equal(value, SPAN_LITERAL("200")));
        assert_int_equal(peer_counters(&p).calls, 1);
        peer_close(&p);
    }
}

/* The server may not let it answer: too late, or not the first. */
static void
puts_up_with_a_reply_that_is_refused(void **state)
{
    const struct wilco_reply reply = {.payload = WILCO_TEXT("done")};
    struct wire_any packet;
    struct wilco_call *call = NULL;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    (void)subscribe(&p, "do", true);
    send_request(&p, "back", "1");
    call = expect_call(&p);
    peer_no_event(&p);
    expect_ack(&p, WIRE_PUBACK, 3, 0);
    assert_int_equal(core_reply(p.core, call, &reply, p.now_ms), WILCO_OK);
    peer_drop_call(&p, call);
    peer_expect(&p, WIRE_PUBLISH, &packet);
    peer_ack(&p, WIRE_PUBACK, packet.as.publish.packet_id, 0x87);
    peer_no_event(&p);
    peer_expect_nothing(&p);
    assert_int_equal(core_state(p.core), CORE_OPEN);
    peer_close(&p);
}

static void
does_not_answer_too_late(void **state)
{
    const struct wilco_reply reply = {.status = 200};
    struct wilco_call *call = NULL;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    (void)subscribe(&p, "do", true);
    send_request(&p, "back", "1");
    call = expect_call(&p);
    peer_no_event(&p);
    expect_ack(&p, WIRE_PUBACK, 3, 0);
    assert_int_equal(core_reply(p.core, call, &reply, p.now_ms + 2000), WILCO_ETIMEDOUT);
    peer_expect_nothing(&p);
    peer_drop_call(&p, call);
    peer_close(&p);
}

static void
counts_what_is_no_request(void **state)
{
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    (void)subscribe(&p, "do", true);
    send_request(&p, NULL, "1");
    peer_no_event(&p);
    expect_ack(&p, WIRE_PUBACK, 3, 0);
    assert_int_equal(peer_counters(&p).not_requests, 1);
    assert_int_equal(peer_counters(&p).messages_unmatched, 0);
    peer_close(&p);
}

/* What came before the end is still told, but not acknowledged; after core_close() it is not. */
static void
tells_what_came_before_the_end(void **state)
{
    struct core_event event;
    struct peer p;

    (void)state;
    peer_open(&p, &(struct wilco_options){.client_id = "me", .reconnect_off = true}, NULL);
    (void)subscribe(&p, "#", false);
    peer_publish(&p, "a", "x", 1, 1);
    core_lost(p.core, "cut", p.now_ms);
    expect_message(&p, "x");
    peer_event(&p, CORE_ENDED, &event);
    peer_expect_nothing(&p);
    peer_close(&p);

    peer_open(&p, NULL, NULL);
    (void)subscribe(&p, "#", false);
    peer_publish(&p, "a", "x", 1, 1);
    peer_publish(&p, "a", "y", 1, 2);
    expect_message(&p, "x");
    core_close(p.core);
    peer_no_event(&p);
    peer_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(acknowledges_when_the_callback_is_done),
        cmocka_unit_test(delivers_qos_2_exactly_once),
        cmocka_unit_test(keeps_the_byte_order_mark),
        cmocka_unit_test(finishes_what_has_expired),
        cmocka_unit_test(takes_an_identifier_again),
        cmocka_unit_test(acknowledges_what_nobody_wants),
        cmocka_unit_test(hands_the_rest_to_whoever_wants_it),
        cmocka_unit_test(resolves_topic_aliases),
        cmocka_unit_test(hands_copies_to_the_subscription_they_name),
        cmocka_unit_test(matches_by_topic_without_identifiers),
        cmocka_unit_test(hands_requests_to_whoever_answers_the_rest),
        cmocka_unit_test(answers_a_request),
        cmocka_unit_test(puts_up_with_a_reply_that_is_refused),
        cmocka_unit_test(does_not_answer_too_late),
        cmocka_unit_test(counts_what_is_no_request),
        cmocka_unit_test(tells_what_came_before_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
