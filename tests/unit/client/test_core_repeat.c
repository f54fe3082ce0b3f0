#include "peer.h"

#include "client/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What comes in when a connection has been made again: the server sends what it has not seen
 * acknowledged once more, and we must neither hand it out twice nor forget to acknowledge it. */

static void
on_message(void *context, const struct wilco_message *m)
{
    (void)context;
    (void)m;
}

static void
open_with_everything(struct peer *p, uint16_t receive_maximum)
{
    const struct wilco_options options = {
        .client_id = "me", .receive_maximum = receive_maximum, .unmatched = on_message};

    peer_open(p, &options, NULL);
}

static void
send_publish(struct peer *p, const char *payload, uint8_t qos, uint16_t packet_id, bool dup)
{
    struct wire_any packet = {.type = WIRE_PUBLISH};

    packet.as.publish.topic = SPAN_LITERAL("t");
    packet.as.publish.payload = span_of_text(payload);
    packet.as.publish.qos = qos;
    packet.as.publish.packet_id = packet_id;
    packet.as.publish.dup = dup;
    peer_send(p, &packet);
}

/* It is not done with before the next event is asked for. */
static void
expect_message(struct peer *p, const char *payload)
{
    struct core_event event;

    peer_event(p, CORE_MESSAGE, &event);
    assert_true(span_equal(event.message->payload, span_of_text(payload)));
    wilco_message_unref(event.message);
}

static void
expect_ack(struct peer *p, enum wire_type type, uint16_t packet_id)
{
    struct wire_any packet;

    peer_expect(p, type, &packet);
    assert_int_equal(packet.as.ack.packet_id, packet_id);
    assert_int_equal(packet.as.ack.reason_code, 0);
    peer_expect_nothing(p);
}

static enum wire_type
ack_of(uint8_t qos)
{
    return qos == 1 ? WIRE_PUBACK : WIRE_PUBREC;
}

/* What comes again while it still waits is dropped, and acknowledged when it is done. */
static void
drops_what_still_waits(void **state)
{
    (void)state;
    for (uint8_t qos = 1; qos <= 2; qos++) {
        struct peer p;

        open_with_everything(&p, 0);
        send_publish(&p, "x", qos, 7, false);
        peer_lose(&p);
        peer_reopen(&p, true, NULL);
        send_publish(&p, "x", qos, 7, true);
        peer_expect_nothing(&p);
        expect_message(&p, "x");
        peer_expect_nothing(&p);
        peer_no_event(&p);
        expect_ack(&p, ack_of(qos), 7);
        peer_close(&p);
    }
}

/* What is done before it comes again is acknowledged then, and not handed out again; whether it was
 * done without a connection or on the new one. */
static void
acknowledges_what_is_done_when_it_comes_again(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        uint8_t qos = i % 2 == 0 ? 1 : 2;
        struct peer p;

        open_with_everything(&p, 0);
        send_publish(&p, "x", qos, 7, false);
        peer_lose(&p);
        if (i / 2 == 0) { /* between two connections */
            expect_message(&p, "x");
            peer_no_event(&p);
        } else if (i / 2 == 1) { /* begun before, done behind the new one */
            expect_message(&p, "x");
        }
        peer_reopen(&p, true, NULL);
        if (i / 2 == 2) { /* on the new one */
            expect_message(&p, "x");
        }
        peer_no_event(&p);
        peer_expect_nothing(&p); /* the server has not sent it on this connection */
        send_publish(&p, "x", qos, 7, true);
        expect_ack(&p, ack_of(qos), 7);
        peer_no_event(&p);
        if (qos == 1) { /* then the identifier is free */
            send_publish(&p, "y", 1, 7, false);
            expect_message(&p, "y");
            peer_no_event(&p);
            expect_ack(&p, WIRE_PUBACK, 7);
        }
        peer_close(&p);
    }
}

/* [MQTT-4.3.3-10, 4.3.3-11]: the identifier is held until PUBREL, across connections. */
static void
completes_qos_2_on_another_connection(void **state)
{
    struct peer p;

    (void)state;
    open_with_everything(&p, 0);
    send_publish(&p, "x", 2, 7, false);
    expect_message(&p, "x");
    peer_no_event(&p);
    expect_ack(&p, WIRE_PUBREC, 7);
    peer_lose(&p); /* PUBREC has not arrived */
    peer_reopen(&p, true, NULL);
    send_publish(&p, "x", 2, 7, true);
    expect_ack(&p, WIRE_PUBREC, 7);
    peer_lose(&p); /* it has, but PUBCOMP does not */
    peer_reopen(&p, true, NULL);
    peer_ack(&p, WIRE_PUBREL, 7, 0);
    expect_ack(&p, WIRE_PUBCOMP, 7);
    peer_lose(&p);
    peer_reopen(&p, true, NULL);
    peer_ack(&p, WIRE_PUBREL, 7, 0);
    {
        struct wire_any packet;

        peer_expect(&p, WIRE_PUBCOMP, &packet);
        assert_int_equal(packet.as.ack.reason_code, 0x92);
    }
    peer_no_event(&p);
    send_publish(&p, "y", 2, 7, false); /* another one */
    expect_message(&p, "y");
    peer_close(&p);
}

/* More than one connection may be lost meanwhile. */
static void
remembers_for_as_long_as_it_takes(void **state)
{
    (void)state;
    for (uint8_t qos = 1; qos <= 2; qos++) {
        struct peer p;

        open_with_everything(&p, 0);
        send_publish(&p, "x", qos, 7, false);
        for (int i = 0; i < 3; i++) {
            peer_lose(&p);
            peer_reopen(&p, true, NULL);
            send_publish(&p, "x", qos, 7, true);
        }
        peer_lose(&p);
        expect_message(&p, "x");
        peer_no_event(&p);
        peer_reopen(&p, true, NULL);
        peer_lose(&p);
        peer_reopen(&p, true, NULL);
        send_publish(&p, "x", qos, 7, true);
        expect_ack(&p, ack_of(qos), 7);
        peer_no_event(&p);
        peer_close(&p);
    }
}

/* [MQTT-3.2.2-5]: on a new session nothing of the old one is acknowledged, and its identifiers are
 * others. */
static void
acknowledges_nothing_of_a_forgotten_session(void **state)
{
    (void)state;
    for (uint8_t qos = 1; qos <= 2; qos++) {
        struct peer p;

        open_with_everything(&p, 0);
        send_publish(&p, "old", qos, 7, false);
        peer_lose(&p);
        peer_reopen(&p, false, NULL);
        send_publish(&p, "new", qos, 7, false);
        expect_message(&p, "old");
        expect_message(&p, "new");
        peer_expect_nothing(&p);
        peer_no_event(&p);
        expect_ack(&p, ack_of(qos), 7);
        peer_close(&p);
    }
}

/* [MQTT-3.3.1-1]: without DUP it is another message, so the server has given the one before up. */
static void
takes_a_new_message_with_an_old_identifier(void **state)
{
    (void)state;
    for (int is_begun = 0; is_begun < 2; is_begun++) {
        struct peer p;

        open_with_everything(&p, 0);
        send_publish(&p, "old", 1, 7, false);
        if (is_begun) {
            expect_message(&p, "old");
        }
        peer_lose(&p);
        peer_reopen(&p, true, NULL);
        send_publish(&p, "new", 1, 7, false);
        if (!is_begun) {
            expect_message(&p, "old");
        }
        expect_message(&p, "new");
        peer_expect_nothing(&p);
        peer_no_event(&p);
        expect_ack(&p, WIRE_PUBACK, 7);
        peer_close(&p);
    }
}

/* [MQTT-3.3.4-9]: what has not come again does not count against our Receive Maximum. */
static void
counts_what_came_on_this_connection(void **state)
{
    struct peer p;

    (void)state;
    open_with_everything(&p, 2);
    send_publish(&p, "a", 1, 1, false);
    send_publish(&p, "b", 2, 2, false);
    peer_lose(&p);
    peer_reopen(&p, true, NULL);
    send_publish(&p, "c", 1, 3, false);
    send_publish(&p, "a", 1, 1, true);
    assert_int_equal(core_state(p.core), CORE_OPEN);
    send_publish(&p, "d", 1, 4, false);
    peer_expect_end(&p, 0x93);
    peer_close(&p);
}

/* An identifier that comes twice on one connection is still wrong. */
static void
does_not_take_it_again_and_again(void **state)
{
    struct peer p;

    (void)state;
    open_with_everything(&p, 0);
    send_publish(&p, "x", 1, 7, false);
    peer_lose(&p);
    peer_reopen(&p, true, NULL);
    send_publish(&p, "x", 1, 7, true);
    send_publish(&p, "x", 1, 7, true);
    peer_expect_end(&p, 0x82);
    peer_close(&p);
}

/* Aliases and halves of packets belong to a connection. */
static void
forgets_what_belongs_to_a_connection(void **state)
{
    static const uint8_t bind[] = {0x30, 0x07, 0, 1, 'a', 3, 0x23, 0, 1};
    static const uint8_t use[] = {0x30, 0x06, 0, 0, 3, 0x23, 0, 1};
    struct core_event event;
    struct peer p;

    (void)state;
    open_with_everything(&p, 0);
    peer_send_bytes(&p, span_of(bind, sizeof(bind)));
    peer_event(&p, CORE_MESSAGE, &event);
    wilco_message_unref(event.message);
    peer_send_bytes(&p, span_of(bind, 3));
    peer_lose(&p);
    peer_send_bytes(&p, span_of(bind + 3, sizeof(bind) - 3)); /* nobody listens */
    peer_reopen(&p, true, NULL);
    peer_no_event(&p);
    peer_send_bytes(&p, span_of(use, sizeof(use)));
    peer_expect_end(&p, 0x94);
    peer_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drops_what_still_waits),
        cmocka_unit_test(acknowledges_what_is_done_when_it_comes_again),
        cmocka_unit_test(completes_qos_2_on_another_connection),
        cmocka_unit_test(remembers_for_as_long_as_it_takes),
        cmocka_unit_test(acknowledges_nothing_of_a_forgotten_session),
        cmocka_unit_test(takes_a_new_message_with_an_old_identifier),
        cmocka_unit_test(counts_what_came_on_this_connection),
        cmocka_unit_test(does_not_take_it_again_and_again),
        cmocka_unit_test(forgets_what_belongs_to_a_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
