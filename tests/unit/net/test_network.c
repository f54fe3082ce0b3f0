#define _POSIX_C_SOURCE 200809L

#include "net/network.h"
#include "sockets.h"

static const struct {
    const char *network, *address;
    bool is_in;
} rows[] = {
    {"127.0.0.1", "127.0.0.1", true},
    {"127.0.0.1", "127.0.0.2", false},
    {"127.0.0.1/32", "127.0.0.1", true},
    {"10.0.0.0/8", "10.255.0.1", true},
    {"10.0.0.0/8", "11.0.0.1", false},
    {"10.1.2.3/8", "10.9.9.9", true},
    {"10.0.0.128/25", "10.0.0.129", true},
    {"10.0.0.128/25", "10.0.0.127", false},
    {"0.0.0.0/0", "192.0.2.1", true},
    {"0.0.0.0/0", "[::1]", false},
    {"::1", "[::1]", true},
    {"2001:db8::/32", "[2001:db8:1::2]", true},
    {"2001:db8::/32", "[2001:db9::2]", false},
    {"::/0", "10.0.0.1", true},
    {"::ffff:10.0.0.0/104", "10.1.1.1", true},
    {"10.0.0.0/8", "[::ffff:10.1.1.1]", true},
};

static const char *const wrong[] = {
    "",          "/8",      "10.0.0.0/",   "10.0.0.0/33",  "10.0.0.0/08", "10.0.0.0/-1",
    "10.0.0/8",  "::1/129", "10.0.0.0/8 ", "example.org",  "10.0.0.0/+8", "::1/1000",
    "010.0.0.1", "[::1]",   "1.2.3.4.5",   "10.0.0.0/8/8",
};

static void
who_belongs_to_what(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct network n;
        char url[80];
        struct address a;

        print_message("%s %s\n", rows[i].network, rows[i].address);
        (void)snprintf(url, sizeof(url), "mqtt://%s:1", rows[i].address);
        a = address_of(url);
        assert_true(network_parse(&n, span_of_text(rows[i].network)));
        assert_int_equal(network_has(&n, &a), rows[i].is_in);
    }
}

static void
what_is_no_network(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct network n;

        print_message("\"%s\"\n", wrong[i]);
        assert_false(network_parse(&n, span_of_text(wrong[i])));
    }
}

static void
a_unix_socket_is_in_none(void **state)
{
    struct address a = address_of("unix:/run/x");
    struct network n;

    (void)state;
    assert_true(network_parse(&n, SPAN_LITERAL("::/0")));
    assert_false(network_has(&n, &a));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_belongs_to_what),
        cmocka_unit_test(what_is_no_network),
        cmocka_unit_test(a_unix_socket_is_in_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
