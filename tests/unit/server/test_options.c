#define _POSIX_C_SOURCE 200809L

#include "broker/server/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const two_urls[] = {"mqtt://127.0.0.1:1", "mqtt://127.0.0.1:2"};
static const char *const two_settings[] = {"inflight_max=7", "topic_levels_max=7"};

/* What a file says and what the options say, of everything. */
static const char text[] = "listen mqtt://127.0.0.1:3\n"
                           "listener_inbox_prefix $r/3\n"
                           "listener_no_matching_subscribers false\n"
                           "shards 3\n"
                           "log_level warning\n"
                           "allow_anonymous true\n"
                           "user three\n"
                           "inflight_max 3\n"
                           "subscriptions_max 3\n";
static const struct broker_main_options all = {
    .listen = two_urls,
    .listen_count = 2,
    .shards = 7,
    .store = "memory",
    .settings = two_settings,
    .setting_count = 2,
    .log_level = LOG_ERROR,
    .has_log_level = true,
    .user = "seven",
    .no_sandbox = true,
};

/* Writes the file, whose name is in `path` then, and gathers. */
static void
gather(struct config *out, struct problems *problems, struct broker_main_options options,
       const char *file)
{
    char path[] = "/tmp/wilco-options-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, file, strlen(file)), strlen(file));
    assert_int_equal(close(fd), 0);
    options.config = path;
    *problems = (struct problems){.count = 0};
    options_gather(out, &options, problems);
    assert_int_equal(unlink(path), 0);
}

static void
nothing_said_is_the_defaults(void **state)
{
    static struct config c;
    static struct problems problems;
    const struct broker_main_options none = {.config = NULL};
    const struct settings standard = settings_default();

    (void)state;
    options_gather(&c, &none, &problems);
    assert_int_equal(problems.count, 0);
    assert_memory_equal(&c.settings, &standard, sizeof(standard));
    assert_int_equal(c.listen_count, 0);
    assert_int_equal(c.shards, 0);
    assert_int_equal(c.log_level, LOG_INFO);
    assert_false(c.allow_anonymous);
}

static void
the_file_prevails_over_the_defaults(void **state)
{
    static struct config c;
    static struct problems problems;

    (void)state;
    gather(&c, &problems, (struct broker_main_options){.config = NULL}, text);
    assert_int_equal(problems.count, 0);
    assert_int_equal(c.listen_count, 1);
    assert_string_equal(c.listen[0], "mqtt://127.0.0.1:3");
    assert_string_equal(c.entrances[0].inbox_prefix, "$r/3");
    assert_int_equal(c.entrances[0].no_matching_subscribers, ENTRANCE_NO);
    assert_int_equal(c.shards, 3);
    assert_int_equal(c.log_level, LOG_WARNING);
    assert_true(c.allow_anonymous);
    assert_int_equal(c.settings.inflight_max, 3);
    assert_int_equal(c.settings.topic_levels_max, settings_default().topic_levels_max);
}

static void
the_command_line_prevails_over_the_file(void **state)
{
    static struct config c;
    static struct problems problems;

    (void)state;
    gather(&c, &problems, all, text);
    assert_int_equal(problems.count, 0);
    assert_int_equal(c.listen_count, 2); /* in the place of the file's, not besides them */
    assert_string_equal(c.listen[0], "mqtt://127.0.0.1:1");
    assert_string_equal(c.listen[1], "mqtt://127.0.0.1:2");
    assert_true(entrance_equal(&c.entrances[0], &entrance_standard));
    assert_true(entrance_equal(&c.entrances[1], &entrance_standard));
    assert_int_equal(c.shards, 7);
    assert_int_equal(c.log_level, LOG_ERROR);
    assert_true(c.allow_anonymous);
    assert_int_equal(c.settings.inflight_max, 7);
    assert_int_equal(c.settings.topic_levels_max, 7);
    assert_int_equal(c.settings.subscriptions_max, 3);
    assert_string_equal(c.user, "seven");
    assert_false(c.has_sandbox);
}

static void
a_user_has_a_bound(void **state)
{
    static struct config c;
    static struct problems problems;
    char name[CONFIG_USER_BYTES + 1];
    struct broker_main_options options = {.user = name};

    (void)state;
    memset(name, 'u', sizeof(name));
    name[CONFIG_USER_BYTES - 1] = '\0';
    options_gather(&c, &options, &problems);
    assert_int_equal(problems.count, 0);
    name[CONFIG_USER_BYTES - 1] = 'u';
    name[CONFIG_USER_BYTES] = '\0';
    options_gather(&c, &options, &problems);
    assert_int_equal(problems.count, 1);
    assert_string_equal(problems.lines[0], "--user: the name is longer than 63 bytes");
}

static void
problems_of_both_are_told(void **state)
{
    static const char *const bad_settings[] = {"inflight_max=0", "inflight_max"};
    static struct config c;
    static struct problems problems;
    struct broker_main_options options = {
        .store = "tape", .settings = bad_settings, .setting_count = 2};

    (void)state;
    gather(&c, &problems, options, "shards 0\n");
    assert_int_equal(problems.count, 4);
    assert_non_null(strstr(problems.lines[0], ":1: shards: "));
    assert_non_null(strstr(problems.lines[1], "no store called \"tape\""));
    assert_non_null(strstr(problems.lines[2], "from 1 to 65535"));
    assert_non_null(strstr(problems.lines[3], "write name=value"));
}

static void
listeners_are_bounded(void **state)
{
    static struct config c;
    static struct problems problems;
    const char *urls[LISTENERS_MAX + 1];
    char long_url[CONFIG_URL_BYTES + 1];
    struct broker_main_options options = {.listen = urls, .listen_count = LISTENERS_MAX};

    (void)state;
    for (size_t i = 0; i <= LISTENERS_MAX; i++) {
        urls[i] = two_urls[0];
    }
    options_gather(&c, &options, &problems);
    assert_int_equal(problems.count, 0);
    options.listen_count++;
    options_gather(&c, &options, &problems);
    assert_int_equal(problems.count, 1);
    assert_string_equal(problems.lines[0], "--listen: a broker listens on 32 addresses at most");
    memset(long_url, 'a', sizeof(long_url));
    long_url[CONFIG_URL_BYTES] = '\0';
    urls[0] = long_url;
    options.listen_count = 1;
    options_gather(&c, &options, &problems);
    assert_string_equal(problems.lines[1], "--listen: the URL is longer than 479 bytes");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_said_is_the_defaults),
        cmocka_unit_test(the_file_prevails_over_the_defaults),
        cmocka_unit_test(the_command_line_prevails_over_the_file),
        cmocka_unit_test(a_user_has_a_bound),
        cmocka_unit_test(problems_of_both_are_told),
        cmocka_unit_test(listeners_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
