/* Clients that take their time, come in crowds, or want to fill the log. */
#include "support/bytes.h"
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint8_t publish[] = {0x30, 0x05, 0x00, 0x01, 't', 0x00, 'x'};

static void
open_rig(struct rig *r, struct rig_client *c, uint16_t keep_alive)
{
    struct settings settings = settings_default();
    struct wire_connect how = rig_lasting("c", 0);
    struct wire_any packet;

    settings.packet_timeout_ms = 3000;
    settings.output_bytes_max = 1024;
    how.keep_alive = keep_alive;
    rig_open(r, 1, &settings);
    rig_connect(r, c, &how, &packet);
    rig_subscribe(c, "t", 0);
}

/* packet_timeout_ms: from the first byte of a packet to its last, however they come. Another packet
 * has another time, and between packets no clock runs. */
static void
test_trickled_packet(void **state)
{
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    open_rig(&r, &c, 0);
    for (int round = 0; round < 3; round++) {
        rig_advance(&r, UINT64_C(1) << 32);
        rig_send_bytes(&c, publish, 1);
        rig_advance(&r, 2999);
        rig_send_bytes(&c, publish + 1, 5);
        assert_false(rig_client_is_ended(&c));
        rig_send_bytes(&c, publish + 6, 1);
        rig_expect_publish(&c, "x", &packet);
    }
    rig_advance(&r, 3000);
    assert_true(shard_deadline_ms(r.broker.shards[0]) == UINT64_MAX);
    for (size_t i = 0; i < 4; i++) {
        rig_send_bytes(&c, publish + i, 1);
        rig_advance(&r, i < 3 ? 900 : 299);
    }
    assert_false(rig_client_is_ended(&c));
    rig_advance(&r, 1);
    rig_expect_end(&c, 0x97);
    rig_client_close(&c);
    rig_close(&r);
}

/* The end of one packet and the beginning of another in the same bytes, again and again: each has
 * its own time. */
static void
test_packets_across_reads(void **state)
{
    uint8_t bytes[sizeof(publish)];
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    open_rig(&r, &c, 0);
    memcpy(bytes, publish + 3, 4);
    memcpy(bytes + 4, publish, 3);
    rig_send_bytes(&c, publish, 3);
    for (int i = 0; i < 5; i++) {
        rig_advance(&r, 2000);
        rig_send_bytes(&c, bytes, sizeof(bytes));
        rig_expect_publish(&c, "x", &packet);
    }
    rig_advance(&r, 2999);
    assert_false(rig_client_is_ended(&c));
    rig_advance(&r, 1);
    rig_expect_end(&c, 0x97);
    rig_client_close(&c);
    rig_close(&r);
}

/* Neither clock hides the other. */
static void
test_keep_alive_and_packet(void **state)
{
    struct rig r;
    struct rig_client c;

    (void)state;
    open_rig(&r, &c, 4); /* ends at 6000 */
    rig_advance(&r, 2999);
    rig_send_bytes(&c, publish, 1); /* ends at 5999 */
    rig_advance(&r, 2999);
    assert_false(rig_client_is_ended(&c));
    rig_advance(&r, 1);
    rig_expect_end(&c, 0x97);
    rig_client_close(&c);
    rig_close(&r);

    open_rig(&r, &c, 4);
    rig_advance(&r, 3001);
    rig_send_bytes(&c, publish, 1); /* ends at 6001 */
    rig_advance(&r, 2999);
    rig_expect_end(&c, 0x8D);
    rig_client_close(&c);
    rig_close(&r);
}

/* Where it is the broker that does not read on, the client is not to blame. */
static void
test_packet_we_do_not_read(void **state)
{
    struct rig r;
    struct rig_client c;
    struct wire_any packet;

    (void)state;
    open_rig(&r, &c, 0);
    c.is_stuck = true;
    while (conn_wants_input(&c.conn)) {
        rig_send_bytes(&c, "\xC0\x00\x30", 3);
        rig_send_bytes(&c, publish + 1, sizeof(publish) - 1);
        rig_send_bytes(&c, publish, 1);
        rig_send_bytes(&c, publish + 1, sizeof(publish) - 1);
    }
    assert_false(rig_client_is_ended(&c));
    c.is_stuck = false;
    conn_touch(&c.conn);
    rig_settle(&r);
    while (rig_next(&c, &packet)) {
    }
    rig_send_bytes(&c, publish, 1);
    c.is_stuck = true;
    rig_advance(&r, 1000);
    {
        struct rig_client other;

        rig_client_connect(&r, &other, "other");
        for (int i = 0; i < 200; i++) {
            rig_publish(&other, "t", "fills the output");
        }
        rig_client_close(&other);
    }
    assert_false(conn_wants_input(&c.conn));
    rig_advance(&r, 10000);
    assert_false(rig_client_is_ended(&c));
    c.is_stuck = false;
    conn_touch(&c.conn);
    rig_advance(&r, 1000);
    rig_send_bytes(&c, publish + 1, sizeof(publish) - 1);
    assert_false(rig_client_is_ended(&c));
    rig_client_close(&c);
    rig_close(&r);
}

/* connections_max, over all shards: who is one too many is told that the broker is busy; who takes
 * over its own session gets in; who leaves makes room. */
static void
test_connections_max(void **state)
{
    static const char *const names[] = {"one", "two", "three"};
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client c[3];
    struct rig_client d;
    struct wire_connect how = rig_lasting("four", 100);
    struct wire_any packet;

    (void)state;
    settings.connections_max = 3;
    rig_open(&r, 4, &settings);
    for (size_t i = 0; i < 3; i++) {
        rig_resume(&r, &c[i], names[i], false);
    }
    for (int i = 0; i < 3; i++) { /* and a refusal takes no place */
        rig_connect(&r, &d, &how, &packet);
        assert_int_equal(packet.as.connack.reason_code, 0x89);
        assert_true(rig_client_is_ended(&d));
        rig_client_close(&d);
    }
    how.version = WIRE_V311;
    how.properties.present = 0;
    rig_connect(&r, &d, &how, &packet);
    assert_int_equal(packet.as.connack.reason_code, 3);
    rig_client_close(&d);

    rig_resume(&r, &d, "two", true); /* takes over */
    rig_expect_end(&c[1], 0x8E);
    rig_client_close(&d);
    assert_int_equal(atomic_load(&r.broker.connection_count), 2);
    rig_resume(&r, &d, "four", false);
    rig_client_close(&d);
    for (size_t i = 0; i < 3; i++) {
        rig_client_close(&c[i]);
    }
    assert_int_equal(atomic_load(&r.broker.connection_count), 0);
    rig_close(&r);
}

struct lines {
    size_t refused;
    size_t protocol_error;
    size_t not_logged;
    char last[LOG_LINE_MAX + 1];
};

static bool
has(const char *line, const char *text)
{
    return strstr(line, text) != NULL;
}

static void
take_line(void *context, enum log_level level, struct span line)
{
    struct lines *l = context;

    (void)level;
    assert_true(line.len < sizeof(l->last));
    memcpy(l->last, line.data, line.len);
    l->last[line.len] = '\0';
    l->refused += has(l->last, "event=connect_refused ");
    l->protocol_error += has(l->last, "event=protocol_error ");
    l->not_logged += has(l->last, "event=refusals_not_logged ");
}

static void
offend(struct rig *r, size_t times)
{
    struct span connect = bytes_from("10 [ 00 04 'MQTT' 06 02 00 00 00 00 01 'a' ]");
    struct rig_client c;

    for (size_t i = 0; i < times; i++) {
        rig_client_connect(r, &c, "hostile");
        rig_send_bytes(&c, "\x00\x00", 2);
        rig_client_close(&c);
        rig_client_open(r, &c, "hostile", WIRE_V5);
        rig_send_bytes(&c, connect.data, connect.len);
        rig_client_close(&c);
    }
    bytes_free(connect);
}

/* log_refusals_max: so many lines a second, then the number of the others; silence when nothing
 * happens. Counters count all of them. */
static void
test_log_refusals_max(void **state)
{
    struct settings settings = settings_default();
    struct lines lines = {.refused = 0};
    const struct logger logger = {.level = LOG_INFO, .sink = take_line, .context = &lines};
    struct rig r;

    (void)state;
    settings.log_refusals_max = 10;
    rig_open(&r, 1, &settings);
    r.broker.log = &logger;
    for (size_t second = 1; second <= 3; second++) {
        offend(&r, 500);
        rig_advance(&r, 999);
        assert_int_equal(lines.refused, 5 * second);
        assert_int_equal(lines.protocol_error, 5 * second);
        assert_int_equal(lines.not_logged, second - 1);
        rig_advance(&r, 1);
        assert_int_equal(lines.not_logged, second);
        assert_true(has(lines.last, "count=990"));
    }
    rig_advance(&r, 100000);
    offend(&r, 5); /* no more than may be */
    rig_advance(&r, 100000);
    assert_int_equal(lines.refused, 20);
    assert_int_equal(lines.not_logged, 3);
    assert_int_equal(r.broker.shards[0]->stats.protocol_errors, 1505);
    assert_int_equal(r.broker.shards[0]->stats.connects_refused, 1505);
    assert_true(shard_deadline_ms(r.broker.shards[0]) == UINT64_MAX);
    rig_close(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trickled_packet),       cmocka_unit_test(test_packets_across_reads),
        cmocka_unit_test(test_keep_alive_and_packet), cmocka_unit_test(test_packet_we_do_not_read),
        cmocka_unit_test(test_connections_max),       cmocka_unit_test(test_log_refusals_max),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
