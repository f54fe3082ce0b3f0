#include "peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int somebody; /* who waits */

static enum wilco_status
publish(struct peer *p, const struct wilco_publish *w)
{
    uint8_t reason_code = 0;

    return core_publish(p->core, w, NULL, &somebody, &reason_code);
}

static void
must_publish(struct peer *p, uint8_t qos)
{
    assert_int_equal(publish(p, &(struct wilco_publish){.topic = "t", .qos = qos}), WILCO_OK);
}

static uint16_t
expect_publish(struct peer *p, uint8_t qos)
{
    struct wire_any packet;

    peer_expect(p, WIRE_PUBLISH, &packet);
    assert_int_equal(packet.as.publish.qos, qos);
    assert_false(packet.as.publish.dup); /* [MQTT-3.3.1-2, 4.3.2-2, 4.3.3-2] */
    return packet.as.publish.packet_id;
}

static void
expect_published(struct peer *p, enum wilco_status status, uint8_t reason_code)
{
    struct core_event event;

    peer_awaited(p, CORE_PUBLISHED, &event);
    assert_ptr_equal(event.context, &somebody);
    assert_int_equal(event.status, status);
    assert_int_equal(event.reason_code, reason_code);
}

static void
carries_everything(void **state)
{
    const struct wilco_user_property user = {"n", "v"};
    const struct wilco_publish w = {
        .topic = "t",
        .payload = WILCO_TEXT("payload"),
        .retain = true,
        .is_utf8 = true,
        .has_expiry = true,
        .expiry_s = 0,
        .content_type = "c",
        .response_topic = "r",
        .correlation_data = WILCO_TEXT(""),
        .user_properties = &user,
        .user_property_count = 1,
    };
    struct wire_any packet;
    const struct wire_properties *got = &packet.as.publish.properties;
    struct span value;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    assert_int_equal(publish(&p, &w), WILCO_OK);
    peer_expect(&p, WIRE_PUBLISH, &packet);
    assert_true(packet.as.publish.retain);
    assert_true(span_equal(packet.as.publish.payload, SPAN_LITERAL("payload")));
    assert_int_equal(got->payload_format_indicator, 1);
    assert_true(wire_properties_has(got, WIRE_MESSAGE_EXPIRY_INTERVAL));
    assert_true(span_equal(got->content_type, SPAN_LITERAL("c")));
    assert_true(span_equal(got->response_topic, SPAN_LITERAL("r")));
    assert_true(wire_properties_has(got, WIRE_CORRELATION_DATA));
    assert_true(wire_properties_user(got, SPAN_LITERAL("n"), &value));
    assert_int_equal(got->user_count, 1);
    expect_published(&p, WILCO_OK, 0);
    peer_close(&p);
}

static void
ends_as_its_qos_asks(void **state)
{
    struct wire_any packet;
    uint16_t id = 0;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    must_publish(&p, 0);
    assert_int_equal(expect_publish(&p, 0), 0); /* [MQTT-2.2.1-2] */
    expect_published(&p, WILCO_OK, 0);

    must_publish(&p, 1);
    id = expect_publish(&p, 1);
    peer_no_event(&p);
    peer_ack(&p, WIRE_PUBACK, id, 0x10);
    expect_published(&p, WILCO_OK, 0x10);

    must_publish(&p, 2);
    id = expect_publish(&p, 2);
    peer_ack(&p, WIRE_PUBREC, id, 0x10);
    peer_no_event(&p);
    peer_expect(&p, WIRE_PUBREL, &packet); /* [MQTT-4.3.3-4] */
    assert_int_equal(packet.as.ack.packet_id, id);
    peer_ack(&p, WIRE_PUBCOMP, id, 0);
    expect_published(&p, WILCO_OK, 0x10);
    peer_expect_nothing(&p);
    peer_close(&p);
}

/* [MQTT-4.4.0-2]: an error is an acknowledgement, too. */
static void
ends_when_it_is_refused(void **state)
{
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    must_publish(&p, 1);
    peer_ack(&p, WIRE_PUBACK, expect_publish(&p, 1), 0x87);
    expect_published(&p, WILCO_EREFUSED, 0x87);
    must_publish(&p, 2);
    peer_ack(&p, WIRE_PUBREC, expect_publish(&p, 2), 0x97);
    expect_published(&p, WILCO_EREFUSED, 0x97);
    peer_expect_nothing(&p); /* no PUBREL */
    peer_close(&p);
}

/* [MQTT-3.3.4-7, 4.9.0-1, 4.9.0-2], and [MQTT-3.3.4-8, 4.9.0-3]: what needs no quota goes on. */
static void
keeps_within_the_quota(void **state)
{
    struct wire_properties connack = {.receive_maximum = 1};
    struct wire_any packet;
    uint16_t id = 0;
    struct peer p;

    (void)state;
    wire_properties_set(&connack, WIRE_RECEIVE_MAXIMUM);
    peer_open(&p, NULL, &connack);
    for (uint8_t qos = 1; qos <= 2; qos++) {
        must_publish(&p, qos);
    }
    must_publish(&p, 1);
    id = expect_publish(&p, 1);
    peer_expect_nothing(&p);
    must_publish(&p, 0);
    assert_int_equal(expect_publish(&p, 0), 0);
    expect_published(&p, WILCO_OK, 0);
    peer_advance(&p, core_deadline_ms(p.core) - p.now_ms);
    peer_expect(&p, WIRE_PINGREQ, &packet);
    (void)peer_ask(&p, &(struct wilco_request){.topic = "do"});
    peer_expect(&p, WIRE_SUBSCRIBE, &packet);

    peer_ack(&p, WIRE_PUBACK, id, 0);
    expect_published(&p, WILCO_OK, 0);
    id = expect_publish(&p, 2);
    peer_ack(&p, WIRE_PUBREC, id, 0);
    peer_expect(&p, WIRE_PUBREL, &packet);
    peer_expect_nothing(&p); /* it is not over yet */
    peer_ack(&p, WIRE_PUBCOMP, id, 0);
    expect_published(&p, WILCO_OK, 0);
    peer_ack(&p, WIRE_PUBACK, expect_publish(&p, 1), 0);
    expect_published(&p, WILCO_OK, 0);
    peer_expect_nothing(&p);
    peer_close(&p);
}

/* [MQTT-2.2.1-3, 4.3.2-1, 4.3.3-1]: round the end of the identifiers with three that stay in use:
 * one until its PUBACK, one until its PUBREC, one until its PUBCOMP
 * [MQTT-4.3.2-3, 4.3.3-3, 4.3.3-5]. */
static void
never_uses_an_identifier_twice(void **state)
{
    struct wire_any packet;
    struct core_event event;
    uint16_t kept[3] = {0};
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    for (unsigned i = 0; i < 3; i++) {
        uint8_t qos = i == 0 ? 1 : 2;

        must_publish(&p, qos);
        kept[i] = expect_publish(&p, qos);
    }
    peer_ack(&p, WIRE_PUBREC, kept[2], 0);
    peer_expect(&p, WIRE_PUBREL, &packet);
    for (unsigned i = 0; i < 70000; i++) {
        uint16_t id = 0;

        must_publish(&p, 1);
        id = expect_publish(&p, 1);
        assert_int_not_equal(id, 0);
        for (unsigned j = 0; j < 3; j++) {
            assert_int_not_equal(id, kept[j]);
        }
        peer_ack(&p, WIRE_PUBACK, id, 0);
        peer_awaited(&p, CORE_PUBLISHED, &event);
    }
    peer_close(&p);
}

/* [MQTT-4.4.0-1], [MQTT-4.3.3-6]: while the connection lives nothing is sent again, however long
 * the server takes; [MQTT-4.3.3-7, 4.3.3-13]: nor does a message that has been sent expire;
 * [MQTT-4.1.0-1]: and the server may go on at any time. */
static void
never_sends_again(void **state)
{
    static const struct wilco_publish w = {
        .topic = "t", .qos = 2, .has_expiry = true, .expiry_s = 1};
    const struct wilco_options options = {.client_id = "a", .keep_alive_off = true};
    struct wire_any packet;
    uint16_t id = 0;
    struct peer p;

    (void)state;
    peer_open(&p, &options, NULL);
    must_publish(&p, 1);
    (void)expect_publish(&p, 1);
    assert_int_equal(publish(&p, &w), WILCO_OK);
    id = expect_publish(&p, 2);
    peer_advance(&p, 3600000);
    peer_expect_nothing(&p);
    peer_ack(&p, WIRE_PUBREC, id, 0);
    peer_expect(&p, WIRE_PUBREL, &packet);
    peer_advance(&p, 3600000);
    peer_expect_nothing(&p);
    peer_ack(&p, WIRE_PUBCOMP, id, 0);
    expect_published(&p, WILCO_OK, 0);
    peer_close(&p);
}

/* [MQTT-4.6.0-4]: PUBREL in the order of the PUBRECs, whatever that of the PUBLISH packets was. */
static void
releases_in_order(void **state)
{
    static const unsigned order[] = {2, 0, 1};
    struct wire_any packet;
    uint16_t ids[3];
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    for (unsigned i = 0; i < 3; i++) {
        must_publish(&p, 2);
        ids[i] = expect_publish(&p, 2);
    }
    for (unsigned i = 0; i < 3; i++) {
        peer_ack(&p, WIRE_PUBREC, ids[order[i]], 0);
    }
    for (unsigned i = 0; i < 3; i++) {
        peer_expect(&p, WIRE_PUBREL, &packet);
        assert_int_equal(packet.as.ack.packet_id, ids[order[i]]);
    }
    peer_close(&p);
}

static void
respects_what_the_server_cannot_do(void **state)
{
    static const struct {
        const char *name;
        enum wire_property_id id;
        struct wire_properties connack;
        struct wilco_publish publish;
        enum wilco_status want;
        uint8_t reason_code;
    } rows[] = {
        {"Maximum QoS 1",
         WIRE_MAXIMUM_QOS,
         {.maximum_qos = 1},
         {.topic = "t", .qos = 1},
         WILCO_OK,
         0},
        {"Maximum QoS 1",
         WIRE_MAXIMUM_QOS,
         {.maximum_qos = 1},
         {.topic = "t", .qos = 2},
         WILCO_EREFUSED,
         0x9B}, /* [MQTT-3.2.2-11] */
        {"Maximum QoS 0",
         WIRE_MAXIMUM_QOS,
         {.maximum_qos = 0},
         {.topic = "t", .qos = 1},
         WILCO_EREFUSED,
         0x9B},
        {"no retain",
         WIRE_RETAIN_AVAILABLE,
         {.retain_available = 0},
         {.topic = "t", .retain = true},
         WILCO_EREFUSED,
         0x9A}, /* [MQTT-3.2.2-14] */
        {"retain",
         WIRE_RETAIN_AVAILABLE,
         {.retain_available = 1},
         {.topic = "t", .retain = true},
         WILCO_OK,
         0},
        {"fits",
         WIRE_MAXIMUM_PACKET_SIZE,
         {.maximum_packet_size = 10},
         {.topic = "t", .payload = {"0123", 4}},
         WILCO_OK,
         0},
        {"one too large",
         WIRE_MAXIMUM_PACKET_SIZE,
         {.maximum_packet_size = 10},
         {.topic = "t", .payload = {"01234", 5}},
         WILCO_ELIMIT,
         0}, /* [MQTT-3.2.2-15] */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wire_properties connack = rows[i].connack;
        struct wire_any packet;
        uint8_t reason_code = 0;
        struct peer p;

        wire_properties_set(&connack, rows[i].id);
        peer_open(&p, NULL, &connack);
        if (core_publish(p.core, &rows[i].publish, NULL, NULL, &reason_code) != rows[i].want ||
            reason_code != rows[i].reason_code) {
            fail_msg("%s", rows[i].name);
        }
        if (rows[i].want == WILCO_OK) {
            peer_expect(&p, WIRE_PUBLISH, &packet);
        }
        peer_expect_nothing(&p);
        peer_close(&p);
    }
}

static void
bounds_what_is_queued(void **state)
{
    static const char payload[1000];
    const struct wilco_publish w = {.topic = "t", .payload = {payload, sizeof(payload)}};
    struct wire_any packet;
    size_t count = 0;
    enum wilco_status st = WILCO_OK;
    struct peer p;

    (void)state;
    peer_open(&p, &(struct wilco_options){.client_id = "a", .queue_bytes_max = 10000}, NULL);
    while (st == WILCO_OK) {
        uint8_t reason_code = 0;

        st = core_publish(p.core, &w, NULL, NULL, &reason_code);
        count += st == WILCO_OK;
    }
    assert_int_equal(st, WILCO_AGAIN);
    assert_int_equal(count, 9); /* each takes a little more than 1000 bytes */
    for (size_t i = 0; i < count; i++) {
        peer_expect(&p, WIRE_PUBLISH, &packet);
    }
    must_publish(&p, 0); /* there is room again */
    peer_close(&p);
}

/* With nothing queued even one above the bound may go. */
static void
lets_one_large_publication_pass(void **state)
{
    static const char payload[5000];
    const struct wilco_publish w = {.topic = "t", .payload = {payload, sizeof(payload)}};
    struct wire_any packet;
    struct peer p;

    (void)state;
    peer_open(&p, &(struct wilco_options){.client_id = "a", .queue_bytes_max = 1}, NULL);
    assert_int_equal(publish(&p, &w), WILCO_OK);
    assert_int_equal(publish(&p, &w), WILCO_AGAIN);
    peer_expect(&p, WIRE_PUBLISH, &packet);
    assert_int_equal(packet.as.publish.payload.len, sizeof(payload));
    peer_close(&p);
}

/* That of a client which does not connect again. */
static const struct wilco_options once = {.client_id = "me", .reconnect_off = true};

static void
ends_with_the_connection(void **state)
{
    struct wire_properties connack = {.receive_maximum = 2};
    struct core_event event;
    uint16_t id = 0;
    struct peer p;

    (void)state;
    wire_properties_set(&connack, WIRE_RECEIVE_MAXIMUM);
    peer_open(&p, &once, &connack);
    must_publish(&p, 1); /* sent */
    (void)expect_publish(&p, 1);
    must_publish(&p, 2); /* half way */
    id = expect_publish(&p, 2);
    peer_ack(&p, WIRE_PUBREC, id, 0);
    must_publish(&p, 1); /* waits for quota */
    core_lost(p.core, "cut", p.now_ms);
    for (int i = 0; i < 3; i++) {
        expect_published(&p, WILCO_ECLOSED, 0);
    }
    peer_event(&p, CORE_ENDED, &event);
    peer_no_event(&p);
    peer_close(&p);
}

static void
on_published(void *context, enum wilco_status status, uint8_t reason_code)
{
    (void)context;
    (void)status;
    (void)reason_code;
}

static void
tells_callbacks_apart_from_waiters(void **state)
{
    struct core_event event;
    uint8_t reason_code = 0;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    assert_int_equal(
        core_publish(p.core, &(struct wilco_publish){.topic = "t"}, on_published, &p, &reason_code),
        WILCO_OK);
    assert_true(core_has_events(p.core));
    assert_false(core_next_awaited(p.core, &event));
    peer_event(&p, CORE_PUBLISHED, &event);
    assert_true(event.to.published == on_published);
    assert_ptr_equal(event.context, &p);
    peer_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(carries_everything),
        cmocka_unit_test(ends_as_its_qos_asks),
        cmocka_unit_test(ends_when_it_is_refused),
        cmocka_unit_test(keeps_within_the_quota),
        cmocka_unit_test(never_uses_an_identifier_twice),
        cmocka_unit_test(never_sends_again),
        cmocka_unit_test(releases_in_order),
        cmocka_unit_test(respects_what_the_server_cannot_do),
        cmocka_unit_test(bounds_what_is_queued),
        cmocka_unit_test(lets_one_large_publication_pass),
        cmocka_unit_test(ends_with_the_connection),
        cmocka_unit_test(tells_callbacks_apart_from_waiters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
