#include "base/hash.h"
#include "client/chunks.h"
#include "peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Responses that come in pieces. */

#define INBOX      "$r/abcdefgh12345678"
#define PACKET_MAX 400U
#define TAKE       8U /* bytes of a response */

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
expect_op(struct peer *p, const char *op, const char *more)
{
    struct wire_any packet;

    expect_publish(p, &packet);
    expect_user(&packet, "rr-op", op);
    expect_user(&packet, "rr-more", more);
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

/* What comes for a request. */
struct piece {
    const char *payload, *seq;
    const char *offset; /* NULL: it is the last one */
    const char *size, *status;
    const char *hashed; /* the hash is that of this */
};

static void
send_piece(struct peer *p, const struct peer_request *request, const struct piece *piece)
{
    char digits[HASH_CHECK_CHARS];
    const char *const names[] = {"rr-seq", "rr-offset", "rr-size", "__stat", "rr-more"};
    const char *const values[] = {piece->seq, piece->offset, piece->size, piece->status,
                                  piece->offset == NULL ? NULL : "1"};
    struct wire_user_property users[6];
    size_t count = 0;

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (values[i] != NULL) {
            users[count].name = span_of_text(names[i]);
            users[count].value = span_of_text(values[i]);
            count++;
        }
    }
    if (piece->hashed != NULL) {
        users[count].name = SPAN_LITERAL("rr-hash");
        users[count].value = hash_check(span_of_text(piece->hashed), digits);
        count++;
    }
    peer_answer_with(p, request, piece->payload, users, count, false);
}

static void
puts_pieces_together_or_says_what_is_wrong(void **state)
{
    static const struct {
        const char *name;
        struct piece pieces[4];
        enum wilco_status want;
        const char *payload; /* NULL: the request has none */
        const char *text;
    } rows[] = {
        {"in order",
         {{"abc", "1", "0", NULL, NULL, NULL},
          {"def", "2", "3", NULL, NULL, NULL},
          {"", "3", NULL, "6", "200", "abcdef"}},
         WILCO_OK,
         "abcdef",
         ""},
        {"one twice",
         {{"abc", "1", "0", NULL, NULL, NULL},
          {"abc", "1", "0", NULL, NULL, NULL},
          {"def", "2", "3", NULL, NULL, NULL},
          {"", "3", NULL, "6", NULL, "abcdef"}},
         WILCO_OK,
         "abcdef",
         ""},
        {"an error as large as that",
         {{"abc", "1", "0", NULL, NULL, NULL}, {"", "2", NULL, "3", "404", "abc"}},
         WILCO_EREMOTE,
         "abc",
         "404"},
        {"no piece at all", {{"", "1", NULL, "0", NULL, ""}}, WILCO_OK, "", ""},
        {"one lost",
         {{"abc", "1", "0", NULL, NULL, NULL}, {"ghi", "3", "6", NULL, NULL, NULL}},
         WILCO_ELOST,
         NULL,
         "a part of the response is missing"},
        {"a hole",
         {{"abc", "1", "0", NULL, NULL, NULL}, {"def", "2", "4", NULL, NULL, NULL}},
         WILCO_ELOST,
         NULL,
         "a piece of the response is missing"},
        {"a byte flipped",
         {{"abc", "1", "0", NULL, NULL, NULL},
          {"dEf", "2", "3", NULL, NULL, NULL},
          {"", "3", NULL, "6", NULL, "abcdef"}},
         WILCO_EPROTOCOL,
         NULL,
         "the payload is not what was sent"},
        {"not all",
         {{"abc", "1", "0", NULL, NULL, NULL}, {"", "2", NULL, "4294967294", NULL, "abc"}},
         WILCO_ELOST,
         NULL,
         "not all of the payload has come"},
        {"too much",
         {{"abcdefgh", "1", "0", NULL, NULL, NULL}, {"i", "2", "8", NULL, NULL, NULL}},
         WILCO_ELIMIT,
         NULL,
         "larger than response_bytes_max"},
        {"the responder ends",
         {{"abc", "1", "0", NULL, NULL, NULL}, {"", NULL, NULL, NULL, "503", NULL}},
         WILCO_EREMOTE,
         "",
         "503"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wilco_error error = {.text = ""};
        struct peer_request request;
        struct peer p;

        open_client(&p, INBOX);
        (void)peer_ask(&p, &(struct wilco_request){
                               .topic = "do", .response_bytes_max = TAKE, .error = &error});
        peer_take_request(&p, &request);
        for (size_t n = 0; n < 4 && rows[i].pieces[n].payload != NULL; n++) {
            send_piece(&p, &request, &rows[i].pieces[n]);
        }
        expect_end(&p, rows[i].want, rows[i].payload);
        if (strstr(error.text, rows[i].text) == NULL) {
            fail_msg("%s: \"%s\"", rows[i].name, error.text);
        }
        if (rows[i].payload == NULL && rows[i].pieces[1].size == NULL) {
            expect_op(&p, "cancel", NULL);
        }
        peer_close(&p);
    }
}

static void
says_what_it_takes(void **state)
{
    struct wire_any packet;
    struct peer p;

    (void)state;
    open_client(&p, INBOX);
    (void)peer_ask(&p, &(struct wilco_request){.topic = "do", .response_bytes_max = TAKE});
    expect_publish(&p, &packet);
    expect_user(&packet, "rr-take", "8");
    expect_user(&packet, "rr-packet", "16777216");
    expect_user(&packet, "rr-more", "8");
    expect_user(&packet, "rr-parts", "0");
    (void)peer_ask(
        &p, &(struct wilco_request){.topic = "do", .response_bytes_max = SIZE_MAX, .parts_max = 3});
    expect_publish(&p, &packet);
    expect_user(&packet, "rr-take", "4294967294");
    expect_user(&packet, "rr-more", "3");
    expect_user(&packet, "rr-parts", NULL);
    peer_close(&p);
}

static void
gives_credit_as_pieces_come(void **state)
{
    static const struct piece last = {"", "5", NULL, "4", NULL, "xxxx"};
    static const char *const numbers[] = {"0", "1", "2", "3", "4"};
    struct peer_request request;
    struct peer p;

    (void)state;
    open_client(&p, INBOX);
    (void)peer_ask(&p, &(struct wilco_request){.topic = "do", .response_bytes_max = TAKE});
    peer_take_request(&p, &request);
    for (size_t i = 0; i < 4; i++) {
        peer_expect_nothing(&p);
        send_piece(&p, &request,
                   &(struct piece){"x", numbers[i + 1], numbers[i], NULL, NULL, NULL});
    }
    expect_op(&p, "credit", "4");
    send_piece(&p, &request, &last);
    expect_end(&p, WILCO_OK, "xxxx");
    peer_close(&p);
}

static void
is_cancelled_in_the_middle(void **state)
{
    static const struct piece first = {"abc", "1", "0", NULL, NULL, NULL};
    struct peer_request request;
    struct peer p;
    uint64_t call = 0;

    (void)state;
    open_client(&p, INBOX);
    call = peer_ask(&p, &(struct wilco_request){.topic = "do", .response_bytes_max = TAKE});
    peer_take_request(&p, &request);
    send_piece(&p, &request, &first);
    assert_int_equal(core_cancel(p.core, call), WILCO_OK);
    expect_op(&p, "cancel", NULL);
    expect_end(&p, WILCO_ECANCELLED, NULL);
    send_piece(&p, &request, &first);
    assert_int_equal(peer_counters(&p).responses_late, 1);
    peer_no_event(&p);
    peer_close(&p);
}

static void
does_not_wait_for_ever_for_the_next_piece(void **state)
{
    static const struct piece first = {"abc", "1", "0", NULL, NULL, NULL};
    struct peer_request request;
    struct peer p;

    (void)state;
    open_client(&p, INBOX);
    (void)peer_ask(
        &p, &(struct wilco_request){.topic = "do", .response_bytes_max = TAKE, .stall_ms = 100});
    peer_take_request(&p, &request);
    send_piece(&p, &request, &first);
    peer_advance(&p, 100);
    expect_op(&p, "cancel", NULL);
    expect_end(&p, WILCO_ETIMEDOUT, NULL);
    peer_close(&p);
}

static const struct peer_status lost = {"503", "lost", "broker", "acked", "maybe"};

static void
starts_over_when_the_responder_was_lost(void **state)
{
    static const struct piece old = {"xyz", "1", "0", NULL, NULL, NULL};
    static const struct piece first = {"abc", "1", "0", NULL, NULL, NULL};
    static const struct piece last = {"", "2", NULL, "3", NULL, "abc"};
    struct peer_request request;
    struct peer p;

    (void)state;
    open_client(&p, INBOX);
    (void)peer_ask(
        &p, &(struct wilco_request){
                .topic = "do", .response_bytes_max = TAKE, .idempotent = true, .retries_max = 1});
    peer_take_request(&p, &request);
    send_piece(&p, &request, &old);
    peer_say_status(&p, &request, &lost);
    peer_advance(&p, 20);
    peer_take_request(&p, &request);
    send_piece(&p, &request, &first);
    send_piece(&p, &request, &last);
    expect_end(&p, WILCO_OK, "abc");
    peer_close(&p);
}

static void
on_part(void *context, const struct wilco_message *m)
{
    (void)context;
    (void)m;
    fail_msg("a core does not call back");
}

static void
does_not_when_the_application_has_had_a_part(void **state)
{
    const struct wire_user_property users[] = {{SPAN_LITERAL("rr-more"), SPAN_LITERAL("1")},
                                               {SPAN_LITERAL("rr-seq"), SPAN_LITERAL("1")}};
    struct peer_request request;
    struct core_event event;
    struct peer p;

    (void)state;
    open_client(&p, INBOX);
    (void)peer_ask(&p, &(struct wilco_request){.topic = "do",
                                               .response_bytes_max = TAKE,
                                               .parts_max = 2,
                                               .on_part = on_part,
                                               .idempotent = true,
                                               .retries_max = 1});
    peer_take_request(&p, &request);
    peer_answer_with(&p, &request, "part", users, 2, false);
    peer_event(&p, CORE_MESSAGE, &event);
    wilco_message_unref(event.message);
    peer_say_status(&p, &request, &lost);
    expect_end(&p, WILCO_ELOST, NULL);
    peer_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_pieces_together_or_says_what_is_wrong),
        cmocka_unit_test(says_what_it_takes),
        cmocka_unit_test(gives_credit_as_pieces_come),
        cmocka_unit_test(is_cancelled_in_the_middle),
        cmocka_unit_test(does_not_wait_for_ever_for_the_next_piece),
        cmocka_unit_test(starts_over_when_the_responder_was_lost),
        cmocka_unit_test(does_not_when_the_application_has_had_a_part),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
