#include "peer.h"

#include "client/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What becomes of subscriptions, and of requests, when a connection has been made again. */

static void
on_message(void *context, const struct wilco_message *m)
{
    (void)context;
    (void)m;
}

static void
on_state(void *context, const struct wilco_state *state)
{
    (void)context;
    (void)state;
    fail_msg("a core does not call back");
}

static const struct core_subscriber first = {.on_message = on_message};

static void
must_subscribe(struct peer *p, const char *filter, uint8_t qos)
{
    const struct wilco_subscription s = {
        .filter = filter, .qos = qos, .retain_as_published = true, .retain_handling = 1};
    uint8_t reason_code = 0;

    assert_int_equal(core_subscribe(p->core, &s, &first, p, &reason_code), WILCO_OK);
}

/* Takes a SUBSCRIBE for `filter` as must_subscribe() asks for it; its packet identifier. */
static uint16_t
expect_subscribe(struct peer *p, const char *filter, uint8_t qos, uint32_t *identifier)
{
    struct wire_any packet;
    struct wire_subscription s;

    peer_expect(p, WIRE_SUBSCRIBE, &packet);
    assert_true(wire_subscribe_next(&packet.as.subscribe.payload, &s));
    assert_true(span_equal(s.filter, span_of_text(filter)));
    assert_int_equal(s.qos, qos);
    if (identifier != NULL) {
        *identifier = packet.as.subscribe.properties.subscription_identifier;
    }
    return packet.as.subscribe.packet_id;
}

static void
answer(struct peer *p, enum wire_type type, uint16_t packet_id, uint8_t reason_code)
{
    struct wire_any packet = {.type = type};

    packet.as.suback.packet_id = packet_id;
    packet.as.suback.reason_codes = span_of(&reason_code, 1);
    peer_send(p, &packet);
}

static void
expect_done(struct peer *p, enum wilco_status status, uint8_t reason_code)
{
    struct core_event event;

    peer_awaited(p, CORE_OPERATION, &event);
    assert_int_equal(event.status, status);
    assert_int_equal(event.reason_code, reason_code);
}

/* A granted subscription; its identifier. */
static uint32_t
subscribe(struct peer *p, const char *filter, uint8_t qos)
{
    uint32_t identifier = 0;

    must_subscribe(p, filter, qos);
    answer(p, WIRE_SUBACK, expect_subscribe(p, filter, qos, &identifier), qos);
    expect_done(p, WILCO_OK, qos);
    return identifier;
}

static void
expect_message(struct peer *p, const char *payload)
{
    struct core_event event;

    peer_event(p, CORE_MESSAGE, &event);
    assert_true(span_equal(event.message->payload, span_of_text(payload)));
    wilco_message_unref(event.message);
}

/* ---- Subscriptions ---- */

static void
keeps_subscriptions_of_a_session_that_is_kept(void **state)
{
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    (void)subscribe(&p, "a/#", 1);
    peer_lose(&p);
    peer_reopen(&p, true, NULL);
    peer_expect_nothing(&p);
    peer_publish(&p, "a/b", "x", 0, 0);
    expect_message(&p, "x");
    peer_close(&p);
}

/* [MQTT-3.2.2-5]: with the same identifiers and options, in the order of asking; again and again.
 */
static void
subscribes_again_in_a_new_session(void **state)
{
    uint32_t ids[2];
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    ids[0] = subscribe(&p, "a/#", 1);
    ids[1] = subscribe(&p, "$share/g/b", 2);
    for (int i = 0; i < 3; i++) {
        uint16_t packet_ids[2];
        uint32_t again[2];

        peer_lose(&p);
        peer_reopen(&p, false, NULL);
        packet_ids[0] = expect_subscribe(&p, "a/#", 1, &again[0]);
        packet_ids[1] = expect_subscribe(&p, "$share/g/b", 2, &again[1]);
        peer_expect_nothing(&p);
        assert_memory_equal(again, ids, sizeof(ids));
        if (i != 1) { /* once it is lost before the answers come */
            answer(&p, WIRE_SUBACK, packet_ids[0], 1);
            answer(&p, WIRE_SUBACK, packet_ids[1], 2);
        }
        peer_no_event(&p);
    }
    peer_publish(&p, "b", "x", 0, 0);
    expect_message(&p, "x");
    assert_int_equal(core_unsubscribe(p.core, "a/#", &p), WILCO_OK);
    peer_close(&p);
}

/* What was not acknowledged is said again, whatever became of the session; what is asked for
 * without a connection is said when there is one. */
static void
says_again_what_was_not_acknowledged(void **state)
{
    (void)state;
    for (int session_present = 0; session_present < 2; session_present++) {
        uint16_t ids[2];
        struct wire_any packet;
        struct peer p;

        peer_open(&p, NULL, NULL);
        (void)subscribe(&p, "old", 1);
        must_subscribe(&p, "a", 2);
        ids[0] = expect_subscribe(&p, "a", 2, NULL);
        peer_lose(&p);
        assert_int_equal(core_unsubscribe(p.core, "old", &p), WILCO_OK);
        must_subscribe(&p, "b", 0);
        peer_reopen(&p, session_present != 0, NULL);
        assert_int_equal(expect_subscribe(&p, "a", 2, NULL), ids[0]);
        peer_expect(&p, WIRE_UNSUBSCRIBE, &packet);
        ids[1] = expect_subscribe(&p, "b", 0, NULL);
        peer_expect_nothing(&p); /* "old" is not wanted any more */
        answer(&p, WIRE_UNSUBACK, packet.as.unsubscribe.packet_id, session_present ? 0 : 0x11);
        answer(&p, WIRE_SUBACK, ids[0], 2);
        answer(&p, WIRE_SUBACK, ids[1], 0);
        for (int i = 0; i < 2; i++) {
            expect_done(&p, WILCO_OK, i == 0 ? (session_present ? 0 : 0x11) : 2);
        }
        expect_done(&p, WILCO_OK, 0);
        assert_int_equal(core_unsubscribe(p.core, "old", &p), WILCO_ENOTFOUND);
        peer_close(&p);
    }
}

static void
expect_unsubscribed(struct peer *p, const char *filter, const char *text)
{
    struct core_event event;
    struct wilco_state state;
    struct wilco_error why;

    peer_event(p, CORE_STATE, &event);
    core_describe_state(p->core, &event, &state, &why);
    assert_int_equal(state.kind, WILCO_UNSUBSCRIBED);
    assert_true(span_equal(span_of(state.filter.data, state.filter.len), span_of_text(filter)));
    assert_string_equal(state.why->text, text);
    assert_int_equal(state.why->reason_code, 0x87);
}

/* What is not granted again is gone, and that is told. */
static void
drops_what_is_not_granted_again(void **state)
{
    (void)state;
    for (int is_told = 0; is_told < 2; is_told++) {
        const struct wilco_options options = {.client_id = "a",
                                              .state_changed = is_told ? on_state : NULL};
        struct core_event event;
        struct peer p;

        peer_open(&p, &options, NULL);
        (void)subscribe(&p, "a/b", 1);
        peer_lose(&p);
        peer_reopen(&p, false, NULL);
        answer(&p, WIRE_SUBACK, expect_subscribe(&p, "a/b", 1, NULL), 0x87);
        if (is_told) {
            peer_event(&p, CORE_STATE, &event); /* of the connection */
            expect_unsubscribed(&p, "a/b",
                                "a/b is not subscribed to any more: Not authorized (0x87)");
        }
        peer_no_event(&p);
        assert_int_equal(core_unsubscribe(p.core, "a/b", &p), WILCO_ENOTFOUND);
        peer_lose(&p);
        peer_reopen(&p, false, NULL);
        peer_expect_nothing(&p);
        peer_close(&p);
    }
}

/* A second SUBSCRIBE, or an UNSUBSCRIBE, was on its way when the session was lost, and is refused:
 * then there is nothing at the server, and what was before is asked for again. */
static void
goes_back_to_what_was_before(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct wire_any packet;
        struct peer p;

        peer_open(&p, NULL, NULL);
        (void)subscribe(&p, "a", 1);
        if (i == 0) {
            must_subscribe(&p, "a", 2);
        } else {
            assert_int_equal(core_unsubscribe(p.core, "a", &p), WILCO_OK);
        }
        core_discard_output(p.core);
        peer_lose(&p);
        peer_reopen(&p, false, NULL);
        if (i == 0) {
            answer(&p, WIRE_SUBACK, expect_subscribe(&p, "a", 2, NULL), 0x80);
        } else {
            peer_expect(&p, WIRE_UNSUBSCRIBE, &packet);
            answer(&p, WIRE_UNSUBACK, packet.as.unsubscribe.packet_id, 0x80);
        }
        expect_done(&p, WILCO_EREFUSED, 0x80);
        answer(&p, WIRE_SUBACK, expect_subscribe(&p, "a", 1, NULL), 1);
        peer_no_event(&p);
        peer_publish(&p, "a", "x", 0, 0);
        expect_message(&p, "x");
        peer_close(&p);
    }
}

/* [MQTT-3.2.2-15]: nothing is said that the new server has ruled out. */
static void
does_not_ask_for_what_the_server_does_not_do(void **state)
{
    static const struct {
        const char *filter;
        enum wire_property_id id;
        uint8_t want;
    } rows[] = {
        {"a/#", WIRE_WILDCARD_SUBSCRIPTION_AVAILABLE, 0xA2},
        {"$share/g/a", WIRE_SHARED_SUBSCRIPTION_AVAILABLE, 0x9E},
        {"a", WIRE_SUBSCRIPTION_IDENTIFIER_AVAILABLE, 0xA1},
        {"a/rather/long/filter", WIRE_MAXIMUM_PACKET_SIZE, 0x95},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wire_properties less = {.maximum_packet_size = 20};
        struct peer p;

        wire_properties_set(&less, rows[i].id);
        peer_open(&p, NULL, NULL);
        peer_lose(&p);
        must_subscribe(&p, rows[i].filter, 1);
        peer_reopen(&p, true, &less);
        peer_expect_nothing(&p);
        expect_done(&p, WILCO_EREFUSED, rows[i].want);
        assert_int_equal(core_unsubscribe(p.core, rows[i].filter, &p), WILCO_ENOTFOUND);
        peer_close(&p);
    }
}

/* ---- Requests ---- */

static const struct wilco_request plain = {.topic = "do", .timeout_ms = 60000};

static void
expect_end(struct peer *p, enum wilco_status status)
{
    struct core_event event;

    peer_event(p, CORE_RESPONSE, &event);
    assert_int_equal(event.status, status);
    wilco_message_unref(event.message);
}

static void
open_with_inbox(struct peer *p, const char *inbox)
{
    struct wire_properties connack = {.present = 0};

    connack.response_information = span_of_text(inbox);
    wire_properties_set(&connack, WIRE_RESPONSE_INFORMATION);
    peer_open(p, NULL, &connack);
}

static void
reopen_with_inbox(struct peer *p, bool session_present, const char *inbox)
{
    struct wire_properties connack = {.present = 0};

    connack.response_information = span_of_text(inbox);
    wire_properties_set(&connack, WIRE_RESPONSE_INFORMATION);
    peer_reopen(p, session_present, &connack);
}

/* The answer comes on whatever connection. */
static void
gets_the_answer_on_another_connection(void **state)
{
    struct peer_request request;
    struct peer_request again;
    struct peer p;

    (void)state;
    open_with_inbox(&p, "$r/me");
    (void)peer_ask(&p, &plain);
    peer_take_request(&p, &request);
    peer_lose(&p);
    reopen_with_inbox(&p, true, "$r/me");
    peer_take_request(&p, &again); /* it was not acknowledged */
    assert_int_equal(again.packet_id, request.packet_id);
    peer_expect_nothing(&p);
    peer_answer(&p, &request, "yes", NULL);
    expect_end(&p, WILCO_OK);
    peer_close(&p);
}

/* A forgotten session has no inbox for the answer, and asking again might execute it twice. */
static void
ends_requests_of_a_forgotten_session(void **state)
{
    struct wilco_request qos_0 = plain;
    struct peer_request request;
    struct peer p;

    (void)state;
    qos_0.qos_0 = true;
    open_with_inbox(&p, "$r/me");
    (void)peer_ask(&p, &plain);
    peer_take_request(&p, &request);
    peer_ack(&p, WIRE_PUBACK, request.packet_id, 0);
    (void)peer_ask(&p, &plain);
    peer_take_request(&p, &request);
    (void)peer_ask(&p, &qos_0);
    peer_take_request(&p, &request);
    peer_lose(&p);
    reopen_with_inbox(&p, false, "$r/me");
    for (int i = 0; i < 3; i++) {
        expect_end(&p, WILCO_ELOST);
    }
    peer_no_event(&p);
    peer_expect_nothing(&p);
    assert_int_equal(peer_counters(&p).pending, 0);
    peer_close(&p);
}

/* They go to the inbox that there is then. */
static void
sends_what_was_never_sent(void **state)
{
    static const struct {
        const char *before, *after, *below;
        bool session_present, is_moved;
    } rows[] = {
        {"$r/first", "$r/first", NULL, true, true},
        {"$r/first", "$r/other", NULL, false, true},
        {"$r/first", "$r/other", "$r/first/below", false, true},
        {"$r/first", "$r/longer", NULL, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wilco_request r = plain;
        struct peer_request request;
        char inbox[32];
        struct peer p;

        r.response_topic = rows[i].below;
        open_with_inbox(&p, rows[i].before);
        (void)peer_ask(&p, &r); /* so that the inbox is used already */
        peer_take_request(&p, &request);
        peer_answer(&p, &request, "yes", NULL);
        expect_end(&p, WILCO_OK);
        peer_ack(&p, WIRE_PUBACK, request.packet_id, 0);
        peer_lose(&p);
        (void)peer_ask(&p, &r);
        reopen_with_inbox(&p, rows[i].session_present, rows[i].after);
        assert_int_equal(core_inbox(p.core, inbox, sizeof(inbox)), strlen(rows[i].after));
        assert_string_equal(inbox, rows[i].after);
        if (rows[i].is_moved) {
            peer_take_request(&p, &request);
            assert_memory_equal(request.topic, rows[i].after, strlen(rows[i].after));
            assert_int_equal(strlen(request.topic),
                             strlen(rows[i].below == NULL ? rows[i].after : rows[i].below));
            peer_answer(&p, &request, "yes", NULL);
        }
        expect_end(&p, rows[i].is_moved ? WILCO_OK : WILCO_ECLOSED);
        (void)peer_ask(&p, &plain); /* and whoever asks next */
        peer_take_request(&p, &request);
        assert_string_equal(request.topic, rows[i].after);
        peer_answer(&p, &request, "yes", NULL);
        expect_end(&p, WILCO_OK);
        peer_close(&p);
    }
}

/* With other servers it is a subscription, and nothing leaves before that is granted again. */
static void
subscribes_again_to_where_responses_come(void **state)
{
    struct peer_request request;
    struct wire_any packet;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    (void)peer_ask_first(&p, &plain, &request);
    peer_answer(&p, &request, "yes", NULL);
    expect_end(&p, WILCO_OK);
    peer_ack(&p, WIRE_PUBACK, request.packet_id, 0);
    peer_lose(&p);
    (void)peer_ask(&p, &plain);
    peer_reopen(&p, false, NULL);
    peer_expect(&p, WIRE_SUBSCRIBE, &packet);
    peer_expect_nothing(&p);
    answer(&p, WIRE_SUBACK, packet.as.subscribe.packet_id, 1);
    peer_take_request(&p, &request);
    peer_answer(&p, &request, "yes", NULL);
    expect_end(&p, WILCO_OK);
    peer_ack(&p, WIRE_PUBACK, request.packet_id, 0);

    peer_lose(&p); /* nobody waits: it is asked for when it is needed */
    peer_reopen(&p, false, NULL);
    peer_expect_nothing(&p);
    (void)peer_ask_first(&p, &plain, &request);

    peer_lose(&p);
    (void)peer_ask(&p, &plain);
    peer_reopen(&p, false, NULL);
    expect_end(&p, WILCO_ELOST); /* the one that had been sent */
    peer_expect(&p, WIRE_SUBSCRIBE, &packet);
    answer(&p, WIRE_SUBACK, packet.as.subscribe.packet_id, 0x87);
    expect_end(&p, WILCO_EREFUSED);
    peer_expect_nothing(&p);
    peer_close(&p);
}

/* So does one that pauses between two tries when the new session has no place for its answer. */
static void
ends_requests_that_pause_when_their_topic_is_refused(void **state)
{
    struct wilco_request patient = plain;
    struct peer_request request;
    struct wire_any packet;
    struct peer p;

    (void)state;
    patient.responder_wait_ms = 50000;
    peer_open(&p, NULL, NULL);
    (void)peer_ask_first(&p, &patient, &request);
    for (int i = 0; i < 5; i++) { /* the pause grows, and is longer than it takes to connect */
        peer_ack(&p, WIRE_PUBACK, request.packet_id, 0x10);
        peer_advance(&p, 5000);
        peer_take_request(&p, &request);
    }
    peer_ack(&p, WIRE_PUBACK, request.packet_id, 0x10);
    peer_lose(&p);
    peer_reopen(&p, false, NULL);
    peer_expect(&p, WIRE_SUBSCRIBE, &packet);
    answer(&p, WIRE_SUBACK, packet.as.subscribe.packet_id, 0x87);
    expect_end(&p, WILCO_EREFUSED);
    peer_no_event(&p);
    assert_int_equal(peer_counters(&p).pending, 0);
    peer_close(&p);
}

static void
ends_requests_in_time_without_a_connection(void **state)
{
    const struct wilco_request r = {.topic = "do", .timeout_ms = 30};
    struct peer p;

    (void)state;
    peer_open(&p, &(struct wilco_options){.client_id = "a", .reconnect_min_ms = 1000}, NULL);
    peer_lose(&p);
    (void)peer_ask(&p, &r);
    assert_true(core_deadline_ms(p.core) <= p.now_ms + 30);
    peer_advance(&p, 30);
    expect_end(&p, WILCO_ETIMEDOUT);
    (void)peer_ask(&p, &r);
    peer_expect_connect(&p, NULL); /* it has passed meanwhile */
    expect_end(&p, WILCO_ETIMEDOUT);
    peer_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_subscriptions_of_a_session_that_is_kept),
        cmocka_unit_test(subscribes_again_in_a_new_session),
        cmocka_unit_test(says_again_what_was_not_acknowledged),
        cmocka_unit_test(drops_what_is_not_granted_again),
        cmocka_unit_test(goes_back_to_what_was_before),
        cmocka_unit_test(does_not_ask_for_what_the_server_does_not_do),
        cmocka_unit_test(gets_the_answer_on_another_connection),
        cmocka_unit_test(ends_requests_of_a_forgotten_session),
        cmocka_unit_test(sends_what_was_never_sent),
        cmocka_unit_test(subscribes_again_to_where_responses_come),
        cmocka_unit_test(ends_requests_that_pause_when_their_topic_is_refused),
        cmocka_unit_test(ends_requests_in_time_without_a_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
