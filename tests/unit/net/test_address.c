#define _POSIX_C_SOURCE 200809L

#include "net/address.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

static const struct {
    const char *text;
    enum url_scheme scheme;
    const char *host;
    uint16_t port;
    const char *path;
    const char *user; /* NULL: none */
    const char *password;
} good[] = {
    {"mqtt://localhost", URL_MQTT, "localhost", 1883, "", NULL, NULL},
    {"mqtt://localhost:1884", URL_MQTT, "localhost", 1884, "", NULL, NULL},
    {"MQTT://Broker.Example", URL_MQTT, "Broker.Example", 1883, "", NULL, NULL},
    {"mqtt://127.0.0.1:0", URL_MQTT, "127.0.0.1", 0, "", NULL, NULL},
    {"mqtt://127.0.0.1:65535/", URL_MQTT, "127.0.0.1", 65535, "/", NULL, NULL},
    {"mqtt://host/a/b", URL_MQTT, "host", 1883, "/a/b", NULL, NULL},
    {"mqtt://[::1]", URL_MQTT, "::1", 1883, "", NULL, NULL},
    {"mqtt://[::]:1", URL_MQTT, "::", 1, "", NULL, NULL},
    {"mqtt://[fe80::1%eth0]:1883/x", URL_MQTT, "fe80::1%eth0", 1883, "/x", NULL, NULL},
    {"mqtt://me@host", URL_MQTT, "host", 1883, "", "me", NULL},
    {"mqtt://me:@host", URL_MQTT, "host", 1883, "", "me", ""},
    {"mqtt://@host", URL_MQTT, "host", 1883, "", "", NULL},
    {"mqtt://me:secret@host:1/p", URL_MQTT, "host", 1, "/p", "me", "secret"},
    {"mqtt://me:a:b@c@[::1]:1", URL_MQTT, "::1", 1, "", "me", "a:b@c"},
    {"mqtt://a%40b:%2f%3A%e2%82%AC@host", URL_MQTT, "host", 1883, "", "a@b", "/:\xE2\x82\xAC"},
    {"localhost", URL_MQTT, "localhost", 1883, "", NULL, NULL},
    {"under_score.example:1885", URL_MQTT, "under_score.example", 1885, "", NULL, NULL},
    {"[::1]:1885", URL_MQTT, "::1", 1885, "", NULL, NULL},
    {"[::1]", URL_MQTT, "::1", 1883, "", NULL, NULL},
    {"mqtts:1885", URL_MQTT, "mqtts", 1885, "", NULL, NULL}, /* a host of that name */
    {"wss://host/mqtt", URL_WSS, "host", 8084, "/mqtt", NULL, NULL},
    {"mqtts://host", URL_MQTTS, "host", 8883, "", NULL, NULL},
    {"MQTTS://me:secret@[::1]:1", URL_MQTTS, "::1", 1, "", "me", "secret"},
    {"unix:/run/wilco.sock", URL_UNIX, "", 0, "/run/wilco.sock", NULL, NULL},
    {"unix:///run/wilco.sock", URL_UNIX, "", 0, "/run/wilco.sock", NULL, NULL},
    {"unix:/odd @:%20name", URL_UNIX, "", 0, "/odd @:%20name", NULL, NULL},
};

static void
assert_text_or_none(bool has, const char *got, const char *want)
{
    assert_int_equal(has, want != NULL);
    assert_string_equal(got, want == NULL ? "" : want);
}

static void
good_urls(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct url u;
        const char *reason = NULL;

        if (url_parse(&u, good[i].text, &reason) != WILCO_OK) {
            fail_msg("%s: %s", good[i].text, reason);
        }
        assert_int_equal(u.scheme, good[i].scheme);
        assert_string_equal(u.host, good[i].host);
        assert_int_equal(u.port, good[i].port);
        assert_string_equal(u.path, good[i].path);
        assert_text_or_none(u.has_user, u.user, good[i].user);
        assert_text_or_none(u.has_password, u.password, good[i].password);
    }
}

static const struct {
    const char *text;
    const char *reason; /* a part of it */
} bad[] = {
    {"", "host is missing"},
    {"mqtt://", "host is missing"},
    {"mqtt://:1883", "host is missing"},
    {"mqtt://me@", "host is missing"},
    {"mqtt:///path", "host is missing"},
    {"mqtt://[]:1", "host is missing"},
    {":1883", "host is missing"},
    {"mqtt://host:", "port"},
    {"mqtt://host:65536", "0 to 65535"},
    {"mqtt://host:99999999999999999999", "0 to 65535"},
    {"mqtt://host:12a", "0 to 65535"},
    {"mqtt://host:-1", "0 to 65535"},
    {"mqtt://host:+1", "0 to 65535"},
    {"mqtt://[::1]1883", "port"},
    {"mqtt://[::1", "] after an IPv6 address"},
    {"mqtt://::1", "needs brackets"},
    {"::1", "needs brackets"},
    {"fe80::1:1883", "needs brackets"},
    {"mqtt://ho st", "no host name has"},
    {"mqtt://host?a=b", "no host name has"},
    {"mqtt://host#x", "no host name has"},
    {"mqtt://h\xC3\xB6st", "no host name has"},
    {"host/path", "no host name has"},
    {"me@host", "no host name has"},
    {"mqtt://me%4@host", "hexadecimal"},
    {"mqtt://me%@host", "hexadecimal"},
    {"mqtt://me%zz@host", "hexadecimal"},
    {"mqtt://me%00@host", "hexadecimal"},
    {"mqtt://me:%0@host", "hexadecimal"},
    {"http://host", "unknown scheme"},
    {"mqt://host", "unknown scheme"},
    {"unix:", "absolute path"},
    {"unix:/", "absolute path"},
    {"unix:relative", "absolute path"},
    {"unix://host/path", "absolute path"},
};

static void
bad_urls_say_why(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct url u;
        const char *reason = "no reason";
        enum wilco_status st = url_parse(&u, bad[i].text, &reason);

        if (st != WILCO_EINVAL || strstr(reason, bad[i].reason) == NULL) {
            fail_msg("%s: %d, %s", bad[i].text, (int)st, reason);
        }
        assert_int_equal(url_parse(&u, bad[i].text, NULL), WILCO_EINVAL);
    }
}

/* Each text part at its longest and one byte above, in a block of exactly its size. */
static const struct {
    const char *before, *after;
    size_t longest;
} lengths[] = {
    {"mqtt://", "", 255},        {"mqtt://[", "]", 255},    {"mqtt://", "@host", 255},
    {"mqtt://u:", "@host", 255}, {"mqtt://host/", "", 106}, {"unix:/", "", 106},
};

static void
parts_have_a_length(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        for (size_t more = 0; more < 2; more++) {
            size_t n = lengths[i].longest + more;
            size_t before = strlen(lengths[i].before);
            size_t after = strlen(lengths[i].after);
            char *text = malloc(before + n + after + 1);
            struct url u;

            memcpy(text, lengths[i].before, before);
            memset(text + before, 'a', n);
            memcpy(text + before + n, lengths[i].after, after + 1);
            assert_int_equal(url_parse(&u, text, NULL), more == 0 ? WILCO_OK : WILCO_EINVAL);
            free(text);
        }
    }
}

static const struct {
    const char *url;
    const char *text;
    bool is_local;
} numeric[] = {
    {"127.0.0.1:1883", "127.0.0.1:1883", true},
    {"127.255.0.9:1", "127.255.0.9:1", true},
    {"0.0.0.0:65535", "0.0.0.0:65535", false},
    {"192.0.2.1:0", "192.0.2.1:0", false},
    {"[::1]:1883", "[::1]:1883", true},
    {"[::]:1883", "[::]:1883", false},
    {"[2001:db8::1]:7", "[2001:db8::1]:7", false},
    {"[::ffff:127.0.0.1]:7", "[::ffff:127.0.0.1]:7", true},
    {"[::ffff:192.0.2.1]:7", "[::ffff:192.0.2.1]:7", false},
    {"unix:/run/wilco.sock", "unix:/run/wilco.sock", true},
};

static void
addresses_and_their_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(numeric) / sizeof(numeric[0]); i++) {
        struct address a[4];
        struct url u;
        char text[ADDRESS_TEXT_BYTES];
        size_t count = 0;

        assert_int_equal(url_parse(&u, numeric[i].url, NULL), WILCO_OK);
        assert_int_equal(address_resolve(a, 4, &count, &u, false, NULL), WILCO_OK);
        assert_int_equal(count, 1);
        address_text(&a[0], text);
        assert_string_equal(text, numeric[i].text);
        assert_int_equal(address_is_local(&a[0]), numeric[i].is_local);
    }
}

static void
a_long_unix_path_is_shown_whole(void **state)
{
    struct url u = {.scheme = URL_UNIX};
    struct address a;
    char text[ADDRESS_TEXT_BYTES];
    size_t count = 0;

    (void)state;
    memset(u.path, 'a', sizeof(u.path) - 1);
    u.path[0] = '/';
    assert_int_equal(address_resolve(&a, 1, &count, &u, true, NULL), WILCO_OK);
    address_text(&a, text);
    assert_memory_equal(text, "unix:/", 6);
    assert_string_equal(text + 5, u.path);
}

static void
odd_addresses_have_a_text(void **state)
{
    struct address none = {.len = sizeof(struct sockaddr_in)};
    struct address unnamed = {.len = offsetof(struct sockaddr_un, sun_path)};
    char text[ADDRESS_TEXT_BYTES];

    (void)state;
    address_text(&none, text);
    assert_string_equal(text, "unknown");
    assert_false(address_is_local(&none));
    unnamed.storage.ss_family = AF_UNIX;
    address_text(&unnamed, text);
    assert_string_equal(text, "unix:");
    assert_true(address_is_local(&unnamed));
}

static void
a_name_that_is_none(void **state)
{
    struct url u = {.scheme = URL_MQTT, .host = "999.999.999.999.invalid"};
    struct address a[2];
    const char *reason = NULL;
    size_t count = 9;

    (void)state;
    assert_int_equal(address_resolve(a, 2, &count, &u, false, &reason), WILCO_ENOTFOUND);
    assert_int_equal(count, 0);
    assert_non_null(reason);
    assert_int_equal(address_resolve(a, 0, &count, &u, false, &reason), WILCO_EINVAL);
}

static void
localhost_is_local(void **state)
{
    struct url u = {.scheme = URL_MQTT, .host = "localhost", .port = 1883};
    struct address a[4];
    size_t count = 0;

    (void)state;
    assert_int_equal(address_resolve(a, 4, &count, &u, true, NULL), WILCO_OK);
    assert_true(count >= 1 && count <= 4);
    for (size_t i = 0; i < count; i++) {
        assert_true(address_is_local(&a[i]));
    }
    assert_int_equal(address_resolve(a, 1, &count, &u, false, NULL), WILCO_OK);
    assert_int_equal(count, 1);
}

static void
a_star_is_every_address_to_listen_on(void **state)
{
    struct url u;
    struct address a[4];
    char text[ADDRESS_TEXT_BYTES];
    size_t count = 0;

    (void)state;
    assert_int_equal(url_parse(&u, "mqtt://*:1885", NULL), WILCO_OK);
    assert_int_equal(address_resolve(a, 4, &count, &u, true, NULL), WILCO_OK);
    assert_true(count >= 1 && count <= 4);
    for (size_t i = 0; i < count; i++) {
        address_text(&a[i], text);
        assert_true(strcmp(text, "0.0.0.0:1885") == 0 || strcmp(text, "[::]:1885") == 0);
        assert_false(address_is_local(&a[i]));
    }
    assert_int_equal(address_resolve(a, 4, &count, &u, false, NULL), WILCO_EINVAL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_urls),
        cmocka_unit_test(bad_urls_say_why),
        cmocka_unit_test(parts_have_a_length),
        cmocka_unit_test(addresses_and_their_text),
        cmocka_unit_test(a_long_unix_path_is_shown_whole),
        cmocka_unit_test(odd_addresses_have_a_text),
        cmocka_unit_test(a_name_that_is_none),
        cmocka_unit_test(a_star_is_every_address_to_listen_on),
        cmocka_unit_test(localhost_is_local),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
