#include "peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* How a request is asked again: when, how often, and with what. */

#define INBOX "$r/abcdefgh12345678"

static const struct peer_status nobody = {"503", "nobody there", "broker", "rejected", "no"};
static const struct peer_status lost = {"503", "lost", "broker", "acked", "maybe"};
static const struct peer_status unsent = {"503", "lost", "broker", "queued", "no"};
static const struct peer_status busy = {"429", "busy", "broker", "rejected", "no"};
static const struct peer_status forbidden = {"403", "no", "broker", "rejected", "no"};

static void
open_with_inbox(struct peer *p, const char *inbox)
{
    struct wire_properties connack = {.present = 0};

    connack.response_information = span_of_text(inbox);
    wire_properties_set(&connack, WIRE_RESPONSE_INFORMATION);
    peer_open(p, NULL, &connack);
}

static void
expect_end(struct peer *p, enum wilco_status status)
{
    struct core_event event;

    peer_event(p, CORE_RESPONSE, &event);
    assert_int_equal(event.status, status);
    wilco_message_unref(event.message);
    peer_no_event(p);
    assert_int_equal(peer_counters(p).pending, 0);
}

/* Asks with `r`, at QoS 0 so that there is only the broker's word. */
static void
ask(struct peer *p, struct wilco_request r, struct peer_request *request)
{
    r.topic = "do";
    r.qos_0 = true;
    (void)peer_ask(p, &r);
    peer_take_request(p, request);
}

/* What fails is tried again where that does no harm, and not otherwise. */
static void
asks_again_where_that_is_safe(void **state)
{
    static const struct {
        const char *name;
        const struct peer_status *said;
        bool idempotent, want;
    } rows[] = {
        {"nobody there", &nobody, false, true},
        {"it waited for a responder that was lost", &unsent, false, true},
        {"the server is busy", &busy, false, true},
        {"a responder was lost", &lost, false, false},
        {"a responder was lost, twice is fine", &lost, true, true},
        {"not allowed", &forbidden, true, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct wilco_request r = {.retries_max = 1, .idempotent = rows[i].idempotent};
        struct peer_request first, second;
        struct peer p;

        open_with_inbox(&p, INBOX);
        ask(&p, r, &first);
        peer_say_status(&p, &first, rows[i].said);
        if ((peer_counters(&p).pending > 0) != rows[i].want) {
            fail_msg("%s", rows[i].name);
        }
        if (rows[i].want) {
            peer_expect_nothing(&p); /* not at once ... */
            peer_advance(&p, 20);
            peer_take_request(&p, &second);
            assert_memory_equal(first.correlation, second.correlation, first.correlation_len);
            assert_string_equal(first.topic, second.topic);
            peer_say_status(&p, &second, rows[i].said); /* ... and not a third time */
        }
        peer_advance(&p, 1000);
        peer_expect_nothing(&p);
        assert_int_equal(peer_counters(&p).pending, 0);
        peer_close(&p);
    }
}

/* An acknowledgement and a status say the same of one try, in either order. */
static void
counts_a_rejection_once(void **state)
{
    (void)state;
    for (size_t status_first = 0; status_first < 2; status_first++) {
        const struct wilco_request r = {.topic = "do", .retries_max = 2};
        struct peer_request request;
        struct peer p;

        open_with_inbox(&p, INBOX);
        (void)peer_ask(&p, &r);
        for (size_t i = 0; i < 3; i++) {
            peer_take_request(&p, &request);
            if (status_first) {
                peer_say_status(&p, &request, &nobody);
            }
            peer_ack(&p, WIRE_PUBACK, request.packet_id, 0x10);
            if (!status_first) {
                peer_say_status(&p, &request, &nobody);
            }
            if (i < 2) {
                peer_no_event(&p);
                peer_advance(&p, 200);
            }
        }
        expect_end(&p, WILCO_ENORESPONDER);
        peer_expect_nothing(&p);
        peer_close(&p);
    }
}

/* A responder that has too much to do has not begun. */
static void
asks_somebody_else_when_one_is_busy(void **state)
{
    struct peer_request request;
    struct peer p;

    (void)state;
    open_with_inbox(&p, INBOX);
    ask(&p, (struct wilco_request){.retries_max = 1}, &request);
    peer_answer(&p, &request, "", "429");
    peer_no_event(&p);
    peer_advance(&p, 20);
    peer_take_request(&p, &request);
    peer_answer(&p, &request, "yes", NULL);
    expect_end(&p, WILCO_OK);
    ask(&p, (struct wilco_request){.retries_max = 1, .idempotent = true}, &request);
    peer_answer(&p, &request, "", "500"); /* this one has */
    expect_end(&p, WILCO_EREMOTE);
    peer_close(&p);
}

/* The pause doubles, and jitters between half of it and all. */
static void
waits_longer_each_time(void **state)
{
    static const uint64_t full_ms[] = {20, 40, 80, 160, 320, 640, 1000, 1000};
    struct peer_request request;
    struct peer p;

    (void)state;
    open_with_inbox(&p, INBOX);
    ask(&p, (struct wilco_request){.retries_max = 8, .timeout_ms = 60000}, &request);
    for (size_t i = 0; i < sizeof(full_ms) / sizeof(full_ms[0]); i++) {
        peer_say_status(&p, &request, &nobody);
        peer_advance(&p, full_ms[i] / 2 - 1);
        peer_expect_nothing(&p);
        peer_advance(&p, full_ms[i] / 2 + 1);
        peer_take_request(&p, &request);
    }
    peer_close(&p);
}

/* Two clocks: one for somebody to be there, one for the answer. */
static void
waits_for_a_responder(void **state)
{
    const struct wilco_request r = {.responder_wait_ms = 3000, .timeout_ms = 500};
    struct peer_request request;
    struct peer p;

    (void)state;
    open_with_inbox(&p, INBOX);
    ask(&p, r, &request);
    for (uint64_t started_ms = p.now_ms; p.now_ms < started_ms + 2000;) {
        peer_say_status(&p, &request, &nobody);
        peer_advance(&p, 1000);
        peer_take_request(&p, &request);
    }
    peer_advance(&p, 499); /* of the second clock */
    peer_no_event(&p);
    peer_answer(&p, &request, "yes", NULL);
    expect_end(&p, WILCO_OK);

    ask(&p, r, &request);
    peer_advance(&p, 500); /* somebody is there, and does not answer */
    expect_end(&p, WILCO_ETIMEDOUT);

    ask(&p, r, &request);
    for (size_t i = 0; i < 100 && peer_counters(&p).pending > 0; i++) {
        peer_say_status(&p, &request, &nobody);
        if (peer_counters(&p).pending > 0) {
            peer_advance(&p, 1000);
            peer_take_request(&p, &request);
        }
    }
    expect_end(&p, WILCO_ENORESPONDER); /* nobody came: that, and no timeout */
    peer_close(&p);
}

/* No try goes out behind the deadline, and each says what is left. */
static void
stays_within_its_time(void **state)
{
    struct wire_any packet;
    struct wire_property_iterator it;
    struct wire_property property;
    struct peer_request request;
    struct span left = SPAN_EMPTY;
    size_t users = 0;
    struct peer p;

    (void)state;
    open_with_inbox(&p, INBOX);
    ask(&p, (struct wilco_request){.retries_max = 5, .timeout_ms = 1500}, &request);
    peer_advance(&p, 480);
    peer_say_status(&p, &request, &nobody);
    peer_advance(&p, 20);
    peer_expect(&p, WIRE_PUBLISH, &packet);
    assert_int_equal(packet.as.publish.properties.message_expiry_interval, 1);
    it = wire_property_iterate(packet.as.publish.properties.block);
    while (wire_property_next(&it, &property)) {
        users += property.id == WIRE_USER_PROPERTY;
        if (span_equal(property.name, SPAN_LITERAL("rr-ttl"))) {
            left = property.value;
        }
    }
    assert_true(span_equal(left, SPAN_LITERAL("1000")));
    assert_int_equal(users, 5); /* and what else it says: nothing is there twice */
    peer_advance(&p, 995);
    peer_say_status(&p, &request, &nobody);
    expect_end(&p, WILCO_ENORESPONDER);
    peer_close(&p);
}

/* Ten more at once; then only as many as have been paid for. */
static void
stays_within_the_budget(void **state)
{
    struct peer_request request;
    size_t again = 0;
    struct peer p;

    (void)state;
    open_with_inbox(&p, INBOX);
    for (size_t i = 0; i < 50; i++) {
        ask(&p, (struct wilco_request){.retries_max = 3}, &request);
        peer_say_status(&p, &request, &nobody);
        while (peer_counters(&p).pending > 0) {
            again++;
            peer_advance(&p, 200);
            peer_take_request(&p, &request);
            peer_say_status(&p, &request, &nobody);
        }
        expect_end(&p, WILCO_ENORESPONDER);
    }
    assert_in_range(again, 15, 20); /* ten, and 20 % of 50 */
    peer_close(&p);
}

/* A second try goes out while the first is open; the first answer counts, and whoever is still at
 * it is told to stop. */
static void
hedges(void **state)
{
    const struct wilco_request r = {.idempotent = true, .hedge_after_ms = 50};
    struct wire_any packet;
    struct span op;
    struct peer_request request;
    struct peer p;

    (void)state;
    open_with_inbox(&p, INBOX);
    ask(&p, r, &request);
    peer_advance(&p, 49);
    peer_expect_nothing(&p);
    peer_advance(&p, 1);
    peer_take_request(&p, &request);
    peer_advance(&p, 1000);
    peer_expect_nothing(&p); /* no third one */
    peer_say_status(&p, &request, &lost);
    peer_no_event(&p); /* the other one may answer */
    peer_answer(&p, &request, "yes", NULL);
    expect_end(&p, WILCO_OK);
    peer_expect_nothing(&p); /* nobody is at it any more */

    ask(&p, r, &request);
    peer_advance(&p, 50);
    peer_take_request(&p, &request);
    peer_answer(&p, &request, "yes", NULL);
    expect_end(&p, WILCO_OK);
    peer_expect(&p, WIRE_PUBLISH, &packet);
    assert_true(wire_properties_user(&packet.as.publish.properties, SPAN_LITERAL("rr-op"), &op));
    assert_true(span_equal(op, SPAN_LITERAL("cancel")));
    peer_answer(&p, &request, "yes", NULL);
    assert_int_equal(peer_counters(&p).responses_duplicate, 1);

    ask(&p, (struct wilco_request){.hedge_after_ms = 50}, &request); /* not idempotent */
    peer_advance(&p, 1000);
    peer_expect_nothing(&p);
    peer_close(&p);
}

/* How far it came, and whether it may have been executed, as far as that can be known. */
static void
says_how_far_it_came(void **state)
{
    enum how { UNGRANTED, UNACKNOWLEDGED, ACKNOWLEDGED, REFUSED, LOST_ONCE };
    static const struct {
        enum how how;
        enum wilco_stage stage;
        enum wilco_executed executed;
    } rows[] = {
        {UNGRANTED, WILCO_STAGE_UNSENT, WILCO_EXECUTED_NO},
        {UNACKNOWLEDGED, WILCO_STAGE_SENT, WILCO_EXECUTED_MAYBE},
        {ACKNOWLEDGED, WILCO_STAGE_ACCEPTED, WILCO_EXECUTED_MAYBE},
        {REFUSED, WILCO_STAGE_REJECTED, WILCO_EXECUTED_NO},
        {LOST_ONCE, WILCO_STAGE_REJECTED, WILCO_EXECUTED_MAYBE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wilco_error error = {.reason_code = 0};
        struct wilco_request r = {.topic = "do", .error = &error};
        struct core_event event;
        struct peer_request request;
        struct peer p;

        r.idempotent = rows[i].how == LOST_ONCE;
        r.retries_max = rows[i].how == LOST_ONCE;
        if (rows[i].how == UNGRANTED) {
            peer_open(&p, NULL, NULL);
            (void)peer_ask(&p, &r);
        } else {
            open_with_inbox(&p, INBOX);
            (void)peer_ask(&p, &r);
            peer_take_request(&p, &request);
        }
        if (rows[i].how == ACKNOWLEDGED) {
            peer_ack(&p, WIRE_PUBACK, request.packet_id, 0);
        } else if (rows[i].how == REFUSED) {
            peer_ack(&p, WIRE_PUBACK, request.packet_id, 0x87);
        } else if (rows[i].how == LOST_ONCE) {
            peer_ack(&p, WIRE_PUBACK, request.packet_id, 0);
            peer_say_status(&p, &request, &lost);
            peer_advance(&p, 20);
            peer_take_request(&p, &request);
            peer_ack(&p, WIRE_PUBACK, request.packet_id, 0x10);
        }
        peer_advance(&p, 10000);
        peer_event(&p, CORE_RESPONSE, &event);
        assert_int_equal(error.stage, rows[i].stage);
        assert_int_equal(error.executed, rows[i].executed);
        peer_close(&p);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_again_where_that_is_safe),
        cmocka_unit_test(counts_a_rejection_once),
        cmocka_unit_test(asks_somebody_else_when_one_is_busy),
        cmocka_unit_test(waits_longer_each_time),
        cmocka_unit_test(waits_for_a_responder),
        cmocka_unit_test(stays_within_its_time),
        cmocka_unit_test(stays_within_the_budget),
        cmocka_unit_test(hedges),
        cmocka_unit_test(says_how_far_it_came),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
