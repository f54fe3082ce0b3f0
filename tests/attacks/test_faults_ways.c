/* The table of faults over real connections, of each kind. */
#include "faults.h"
#include "fixture.h"
#include "way.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct broker_line {
    const struct way *way;
    struct transport_options transport;
    struct server *server;
    struct way_line line;
    enum wire_version version;
};

static void
start(void *context, const struct settings *settings)
{
    struct broker_line *l = context;
    struct server_config config = fixture_config(2);

    config.listen = &l->way->url;
    config.transports = &l->transport;
    config.settings = *settings;
    l->server = fixture_start_with(&config);
}

static void
stop(void *context)
{
    struct broker_line *l = context;

    server_stop(l->server);
}

static void
open_line(void *context, enum wire_version version)
{
    struct broker_line *l = context;

    l->version = version;
    way_open(&l->line, l->way, fixture_address(l->server));
}

static void
send_bytes(void *context, struct span bytes)
{
    struct broker_line *l = context;

    (void)way_send(&l->line, bytes); /* if not, then that will be seen */
}

static enum fault_next
next(void *context, struct wire_any *out)
{
    struct broker_line *l = context;
    struct span packet = way_next(&l->line);

    if (packet.len == 0) {
        return FAULT_END;
    }
    assert_int_equal(wire_any_decode(out, packet, l->version), WILCO_OK);
    return FAULT_PACKET;
}

static void
close_line(void *context)
{
    struct broker_line *l = context;

    way_close(&l->line);
}

static void
run(const struct way *way)
{
    struct broker_line l = {.way = way};
    const struct fault_line line = {
        .name = way->name,
        .start = start,
        .stop = stop,
        .open = open_line,
        .send = send_bytes,
        .next = next,
        .close = close_line,
        .context = &l,
    };
    struct fault_table t;

    fault_table_load(&t);
    way_prepare(way, &l.transport);
    faults_run(&t, &line);
    way_clean_up(way);
    fault_table_free(&t);
}

static void
each_fault_over_tcp(void **state)
{
    (void)state;
    run(&way_tcp);
}

static void
each_fault_over_websocket(void **state)
{
    (void)state;
    run(&way_websocket);
}

static void
each_fault_over_tls(void **state)
{
    (void)state;
    run(&way_tls);
}

static void
each_fault_over_secure_websocket(void **state)
{
    (void)state;
    run(&way_secure_websocket);
}

/* Who stops in the middle of what comes before CONNECT has no more time than who stops in CONNECT.
 */
static void
stop_half_way(const struct way *way, struct span first)
{
    struct settings settings = settings_default();
    struct broker_line l = {.way = way};
    struct way_line raw;

    settings.connect_timeout_ms = 100;
    way_prepare(way, &l.transport);
    start(&l, &settings);
    way_open(&raw, &way_tcp, fixture_address(l.server));
    assert_true(way_send(&raw, first));
    assert_int_equal(way_next(&raw).len, 0);
    way_close(&raw);
    assert_int_equal(server_stats(l.server).connect_timeouts, 1);
    stop(&l);
    way_clean_up(way);
}

static void
handshakes_that_stop_half_way(void **state)
{
    (void)state;
    stop_half_way(&way_tcp, SPAN_LITERAL("\x10"));
    stop_half_way(&way_websocket, SPAN_LITERAL("GET /mqtt HTTP/1.1\r\n"));
    stop_half_way(&way_tls, SPAN_LITERAL("\x16\x03\x01\x02"));
    stop_half_way(&way_secure_websocket, SPAN_EMPTY);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_over_tcp),
        cmocka_unit_test(each_fault_over_websocket),
        cmocka_unit_test(each_fault_over_tls),
        cmocka_unit_test(each_fault_over_secure_websocket),
        cmocka_unit_test(handshakes_that_stop_half_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
