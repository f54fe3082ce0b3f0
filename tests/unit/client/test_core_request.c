#include "peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct wilco_request plain = {.topic = "do", .payload = {"x", 1}};

/* The next request to end does so like this; its response must be `payload` (NULL: none). */
static void
expect_end(struct peer *p, enum wilco_status status, uint8_t reason_code, const char *payload)
{
    struct core_event event;

    peer_event(p, CORE_RESPONSE, &event);
    assert_int_equal(event.status, status);
    assert_int_equal(event.reason_code, reason_code);
    assert_true(event.to.on_response == peer_on_response);
    if (payload == NULL) {
        assert_null(event.message);
    } else {
        struct wilco_bytes bytes = wilco_message_payload(event.message);

        assert_true(span_equal(span_of(bytes.data, bytes.len), span_of_text(payload)));
    }
    wilco_message_unref(event.message);
}

/* [U-4.10-1]: the subscription first, then the question. T5: one for all of them, and for good. */
static void
subscribes_before_it_asks(void **state)
{
    struct wire_any packet;
    struct peer_request request;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    (void)peer_ask(&p, &plain);
    (void)peer_ask(&p, &(struct wilco_request){.topic = "second"});
    peer_expect(&p, WIRE_SUBSCRIBE, &packet);
    assert_int_equal(packet.as.subscribe.count, 1);
    peer_expect_nothing(&p);
    assert_int_equal(peer_counters(&p).requests, 0);
    {
        struct wire_any granted = {.type = WIRE_SUBACK};

        granted.as.suback.packet_id = packet.as.subscribe.packet_id;
        granted.as.suback.reason_codes = span_of("\1", 1);
        peer_send(&p, &granted);
    }
    peer_take_request(&p, &request); /* in the order of asking */
    assert_int_equal(request.qos, 1);
    assert_int_equal(strlen(request.topic), sizeof("responses/") - 1 + 22);
    peer_take_request(&p, &request);
    peer_expect_nothing(&p);
    assert_int_equal(peer_counters(&p).requests, 2);
    peer_answer(&p, &request, "yes", NULL);
    expect_end(&p, WILCO_OK, 0, "yes");
    peer_expect_nothing(&p);
    (void)peer_ask(&p, &plain); /* the inbox is still there */
    peer_take_request(&p, &request);
    peer_expect_nothing(&p);
    peer_close(&p);
}

/* T2: nothing that two could have, or that could be guessed. */
static void
makes_each_correlation_a_uuid(void **state)
{
    struct peer_request first, second;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    (void)peer_ask_first(&p, &plain, &first);
    (void)peer_ask(&p, &plain);
    peer_take_request(&p, &second);
    assert_int_equal(first.correlation_len, 16);
    assert_int_equal(first.correlation[6] >> 4, 7); /* the version */
    assert_memory_not_equal(first.correlation, second.correlation, 16);
    peer_close(&p);
}

static void
gives_the_answer_to_whom_it_is_for(void **state)
{
    static const struct {
        const char *status; /* `__stat` */
        enum wilco_status want;
    } rows[] = {{NULL, WILCO_OK},       {"200", WILCO_OK},      {"204", WILCO_OK},
                {"404", WILCO_EREMOTE}, {"500", WILCO_EREMOTE}, {"junk", WILCO_EREMOTE}};
    struct peer_request request;
    struct peer p;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        peer_open(&p, NULL, NULL);
        (void)peer_ask_first(&p, &plain, &request);
        peer_ack(&p, WIRE_PUBACK, request.packet_id, 0);
        peer_no_event(&p);
        peer_answer(&p, &request, "yes", rows[i].status);
        expect_end(&p, rows[i].want, 0, "yes");
        peer_no_event(&p);
        assert_int_equal(peer_counters(&p).pending, 0);
        assert_int_equal(peer_counters(&p).responses, 1);
        peer_close(&p);
    }
}

/* With correlation data that are not ours, empty ones included. */
static void
matches_any_correlation_byte_for_byte(void **state)
{
    static const char *const correlations[] = {"{ \"requestId\": \"abcdef12345\" }", "",
                                               "\xff\xfe"};
    struct peer_request request;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    for (size_t i = 0; i < sizeof(correlations) / sizeof(correlations[0]); i++) {
        const struct wilco_request r = {
            .topic = "requests/device1/getConfig",
            .response_topic = "responses/device1/getConfig",
            .correlation_data = {correlations[i], strlen(correlations[i])},
        };

        if (i == 0) {
            (void)peer_ask_first(&p, &r, &request);
        } else {
            (void)peer_ask(&p, &r);
            peer_take_request(&p, &request);
        }
        assert_string_equal(request.topic, "responses/device1/getConfig");
        assert_memory_equal(request.correlation, correlations[i], strlen(correlations[i]));
        peer_answer(&p, &request, correlations[i], NULL);
        expect_end(&p, WILCO_OK, 0, correlations[i]);
    }
    peer_close(&p);
}

static void
shuffle(size_t *order, size_t count, const struct random_source *random)
{
    for (size_t i = count - 1; i > 0; i--) {
        uint64_t bits = 0;
        size_t other = 0;
        size_t kept = order[i];

        assert_int_equal(random_u64(random, &bits), WILCO_OK);
        other = (size_t)(bits % (i + 1));
        order[i] = order[other];
        order[other] = kept;
    }
}

#define MANY 10000U

/* Each answer carries the number of its question, and each asker knows its own. */
static void
keeps_ten_thousand_apart(void **state)
{
    struct peer_request *requests = test_calloc(MANY, sizeof(*requests));
    size_t *order = test_calloc(MANY, sizeof(*order));
    const struct core_asker *asker = &(struct core_asker){.on_response = peer_on_response};
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    for (size_t i = 0; i < MANY; i++) {
        const struct wilco_request r = {.topic = "do", .timeout_ms = 60000};
        struct core_asker mine = *asker;
        uint64_t call = 0;
        uint8_t reason_code = 0;

        mine.context = &requests[i];
        assert_int_equal(core_request(p.core, &r, &mine, p.now_ms, &call, &reason_code), WILCO_OK);
        if (i == 0) {
            (void)peer_grant(&p, 1);
        }
        peer_take_request(&p, &requests[i]);
        order[i] = i;
    }
    assert_int_equal(peer_counters(&p).pending, MANY);
    shuffle(order, MANY, &p.random.source);
    for (size_t i = 0; i < MANY; i++) {
        const struct peer_request *request = &requests[order[i]];
        struct core_event event;
        char payload[16];

        (void)snprintf(payload, sizeof(payload), "%zu", order[i]);
        peer_answer(&p, request, payload, NULL);
        peer_event(&p, CORE_RESPONSE, &event);
        assert_ptr_equal(event.context, request);
        assert_int_equal(event.status, WILCO_OK);
        assert_int_equal(strtoul(payload, NULL, 10),
                         (size_t)((const struct peer_request *)event.context - requests));
        wilco_message_unref(event.message);
        peer_ack(&p, WIRE_PUBACK, request->packet_id, 0);
    }
    peer_no_event(&p);
    assert_int_equal(peer_counters(&p).responses, MANY);
    assert_int_equal(peer_counters(&p).pending, 0);
    peer_close(&p);
    test_free(requests);
    test_free(order);
}

/* [U-4.10-2]: there may be no response at all. T6: nothing is left of it; T7: what comes late holds
 * nobody up. */
static void
times_out_when_nothing_comes(void **state)
{
    struct peer_request request;
    struct wilco_counters counters;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    (void)peer_ask_first(&p, &(struct wilco_request){.topic = "do", .timeout_ms = 250}, &request);
    assert_true(core_deadline_ms(p.core) <= p.now_ms + 250);
    peer_advance(&p, 249);
    peer_no_event(&p);
    peer_advance(&p, 1);
    expect_end(&p, WILCO_ETIMEDOUT, 0, NULL);
    peer_answer(&p, &request, "late", NULL);
    peer_no_event(&p);
    peer_ack(&p, WIRE_PUBACK, request.packet_id, 0x10); /* means nothing any more */
    peer_no_event(&p);
    counters = peer_counters(&p);
    assert_int_equal(counters.timeouts, 1);
    assert_int_equal(counters.responses_late, 1);
    assert_int_equal(counters.pending, 0);
    peer_close(&p);
}

/* T8: whichever is first, the other one finds nothing to end, and to free. */
static void
ends_once_at_the_deadline(void **state)
{
    (void)state;
    for (int answer_first = 0; answer_first < 2; answer_first++) {
        const struct wilco_request r = {.topic = "do", .timeout_ms = 250};
        struct peer_request request;
        struct peer p;

        peer_open(&p, NULL, NULL);
        (void)peer_ask_first(&p, &r, &request);
        if (answer_first) {
            p.now_ms += 250;
        } else {
            peer_advance(&p, 250);
        }
        peer_answer(&p, &request, "yes", NULL);
        peer_advance(&p, 1);
        expect_end(&p, answer_first ? WILCO_OK : WILCO_ETIMEDOUT, 0, answer_first ? "yes" : NULL);
        peer_no_event(&p);
        assert_int_equal(peer_counters(&p).pending, 0);
        peer_close(&p);
    }
}

/* One whose PUBLISH has not left when its time is over does not send it any more. */
static void
does_not_send_what_is_over(void **state)
{
    struct wire_properties connack = {.receive_maximum = 1};
    struct peer_request first, third;
    struct peer p;

    (void)state;
    wire_properties_set(&connack, WIRE_RECEIVE_MAXIMUM);
    peer_open(&p, NULL, &connack);
    (void)peer_ask_first(&p, &(struct wilco_request){.topic = "first"}, &first);
    (void)peer_ask(&p, &(struct wilco_request){.topic = "second", .timeout_ms = 100});
    (void)peer_ask(&p, &(struct wilco_request){.topic = "third", .response_topic = first.topic});
    peer_expect_nothing(&p);
    peer_advance(&p, 100);
    expect_end(&p, WILCO_ETIMEDOUT, 0, NULL);
    peer_ack(&p, WIRE_PUBACK, first.packet_id, 0);
    peer_take_request(&p, &third);
    peer_expect_nothing(&p);
    assert_int_equal(peer_counters(&p).requests, 2);
    peer_close(&p);
}

/* T4: 0x10 is no timeout. */
static void
hears_that_nobody_is_there(void **state)
{
    static const struct {
        uint8_t qos;
        enum wire_type ack;
        uint8_t reason_code;
        enum wilco_status want;
    } rows[] = {
        {1, WIRE_PUBACK, 0x10, WILCO_ENORESPONDER},
        {1, WIRE_PUBACK, 0x87, WILCO_EREFUSED},
        {2, WIRE_PUBREC, 0x10, WILCO_ENORESPONDER},
        {2, WIRE_PUBREC, 0x97, WILCO_EREFUSED},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct wilco_request r = {.topic = "do", .qos = rows[i].qos};
        struct peer_request request;
        struct peer p;

        peer_open(&p, NULL, NULL);
        (void)peer_ask_first(&p, &r, &request);
        peer_ack(&p, rows[i].ack, request.packet_id, rows[i].reason_code);
        expect_end(&p, rows[i].want, rows[i].reason_code, NULL);
        peer_no_event(&p);
        assert_int_equal(peer_counters(&p).pending, 0);
        peer_close(&p);
    }
}

/* T1: the answer may come before the PUBACK, and then 0x10 is about somebody else. */
static void
lets_the_answer_overtake_the_puback(void **state)
{
    struct peer_request request;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    (void)peer_ask_first(&p, &plain, &request);
    peer_answer(&p, &request, "yes", NULL);
    peer_ack(&p, WIRE_PUBACK, request.packet_id, 0x10);
    expect_end(&p, WILCO_OK, 0, "yes");
    peer_no_event(&p);
    peer_close(&p);
}

/* T4, [U-4.10-2]: of several responses to one request the first counts. */
static void
drops_what_it_did_not_ask_for(void **state)
{
    struct peer_request request, other;
    struct wilco_counters counters;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    (void)peer_ask_first(&p, &plain, &request);
    other = request;
    other.correlation[0] ^= 1;
    peer_answer(&p, &other, "unknown", NULL);
    other = request;
    other.correlation_len = 15;
    peer_answer(&p, &other, "cut", NULL);
    other = request;
    other.topic[0] = 'X'; /* right correlation, wrong topic */
    peer_answer(&p, &other, "elsewhere", NULL);
    peer_no_event(&p);
    peer_answer(&p, &request, "right", NULL);
    peer_answer(&p, &request, "again", NULL);
    expect_end(&p, WILCO_OK, 0, "right");
    peer_no_event(&p);
    counters = peer_counters(&p);
    assert_int_equal(counters.responses_unknown, 2);
    assert_int_equal(counters.messages_unmatched, 1);
    assert_int_equal(counters.responses_duplicate, 1);
    assert_int_equal(counters.responses, 1);
    assert_int_equal(counters.pending, 0);
    peer_close(&p);
}

/* T4: what was stored before the question was asked does not answer it. */
static void
drops_retained_messages(void **state)
{
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct peer_request request;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    (void)peer_ask_first(&p, &plain, &request);
    packet.as.publish.topic = span_of_text(request.topic);
    packet.as.publish.retain = true;
    packet.as.publish.properties.correlation_data =
        span_of(request.correlation, request.correlation_len);
    wire_properties_set(&packet.as.publish.properties, WIRE_CORRELATION_DATA);
    peer_send(&p, &packet);
    peer_no_event(&p);
    assert_int_equal(peer_counters(&p).responses_unknown, 1);
    assert_int_equal(peer_counters(&p).pending, 1);
    peer_close(&p);
}

/* T9: the requests fail, and do not time out. */
static void
fails_when_the_inbox_is_refused(void **state)
{
    struct peer_request request;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    (void)peer_ask(&p, &plain);
    (void)peer_ask(&p, &plain);
    (void)peer_grant(&p, 0x87);
    for (int i = 0; i < 2; i++) {
        expect_end(&p, WILCO_EREFUSED, 0x87, NULL);
    }
    peer_no_event(&p);
    peer_expect_nothing(&p);                    /* nothing was published */
    (void)peer_ask_first(&p, &plain, &request); /* and the next one tries again */
    peer_close(&p);
}

static void
can_be_taken_back(void **state)
{
    struct peer_request request;
    uint64_t call = 0;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    call = peer_ask(&p, &plain); /* even before its inbox is there */
    assert_int_equal(core_cancel(p.core, call), WILCO_OK);
    expect_end(&p, WILCO_ECANCELLED, 0, NULL);
    assert_int_equal(core_cancel(p.core, call), WILCO_ENOTFOUND);
    (void)peer_grant(&p, 1);
    peer_expect_nothing(&p);
    call = peer_ask(&p, &plain);
    peer_take_request(&p, &request);
    assert_int_equal(core_cancel(p.core, call), WILCO_OK);
    expect_end(&p, WILCO_ECANCELLED, 0, NULL);
    peer_answer(&p, &request, "late", NULL);
    peer_no_event(&p);
    assert_int_equal(peer_counters(&p).responses_late, 1);
    peer_close(&p);
}

static void
refuses_what_cannot_be_asked(void **state)
{
    static const struct {
        const char *name;
        struct wilco_request request;
        enum wilco_status want;
    } rows[] = {
        {"no topic", {.topic = NULL}, WILCO_EINVAL},
        {"wildcard", {.topic = "a/#"}, WILCO_EINVAL},
        {"response to a wildcard", {.topic = "a", .response_topic = "b/+"}, WILCO_EINVAL},
        {"QoS 3", {.topic = "a", .qos = 3}, WILCO_EINVAL},
        {"asked already",
         {.topic = "a", .response_topic = "r", .correlation_data = {"1", 1}},
         WILCO_EINVAL},
        {"too large", {.topic = "a", .payload = {"", 300}}, WILCO_ELIMIT},
    };
    struct wire_properties connack = {.maximum_packet_size = 250};
    struct peer_request request;
    struct peer p;

    (void)state;
    wire_properties_set(&connack, WIRE_MAXIMUM_PACKET_SIZE);
    peer_open(&p, NULL, &connack);
    (void)peer_ask_first(&p, &rows[4].request, &request);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct core_asker asker = {.on_response = peer_on_response};
        char payload[300] = "";
        struct wilco_request r = rows[i].request;
        uint64_t call = 0;
        uint8_t reason_code = 0;

        if (r.payload.len > 0) {
            r.payload.data = payload;
        }
        if (core_request(p.core, &r, &asker, p.now_ms, &call, &reason_code) != rows[i].want) {
            fail_msg("%s", rows[i].name);
        }
    }
    peer_expect_nothing(&p);
    assert_int_equal(peer_counters(&p).pending, 1);
    peer_close(&p);
}

static void
bounds_what_is_pending(void **state)
{
    const struct core_asker asker = {.on_response = peer_on_response};
    struct peer_request request;
    uint64_t call = 0;
    uint8_t reason_code = 0;
    struct peer p;

    (void)state;
    peer_open(&p, &(struct wilco_options){.client_id = "a", .pending_max = 1}, NULL);
    (void)peer_ask_first(&p, &plain, &request);
    assert_int_equal(core_request(p.core, &plain, &asker, p.now_ms, &call, &reason_code),
                     WILCO_ELIMIT);
    peer_answer(&p, &request, "yes", NULL);
    expect_end(&p, WILCO_OK, 0, "yes");
    (void)peer_ask(&p, &plain);
    peer_close(&p);
}

/* A response topic that is not used any more makes room; ones in use do not. */
static void
bounds_response_topics(void **state)
{
    const struct core_asker asker = {.on_response = peer_on_response};
    struct peer_request requests[64];
    struct wire_any packet;
    char topic[16];
    struct wilco_request r = {.topic = "do", .response_topic = topic};
    uint64_t call = 0;
    uint8_t reason_code = 0;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    for (unsigned i = 0; i < 64; i++) {
        (void)snprintf(topic, sizeof(topic), "r/%u", i);
        (void)peer_ask_first(&p, &r, &requests[i]);
    }
    (void)snprintf(topic, sizeof(topic), "r/more");
    assert_int_equal(core_request(p.core, &r, &asker, p.now_ms, &call, &reason_code), WILCO_ELIMIT);
    peer_expect_nothing(&p);
    peer_answer(&p, &requests[5], "yes", NULL);
    expect_end(&p, WILCO_OK, 0, "yes");
    (void)peer_ask(&p, &r);
    peer_expect(&p, WIRE_UNSUBSCRIBE, &packet);
    (void)peer_grant(&p, 1);
    peer_take_request(&p, &requests[5]);
    assert_string_equal(requests[5].topic, "r/more");
    peer_close(&p);
}

static void
lowers_its_own_qos_for_the_server(void **state)
{
    struct wire_properties connack = {.maximum_qos = 0};
    struct peer_request request;
    const struct wilco_request explicit_qos = {.topic = "do", .qos = 1};
    const struct core_asker asker = {.on_response = peer_on_response};
    uint64_t call = 0;
    uint8_t reason_code = 0;
    struct peer p;

    (void)state;
    wire_properties_set(&connack, WIRE_MAXIMUM_QOS);
    peer_open(&p, NULL, &connack);
    (void)peer_ask_first(&p, &plain, &request);
    assert_int_equal(request.qos, 0);
    assert_int_equal(core_request(p.core, &explicit_qos, &asker, p.now_ms, &call, &reason_code),
                     WILCO_EREFUSED);
    assert_int_equal(reason_code, 0x9B);
    peer_close(&p);
}

/* That of a client which does not connect again. */
static const struct wilco_options once = {.client_id = "me", .reconnect_off = true};

static void
ends_with_the_connection(void **state)
{
    struct peer_request request;
    struct core_event event;
    struct peer p;

    (void)state;
    peer_open(&p, &once, NULL);
    (void)peer_ask_first(&p, &plain, &request);
    (void)peer_ask(&p, &(struct wilco_request){.topic = "do", .response_topic = "not/granted"});
    core_lost(p.core, "cut", p.now_ms);
    for (int i = 0; i < 2; i++) {
        expect_end(&p, WILCO_ECLOSED, 0, NULL);
    }
    peer_event(&p, CORE_ENDED, &event);
    peer_no_event(&p);
    assert_int_equal(peer_counters(&p).pending, 0);
    peer_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subscribes_before_it_asks),
        cmocka_unit_test(makes_each_correlation_a_uuid),
        cmocka_unit_test(gives_the_answer_to_whom_it_is_for),
        cmocka_unit_test(matches_any_correlation_byte_for_byte),
        cmocka_unit_test(keeps_ten_thousand_apart),
        cmocka_unit_test(times_out_when_nothing_comes),
        cmocka_unit_test(ends_once_at_the_deadline),
        cmocka_unit_test(does_not_send_what_is_over),
        cmocka_unit_test(hears_that_nobody_is_there),
        cmocka_unit_test(lets_the_answer_overtake_the_puback),
        cmocka_unit_test(drops_what_it_did_not_ask_for),
        cmocka_unit_test(drops_retained_messages),
        cmocka_unit_test(fails_when_the_inbox_is_refused),
        cmocka_unit_test(can_be_taken_back),
        cmocka_unit_test(refuses_what_cannot_be_asked),
        cmocka_unit_test(bounds_what_is_pending),
        cmocka_unit_test(bounds_response_topics),
        cmocka_unit_test(lowers_its_own_qos_for_the_server),
        cmocka_unit_test(ends_with_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
