/* The Will Message: published for every cause but one, once, at the right time, whole. */
#include "support/bytes.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define NEVER UINT32_MAX

struct stage {
    struct rig r;
    struct rig_client witness;
    struct rig_client c;
};

static void
open_stage(struct stage *s, unsigned shards)
{
    rig_open(&s->r, shards, NULL);
    rig_client_connect(&s->r, &s->witness, "witness");
    rig_subscribe(&s->witness, "will/#", 2);
}

static void
close_stage(struct stage *s)
{
    rig_client_close(&s->c);
    rig_client_close(&s->witness);
    rig_close(&s->r);
}

static struct wire_connect
with_will(uint32_t expiry_s, uint32_t delay_s)
{
    struct wire_connect how = rig_lasting("c", expiry_s);

    how.has_will = true;
    how.will.topic = SPAN_LITERAL("will/c");
    how.will.payload = SPAN_LITERAL("gone");
    how.will.qos = 1;
    how.will.properties.will_delay_interval = delay_s;
    wire_properties_set(&how.will.properties, WIRE_WILL_DELAY_INTERVAL);
    return how;
}

static void
connect_with(struct stage *s, const struct wire_connect *how)
{
    struct wire_any connack;

    rig_connect(&s->r, &s->c, how, &connack);
    assert_int_equal(connack.as.connack.reason_code, 0);
}

static void
expect_will(struct stage *s)
{
    struct wire_any packet;

    rig_expect_publish(&s->witness, "gone", &packet);
    rig_expect_nothing(&s->witness);
}

/* How a connection ends. */
enum cause {
    TRANSPORT_BREAKS,
    KEEP_ALIVE_PASSES,
    PROTOCOL_ERROR,
    MALFORMED_PACKET,
    DISCONNECT_0,
    DISCONNECT_4,
    DISCONNECT_ERROR,
    DISCONNECT_OF_A_SERVER, /* a reason code that clients may not send */
    TAKEOVER,
    DRIVER_GIVES_UP,
    CAUSES,
};

static void
end(struct stage *s, enum cause cause)
{
    switch (cause) {
    case TRANSPORT_BREAKS: rig_client_drop(&s->c); break;
    case KEEP_ALIVE_PASSES: rig_advance(&s->r, 90000); break;
    case PROTOCOL_ERROR: rig_send_bytes(&s->c, "\x20\x03\x00\x00\x00", 5); break;
    case MALFORMED_PACKET: rig_send_bytes(&s->c, "\x00\x00", 2); break;
    case DISCONNECT_0: rig_disconnect(&s->c, 0); break;
    case DISCONNECT_4: rig_disconnect(&s->c, 4); break;
    case DISCONNECT_ERROR: rig_disconnect(&s->c, 0x81); break;
    case DISCONNECT_OF_A_SERVER: rig_disconnect(&s->c, 0x8B); break;
    case TAKEOVER: {
        struct rig_client again;

        rig_resume(&s->r, &again, "c", true);
        rig_client_drop(&again);
        rig_client_close(&again);
        break;
    }
    case DRIVER_GIVES_UP: rig_client_close(&s->c); return;
    case CAUSES: break;
    }
    assert_true(rig_client_is_ended(&s->c));
}

/* [MQTT-3.1.2-7], [MQTT-3.1.2-8], [MQTT-3.1.2-10], [MQTT-3.14.4-3] */
static void
test_causes(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        for (enum cause cause = TRANSPORT_BREAKS; cause < CAUSES; cause++) {
            struct wire_connect how = with_will(NEVER, 0);
            struct stage s;

            how.keep_alive = 60;
            open_stage(&s, shards);
            connect_with(&s, &how);
            rig_expect_nothing(&s.witness);
            end(&s, cause);
            if (cause == DISCONNECT_0) {
                rig_expect_nothing(&s.witness);
            } else {
                expect_will(&s);
            }
            rig_client_close(&s.c);
            rig_resume(&s.r, &s.c, "c", true); /* now without a will */
            rig_client_drop(&s.c);
            rig_expect_nothing(&s.witness);
            close_stage(&s);
        }
    }
}

/* When it comes: at the end of the delay or of the session, whichever is first [U-3.1.2-2]; not at
 * all when the client is back before [MQTT-3.1.3-9] (CVE-2019-11778). */
static const struct {
    const char *name;
    uint32_t expiry_s;
    uint32_t delay_s;
    uint32_t back_after_s; /* 0: never */
    bool clean;            /* with Clean Start 1 */
    uint32_t want_s;       /* NEVER: not at all */
} delays[] = {
    {"no delay", 100, 0, 0, false, 0},
    {"delay", 100, 10, 0, false, 10},
    {"session ends first", 5, 10, 0, false, 5},
    {"both at once", 10, 10, 0, false, 10},
    {"no session", 0, 10, 0, false, 0},
    {"a session for ever", NEVER, 10, 0, false, 10},
    {"delay for ever", 5, NEVER, 0, false, 5},
    {"neither ever ends", NEVER, NEVER, 0, false, NEVER},
    {"back in time", 100, 10, 9, false, NEVER},
    {"back too late", 100, 10, 11, false, 10},
    {"back in time, without the session", 100, 10, 9, true, 9},
    {"back after the session", 5, 10, 7, false, 5},
};

static void
test_delay(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
        const struct wire_connect how = with_will(delays[i].expiry_s, delays[i].delay_s);
        struct wire_connect back = rig_lasting("c", NEVER);
        struct stage s;

        print_message("%s\n", delays[i].name);
        open_stage(&s, 1);
        connect_with(&s, &how);
        rig_client_drop(&s.c);
        rig_client_close(&s.c);
        for (uint32_t ms = 0; ms <= 30000; ms += 500) {
            if (delays[i].want_s != NEVER && ms == delays[i].want_s * 1000) {
                if (delays[i].back_after_s == delays[i].want_s) {
                    back.clean_start = delays[i].clean;
                    connect_with(&s, &back);
                }
                expect_will(&s);
            } else if (delays[i].back_after_s != 0 && ms == delays[i].back_after_s * 1000) {
                connect_with(&s, &back);
            }
            rig_expect_nothing(&s.witness);
            rig_advance(&s.r, 500);
        }
        close_stage(&s);
    }
}

/* A will with a session that ends by DISCONNECT 0x04 with expiry 0, and one that 0x00 discards. */
static void
test_disconnect_with_expiry(void **state)
{
    (void)state;
    for (uint8_t code = 0; code <= 4; code += 4) {
        const struct wire_connect how = with_will(100, 50);
        struct wire_any packet = {.type = WIRE_DISCONNECT, .as.disconnect = {.reason_code = code}};
        struct stage s;

        open_stage(&s, 1);
        connect_with(&s, &how);
        wire_properties_set(&packet.as.disconnect.properties, WIRE_SESSION_EXPIRY_INTERVAL);
        rig_send(&s.c, &packet);
        if (code == 4) {
            expect_will(&s);
        }
        rig_advance(&s.r, 200000);
        rig_expect_nothing(&s.witness);
        close_stage(&s);
    }
}

/* Everything a will can say arrives: it is a legal request [U-3.1.3-3]; each property first once
 * (mosquitto #1244), the order does not matter [U-2.2.2-2] but is kept [MQTT-3.1.3-10]. Will Delay
 * stays behind. */
static void
test_content(void **state)
{
    static const char *const blocks[] = {
        "08 00 07 'answers' 09 00 03 00 FF 00 03 00 03 't/x' 01 01 26 00 01 'a' 00 01 'b'",
        "09 00 03 00 FF 00 03 00 03 't/x' 01 01 26 00 01 'a' 00 01 'b' 08 00 07 'answers'",
        "03 00 03 't/x' 01 01 26 00 01 'a' 00 01 'b' 08 00 07 'answers' 09 00 03 00 FF 00",
        "01 01 26 00 01 'a' 00 01 'b' 26 00 01 'a' 00 01 'a' 08 00 07 'answers'",
        "26 00 01 'a' 00 01 'b' 08 00 07 'answers' 09 00 03 00 FF 00 03 00 03 't/x' 01 01",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        for (uint8_t qos = 0; qos <= 2; qos++) {
            struct wire_connect how = with_will(100, 0);
            struct span want = bytes_from(blocks[i]);
            uint8_t block[128] = {0x18, 0, 0, 0, 1};
            struct stage s;
            struct wire_any packet;

            memcpy(block + 5, want.data, want.len);
            how.will.qos = qos;
            how.will.properties.block = span_of(block, 5 + want.len);
            open_stage(&s, 4);
            connect_with(&s, &how);
            rig_disconnect(&s.c, 4);
            rig_expect_nothing(&s.witness);
            rig_advance(&s.r, 1000);
            rig_expect_publish(&s.witness, "gone", &packet);
            assert_int_equal(packet.as.publish.qos, qos);
            assert_true(span_equal(packet.as.publish.topic, SPAN_LITERAL("will/c")));
            assert_true(span_equal(packet.as.publish.properties.block, want));
            rig_subscribe(&s.witness, "will/+", 0);
            rig_expect_nothing(&s.witness); /* not retained [MQTT-3.1.2-14] */
            close_stage(&s);
            bytes_free(want);
        }
    }
}

/* Its Message Expiry counts from when it is published [U-3.1.3-2]; retained if it says so
 * [MQTT-3.1.2-15]. */
static void
test_expiry_and_retain(void **state)
{
    struct wire_connect how = with_will(1000, 100);
    struct stage s;
    struct wire_any packet;

    (void)state;
    how.will.retain = true;
    how.will.properties.message_expiry_interval = 30;
    wire_properties_set(&how.will.properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    open_stage(&s, 1);
    connect_with(&s, &how);
    rig_client_drop(&s.c);
    rig_advance(&s.r, 100000);
    rig_expect_publish(&s.witness, "gone", &packet);
    assert_int_equal(packet.as.publish.properties.message_expiry_interval, 30);
    rig_advance(&s.r, 20000);
    rig_subscribe(&s.witness, "will/+", 1);
    rig_expect_publish(&s.witness, "gone", &packet);
    assert_int_equal(packet.as.publish.properties.message_expiry_interval, 10);
    assert_true(packet.as.publish.retain);
    rig_advance(&s.r, 10000);
    rig_subscribe(&s.witness, "will/+", 1);
    rig_expect_nothing(&s.witness);
    close_stage(&s);
}

/* A client that subscribes to its own will gets it, if its session lives on; one more step inside:
 * the will of a session that ends because another takes its place goes to that one, too. */
static void
test_own_will(void **state)
{
    struct wire_connect how = with_will(100, 0);
    struct stage s;
    struct wire_any packet;

    (void)state;
    open_stage(&s, 1);
    connect_with(&s, &how);
    rig_subscribe(&s.c, "will/c", 1);
    rig_client_drop(&s.c);
    rig_client_close(&s.c);
    rig_resume(&s.r, &s.c, "c", true);
    rig_expect_publish(&s.c, "gone", &packet);
    rig_client_drop(&s.c);
    close_stage(&s);
}

/* A broker that stops publishes no wills; neither do those of clients that were away. */
static void
test_shut_down(void **state)
{
    const struct wire_connect how = with_will(100, 50);
    struct wire_connect away = with_will(100, 50);
    struct rig_client second;
    struct stage s;
    struct wire_any packet;

    (void)state;
    away.client_id = SPAN_LITERAL("away");
    open_stage(&s, 1);
    connect_with(&s, &how);
    rig_connect(&s.r, &second, &away, &packet);
    rig_client_close(&second);
    shard_shut_down(s.r.broker.shards[0], 0x8B);
    rig_settle(&s.r);
    rig_expect_end(&s.c, 0x8B);
    rig_expect_end(&s.witness, 0x8B);
    rig_advance(&s.r, 200000);
    close_stage(&s);
}

/* No room to retain it: it is published all the same. */
static void
test_no_room_to_retain(void **state)
{
    struct settings settings = settings_default();
    struct wire_connect how = with_will(100, 0);
    struct stage s;

    (void)state;
    settings.retained_messages_max = 0;
    rig_open(&s.r, 1, &settings);
    rig_client_connect(&s.r, &s.witness, "witness");
    rig_subscribe(&s.witness, "will/#", 2);
    how.will.retain = true;
    connect_with(&s, &how);
    rig_client_drop(&s.c);
    expect_will(&s);
    close_stage(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_causes),
        cmocka_unit_test(test_delay),
        cmocka_unit_test(test_disconnect_with_expiry),
        cmocka_unit_test(test_content),
        cmocka_unit_test(test_expiry_and_retain),
        cmocka_unit_test(test_own_will),
        cmocka_unit_test(test_shut_down),
        cmocka_unit_test(test_no_room_to_retain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
