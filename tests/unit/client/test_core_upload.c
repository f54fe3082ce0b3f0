#include "base/hash.h"
#include "client/message.h"
#include "peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Requests that go in pieces. */

#define INBOX      "$r/abcdefgh12345678"
#define PACKET_MAX 400U

static const struct peer_status lost = {"503", "lost", "broker", "acked", "maybe"};

static void
open_client(struct peer *p, const char *inbox)
{
    struct wire_properties connack = {.maximum_packet_size = PACKET_MAX};

    wire_properties_set(&connack, WIRE_MAXIMUM_PACKET_SIZE);
    if (inbox != NULL) {
        connack.response_information = span_of_text(inbox);
        wire_properties_set(&connack, WIRE_RESPONSE_INFORMATION);
    }
    peer_open(p, NULL, &connack);
}

/* The next PUBLISH, acknowledged. */
static void
expect_publish(struct peer *p, struct wire_any *packet)
{
    peer_expect(p, WIRE_PUBLISH, packet);
    if (packet->as.publish.qos > 0) {
        peer_ack(p, WIRE_PUBACK, packet->as.publish.packet_id, 0);
    }
}

static void
expect_user(const struct wire_any *packet, const char *name, const char *want)
{
    struct span value = SPAN_EMPTY;
    bool is_there =
        wire_properties_user(&packet->as.publish.properties, span_of_text(name), &value);

    assert_int_equal(is_there, want != NULL);
    assert_true(span_equal(value, span_of_text(want)));
}

static void
expect_end(struct peer *p, enum wilco_status status, const char *payload)
{
    struct core_event event;

    peer_event(p, CORE_RESPONSE, &event);
    assert_int_equal(event.status, status);
    if (payload == NULL) {
        assert_null(message_as_response(event.message, status));
    } else {
        assert_true(span_equal(event.message->payload, span_of_text(payload)));
    }
    wilco_message_unref(event.message);
    peer_no_event(p);
    assert_int_equal(peer_counters(p).pending, 0);
}

static const char payload[1000] = "the beginning";

static const struct wilco_request large = {.topic = "do", .payload = {payload, sizeof(payload)}};

static void
want(struct peer *p, const struct peer_request *request, const char *seq, const char *count,
     const char *packet)
{
    const struct wire_user_property users[] = {
        {SPAN_LITERAL("rr-more"), SPAN_LITERAL("1")},
        {SPAN_LITERAL("rr-seq"), span_of_text(seq)},
        {SPAN_LITERAL("rr-want"), span_of_text(count)},
        {SPAN_LITERAL("rr-packet"), span_of_text(packet)},
    };

    peer_answer_with(p, request, "", users, 4, false);
}

/* The next word is this piece, which fits; its length. */
static size_t
expect_piece(struct peer *p, const char *seq, size_t packet_max)
{
    size_t before = p->seen;
    struct wire_any packet;

    peer_expect(p, WIRE_PUBLISH, &packet);
    assert_true(p->seen - before <= packet_max);
    assert_int_equal(packet.as.publish.qos, 1);
    expect_user(&packet, "rr-op", "data");
    expect_user(&packet, "rr-seq", seq);
    peer_ack(p, WIRE_PUBACK, packet.as.publish.packet_id, 0);
    return packet.as.publish.payload.len;
}

static void
sends_as_many_pieces_as_are_wanted(void **state)
{
    struct wire_any packet;
    struct peer_request request;
    struct peer p;
    size_t sent = 0;

    (void)state;
    open_client(&p, INBOX);
    (void)peer_ask(&p, &large);
    peer_take_request(&p, &request);
    peer_expect_nothing(&p);
    want(&p, &request, "1", "2", "100000");
    sent = expect_piece(&p, "1", PACKET_MAX);
    sent += expect_piece(&p, "2", PACKET_MAX);
    peer_expect_nothing(&p);
    assert_true(sent > PACKET_MAX && sent < sizeof(payload));
    want(&p, &request, "2", "0", "100000");
    want(&p, &request, "3", "1", "300");
    sent += expect_piece(&p, "3", 300);
    want(&p, &request, "4", "4000000000", "100000");
    while (sent < sizeof(payload)) {
        sent += expect_piece(&p, sent < 900 ? "4" : "5", PACKET_MAX);
    }
    assert_int_equal(sent, sizeof(payload));
    expect_publish(&p, &packet); /* for what it was told */
    expect_user(&packet, "rr-op", "credit");
    expect_user(&packet, "rr-more", "4");
    peer_expect_nothing(&p);
    peer_answer(&p, &request, "done", "200");
    expect_end(&p, WILCO_OK, "done");
    peer_close(&p);
}

static void
says_how_much_is_to_come(void **state)
{
    char digits[HASH_CHECK_CHARS + 1] = "";
    struct wire_any packet;
    struct peer p;

    (void)state;
    (void)hash_check(span_of(payload, sizeof(payload)), digits);
    open_client(&p, INBOX);
    for (size_t i = 0; i < 2; i++) {
        struct wilco_request r = large;

        r.response_bytes_max = i == 0 ? 0 : 5000;
        r.idempotent = true;
        r.hedge_after_ms = 100;
        (void)peer_ask(&p, &r);
        expect_publish(&p, &packet);
        assert_int_equal(packet.as.publish.payload.len, 0);
        expect_user(&packet, "rr-size", "1000");
        expect_user(&packet, "rr-hash", digits);
        expect_user(&packet, "rr-more", "8");
        expect_user(&packet, "rr-parts", "0");
        expect_user(&packet, "rr-packet", "16777216");
        expect_user(&packet, "rr-take", i == 0 ? NULL : "5000");
        expect_user(&packet, "rr-idem", "0"); /* nobody else may go on with it */
        peer_advance(&p, 200);
        peer_expect_nothing(&p); /* nor have it besides */
    }
    peer_close(&p);
}

static void
small_ones_go_so_when_that_is_wished(void **state)
{
    struct peer_request request;
    struct peer p;

    (void)state;
    open_client(&p, INBOX);
    (void)peer_ask(
        &p, &(struct wilco_request){.topic = "do", .payload = WILCO_TEXT("abc"), .chunked = true});
    peer_take_request(&p, &request);
    want(&p, &request, "1", "16", "400");
    assert_int_equal(expect_piece(&p, "1", PACKET_MAX), 3);
    peer_answer(&p, &request, "done", "200");
    expect_end(&p, WILCO_OK, "done");
    peer_close(&p);
}

static void
is_refused_where_pieces_cannot_go(void **state)
{
    static const struct {
        const char *inbox, *response_topic;
        bool qos_0, scatter;
        uint32_t responses_max;
    } rows[] = {
        {NULL, NULL, false, false, 0}, /* the server does not know requests */
        {INBOX, "elsewhere", false, false, 0}, {INBOX, NULL, true, false, 0},
        {INBOX, NULL, false, true, 0},         {INBOX, NULL, false, false, 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct core_asker asker = {.on_response = peer_on_response};
        struct wilco_request r = large;
        struct peer p;
        uint64_t call = 0;
        uint8_t reason_code = 0;

        open_client(&p, rows[i].inbox);
        r.response_topic = rows[i].response_topic;
        r.qos_0 = rows[i].qos_0;
        r.scatter = rows[i].scatter;
        r.responses_max = rows[i].responses_max;
        assert_int_equal(core_request(p.core, &r, &asker, p.now_ms, &call, &reason_code),
                         WILCO_ELIMIT);
        r.payload.len = 1;
        r.response_bytes_max = 10; /* that is for one response, too */
        assert_int_equal(core_request(p.core, &r, &asker, p.now_ms, &call, &reason_code),
                         r.scatter || r.responses_max != 0 ? WILCO_EINVAL : WILCO_OK);
        core_discard_output(p.core);
        peer_close(&p);
    }
}

static void
keeps_no_more_than_the_queue_may_hold(void **state)
{
    static const char bytes[3000];
    const struct wilco_options options = {.queue_bytes_max = 2000};
    const struct core_asker asker = {.on_response = peer_on_response};
    struct wilco_request r = {.topic = "do", .payload = {bytes, 1200}};
    struct wire_properties connack = {.maximum_packet_size = PACKET_MAX};
    struct peer p;
    uint64_t call = 0;
    uint64_t second = 0;
    uint8_t reason_code = 0;

    (void)state;
    connack.response_information = SPAN_LITERAL(INBOX);
    wire_properties_set(&connack, WIRE_RESPONSE_INFORMATION);
    wire_properties_set(&connack, WIRE_MAXIMUM_PACKET_SIZE);
    peer_open(&p, &options, &connack);
    call = peer_ask(&p, &r);
    assert_int_equal(core_request(p.core, &r, &asker, p.now_ms, &second, &reason_code),
                     WILCO_ELIMIT);
    assert_int_equal(core_cancel(p.core, call), WILCO_OK);
    expect_end(&p, WILCO_ECANCELLED, NULL);
    r.payload.len = sizeof(bytes); /* alone any may go */
    (void)peer_ask(&p, &r);
    core_discard_output(p.core);
    peer_close(&p);
}

static void
a_responder_that_takes_tiny_packets_is_an_error(void **state)
{
    struct wilco_error error = {.text = ""};
    struct wilco_request r = large;
    struct peer_request request;
    struct wire_any packet;
    struct peer p;

    (void)state;
    open_client(&p, INBOX);
    r.error = &error;
    (void)peer_ask(&p, &r);
    peer_take_request(&p, &request);
    want(&p, &request, "1", "16", "60");
    expect_publish(&p, &packet);
    expect_user(&packet, "rr-op", "cancel");
    expect_end(&p, WILCO_ELIMIT, NULL);
    assert_non_null(strstr(error.text, "large enough for a piece"));
    peer_close(&p);
}

static void
starts_over_when_the_responder_was_lost(void **state)
{
    struct wilco_request r = large;
    struct peer_request request;
    struct peer p;

    (void)state;
    open_client(&p, INBOX);
    r.idempotent = true;
    r.retries_max = 1;
    (void)peer_ask(&p, &r);
    peer_take_request(&p, &request);
    want(&p, &request, "1", "2", "400");
    (void)expect_piece(&p, "1", PACKET_MAX);
    (void)expect_piece(&p, "2", PACKET_MAX);
    peer_say_status(&p, &request, &lost);
    peer_advance(&p, 20);
    peer_take_request(&p, &request);
    want(&p, &request, "1", "1", "400");
    (void)expect_piece(&p, "1", PACKET_MAX);
    peer_answer(&p, &request, "done", "200");
    expect_end(&p, WILCO_OK, "done");
    peer_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sends_as_many_pieces_as_are_wanted),
        cmocka_unit_test(says_how_much_is_to_come),
        cmocka_unit_test(small_ones_go_so_when_that_is_wished),
        cmocka_unit_test(is_refused_where_pieces_cannot_go),
        cmocka_unit_test(keeps_no_more_than_the_queue_may_hold),
        cmocka_unit_test(a_responder_that_takes_tiny_packets_is_an_error),
        cmocka_unit_test(starts_over_when_the_responder_was_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
