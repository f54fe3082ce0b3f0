#define _POSIX_C_SOURCE 200809L

#include "broker/server/listener.h"
#include "fixture.h"
#include "mqtt_peer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static enum wilco_status
try(struct server **s, const char *url, bool allow_anonymous, char reason[SERVER_REASON_BYTES])
{
    struct server_config config = fixture_config(1);

    config.listen = &url;
    config.allow_anonymous = allow_anonymous;
    *s = NULL;
    reason[0] = '\0';
    return server_start(s, &config, reason);
}

static const struct {
    const char *url;
    bool allow_anonymous;
    enum wilco_status want;
    const char *reason; /* part of it */
} rows[] = {
    {"mqtt://127.0.0.1:0", false, WILCO_OK, ""},
    {"127.0.0.1:0", false, WILCO_OK, ""},
    {"mqtt://localhost:0", false, WILCO_OK, ""},
    {"mqtt://0.0.0.0:0", true, WILCO_OK, ""},
    {"mqtt://0.0.0.0:0", false, WILCO_EINVAL, "--allow-anonymous"},
    {"mqtt://[::]:0", false, WILCO_EINVAL, "--allow-anonymous"},
    {"carrier-pigeon://roof", false, WILCO_EINVAL, "unknown scheme"},
    {"mqtt://", false, WILCO_EINVAL, "the host is missing"},
    {"mqtt://no.such.host.invalid", false, WILCO_EINVAL, "no.such.host.invalid"},
    {"mqtt://192.0.2.1:0", true, WILCO_EIO, "choose an address of this machine"},
    {"unix:/no/such/folder/s", false, WILCO_EIO, "make the folder first"},
    {"unix:relative", false, WILCO_EINVAL, "absolute path"},
};

static void
says_what_to_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char reason[SERVER_REASON_BYTES];
        struct server *s = NULL;

        print_message("%s\n", rows[i].url);
        assert_int_equal(try(&s, rows[i].url, rows[i].allow_anonymous, reason), rows[i].want);
        assert_non_null(strstr(reason, rows[i].reason));
        assert_null(strchr(reason, '\n'));
        server_stop(s);
    }
}

static void
finds_the_port_in_use(void **state)
{
    char reason[SERVER_REASON_BYTES];
    char text[ADDRESS_TEXT_BYTES];
    struct server *first = NULL;
    struct server *second = NULL;

    (void)state;
    assert_int_equal(try(&first, "mqtt://127.0.0.1:0", false, reason), WILCO_OK);
    address_text(server_address(first, 0), text);
    assert_int_equal(try(&second, text, false, reason), WILCO_EIO);
    assert_non_null(strstr(reason, text));
    assert_non_null(strstr(reason, "is a broker running there already?"));
    server_stop(first);
    assert_int_equal(try(&second, text, false, reason), WILCO_OK); /* free again */
    server_stop(second);
}

static void
serves_and_removes_a_unix_socket(void **state)
{
    char folder[] = "/tmp/wilco-test-XXXXXX";
    char url[64];
    char reason[SERVER_REASON_BYTES];
    struct server *s = NULL;
    struct server *second = NULL;
    struct mqtt_peer p;

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(url, sizeof(url), "unix:%s/s", folder);
    assert_int_equal(try(&s, url, false, reason), WILCO_OK);
    mqtt_peer_connect(&p, server_address(s, 0), "me");
    mqtt_peer_ping(&p);
    mqtt_peer_close(&p);
    assert_int_equal(try(&second, url, false, reason), WILCO_EIO);
    assert_non_null(strstr(reason, "is a broker running there already?"));
    mqtt_peer_connect(&p, server_address(s, 0), "me"); /* the second has not taken its file away */
    mqtt_peer_close(&p);
    server_stop(s);
    assert_int_equal(rmdir(folder), 0); /* it is empty */
}

static void
counts_its_listeners(void **state)
{
    const struct transport_options standard = {.is_websocket = false};
    const struct listener_wish wish = {.url = "mqtt://127.0.0.1:0",
                                       .entrance = &entrance_standard,
                                       .options = &standard,
                                       .alloc = alloc_system()};
    struct listener_set set = {.count = 0};
    char reason[LISTENER_REASON_BYTES] = "";
    char url[LISTENER_URL_BYTES];

    (void)state;
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        assert_int_equal(listener_set_open(&set, &wish, false, reason), WILCO_OK);
    }
    assert_int_equal(listener_set_open(&set, &wish, false, reason), WILCO_ELIMIT);
    assert_non_null(strstr(reason, "too many"));
    listener_url(&set.items[0], url);
    assert_int_equal(strncmp(url, "mqtt://127.0.0.1:", 17), 0);
    listener_set_close(&set);
    assert_int_equal(set.items[0].fd, -1);
    listener_set_fini(&set);
}

static void
bounds_the_shards(void **state)
{
    const struct server_config config = fixture_config(65);
    char reason[SERVER_REASON_BYTES] = "";
    struct server *s = NULL;

    (void)state;
    assert_int_equal(server_start(&s, &config, reason), WILCO_EINVAL);
    assert_string_equal(reason, "65 shards are too many: use 64 at most");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_what_to_do),
        cmocka_unit_test(finds_the_port_in_use),
        cmocka_unit_test(serves_and_removes_a_unix_socket),
        cmocka_unit_test(counts_its_listeners),
        cmocka_unit_test(bounds_the_shards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
