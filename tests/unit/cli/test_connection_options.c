#define _POSIX_C_SOURCE 200809L

#include "cli/connection.h"

#include "cli/command.h"
#include "cli/say.h"
#include "said.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int
forget_environment(void **state)
{
    (void)state;
    return unsetenv("WILCO_URL") | unsetenv("MQTT_USERNAME") | unsetenv("MQTT_PASSWORD");
}

static const struct {
    struct connection_options options;
    const char *environment_url;
    const char *address, *topic;
} address_rows[] = {
    {{0}, NULL, "mqtt://127.0.0.1:1883", NULL},
    {{0}, "", "mqtt://127.0.0.1:1883", NULL},
    {{0}, "mqtt://elsewhere", "mqtt://elsewhere", NULL},
    {{.url = "mqtt://here:1"}, "mqtt://elsewhere", "mqtt://here:1", NULL},
    {{.url = "mqtt://u:p@here:1/"}, NULL, "mqtt://u:p@here:1", NULL},
    {{.url = "mqtt://here/a/topic"}, NULL, "mqtt://here", "a/topic"},
    {{.url = "mqtt://here//a"}, NULL, "mqtt://here", "/a"},
    {{.url = "unix:/run/a/socket"}, NULL, "unix:/run/a/socket", NULL},
    {{.url = "unix:///run/a/socket"}, NULL, "unix:///run/a/socket", NULL},
    {{.host = "here"}, "mqtt://elsewhere", "mqtt://here:1883", NULL},
    {{.host = "::1"}, NULL, "mqtt://[::1]:1883", NULL},
    {{.host = "[::1]"}, NULL, "mqtt://[::1]:1883", NULL},
    {{.port = {1884, true}}, NULL, "mqtt://127.0.0.1:1884", NULL},
    {{.host = "here", .port = {1884, true}}, NULL, "mqtt://here:1884", NULL},
    {{.unix_path = "/run/socket"}, "mqtt://elsewhere", "unix:/run/socket", NULL},
};

static void
addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(address_rows) / sizeof(address_rows[0]); i++) {
        struct connection_options o = address_rows[i].options;

        if (address_rows[i].environment_url != NULL) {
            assert_int_equal(setenv("WILCO_URL", address_rows[i].environment_url, 1), 0);
        }
        assert_int_equal(connection_prepare(&o), 0);
        assert_string_equal(o.address, address_rows[i].address);
        if (address_rows[i].topic == NULL) {
            assert_null(o.topic);
        } else {
            assert_string_equal(o.topic, address_rows[i].topic);
        }
        connection_options_fini(&o);
        (void)forget_environment(NULL);
    }
}

static const struct {
    struct connection_options options;
    const char *says;
} wrong_rows[] = {
    {{.url = "mqtt://here", .host = "here"}, "only one of --url, --host"},
    {{.url = "mqtt://here", .port = {1, true}}, "only one of --url, --host"},
    {{.host = "here", .unix_path = "/x"}, "only one of --url, --host"},
    {{.version = "mqttv311"}, "MQTT version \"mqttv311\""},
    {{.version = "311"}, "MQTT version \"311\""},
    {{.keep_session = true}, "--keep-session needs an --id"},
    {{.will_payload = "x"}, "a will needs a --will-topic"},
    {{.will_qos = {1, true}}, "a will needs a --will-topic"},
    {{.password = "x", .password_file = "y"}, "the password is given more than once"},
    {{.password_file = "/does/not/exist"}, "cannot read /does/not/exist: No such file"},
    {{.password_file = "/"}, "cannot read /: Is a directory"},
    {{.auth_method = "SCRAM-SHA-1"},
     "authentication method \"SCRAM-SHA-1\": the only one is SCRAM-SHA-256"},
    {{.password_fd = {999, true}}, "cannot read the password's descriptor: Bad file descriptor"},
};

static void
contradictions_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrong_rows) / sizeof(wrong_rows[0]); i++) {
        struct connection_options o = wrong_rows[i].options;
        struct said said;
        int exit_code;

        said_begin(&said, stderr);
        exit_code = connection_prepare(&o);
        if (strstr(said_end(&said), wrong_rows[i].says) == NULL) {
            fail_msg("row %zu says: %s", i, said.text);
        }
        assert_int_equal(exit_code, 1);
        connection_options_fini(&o);
    }
}

static void
check_user(const struct connection_options *options, const char *user, const char *password)
{
    struct connection_options o = *options;

    assert_int_equal(connection_prepare(&o), 0);
    if (user == NULL) {
        assert_null(o.username);
    } else {
        assert_string_equal(o.username, user);
    }
    if (password == NULL) {
        assert_null(o.secret);
    } else {
        assert_int_equal(o.secret_len, strlen(password));
        assert_memory_equal(o.secret, password, o.secret_len);
    }
    connection_options_fini(&o);
}

static void
a_flag_wins_over_the_url_and_that_over_the_environment(void **state)
{
    const struct connection_options none = {0}, flags = {.username = "flag", .password = "word"},
                                    url = {.url = "mqtt://me@here"};

    (void)state;
    check_user(&none, NULL, NULL);
    assert_int_equal(setenv("MQTT_USERNAME", "variable", 1), 0);
    assert_int_equal(setenv("MQTT_PASSWORD", "secret", 1), 0);
    check_user(&none, "variable", "secret");
    check_user(&flags, "flag", "word");
    check_user(&url, NULL, NULL); /* the library takes them from there */
}

static void
a_password_from_a_file_or_a_descriptor_is_its_first_line(void **state)
{
    static const char *const contents[] = {"secret", "secret\n", "secret\r\n", "secret\nmore\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
        struct connection_options o = {0};
        int ends[2];

        assert_int_equal(pipe(ends), 0);
        assert_true(write(ends[1], contents[i], strlen(contents[i])) > 0);
        (void)close(ends[1]);
        o.password_fd.value = (unsigned)ends[0];
        o.password_fd.is_set = true;
        check_user(&o, NULL, "secret");
    }
}

static void
a_kept_session_never_expires_unless_told(void **state)
{
    struct connection_options never = {.keep_session = true, .id = "me"};
    struct connection_options told = {
        .keep_session = true, .id = "me", .session_expiry_s = {60, true}, .version = "mqttv5"};

    (void)state;
    assert_int_equal(connection_prepare(&never), 0);
    assert_int_equal(never.session_expiry_s.value, UINT32_MAX);
    assert_int_equal(connection_prepare(&told), 0);
    assert_int_equal(told.session_expiry_s.value, 60);
    connection_options_fini(&never);
    connection_options_fini(&told);
}

static const struct {
    const char *word;
    bool is_valid;
    uint32_t seconds;
} expiry_rows[] = {
    {"0", true, 0},
    {"90", true, 90},
    {"4294967295", true, UINT32_MAX},
    {"4294967296", false, 0},
    {"never", true, UINT32_MAX},
    {"-1", true, UINT32_MAX},
    {"5m", true, 300},
    {"10ms", false, 0},
    {"often", false, 0},
    {"", false, 0},
};

static void
session_expiry(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(expiry_rows) / sizeof(expiry_rows[0]); i++) {
        struct connection_options o = {0};
        const struct option_group group = {"", connection_rows, 0};
        const struct command line = {.groups = &group, .group_count = 1};
        char command[] = "test", option[] = "-x", word[16];
        char *argv[] = {command, option, word};
        size_t word_count = 0;
        struct said said;
        int exit_code = 0;

        (void)snprintf(word, sizeof(word), "%s", expiry_rows[i].word);
        said_begin(&said, stderr);
        if (options_parse(&line, &o, 3, argv, &word_count, &exit_code) != expiry_rows[i].is_valid) {
            (void)said_end(&said);
            fail_msg("\"%s\" %s", word, said.text);
        }
        (void)said_end(&said);
        if (expiry_rows[i].is_valid) {
            assert_int_equal(o.session_expiry_s.value, expiry_rows[i].seconds);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test_setup_teardown(a_flag_wins_over_the_url_and_that_over_the_environment,
                                        forget_environment, forget_environment),
        cmocka_unit_test(a_password_from_a_file_or_a_descriptor_is_its_first_line),
        cmocka_unit_test(a_kept_session_never_expires_unless_told),
        cmocka_unit_test(session_expiry),
    };

    return cmocka_run_group_tests(tests, forget_environment, NULL);
}
