#include "peer.h"

#include "client/message.h"
#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Connecting again, and what is sent then; what comes in is in test_core_repeat.c, what becomes of
 * subscriptions and requests in test_core_renew.c. */

/* Never run: the tests pull the events. */
static void
on_state(void *context, const struct wilco_state *state)
{
    (void)context;
    (void)state;
    fail_msg("a core does not call back");
}

static void
must_publish(struct peer *p, const char *topic, uint8_t qos)
{
    const struct wilco_publish w = {.topic = topic, .qos = qos};
    uint8_t reason_code = 0;

    assert_int_equal(core_publish(p->core, &w, NULL, p, &reason_code), WILCO_OK);
}

/* A PUBLISH with this topic; its packet identifier. */
static uint16_t
expect_publish(struct peer *p, const char *topic, uint8_t qos, bool dup)
{
    struct wire_any packet;

    peer_expect(p, WIRE_PUBLISH, &packet);
    assert_true(span_equal(packet.as.publish.topic, span_of_text(topic)));
    assert_int_equal(packet.as.publish.qos, qos);
    assert_int_equal(packet.as.publish.dup, dup);
    return packet.as.publish.packet_id;
}

static void
expect_ack(struct peer *p, enum wire_type type, uint16_t packet_id)
{
    struct wire_any packet;

    peer_expect(p, type, &packet);
    assert_int_equal(packet.as.ack.packet_id, packet_id);
    assert_int_equal(packet.as.ack.reason_code, 0);
}

static void
expect_published(struct peer *p, enum wilco_status status, uint8_t reason_code)
{
    struct core_event event;

    peer_awaited(p, CORE_PUBLISHED, &event);
    assert_int_equal(event.status, status);
    assert_int_equal(event.reason_code, reason_code);
}

/* ---- When ---- */

/* How long the core waits before it connects again. */
static uint64_t
delay_of(const struct peer *p)
{
    return core_deadline_ms(p->core) - p->now_ms;
}

static void
check_delay(const struct peer *p, uint64_t limit_ms)
{
    if (delay_of(p) < limit_ms / 2 || delay_of(p) > limit_ms) {
        fail_msg("%u for %u", (unsigned)delay_of(p), (unsigned)limit_ms);
    }
}

/* Each delay is random between half of its limit and all of it; the limit doubles. */
static void
waits_longer_each_time(void **state)
{
    static const struct {
        uint32_t min_ms, max_ms;
        uint32_t want_ms[10];
    } rows[] = {
        {0, 0, {100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000}},
        {10, 50, {10, 20, 40, 50, 50, 50, 50, 50, 50, 50}},
        {10, 5, {10, 10, 10, 10, 10, 10, 10, 10, 10, 10}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct wilco_options options = {.client_id = "a",
                                              .reconnect_min_ms = rows[i].min_ms,
                                              .reconnect_max_ms = rows[i].max_ms};
        struct peer p;

        peer_open(&p, &options, NULL);
        peer_lose(&p);
        for (size_t j = 0; j < 10; j++) {
            check_delay(&p, rows[i].want_ms[j]);
            peer_advance(&p, delay_of(&p) - 1);
            assert_int_equal(core_state(p.core), CORE_WAITING);
            peer_expect_connect(&p, NULL);
            core_lost(p.core, "refused", p.now_ms);
        }
        peer_close(&p);
    }
}

/* Not all clients come back at the same time. */
static void
waits_at_random(void **state)
{
    const struct wilco_options options = {.client_id = "a", .reconnect_min_ms = 1000000};
    uint64_t delays[3] = {0};
    struct peer p;

    (void)state;
    peer_open(&p, &options, NULL);
    for (size_t i = 0; i < 3; i++) {
        peer_lose(&p);
        delays[i] = delay_of(&p);
        peer_reopen(&p, true, NULL);
        peer_advance(&p, 10000000); /* past any delay: it begins anew */
        core_discard_output(p.core);
    }
    assert_true(delays[0] != delays[1] || delays[1] != delays[2]);
    peer_close(&p);
}

/* A connection must last longer than it was waited for. */
static void
begins_anew_after_a_connection_that_lasts(void **state)
{
    const struct wilco_options options = {
        .client_id = "a", .reconnect_min_ms = 1000, .keep_alive_off = true};
    struct peer p;
    uint64_t delay_ms = 0;

    (void)state;
    peer_open(&p, &options, NULL);
    peer_lose(&p);
    delay_ms = delay_of(&p);
    peer_reopen(&p, true, NULL);
    peer_advance(&p, delay_ms - 1);
    peer_lose(&p);
    check_delay(&p, 2000);
    delay_ms = delay_of(&p);
    peer_reopen(&p, true, NULL);
    peer_advance(&p, delay_ms);
    peer_lose(&p);
    check_delay(&p, 1000);
    peer_close(&p);
}

static void
gives_each_attempt_its_time(void **state)
{
    const struct wilco_options options = {.client_id = "a", .connect_timeout_ms = 300};
    struct peer p;

    (void)state;
    peer_open(&p, &options, NULL);
    peer_lose(&p);
    peer_expect_connect(&p, NULL);
    assert_int_equal(core_deadline_ms(p.core), p.now_ms + 300);
    peer_advance(&p, 300);
    assert_int_equal(core_state(p.core), CORE_WAITING);
    peer_close(&p);
}

/* DISCONNECT tells the server why, if it can hear that. */
static void
connects_again_when_the_server_is_silent(void **state)
{
    struct wire_any packet;
    struct wilco_error why;
    struct peer p;

    (void)state;
    peer_open(&p, &(struct wilco_options){.client_id = "a", .keep_alive_s = 4}, NULL);
    peer_advance(&p, core_deadline_ms(p.core) - p.now_ms);
    peer_expect(&p, WIRE_PINGREQ, &packet);
    peer_advance(&p, 4000);
    assert_int_equal(core_state(p.core), CORE_WAITING);
    (void)core_why(p.core, &why);
    assert_non_null(strstr(why.text, "PINGREQ"));
    peer_expect(&p, WIRE_DISCONNECT, &packet);
    peer_reopen(&p, true, NULL);
    peer_advance(&p, core_deadline_ms(p.core) - p.now_ms);
    peer_expect(&p, WIRE_PINGREQ, &packet); /* the one before is forgotten */
    peer_close(&p);
}

/* ---- Whether ---- */

static void
check_end(struct peer *p, bool is_transient, uint8_t reason_code)
{
    struct wilco_error why;

    if (core_state(p->core) != (is_transient ? CORE_WAITING : CORE_CLOSED)) {
        fail_msg("0x%02X", (unsigned)reason_code);
    }
    (void)core_why(p->core, &why);
    assert_int_equal(why.reason_code, reason_code);
}

/* What would be refused again is not said again. */
static void
gives_up_what_is_refused_for_good(void **state)
{
    static const struct {
        uint8_t reason_code;
        bool is_transient;
    } connacks[] =
        {
            {0x80, true},  {0x81, false}, {0x82, false}, {0x83, true},  {0x84, false},
            {0x85, false}, {0x86, false}, {0x87, false}, {0x88, true},  {0x89, true},
            {0x8A, false}, {0x8C, false}, {0x90, false}, {0x95, false}, {0x97, true},
            {0x99, false}, {0x9A, false}, {0x9B, false}, {0x9C, false}, {0x9D, false},
            {0x9F, true},
        },
      disconnects[] = {
          {0x00, true},  {0x80, true},  {0x81, false}, {0x82, false}, {0x83, true},
          {0x87, false}, {0x89, true},  {0x8B, true},  {0x8D, true},  {0x8E, false},
          {0x93, false}, {0x94, false}, {0x95, false}, {0x96, true},  {0x97, true},
          {0x98, false}, {0x9C, false}, {0x9D, false}, {0x9F, true},  {0xA0, true},
      };
    struct peer p;

    (void)state;
    for (size_t i = 0; i < sizeof(connacks) / sizeof(connacks[0]); i++) {
        struct wire_any packet = {.type = WIRE_CONNACK};

        packet.as.connack.reason_code = connacks[i].reason_code;
        peer_open(&p, NULL, NULL);
        peer_lose(&p);
        peer_expect_connect(&p, NULL);
        peer_send(&p, &packet);
        check_end(&p, connacks[i].is_transient, connacks[i].reason_code);
        peer_close(&p);
    }
    for (size_t i = 0; i < sizeof(disconnects) / sizeof(disconnects[0]); i++) {
        struct wire_any packet = {.type = WIRE_DISCONNECT};

        packet.as.disconnect.reason_code = disconnects[i].reason_code;
        peer_open(&p, NULL, NULL);
        peer_send(&p, &packet);
        check_end(&p, disconnects[i].is_transient, disconnects[i].reason_code);
        peer_expect_nothing(&p); /* [U-3.14.4-1] */
        peer_close(&p);
    }
}

/* What is outstanding ends when the client does, however long it waited. */
static void
ends_what_waits_when_it_is_refused(void **state)
{
    struct wire_any packet = {.type = WIRE_CONNACK, .as.connack.reason_code = 0x87};
    struct wilco_error why;
    struct core_event event;
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    must_publish(&p, "a", 1);
    (void)expect_publish(&p, "a", 1, false);
    peer_lose(&p);
    must_publish(&p, "b", 0);
    peer_expect_connect(&p, NULL);
    peer_send(&p, &packet);
    expect_published(&p, WILCO_ECLOSED, 0);
    expect_published(&p, WILCO_ECLOSED, 0);
    peer_event(&p, CORE_ENDED, &event);
    assert_int_equal(core_why(p.core, &why), WILCO_ECLOSED);
    peer_close(&p);
}

static void
needs_no_server_to_begin_with(void **state)
{
    struct wire_any packet;
    struct wilco_error why;
    struct peer p;

    (void)state;
    for (int is_offline = 0; is_offline < 2; is_offline++) {
        peer_start(&p, &(struct wilco_options){.client_id = "a", .open_offline = is_offline != 0});
        peer_expect(&p, WIRE_CONNECT, &packet);
        core_lost(p.core, "refused", p.now_ms);
        assert_int_equal(core_state(p.core), is_offline ? CORE_WAITING : CORE_CLOSED);
        assert_int_equal(core_why(p.core, &why), is_offline ? WILCO_OK : WILCO_ECONNECT);
        if (is_offline) {
            peer_expect_connect(&p, &packet);
            assert_true(packet.as.connect.clean_start); /* there is no session yet */
        }
        peer_close(&p);
    }
}

/* ---- As whom ---- */

/* [MQTT-3.1.2-4]: Clean Start is for the first connection; [MQTT-3.1.3-2]: the Client Identifier
 * that the server assigned names the session from then on. */
static void
says_connect_for_the_same_session(void **state)
{
    static const struct {
        struct wilco_options options;
        const char *assigned, *want;
        bool is_clean; /* the first one */
    } rows[] = {
        {{.client_id = "mine"}, NULL, "mine", true},
        {{.client_id = "mine", .keep_session = true}, NULL, "mine", false},
        {{.url = NULL}, "given", "given", true},
        {{.url = NULL}, NULL, "", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wire_any connack = {.type = WIRE_CONNACK};
        struct wire_any packet;
        struct peer p;

        connack.as.connack.properties.assigned_client_identifier = span_of_text(rows[i].assigned);
        if (rows[i].assigned != NULL) {
            wire_properties_set(&connack.as.connack.properties, WIRE_ASSIGNED_CLIENT_IDENTIFIER);
        }
        peer_start(&p, &rows[i].options);
        peer_expect(&p, WIRE_CONNECT, &packet);
        assert_int_equal(packet.as.connect.clean_start, rows[i].is_clean);
        peer_send(&p, &connack);
        for (int j = 0; j < 2; j++) {
            peer_lose(&p);
            peer_expect_connect(&p, &packet);
            assert_false(packet.as.connect.clean_start);
            assert_true(span_equal(packet.as.connect.client_id, span_of_text(rows[i].want)));
            assert_int_equal(packet.as.connect.properties.session_expiry_interval, 60);
            connack = (struct wire_any){.type = WIRE_CONNACK};
            connack.as.connack.session_present = true;
            peer_send(&p, &connack);
            assert_string_equal(core_client_id(p.core), rows[i].want);
        }
        peer_close(&p);
    }
}

/* ---- What is sent ---- */

/* [MQTT-4.4.0-1, 3.3.1-1, 4.6.0-1, 4.3.2-2, 4.3.3-2]; [MQTT-4.3.3-6]: PUBREL, not PUBLISH,
 * once PUBREC has come [MQTT-4.3.3-5]; [MQTT-4.6.0-4]. [MQTT-3.1.2-23]: all of that is kept. */
static void
sends_again_what_was_not_acknowledged(void **state)
{
    uint16_t ids[5];
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    for (int i = 0; i < 5; i++) {
        const char *topics[] = {"a", "b", "c", "d", "e"};

        must_publish(&p, topics[i], i % 2 == 0 ? 1 : 2);
        ids[i] = expect_publish(&p, topics[i], i % 2 == 0 ? 1 : 2, false);
    }
    peer_ack(&p, WIRE_PUBREC, ids[1], 0);
    expect_ack(&p, WIRE_PUBREL, ids[1]);
    peer_ack(&p, WIRE_PUBACK, ids[2], 0);
    for (int i = 0; i < 2; i++) { /* once more makes no difference */
        peer_lose(&p);
        peer_reopen(&p, true, NULL);
        expect_ack(&p, WIRE_PUBREL, ids[1]);
        assert_int_equal(expect_publish(&p, "a", 1, true), ids[0]);
        assert_int_equal(expect_publish(&p, "d", 2, true), ids[3]);
        assert_int_equal(expect_publish(&p, "e", 1, true), ids[4]);
        peer_expect_nothing(&p);
    }
    peer_ack(&p, WIRE_PUBACK, ids[0], 0x10);
    peer_ack(&p, WIRE_PUBCOMP, ids[1], 0);
    peer_ack(&p, WIRE_PUBREC, ids[3], 0);
    expect_ack(&p, WIRE_PUBREL, ids[3]);
    peer_ack(&p, WIRE_PUBCOMP, ids[3], 0);
    peer_ack(&p, WIRE_PUBACK, ids[4], 0);
    expect_published(&p, WILCO_OK, 0);
    expect_published(&p, WILCO_OK, 0x10);
    for (int i = 0; i < 3; i++) {
        expect_published(&p, WILCO_OK, 0);
    }
    peer_no_event(&p);
    peer_close(&p);
}

/* [MQTT-4.9.0-1, 3.3.4-7]: the quota begins anew with the Receive Maximum of the new connection,
 * and what is sent again comes before what was never sent. */
static void
keeps_to_the_quota_when_sending_again(void **state)
{
    struct wire_properties narrow = {.receive_maximum = 2};
    uint16_t ids[4];
    struct peer p;

    (void)state;
    wire_properties_set(&narrow, WIRE_RECEIVE_MAXIMUM);
    peer_open(&p, NULL, NULL);
    for (int i = 0; i < 4; i++) {
        must_publish(&p, "old", 2);
        ids[i] = expect_publish(&p, "old", 2, false);
    }
    peer_ack(&p, WIRE_PUBREC, ids[0], 0);
    expect_ack(&p, WIRE_PUBREL, ids[0]);
    peer_lose(&p);
    must_publish(&p, "new", 1);
    peer_reopen(&p, true, &narrow);
    expect_ack(&p, WIRE_PUBREL, ids[0]); /* it goes on, and counts */
    assert_int_equal(expect_publish(&p, "old", 2, true), ids[1]);
    must_publish(&p, "newer", 1);
    must_publish(&p, "plain", 0);
    (void)expect_publish(&p, "plain", 0, false);
    peer_expect_nothing(&p);
    peer_ack(&p, WIRE_PUBCOMP, ids[0], 0);
    assert_int_equal(expect_publish(&p, "old", 2, true), ids[2]);
    peer_expect_nothing(&p);
    peer_ack(&p, WIRE_PUBREC, ids[1], 0x80);
    assert_int_equal(expect_publish(&p, "old", 2, true), ids[3]);
    peer_expect_nothing(&p);
    peer_ack(&p, WIRE_PUBREC, ids[2], 0x80);
    (void)expect_publish(&p, "new", 1, false);
    peer_ack(&p, WIRE_PUBREC, ids[3], 0x80);
    (void)expect_publish(&p, "newer", 1, false);
    peer_expect_nothing(&p);
    peer_close(&p);
}

/* [MQTT-3.2.2-5]: a server that has forgotten the session gets as new, and in order, what it has
 * not acknowledged; what it had taken of QoS 2 is not sent twice. */
static void
sends_as_new_what_a_forgotten_session_had(void **state)
{
    uint16_t ids[3];
    struct peer p;

    (void)state;
    peer_open(&p, NULL, NULL);
    must_publish(&p, "half", 2);
    ids[0] = expect_publish(&p, "half", 2, false);
    peer_ack(&p, WIRE_PUBREC, ids[0], 0x10);
    expect_ack(&p, WIRE_PUBREL, ids[0]);
    must_publish(&p, "one", 1);
    (void)expect_publish(&p, "one", 1, false);
    must_publish(&p, "two", 2);
    (void)expect_publish(&p, "two", 2, false);
    peer_lose(&p);
    must_publish(&p, "later", 1);
    peer_reopen(&p, true, NULL); /* so that they have DUP once */
    core_discard_output(p.core);
    peer_lose(&p);
    peer_reopen(&p, false, NULL);
    expect_published(&p, WILCO_OK, 0x10);
    ids[0] = expect_publish(&p, "one", 1, false);
    ids[1] = expect_publish(&p, "two", 2, false);
    ids[2] = expect_publish(&p, "later", 1, false);
    peer_expect_nothing(&p);
    peer_ack(&p, WIRE_PUBACK, ids[0], 0);
    peer_ack(&p, WIRE_PUBACK, ids[2], 0);
    peer_ack(&p, WIRE_PUBREC, ids[1], 0x97);
    expect_published(&p, WILCO_OK, 0);
    expect_published(&p, WILCO_OK, 0);
    expect_published(&p, WILCO_EREFUSED, 0x97);
    peer_no_event(&p);
    peer_close(&p);
}

/* In the order of asking, QoS 0 included, and up to a bound. */
static void
keeps_publications_while_there_is_no_connection(void **state)
{
    const struct wilco_options options = {.client_id = "a", .queue_bytes_max = 800};
    struct wilco_publish large = {.topic = "t", .payload = {"", 1}};
    static const char payload[600];
    uint8_t reason_code = 0;
    struct peer p;

    (void)state;
    peer_open(&p, &options, NULL);
    peer_lose(&p);
    must_publish(&p, "a", 0);
    must_publish(&p, "b", 1);
    must_publish(&p, "c", 0);
    peer_no_event(&p);
    for (uint8_t qos = 0; qos < 3; qos++) {
        large.qos = qos;
        large.payload = (struct wilco_bytes){payload, sizeof(payload)};
        assert_int_equal(core_publish(p.core, &large, NULL, NULL, &reason_code), WILCO_AGAIN);
    }
    peer_expect_nothing(&p);
    peer_reopen(&p, true, NULL);
    (void)expect_publish(&p, "a", 0, false);
    (void)expect_publish(&p, "b", 1, false);
    (void)expect_publish(&p, "c", 0, false);
    peer_expect_nothing(&p);
    expect_published(&p, WILCO_OK, 0);
    expect_published(&p, WILCO_OK, 0);
    peer_no_event(&p);
    peer_close(&p);
}

/* QoS 0 needs no quota. */
static void
sends_what_needs_no_quota_first(void **state)
{
    struct wire_properties narrow = {.receive_maximum = 1};
    struct peer p;

    (void)state;
    wire_properties_set(&narrow, WIRE_RECEIVE_MAXIMUM);
    peer_open(&p, NULL, NULL);
    peer_lose(&p);
    must_publish(&p, "a", 1);
    must_publish(&p, "b", 1);
    must_publish(&p, "c", 0);
    must_publish(&p, "d", 0);
    peer_reopen(&p, true, &narrow);
    (void)expect_publish(&p, "a", 1, false);
    (void)expect_publish(&p, "c", 0, false);
    (void)expect_publish(&p, "d", 0, false);
    peer_expect_nothing(&p);
    peer_close(&p);
}

/* [MQTT-3.2.2-11, 3.2.2-14, 3.2.2-15]: the server may do less than the one before. */
static void
ends_what_the_server_does_not_take_any_more(void **state)
{
    struct wire_properties less = {.maximum_packet_size = 40};
    const struct wilco_publish rows[] = {
        {.topic = "a", .qos = 2},
        {.topic = "a", .retain = true},
        {.topic = "a", .payload = WILCO_TEXT("0123456789012345678901234567890123456789")},
    };
    struct peer p;
    uint8_t reason_code = 0;

    (void)state;
    wire_properties_set(&less, WIRE_MAXIMUM_QOS);
    wire_properties_set(&less, WIRE_RETAIN_AVAILABLE);
    wire_properties_set(&less, WIRE_MAXIMUM_PACKET_SIZE);
    less.maximum_qos = 1;
    peer_open(&p, NULL, NULL);
    peer_lose(&p);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(core_publish(p.core, &rows[i], NULL, &p, &reason_code), WILCO_OK);
    }
    must_publish(&p, "fits", 1);
    peer_reopen(&p, true, &less);
    (void)expect_publish(&p, "fits", 1, false);
    expect_published(&p, WILCO_EREFUSED, 0x9B);
    expect_published(&p, WILCO_EREFUSED, 0x9A);
    expect_published(&p, WILCO_ELIMIT, 0);
    peer_expect_nothing(&p);
    peer_lose(&p);
    peer_reopen(&p, true, NULL); /* and more again */
    (void)expect_publish(&p, "fits", 1, true);
    must_publish(&p, "a", 2);
    (void)expect_publish(&p, "a", 2, false);
    peer_close(&p);
}

/* ---- What is told ---- */

/* How long until the next attempt, as it is told. */
static uint32_t
expect_state(struct peer *p, enum wilco_state_kind kind, bool session_present)
{
    struct core_event event;
    struct wilco_state state;
    struct wilco_error why;

    assert_true(core_next_event(p->core, &event, p->now_ms));
    assert_int_equal(event.kind, kind == WILCO_CLOSED ? CORE_ENDED : CORE_STATE);
    core_describe_state(p->core, &event, &state, &why);
    assert_int_equal(state.kind, kind);
    assert_int_equal(state.session_present, session_present);
    assert_int_equal(state.why != NULL, kind != WILCO_CONNECTED);
    if (kind == WILCO_DISCONNECTED) {
        assert_string_equal(state.why->text, "cut");
    }
    return state.retry_ms;
}

static void
tells_what_becomes_of_the_connection(void **state)
{
    const struct wilco_options options = {.client_id = "a", .state_changed = on_state};
    struct wire_any packet = {.type = WIRE_DISCONNECT, .as.disconnect.reason_code = 0x8E};
    struct peer p;

    (void)state;
    peer_open(&p, &options, NULL);
    (void)expect_state(&p, WILCO_CONNECTED, false);
    peer_lose(&p);
    assert_int_equal(expect_state(&p, WILCO_DISCONNECTED, false), delay_of(&p));
    peer_expect_connect(&p, NULL);
    core_lost(p.core, "cut", p.now_ms);
    (void)expect_state(&p, WILCO_DISCONNECTED, false); /* an attempt that failed */
    peer_reopen(&p, true, NULL);
    (void)expect_state(&p, WILCO_CONNECTED, true);
    for (int i = 0; i < 3; i++) { /* too fast to be told one by one */
        peer_lose(&p);
        peer_reopen(&p, true, NULL);
    }
    (void)expect_state(&p, WILCO_DISCONNECTED, false);
    (void)expect_state(&p, WILCO_CONNECTED, true);
    peer_lose(&p);
    peer_reopen(&p, true, NULL);
    peer_lose(&p);
    (void)expect_state(&p, WILCO_DISCONNECTED, false);
    peer_reopen(&p, false, NULL);
    peer_send(&p, &packet);
    (void)expect_state(&p, WILCO_CONNECTED, false);
    (void)expect_state(&p, WILCO_CLOSED, false);
    peer_no_event(&p);
    peer_close(&p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_longer_each_time),
        cmocka_unit_test(waits_at_random),
        cmocka_unit_test(begins_anew_after_a_connection_that_lasts),
        cmocka_unit_test(gives_each_attempt_its_time),
        cmocka_unit_test(connects_again_when_the_server_is_silent),
        cmocka_unit_test(gives_up_what_is_refused_for_good),
        cmocka_unit_test(ends_what_waits_when_it_is_refused),
        cmocka_unit_test(needs_no_server_to_begin_with),
        cmocka_unit_test(says_connect_for_the_same_session),
        cmocka_unit_test(sends_again_what_was_not_acknowledged),
        cmocka_unit_test(keeps_to_the_quota_when_sending_again),
        cmocka_unit_test(sends_as_new_what_a_forgotten_session_had),
        cmocka_unit_test(keeps_publications_while_there_is_no_connection),
        cmocka_unit_test(sends_what_needs_no_quota_first),
        cmocka_unit_test(ends_what_the_server_does_not_take_any_more),
        cmocka_unit_test(tells_what_becomes_of_the_connection),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
