#define _POSIX_C_SOURCE 200809L

#include "broker/server/guests.h"

#include "fixture.h"
#include "mqtt_peer.h"
#include "support/bytes.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct address
address_of(const char *text)
{
    struct url url;
    struct address a;
    size_t count = 0;

    assert_int_equal(url_parse(&url, text, NULL), WILCO_OK);
    assert_int_equal(address_resolve(&a, 1, &count, &url, false, NULL), WILCO_OK);
    assert_int_equal(count, 1);
    return a;
}

static void
counts_networks(void **state)
{
    static const struct {
        const char *first;
        const char *second;
        bool same;
    } rows[] = {
        {"10.0.0.1:1", "10.0.0.1:2", true},
        {"10.0.0.1:1", "10.0.0.2:1", false},
        {"10.0.0.1:1", "[::ffff:10.0.0.1]:1", true},
        {"10.0.0.1:1", "[::ffff:10.0.0.2]:1", false},
        {"[2001:db8::1]:1", "[2001:db8::ffff:2]:1", true},
        {"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false},
        {"[::]:1", "[::1]:1", true},
        {"0.0.0.0:1", "[::]:1", false},
    };
    struct failing_alloc alloc;
    struct guests g;
    struct guest *one = NULL;
    struct guest *two = NULL;

    (void)state;
    failing_alloc_init(&alloc, 0);
    guests_init(&g, &alloc.alloc, 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct address first = address_of(rows[i].first);
        const struct address second = address_of(rows[i].second);

        assert_int_equal(guests_enter(&g, &first, 1, &one), WILCO_OK);
        assert_non_null(one);
        assert_int_equal(guests_enter(&g, &second, 1, &two),
                         rows[i].same ? WILCO_ELIMIT : WILCO_OK);
        assert_int_equal(two == NULL, rows[i].same);
        guests_leave(&g, two);
        guests_leave(&g, one);
        assert_int_equal(guests_enter(&g, &second, 1, &two), WILCO_OK); /* there is room again */
        guests_leave(&g, two);
    }
    guests_fini(&g);
    assert_int_equal(alloc.live, 0);
}

static void
counts_only_what_it_must(void **state)
{
    const struct address tcp = address_of("10.0.0.1:1");
    const struct address file = address_of("unix:/somewhere");
    struct failing_alloc alloc;
    struct guests g;
    struct guest *guest = NULL;

    (void)state;
    failing_alloc_init(&alloc, 0);
    guests_init(&g, &alloc.alloc, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(guests_enter(&g, &tcp, 0, &guest), WILCO_OK);
        assert_null(guest);
        assert_int_equal(guests_enter(&g, &file, 1, &guest), WILCO_OK);
        assert_null(guest);
    }
    guests_leave(&g, NULL);
    assert_int_equal(alloc.attempts, 0);
    guests_fini(&g);
}

static void
survives_no_memory(void **state)
{
    const struct address a = address_of("10.0.0.1:1");

    (void)state;
    for (size_t fail_at = 1; fail_at <= 2; fail_at++) {
        struct failing_alloc alloc;
        struct guests g;
        struct guest *guest = NULL;

        failing_alloc_init(&alloc, fail_at);
        guests_init(&g, &alloc.alloc, 1);
        assert_int_equal(guests_enter(&g, &a, 1, &guest), WILCO_ENOMEM);
        assert_null(guest);
        assert_int_equal(guests_enter(&g, &a, 1, &guest), WILCO_OK);
        guests_leave(&g, guest);
        guests_fini(&g);
        assert_int_equal(alloc.live, 0);
    }
}

/* Tries until the server has noticed that somebody left. */
static void
connect_at_last(struct mqtt_peer *p, const struct address *a, const char *client_id)
{
    const struct wire_any connect = mqtt_connect(client_id);
    const struct span bytes = mqtt_bytes(&connect);
    struct wire_any packet;
    uint8_t first = 0;

    mqtt_peer_open(p, a);
    while (send(p->fd, bytes.data, bytes.len, MSG_NOSIGNAL) != (ssize_t)bytes.len ||
           recv(p->fd, &first, 1, MSG_PEEK) != 1) { /* closed, perhaps with a reset */
        mqtt_peer_close(p);
        mqtt_peer_open(p, a);
    }
    bytes_free(bytes);
    mqtt_peer_expect(p, WIRE_CONNACK, &packet);
    assert_int_equal(packet.as.connack.reason_code, 0);
}

static void
bounds_connections_per_address(void **state)
{
    static const char *const settings[] = {"connections_per_address_max=3", NULL};
    struct server *s = fixture_start(*(unsigned *)*state, settings);
    struct mqtt_peer p[3];
    struct mqtt_peer other;

    mqtt_peer_connect(&p[0], fixture_address(s), "one");
    mqtt_peer_connect(&p[1], fixture_address(s), "two");
    mqtt_peer_connect(&p[2], fixture_address(s), "three");
    for (int i = 0; i < 5; i++) {
        mqtt_peer_open(&other, fixture_address(s));
        mqtt_peer_expect_close(&other);
        mqtt_peer_close(&other);
    }
    assert_int_equal(server_stats(s).sockets_refused, 5);
    mqtt_peer_close(&p[1]);
    connect_at_last(&p[1], fixture_address(s), "four");
    for (size_t i = 0; i < 3; i++) {
        mqtt_peer_ping(&p[i]); /* nothing has happened to those who were in */
        mqtt_peer_close(&p[i]);
    }
    server_stop(s);
}

static void
does_not_count_unix_sockets(void **state)
{
    char folder[] = "/tmp/wilco-test-XXXXXX";
    char url[64];
    const char *const listen[] = {url};
    struct server_config config = fixture_config(1);
    struct server *s = NULL;
    struct mqtt_peer p[3];

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(url, sizeof(url), "unix:%s/s", folder);
    config.listen = listen;
    config.settings.connections_per_address_max = 1;
    s = fixture_start_with(&config);
    mqtt_peer_connect(&p[0], fixture_address(s), "one");
    mqtt_peer_connect(&p[1], fixture_address(s), "two");
    mqtt_peer_connect(&p[2], fixture_address(s), "three");
    for (size_t i = 0; i < 3; i++) {
        mqtt_peer_close(&p[i]);
    }
    server_stop(s);
    assert_int_equal(rmdir(folder), 0);
}

static void
bounds_who_has_not_said_connect(void **state)
{
    static const char *const settings[] = {"connecting_max=2", NULL};
    struct server *s = fixture_start(1, settings); /* so that they are accepted one by one */
    const struct wire_any connect = mqtt_connect("first");
    struct wire_any packet;
    struct mqtt_peer p[4];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        mqtt_peer_open(&p[i], fixture_address(s));
    }
    mqtt_peer_expect_close(&p[2]);
    mqtt_peer_close(&p[2]);
    mqtt_peer_send(&p[0], &connect);
    mqtt_peer_expect(&p[0], WIRE_CONNACK, &packet);
    mqtt_peer_connect(&p[2], fixture_address(s), "second");
    mqtt_peer_open(&p[3], fixture_address(s));
    mqtt_peer_send(&p[1], &(const struct wire_any){.type = WIRE_PINGREQ}); /* closed for that */
    mqtt_peer_expect_close(&p[1]);
    for (size_t i = 0; i < 4; i++) {
        mqtt_peer_close(&p[i]);
    }
    server_stop(s);
}

static void
tells_a_client_too_many(void **state)
{
    static const char *const settings[] = {"connections_max=2", NULL};
    struct server *s = fixture_start(*(unsigned *)*state, settings);
    const struct wire_any connect = mqtt_connect("three");
    struct wire_any packet;
    struct mqtt_peer p[3];

    mqtt_peer_connect(&p[0], fixture_address(s), "one");
    mqtt_peer_connect(&p[1], fixture_address(s), "two");
    mqtt_peer_open(&p[2], fixture_address(s));
    mqtt_peer_send(&p[2], &connect);
    mqtt_peer_expect(&p[2], WIRE_CONNACK, &packet);
    assert_int_equal(packet.as.connack.reason_code, WIRE_REASON_SERVER_BUSY);
    mqtt_peer_expect_close(&p[2]);
    for (size_t i = 0; i < 3; i++) {
        mqtt_peer_close(&p[i]);
    }
    server_stop(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_networks),
        cmocka_unit_test(counts_only_what_it_must),
        cmocka_unit_test(survives_no_memory),
        ON_SHARDS(bounds_connections_per_address, 1),
        ON_SHARDS(bounds_connections_per_address, 4),
        cmocka_unit_test(does_not_count_unix_sockets),
        cmocka_unit_test(bounds_who_has_not_said_connect),
        ON_SHARDS(tells_a_client_too_many, 1),
        ON_SHARDS(tells_a_client_too_many, 4),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
