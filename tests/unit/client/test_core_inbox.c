#include "peer.h"

#include "client/message.h"
#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The inbox that a server assigns with CONNACK: it has subscribed the client to it and to all
 * below. */

#define INBOX "$r/abcdefgh12345678"

static const struct wilco_request plain = {.topic = "do"};

static void
open_with(struct peer *p, const struct wilco_options *options, const char *information)
{
    struct wire_properties connack = {.present = 0};

    connack.response_information = span_of_text(information);
    wire_properties_set(&connack, WIRE_RESPONSE_INFORMATION);
    peer_open(p, options, &connack);
}

/* The next request to end has this answer. */
static void
expect_answer(struct peer *p, const char *payload)
{
    struct core_event event;
    struct wilco_bytes bytes;

    peer_event(p, CORE_RESPONSE, &event);
    assert_int_equal(event.status, WILCO_OK);
    bytes = wilco_message_payload(event.message);
    assert_true(span_equal(span_of(bytes.data, bytes.len), span_of_text(payload)));
    wilco_message_unref(event.message);
}

/* Takes the SUBSCRIBE that is there, if there is one. */
static bool
has_subscribed(struct peer *p)
{
    bool has_asked = peer_counters(p).requests == 0;

    if (has_asked) {
        (void)peer_grant(p, 1);
    }
    return has_asked;
}

/* [U-3.2.2-9]: the basis of Response Topics. */
static void
follows_what_can_be_followed(void **state)
{
    static const struct {
        const char *information;
        bool is_followed;
    } rows[] = {
        {INBOX, true},
        {"$r/tenant/abcdefgh12345678", true},
        {"$r/x", true},
        {"$r/\xc3\xa4", true},
        {"", false},
        {"$r/", false},
        {"$r/+/abcdefgh12345678", false},
        {"$r/#", false},
        {"$rx/abcdefgh12345678", false},
        {"reqresp/response/me", false}, /* a prefix of other servers', to be subscribed to */
        {"/", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct peer_request request;
        struct peer p;
        char inbox[64], start[4];

        open_with(&p, NULL, rows[i].information);
        assert_int_equal(core_inbox(p.core, inbox, sizeof(inbox)),
                         rows[i].is_followed ? strlen(rows[i].information) : 0);
        assert_string_equal(inbox, rows[i].is_followed ? rows[i].information : "");
        assert_int_equal(core_inbox(p.core, start, sizeof(start)), strlen(inbox));
        assert_string_equal(start, rows[i].is_followed ? "$r/" : ""); /* as much as fits */
        assert_int_equal(core_inbox(p.core, NULL, 0), strlen(inbox));
        (void)peer_ask(&p, &plain);
        if (has_subscribed(&p) == rows[i].is_followed) {
            fail_msg("\"%s\"", rows[i].information);
        }
        peer_take_request(&p, &request);
        if (rows[i].is_followed) {
            assert_string_equal(request.topic, rows[i].information);
        } else {
            assert_memory_equal(request.topic, "responses/", 10);
        }
        peer_answer(&p, &request, "yes", NULL);
        expect_answer(&p, "yes");
        peer_close(&p);
    }
}

/* What is no string at all is no CONNACK either. */
static void
refuses_what_is_not_utf8(void **state)
{
    struct span bytes = bytes_from("20 [ 00 00 [ 1A 00 04 '$r/' FF ] ]");
    struct wilco_error why;
    struct peer p;

    (void)state;
    peer_start(&p, NULL);
    peer_send_bytes(&p, bytes);
    assert_int_equal(core_state(p.core), CORE_CLOSED);
    assert_int_equal(core_why(p.core, &why), WILCO_EPROTOCOL);
    core_discard_output(p.core);
    peer_close(&p);
    bytes_free(bytes);
}

static void
goes_on_with_the_inbox_of_a_kept_session(void **state)
{
    const struct wilco_options options = {.client_id = "me", .keep_session = true};
    struct wire_any connack = {.type = WIRE_CONNACK, .as.connack.session_present = true};
    struct wire_any packet;
    struct peer_request request;
    struct peer p;

    (void)state;
    peer_start(&p, &options);
    peer_expect(&p, WIRE_CONNECT, &packet);
    assert_false(packet.as.connect.clean_start);
    assert_int_equal(packet.as.connect.properties.request_response_information, 1);
    connack.as.connack.properties.response_information = SPAN_LITERAL(INBOX);
    wire_properties_set(&connack.as.connack.properties, WIRE_RESPONSE_INFORMATION);
    peer_send(&p, &connack);
    peer_publish(&p, INBOX, "of an earlier connection", 0, 0);
    peer_no_event(&p);
    assert_int_equal(peer_counters(&p).responses_unknown, 1);
    assert_int_equal(peer_counters(&p).messages_unmatched, 0);
    (void)peer_ask(&p, &plain);
    peer_take_request(&p, &request);
    assert_string_equal(request.topic, INBOX);
    peer_close(&p);
}

/* [U-4.10-1]: for what lies in the inbox the server has subscribed already. */
static void
subscribes_to_what_lies_elsewhere(void **state)
{
    static const struct {
        const char *topic;
        bool is_subscribed;
    } rows[] = {
        {INBOX, false},         {INBOX "/a", false},
        {INBOX "/a/b", false},  {INBOX "/", false},
        {INBOX "x", true},      {"$r/abcdefgh1234567", true},
        {"$r/other/inb", true}, {"responses/device1/getConfig", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct wilco_request r = {.topic = "do", .response_topic = rows[i].topic};
        struct peer_request request;
        struct peer p;

        open_with(&p, NULL, INBOX);
        (void)peer_ask(&p, &r);
        if (has_subscribed(&p) != rows[i].is_subscribed) {
            fail_msg("%s", rows[i].topic);
        }
        peer_take_request(&p, &request);
        assert_string_equal(request.topic, rows[i].topic);
        peer_answer(&p, &request, "yes", NULL);
        expect_answer(&p, "yes");
        peer_expect_nothing(&p);
        peer_close(&p);
    }
}

/* The right correlation on another topic of the inbox is no answer. */
static void
keeps_its_topics_apart(void **state)
{
    const struct wilco_request below = {
        .topic = "do", .response_topic = INBOX "/a", .correlation_data = {"1", 1}};
    const struct wilco_request equal = {.topic = "do", .correlation_data = {"1", 1}};
    struct peer_request first, second;
    struct peer p;

    (void)state;
    open_with(&p, NULL, INBOX);
    (void)peer_ask(&p, &below);
    peer_take_request(&p, &first);
    (void)peer_ask(&p, &equal);
    peer_take_request(&p, &second);
    first.topic[sizeof(INBOX)] = 'b';
    peer_answer(&p, &first, "elsewhere", NULL);
    peer_no_event(&p);
    peer_answer(&p, &second, "second", NULL);
    expect_answer(&p, "second");
    first.topic[sizeof(INBOX)] = 'a';
    peer_answer(&p, &first, "first", NULL);
    expect_answer(&p, "first");
    peer_no_event(&p);
    peer_close(&p);
}

static void
on_message(void *context, const struct wilco_message *m)
{
    (void)context;
    (void)m;
}

static void
subscribe_to(struct peer *p, const char *filter)
{
    const struct core_subscriber to = {.on_message = on_message, .context = p};
    struct core_event event;
    uint8_t reason_code = 0;

    assert_int_equal(core_subscribe(p->core, &(struct wilco_subscription){.filter = filter}, &to, p,
                                    &reason_code),
                     WILCO_OK);
    assert_int_equal(peer_grant(p, 0), 1);
    peer_awaited(p, CORE_OPERATION, &event);
    assert_int_equal(event.status, WILCO_OK);
}

/* QoS 0 to the request's topic, for the subscription with this identifier (0: none). */
static void
answer_for(struct peer *p, const struct peer_request *request, uint32_t identifier)
{
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct wire_properties *properties = &packet.as.publish.properties;

    packet.as.publish.topic = span_of_text(request->topic);
    packet.as.publish.payload = SPAN_LITERAL("yes");
    properties->correlation_data = span_of(request->correlation, request->correlation_len);
    wire_properties_set(properties, WIRE_CORRELATION_DATA);
    if (identifier != 0) {
        properties->subscription_identifier = identifier;
        wire_properties_set(properties, WIRE_SUBSCRIPTION_IDENTIFIER);
    }
    peer_send(p, &packet);
}

/* An application's subscription in the inbox gets what is published there, and so do requests. */
static void
leaves_the_inbox_to_the_application_too(void **state)
{
    static const char *const filters[] = {INBOX, INBOX "/#"};

    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        struct peer_request request;
        struct core_event event;
        struct wire_any packet;
        struct peer p;

        open_with(&p, NULL, INBOX);
        subscribe_to(&p, filters[i % 2]);
        (void)peer_ask(&p, &plain);
        peer_take_request(&p, &request);
        answer_for(&p, &request, i / 2);
        expect_answer(&p, "yes");
        peer_event(&p, CORE_MESSAGE, &event);
        wilco_message_unref(event.message);
        assert_int_equal(core_unsubscribe(p.core, filters[i % 2], &p), WILCO_OK);
        peer_expect(&p, WIRE_UNSUBSCRIBE, &packet);
        (void)peer_ask(&p, &plain);
        peer_take_request(&p, &request);
        peer_close(&p);
    }
}

/* They count among the response topics, but need no UNSUBSCRIBE to make room. */
static void
bounds_topics_in_the_inbox(void **state)
{
    const struct core_asker asker = {.on_response = peer_on_response};
    struct peer_request requests[64];
    char topic[64];
    struct wilco_request r = {.topic = "do", .response_topic = topic};
    uint64_t call = 0;
    uint8_t reason_code = 0;
    struct peer p;

    (void)state;
    open_with(&p, NULL, INBOX);
    for (unsigned i = 0; i < 64; i++) {
        (void)snprintf(topic, sizeof(topic), INBOX "/%u", i);
        (void)peer_ask(&p, &r);
        peer_take_request(&p, &requests[i]);
    }
    assert_int_equal(core_request(p.core, &plain, &asker, p.now_ms, &call, &reason_code),
                     WILCO_ELIMIT);
    peer_answer(&p, &requests[5], "yes", NULL);
    expect_answer(&p, "yes");
    (void)peer_ask(&p, &plain);
    peer_take_request(&p, &requests[5]);
    assert_string_equal(requests[5].topic, INBOX);
    peer_expect_nothing(&p);
    peer_close(&p);
}

static const struct peer_status nobody = {"503", "nobody there", "broker", "rejected", "no"};

/* T8: exactly one outcome, whatever comes first; a response that comes then is counted. */
static void
reports_one_outcome(void **state)
{
    enum said { END, ANSWER, STATUS, ACK };
    static const struct {
        const char *name;
        uint8_t qos;
        enum said said[3];
        enum wilco_status want;
        uint8_t reason_code;
        uint64_t late, duplicate, responses;
    } rows[] = {
        {"status alone", 0, {STATUS}, WILCO_ENORESPONDER, 0, 0, 0, 0},
        {"status twice", 0, {STATUS, STATUS}, WILCO_ENORESPONDER, 0, 0, 0, 0},
        {"PUBACK, status", 1, {ACK, STATUS}, WILCO_ENORESPONDER, 0x10, 0, 0, 0},
        {"status, PUBACK", 1, {STATUS, ACK}, WILCO_ENORESPONDER, 0, 0, 0, 0},
        {"PUBREC, status", 2, {ACK, STATUS}, WILCO_ENORESPONDER, 0x10, 0, 0, 0},
        {"status, PUBREC", 2, {STATUS, ACK}, WILCO_ENORESPONDER, 0, 0, 0, 0},
        {"answer, status", 1, {ANSWER, STATUS}, WILCO_OK, 0, 0, 0, 1},
        {"status, answer", 1, {STATUS, ANSWER}, WILCO_ENORESPONDER, 0, 1, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct wilco_request r = {
            .topic = "do", .qos = rows[i].qos, .qos_0 = rows[i].qos == 0};
        struct peer_request request;
        struct wilco_counters counters;
        struct core_event event;
        struct peer p;

        open_with(&p, NULL, INBOX);
        (void)peer_ask(&p, &r);
        peer_take_request(&p, &request);
        for (size_t j = 0; rows[i].said[j] != END; j++) {
            switch (rows[i].said[j]) {
            case END: break;
            case ANSWER: peer_answer(&p, &request, "yes", NULL); break;
            case STATUS: peer_say_status(&p, &request, &nobody); break;
            case ACK:
                peer_ack(&p, rows[i].qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, request.packet_id, 0x10);
                break;
            }
        }
        peer_event(&p, CORE_RESPONSE, &event);
        counters = peer_counters(&p);
        if (event.status != rows[i].want || event.reason_code != rows[i].reason_code ||
            counters.responses_late != rows[i].late ||
            counters.responses_duplicate != rows[i].duplicate ||
            counters.responses != rows[i].responses) {
            fail_msg("%s", rows[i].name);
        }
        wilco_message_unref(event.message);
        peer_no_event(&p);
        assert_int_equal(core_state(p.core), CORE_OPEN);
        peer_close(&p);
    }
}

/* It explains, and is no response, unless nobody knows what it says. */
static void
tells_a_status_response_from_a_response(void **state)
{
    static const struct {
        struct peer_status said;
        enum wilco_status want;
        bool is_response;
    } rows[] = {
        {{"503", "it went away", "broker", "acked", "maybe"}, WILCO_ELOST, false},
        {{"504", NULL, "broker", "queued", "no"}, WILCO_ETIMEDOUT, false},
        {{"505", "odd", "broker", NULL, NULL}, WILCO_EREMOTE, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct wilco_request r = {.topic = "do", .response_topic = INBOX "/a"};
        struct peer_request request;
        struct core_event event;
        struct peer p;

        open_with(&p, NULL, INBOX);
        (void)peer_ask(&p, &r);
        peer_take_request(&p, &request);
        peer_ack(&p, WIRE_PUBACK, request.packet_id, 0);
        peer_say_status(&p, &request, &rows[i].said);
        peer_event(&p, CORE_RESPONSE, &event);
        assert_int_equal(event.status, rows[i].want);
        assert_true(message_is_status_response(event.message));
        assert_int_equal(message_as_response(event.message, event.status) != NULL,
                         rows[i].is_response);
        wilco_message_unref(event.message);
        assert_int_equal(peer_counters(&p).responses, rows[i].is_response);
        assert_int_equal(peer_counters(&p).pending, 0);
        peer_close(&p);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_what_can_be_followed),
        cmocka_unit_test(refuses_what_is_not_utf8),
        cmocka_unit_test(goes_on_with_the_inbox_of_a_kept_session),
        cmocka_unit_test(subscribes_to_what_lies_elsewhere),
        cmocka_unit_test(keeps_its_topics_apart),
        cmocka_unit_test(leaves_the_inbox_to_the_application_too),
        cmocka_unit_test(bounds_topics_in_the_inbox),
        cmocka_unit_test(reports_one_outcome),
        cmocka_unit_test(tells_a_status_response_from_a_response),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
