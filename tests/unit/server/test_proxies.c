#include "fixture.h"
#include "mqtt_peer.h"
#include "net/proxy_header.h"
#include "support/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Listeners behind a proxy. */

static struct server *
start(unsigned shards, unsigned versions, const char *from)
{
    struct transport_options options = {.proxies = {.versions = versions}};
    struct server_config config = fixture_config(shards);

    if (from != NULL) {
        assert_true(network_parse(&options.proxies.from[0], span_of_text(from)));
        options.proxies.count = 1;
    }
    config.transports = &options;
    config.settings.connections_per_address_max = 2;
    return fixture_start_with(&config);
}

static void
open_as(struct mqtt_peer *p, const struct server *s, const char *line)
{
    mqtt_peer_open(p, fixture_address(s));
    mqtt_peer_send_bytes(p, span_of_text(line));
}

static void
connect_as(struct mqtt_peer *p, const struct server *s, const char *line, const char *client_id)
{
    struct wire_any packet = mqtt_connect(client_id);
    struct wire_any answer;

    open_as(p, s, line);
    mqtt_peer_send(p, &packet);
    mqtt_peer_expect(p, WIRE_CONNACK, &answer);
    assert_int_equal(answer.as.connack.reason_code, 0);
}

#define FROM_1 "PROXY TCP4 192.0.2.1 192.0.2.9 1000 1883\r\n"
#define FROM_2 "PROXY TCP4 192.0.2.2 192.0.2.9 1000 1883\r\n"

/* Not those of the proxy are counted, which all of them come from. */
static void
counts_who_is_behind_the_proxy(void **state)
{
    struct server *s = start(*(unsigned *)*state, PROXY_V1 | PROXY_V2, NULL);
    struct mqtt_peer peers[6];

    connect_as(&peers[0], s, FROM_1, "a");
    connect_as(&peers[1], s, FROM_1, "b");
    open_as(&peers[2], s, FROM_1);
    mqtt_peer_expect_close(&peers[2]);
    connect_as(&peers[3], s, FROM_2, "d");
    connect_as(&peers[4], s, "PROXY UNKNOWN\r\n", "e"); /* the proxy itself is not counted */
    mqtt_peer_close(&peers[0]);
    mqtt_peer_ping(&peers[1]);
    connect_as(&peers[0], s, FROM_2, "f");
    open_as(&peers[5], s, FROM_2);
    mqtt_peer_expect_close(&peers[5]);
    for (size_t i = 0; i < 6; i++) {
        mqtt_peer_close(&peers[i]);
    }
    assert_true(server_stats(s).sockets_refused >= 2);
    server_stop(s);
}

static const struct {
    const char *name;
    unsigned versions;
    const char *bytes;
} wrong[] = {
    {"no header", PROXY_V1 | PROXY_V2, "10 [ 00 04 'MQTT' 05 02 00 00 00 00 00 ]"},
    {"a line of version 1 for version 2", PROXY_V2, "'PROXY UNKNOWN' 0D0A"},
    {"a malformed line", PROXY_V1, "'PROXY TCP4 192.0.2.1 192.0.2.9 1000' 0D0A"},
    {"an item longer than the header (EMQX #17330)", PROXY_V2,
     "0D0A0D0A000D0A515549540A 21 11 0011 C0000201 C0000202 3039 075B 22 0005 'ad'"},
};

static void
closes_on_a_wrong_header(void **state)
{
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct server *s = start(*(unsigned *)*state, wrong[i].versions, NULL);
        struct span bytes = bytes_from(wrong[i].bytes);
        struct mqtt_peer p;

        print_message("%s\n", wrong[i].name);
        mqtt_peer_open(&p, fixture_address(s));
        mqtt_peer_send_bytes(&p, bytes);
        mqtt_peer_expect_close(&p);
        mqtt_peer_close(&p);
        assert_int_equal(server_stats(s).connections, 0);
        bytes_free(bytes);
        server_stop(s);
    }
}

static void
turns_away_who_is_no_proxy(void **state)
{
    struct server *s = start(*(unsigned *)*state, PROXY_V1, "192.0.2.0/24");
    struct mqtt_peer p;

    mqtt_peer_open(&p, fixture_address(s));
    mqtt_peer_expect_close(&p);
    mqtt_peer_close(&p);
    assert_int_equal(server_stats(s).sockets_refused, 1);
    server_stop(s);

    s = start(*(unsigned *)*state, PROXY_V1, "127.0.0.0/8");
    connect_as(&p, s, FROM_1, "a");
    mqtt_peer_close(&p);
    server_stop(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SHARDS(counts_who_is_behind_the_proxy, 1),
        ON_SHARDS(counts_who_is_behind_the_proxy, 4),
        ON_SHARDS(closes_on_a_wrong_header, 1),
        ON_SHARDS(turns_away_who_is_no_proxy, 2),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
