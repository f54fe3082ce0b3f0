/* Enhanced authentication (MQTT 5.0, 4.12), with a method of two steps: the broker asks for the
 * name of the user, then for a secret. What the client says first may spare it both. */
#include "broker/core/auth.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define METHOD "TWO-STEP"

/* The method. */

struct exchange {
    char user[16];
    char data[400];
};

static size_t exchanges; /* that are not finished */

static void
ask(struct exchange *x, const char *what, struct auth_verdict *out)
{
    (void)snprintf(x->data, sizeof(x->data), "%s", what);
    *out = (struct auth_verdict){
        .outcome = AUTH_CONTINUES,
        .data = {.is_there = true, .bytes = span_of_text(x->data)},
    };
}

static void
take_user(struct exchange *x, struct span name, struct auth_verdict *out)
{
    assert_in_range(name.len, 1, sizeof(x->user) - 1);
    memcpy(x->user, name.data, name.len);
    ask(x, "secret?", out);
}

static void
succeed(struct exchange *x, const char *user, bool with_data, struct auth_verdict *out)
{
    (void)snprintf(x->user, sizeof(x->user), "%s", user);
    *out = (struct auth_verdict){
        .outcome = AUTH_SUCCEEDED,
        .user = span_of_text(x->user),
        .data = {.is_there = with_data, .bytes = span_of_text("welcome")},
    };
}

static bool
is(struct auth_data data, const char *text)
{
    return data.is_there && span_equal(data.bytes, span_of_text(text));
}

static enum wilco_status
start(void *context, const struct auth_claim *claim, void **exchange, struct auth_verdict *out)
{
    struct exchange *x = NULL;

    assert_string_equal(context, "context");
    if (is(claim->data, "no memory")) {
        return WILCO_ENOMEM;
    }
    x = calloc(1, sizeof(*x));
    assert_non_null(x);
    exchanges++;
    *exchange = x;
    if (is(claim->data, "alice, by ticket")) {
        succeed(x, "alice", false, out);
    } else if (is(claim->data, "bad ticket")) {
        *out = (struct auth_verdict){.outcome = AUTH_FAILED, .reason_code = 0x86};
    } else if (is(claim->data, "verbose")) {
        memset(x->data, 'v', sizeof(x->data));
        *out = (struct auth_verdict){
            .outcome = AUTH_CONTINUES,
            .data = {.is_there = true, .bytes = span_of(x->data, sizeof(x->data))}};
    } else if (claim->user_name.len > 0) {
        take_user(x, claim->user_name, out);
    } else {
        ask(x, "user?", out);
    }
    return WILCO_OK;
}

static void
step(void *exchange, struct auth_data answer, struct auth_verdict *out)
{
    struct exchange *x = exchange;
    char user[sizeof(x->user)];

    memcpy(user, x->user, sizeof(user));
    if (!answer.is_there || answer.bytes.len == 0) {
        *out = (struct auth_verdict){.outcome = AUTH_FAILED, .reason_code = 0x87};
    } else if (x->user[0] == '\0') {
        take_user(x, answer.bytes, out);
    } else if (is(answer, "correct")) {
        succeed(x, user, true, out);
    } else {
        *out = (struct auth_verdict){.outcome = AUTH_FAILED, .reason_code = 0x87};
    }
}

static void
finish(void *exchange)
{
    exchanges--;
    free(exchange);
}

static char context[] = "context";
static const struct auth_method methods[] = {
    {.name = "OTHER", .context = NULL, .start = start, .step = step, .finish = finish},
    {.name = METHOD, .context = context, .start = start, .step = step, .finish = finish},
};

static void
open_rig(struct rig *r, unsigned shards)
{
    rig_open_with_methods(r, shards, methods, 2);
    assert_int_equal(exchanges, 0);
}

static void
close_rig(struct rig *r)
{
    rig_close(r);
    assert_int_equal(exchanges, 0);
}

/* Packets. */

static void
name_method(struct wire_properties *v, const char *method, const char *data)
{
    v->authentication_method = span_of_text(method);
    wire_properties_set(v, WIRE_AUTHENTICATION_METHOD);
    if (data != NULL) {
        v->authentication_data = span_of_text(data);
        wire_properties_set(v, WIRE_AUTHENTICATION_DATA);
    }
}

static struct wire_connect
connect_with(const char *client_id, const char *data)
{
    struct wire_connect how = rig_lasting(client_id, 60);

    name_method(&how.properties, METHOD, data);
    return how;
}

static void
send_connect(struct rig *r, struct rig_client *c, const char *client_id, const char *data)
{
    const struct wire_any packet = {.type = WIRE_CONNECT,
                                    .as.connect = connect_with(client_id, data)};

    rig_client_open(r, c, client_id, WIRE_V5);
    rig_send(c, &packet);
}

static void
send_auth(struct rig_client *c, uint8_t reason_code, const char *data)
{
    struct wire_any packet = {.type = WIRE_AUTH, .as.disconnect = {.reason_code = reason_code}};

    name_method(&packet.as.disconnect.properties, METHOD, data);
    rig_send(c, &packet);
}

static void
check_properties(const struct wire_properties *v, const char *data)
{
    assert_true(wire_properties_has(v, WIRE_AUTHENTICATION_METHOD)); /* [MQTT-4.12.0-5] */
    assert_true(span_equal(v->authentication_method, span_of_text(METHOD)));
    assert_int_equal(wire_properties_has(v, WIRE_AUTHENTICATION_DATA), data != NULL);
    assert_true(span_equal(v->authentication_data, span_of_text(data)));
}

static void
expect_auth(struct rig_client *c, uint8_t reason_code, const char *data)
{
    struct wire_any packet;

    rig_expect(c, WIRE_AUTH, &packet);
    assert_int_equal(packet.as.disconnect.reason_code, reason_code);
    check_properties(&packet.as.disconnect.properties, data);
    /* Neither is ever sent, so neither is too much [MQTT-3.15.2-2], [MQTT-3.15.2-3]. */
    assert_false(wire_properties_has(&packet.as.disconnect.properties, WIRE_REASON_STRING));
    assert_int_equal(packet.as.disconnect.properties.user_count, 0);
}

static void
expect_accepted(struct rig_client *c, const char *data)
{
    struct wire_any packet;

    rig_expect(c, WIRE_CONNACK, &packet);
    assert_int_equal(packet.as.connack.reason_code, 0);
    check_properties(&packet.as.connack.properties, data);
    rig_expect_nothing(c);
}

static void
expect_refused(struct rig_client *c, uint8_t reason_code)
{
    struct wire_any packet;

    rig_expect(c, WIRE_CONNACK, &packet);
    assert_int_equal(packet.as.connack.reason_code, reason_code);
    assert_false(wire_properties_has(&packet.as.connack.properties, WIRE_AUTHENTICATION_METHOD));
    rig_expect_nothing(c);
    assert_true(rig_client_is_ended(c));
    rig_client_close(c);
}

/* Connected as this user. */
static void
connect_as(struct rig *r, struct rig_client *c, const char *client_id, const char *user)
{
    send_connect(r, c, client_id, NULL);
    expect_auth(c, 0x18, "user?");
    send_auth(c, 0x18, user);
    expect_auth(c, 0x18, "secret?");
    send_auth(c, 0x18, "correct");
    expect_accepted(c, "welcome");
}

/* The tests. */

/* [MQTT-4.12.0-2]: AUTH 0x18 asks for more; [MQTT-4.12.0-5]: all name the method. What CONNECT
 * asked for holds although it is long gone when it is accepted. */
static void
test_exchange(void **state)
{
    static const char *const ids[] = {"a", "b", "c", "d"};
    struct rig r;
    struct rig_client c[4];
    struct rig_client watcher;
    struct wire_any packet;

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        open_rig(&r, shards);
        rig_client_connect(&r, &watcher, "watcher");
        rig_subscribe(&watcher, "wills/+", 1);
        for (size_t i = 0; i < 4; i++) {
            struct wire_any connect = {.type = WIRE_CONNECT,
                                       .as.connect = connect_with(ids[i], NULL)};

            connect.as.connect.has_will = true;
            connect.as.connect.will.topic = SPAN_LITERAL("wills/a");
            connect.as.connect.will.payload = span_of_text(ids[i]);
            rig_client_open(&r, &c[i], ids[i], WIRE_V5);
            rig_send(&c[i], &connect);
            expect_auth(&c[i], 0x18, "user?");
        }
        for (size_t i = 0; i < 4; i++) {
            assert_null(session_table_find(&c[i].conn.shard->sessions, span_of_text(ids[i])));
            send_auth(&c[i], 0x18, "alice");
            expect_auth(&c[i], 0x18, "secret?");
            rig_expect_nothing(&c[i]);
        }
        for (size_t i = 0; i < 4; i++) {
            send_auth(&c[i], 0x18, "correct");
            expect_accepted(&c[i], "welcome");
            rig_client_drop(&c[i]);
            rig_expect_publish(&watcher, ids[i], &packet);
            rig_client_close(&c[i]);
        }
        rig_client_close(&watcher);
        close_rig(&r);
    }
}

/* What the client says in CONNECT goes to the method, and may be enough. */
static void
test_claims(void **state)
{
    struct rig r;
    struct rig_client c;
    struct wire_any packet = {.type = WIRE_CONNECT};

    (void)state;
    open_rig(&r, 1);
    send_connect(&r, &c, "c", "alice, by ticket");
    expect_accepted(&c, NULL);
    rig_client_close(&c);
    packet.as.connect = connect_with("c", NULL);
    packet.as.connect.has_user_name = true;
    packet.as.connect.user_name = SPAN_LITERAL("alice");
    rig_client_open(&r, &c, "c", WIRE_V5);
    rig_send(&c, &packet);
    expect_auth(&c, 0x18, "secret?");
    rig_client_close(&c);
    close_rig(&r);
}

/* Refusals: [MQTT-4.12.0-1] of the method, [MQTT-4.12.0-4] by the method. */
static void
test_refusals(void **state)
{
    struct rig r;
    struct rig_client c;
    struct wire_any packet = {.type = WIRE_CONNECT};

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        open_rig(&r, shards);
        packet.as.connect = connect_with("c", NULL);
        packet.as.connect.properties.authentication_method = SPAN_LITERAL("TWO-STEPS");
        rig_client_open(&r, &c, "c", WIRE_V5);
        rig_send(&c, &packet);
        expect_refused(&c, 0x8C);

        send_connect(&r, &c, "c", "bad ticket");
        expect_refused(&c, 0x86);
        send_connect(&r, &c, "c", "no memory");
        expect_refused(&c, 0x97);

        send_connect(&r, &c, "c", NULL);
        expect_auth(&c, 0x18, "user?");
        send_auth(&c, 0x18, NULL);
        expect_refused(&c, 0x87);

        send_connect(&r, &c, "c", NULL);
        expect_auth(&c, 0x18, "user?");
        send_auth(&c, 0x18, "alice");
        expect_auth(&c, 0x18, "secret?");
        send_auth(&c, 0x18, "wrong");
        expect_refused(&c, 0x87);
        assert_int_equal(atomic_load(&r.broker.session_count), 0);
        close_rig(&r);
    }
}

/* What a client must not send while its authentication is under way. */
static void
test_only_auth_meanwhile(void **state)
{
    static const struct {
        const char *name;
        uint8_t bytes[32];
        size_t len;
        uint8_t reason_code;
    } rows[] = {
        {"MQTT-3.1.2-30 PUBLISH", {0x30, 4, 0, 1, 't', 0}, 6, 0x82},
        {"MQTT-3.1.2-30 PINGREQ", {0xC0, 0}, 2, 0x82},
        {"MQTT-3.1.2-30 PUBACK", {0x40, 2, 0, 1}, 4, 0x82},
        {"MQTT-3.1.0-2 CONNECT",
         {0x10, 13, 0, 4, 'M', 'Q', 'T', 'T', 5, 2, 0, 0, 0, 0, 0},
         15,
         0x82},
        {"MQTT-4.12.0-3 AUTH 0x19",
         {0xF0, 13, 0x19, 11, 0x15, 0, 8, 'T', 'W', 'O', '-', 'S', 'T', 'E', 'P'},
         15,
         0x82},
        {"MQTT-4.12.0-3 AUTH 0x00",
         {0xF0, 13, 0x00, 11, 0x15, 0, 8, 'T', 'W', 'O', '-', 'S', 'T', 'E', 'P'},
         15,
         0x82},
        {"U-3.15.2-1 AUTH, empty", {0xF0, 0}, 2, 0x82},
        {"U-3.15.2-1 AUTH without a method", {0xF0, 2, 0x18, 0}, 4, 0x82},
        {"MQTT-4.12.0-5 AUTH of another method",
         {0xF0, 10, 0x18, 8, 0x15, 0, 5, 'O', 'T', 'H', 'E', 'R'},
         12,
         0x82},
        {"MQTT-3.15.2-1 AUTH 0x17", {0xF0, 2, 0x17, 0}, 4, 0x82},
        {"MQTT-3.15.1-1 AUTH with flags", {0xF1, 0}, 2, 0x81},
        {"malformed AUTH", {0xF0, 3, 0x18, 1, 0x15}, 5, 0x81},
        {"more than connect_bytes_max", {0xF0, 0xFF, 0xFF, 0x7F}, 4, 0x95},
    };
    struct rig r;
    struct rig_client c;

    (void)state;
    open_rig(&r, 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        print_message("%s\n", rows[i].name);
        send_connect(&r, &c, "c", NULL);
        expect_auth(&c, 0x18, "user?");
        rig_send_bytes(&c, rows[i].bytes, rows[i].len);
        expect_refused(&c, rows[i].reason_code);
    }
    close_rig(&r);
}

/* DISCONNECT, a broken connection and the time to CONNECT end it: no session was there, no will. */
static void
test_ends_meanwhile(void **state)
{
    struct rig r;
    struct rig_client c;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        open_rig(&r, 1);
        send_connect(&r, &c, "c", NULL);
        expect_auth(&c, 0x18, "user?");
        if (i == 0) {
            rig_disconnect(&c, 0);
        } else if (i == 1) {
            rig_client_drop(&c);
        } else {
            rig_advance(&r, r.broker.settings.connect_timeout_ms / 2 + 1);
            send_auth(&c, 0x18, "alice"); /* this does not start it anew */
            expect_auth(&c, 0x18, "secret?");
            rig_advance(&r, r.broker.settings.connect_timeout_ms / 2 + 1);
        }
        rig_expect_nothing(&c);
        assert_true(rig_client_is_ended(&c));
        rig_client_close(&c);
        close_rig(&r);
    }
}

/* An AUTH that the client could not take [MQTT-3.1.2-24]. */
static void
test_too_large(void **state)
{
    struct rig r;
    struct rig_client c;
    struct wire_any packet = {.type = WIRE_CONNECT};

    (void)state;
    open_rig(&r, 1);
    packet.as.connect = connect_with("c", "verbose");
    packet.as.connect.properties.maximum_packet_size = 300;
    wire_properties_set(&packet.as.connect.properties, WIRE_MAXIMUM_PACKET_SIZE);
    rig_client_open(&r, &c, "c", WIRE_V5);
    rig_send(&c, &packet);
    expect_refused(&c, 0x95);

    packet.as.connect.properties.authentication_data = SPAN_LITERAL("alice, by ticket");
    rig_client_open(&r, &c, "c", WIRE_V5);
    rig_send(&c, &packet);
    expect_accepted(&c, NULL);
    send_auth(&c, 0x19, "verbose");
    rig_expect_end(&c, 0x95);
    rig_client_close(&c);
    close_rig(&r);
}

/* [MQTT-4.12.0-6], [MQTT-4.12.0-7]: a client that named no method gets none, and may not send AUTH.
 */
static void
test_without_method(void **state)
{
    struct rig r;
    struct rig_client c;
    const struct wire_connect how = rig_lasting("c", 0);
    struct wire_any packet;

    (void)state;
    open_rig(&r, 1);
    rig_connect(&r, &c, &how, &packet);
    assert_int_equal(packet.as.connack.reason_code, 0);
    assert_false(wire_properties_has(&packet.as.connack.properties, WIRE_AUTHENTICATION_METHOD));
    send_auth(&c, 0x19, NULL);
    rig_expect_end(&c, 0x82);
    rig_client_close(&c);
    close_rig(&r);
}

/* [MQTT-4.12.1-1] and [U-4.12.1-1]: the client authenticates again, as often as it likes, while
 * messages go both ways. */
static void
test_again(void **state)
{
    struct rig r;
    struct rig_client c;
    struct rig_client other;
    struct wire_any packet;

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        open_rig(&r, shards);
        rig_client_connect(&r, &other, "other");
        rig_subscribe(&other, "from", 0);
        connect_as(&r, &c, "c", "alice");
        rig_subscribe(&c, "to", 1);
        for (unsigned i = 0; i < 3; i++) {
            send_auth(&c, 0x19, NULL);
            expect_auth(&c, 0x18, "user?");
            rig_publish(&c, "from", "one");
            rig_expect_publish(&other, "one", &packet);
            send_auth(&c, 0x18, "alice");
            expect_auth(&c, 0x18, "secret?");
            rig_publish_qos(&other, "to", "two", 1, 1);
            rig_expect_publish(&c, "two", &packet);
            rig_ack(&c, WIRE_PUBACK, packet.as.publish.packet_id);
            rig_expect_ack(&other, WIRE_PUBACK, 1, 0);
            send_auth(&c, 0x18, "correct");
            expect_auth(&c, 0x00, "welcome");
            rig_expect_nothing(&c);
            assert_int_equal(exchanges, 0);
        }
        send_auth(&c, 0x19, "alice, by ticket");
        expect_auth(&c, 0x00, NULL);
        rig_client_close(&c);
        rig_client_close(&other);
        close_rig(&r);
    }
}

/* [MQTT-4.12.1-2]: when that fails, DISCONNECT ends the connection; the session remains. */
static void
test_again_fails(void **state)
{
    static const struct {
        const char *name;
        const char *first; /* with 0x19; NULL: nothing */
        const char *user;  /* the answer to user?; NULL: it is over */
        const char *secret;
        uint8_t reason_code;
    } rows[] = {
        {"wrong secret", NULL, "alice", "wrong", 0x87},
        {"a reason that DISCONNECT does not have", "bad ticket", NULL, NULL, 0x87},
        {"somebody else", NULL, "bob", "correct", 0x87},
        {"no memory", "no memory", NULL, NULL, 0x97},
    };
    struct rig r;
    struct rig_client c;

    (void)state;
    open_rig(&r, 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct wire_any connack;
        struct wire_connect stranger = rig_lasting("c", 0);

        print_message("%s\n", rows[i].name);
        connect_as(&r, &c, "c", "alice");
        send_auth(&c, 0x19, rows[i].first);
        if (rows[i].user != NULL) {
            expect_auth(&c, 0x18, "user?");
            send_auth(&c, 0x18, rows[i].user);
            expect_auth(&c, 0x18, "secret?");
            send_auth(&c, 0x18, rows[i].secret);
        }
        rig_expect_end(&c, rows[i].reason_code);
        rig_client_close(&c);
        assert_int_equal(atomic_load(&r.broker.session_count), 1);
        stranger.clean_start = true; /* it is alice's all the same */
        rig_connect(&r, &c, &stranger, &connack);
        assert_int_equal(connack.as.connack.reason_code, 0x87);
        rig_client_close(&c);
    }
    close_rig(&r);
}

/* AUTH packets out of turn. */
static void
test_again_out_of_turn(void **state)
{
    struct rig r;
    struct rig_client c;
    struct wire_any packet = {.type = WIRE_AUTH, .as.disconnect = {.reason_code = 0x19}};

    (void)state;
    open_rig(&r, 1);
    connect_as(&r, &c, "c", "alice");
    send_auth(&c, 0x18, "alice"); /* nothing was asked */
    rig_expect_end(&c, 0x82);
    rig_client_close(&c);
    connect_as(&r, &c, "d", "alice");
    send_auth(&c, 0x19, NULL);
    expect_auth(&c, 0x18, "user?");
    send_auth(&c, 0x19, NULL); /* one is under way */
    rig_expect_end(&c, 0x82);
    rig_client_close(&c);
    connect_as(&r, &c, "e", "alice");
    send_auth(&c, 0x00, NULL); /* only a server says so */
    rig_expect_end(&c, 0x82);
    rig_client_close(&c);
    connect_as(&r, &c, "f", "alice");
    name_method(&packet.as.disconnect.properties, "OTHER", NULL);
    rig_send(&c, &packet); /* [MQTT-4.12.1-1] */
    rig_expect_end(&c, 0x82);
    rig_client_close(&c);
    close_rig(&r);
}

/* Out of memory at each allocation: the client is refused or cut off, and nothing is left behind.
 */
static void
test_out_of_memory(void **state)
{
    bool is_hit = true;

    (void)state;
    for (size_t n = 1; is_hit; n++) {
        struct rig r;
        struct rig_client c;
        struct wire_any packet = {.type = WIRE_CONNECT};
        size_t fail_at = 0;

        open_rig(&r, 1);
        fail_at = r.alloc.attempts + n;
        r.alloc.fail_at = fail_at;
        send_connect(&r, &c, "c", NULL);
        while (rig_next(&c, &packet) && packet.type == WIRE_AUTH) {
            struct span data = packet.as.disconnect.properties.authentication_data;

            send_auth(&c, 0x18, span_equal(data, SPAN_LITERAL("user?")) ? "alice" : "correct");
        }
        is_hit = r.alloc.attempts >= fail_at;
        assert_true(is_hit || (packet.type == WIRE_CONNACK && !rig_client_is_ended(&c)));
        rig_client_close(&c);
        close_rig(&r);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchange),       cmocka_unit_test(test_claims),
        cmocka_unit_test(test_refusals),       cmocka_unit_test(test_only_auth_meanwhile),
        cmocka_unit_test(test_ends_meanwhile), cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_without_method), cmocka_unit_test(test_again),
        cmocka_unit_test(test_again_fails),    cmocka_unit_test(test_again_out_of_turn),
        cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
