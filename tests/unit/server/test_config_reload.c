#include "broker/server/config/reload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* The lines logged, without their time. */
struct lines {
    char text[2000];
    size_t len;
};

static void
keep_line(void *context, enum log_level level, struct span line)
{
    struct lines *l = context;
    const char *event = strstr((const char *)line.data, "event=");
    size_t skipped = (size_t)(event - (const char *)line.data);

    (void)level;
    l->len += (size_t)snprintf(l->text + l->len, sizeof(l->text) - l->len, "%.*s\n",
                               (int)(line.len - skipped), event);
}

static struct reload_result
merge(struct config *running, const struct config *wanted, struct lines *lines)
{
    const struct logger log = {.level = LOG_INFO, .sink = keep_line, .context = lines};

    *lines = (struct lines){.len = 0};
    return reload_merge(running, wanted, &log);
}

static void
nothing_changes(void **state)
{
    static struct config running;
    static struct config wanted;
    struct lines lines;
    struct reload_result result;

    (void)state;
    config_init(&running);
    config_init(&wanted);
    result = merge(&running, &wanted, &lines);
    assert_int_equal(result.changed, 0);
    assert_int_equal(result.needs_restart, 0);
    assert_string_equal(lines.text, "");
}

static void
takes_over_what_may_change(void **state)
{
    static struct config running;
    static struct config wanted;
    struct lines lines;
    struct reload_result result;

    (void)state;
    config_init(&running);
    config_init(&wanted);
    wanted.settings.inflight_max = 7;
    wanted.settings.receive_maximum = 8;
    wanted.log_level = LOG_DEBUG;
    (void)snprintf(wanted.scram_file, sizeof(wanted.scram_file), "/scram");
    (void)snprintf(wanted.tokens.issuer, sizeof(wanted.tokens.issuer), "me");
    wanted.shards = 3;
    wanted.allow_anonymous = true;
    wanted.listen_count = 1;
    (void)snprintf(wanted.user, sizeof(wanted.user), "another");
    wanted.has_sandbox = false;
    wanted.core_dumps = true;
    result = merge(&running, &wanted, &lines);
    assert_int_equal(result.changed, 4);
    assert_string_equal(running.scram_file, "/scram");
    assert_string_equal(running.tokens.issuer, "me");
    assert_int_equal(result.needs_restart, 7);
    assert_string_equal(lines.text, "event=restart_needed name=receive_maximum from=1024 to=8\n"
                                    "event=setting_changed name=inflight_max from=1024 to=7\n"
                                    "event=setting_changed name=log_level\n"
                                    "event=setting_changed name=scram_file\n"
                                    "event=setting_changed name=jwt\n"
                                    "event=restart_needed name=listen\n"
                                    "event=restart_needed name=shards\n"
                                    "event=restart_needed name=allow_anonymous\n"
                                    "event=restart_needed name=user\n"
                                    "event=restart_needed name=sandbox\n"
                                    "event=restart_needed name=core_dumps\n");
    assert_true(running.has_sandbox);
    assert_false(running.core_dumps);
    assert_int_equal(running.settings.inflight_max, 7);
    assert_int_equal(running.settings.receive_maximum, 1024);
    assert_int_equal(running.log_level, LOG_DEBUG);
    assert_int_equal(running.shards, 0);
    assert_int_equal(running.listen_count, 0);
    result = merge(&running, &wanted, &lines); /* what needs a restart goes on needing it */
    assert_int_equal(result.changed, 0);
    assert_int_equal(result.needs_restart, 7);
}

static void
another_access_list_is_taken(void **state)
{
    static struct config running;
    static struct config wanted;
    struct lines lines;

    (void)state;
    config_init(&running);
    wanted = running;
    (void)snprintf(wanted.acl_file, sizeof(wanted.acl_file), "/acl");
    assert_int_equal(merge(&running, &wanted, &lines).changed, 1);
    assert_string_equal(lines.text, "event=setting_changed name=acl_file\n");
    assert_string_equal(running.acl_file, "/acl");
    assert_int_equal(merge(&running, &wanted, &lines).changed, 0);
}

static void
another_url_needs_a_restart(void **state)
{
    static struct config running;
    static struct config wanted;
    struct lines lines;

    (void)state;
    config_init(&running);
    running.listen_count = 1;
    (void)snprintf(running.listen[0], CONFIG_URL_BYTES, "mqtt://127.0.0.1");
    wanted = running;
    assert_int_equal(merge(&running, &wanted, &lines).needs_restart, 0);
    (void)snprintf(wanted.listen[0], CONFIG_URL_BYTES, "mqtt://127.0.0.2");
    assert_int_equal(merge(&running, &wanted, &lines).needs_restart, 1);
}

static void
another_setting_of_a_listener_needs_a_restart(void **state)
{
    static struct config running;
    static struct config wanted;
    struct lines lines;

    (void)state;
    config_init(&running);
    running.listen_count = 2;
    running.entrances[0] = entrance_standard;
    running.entrances[1] = entrance_standard;
    wanted = running;
    assert_int_equal(merge(&running, &wanted, &lines).needs_restart, 0);
    wanted.entrances[1].no_matching_subscribers = ENTRANCE_NO;
    assert_int_equal(merge(&running, &wanted, &lines).needs_restart, 1);
    assert_string_equal(lines.text, "event=restart_needed name=listen\n");
    assert_true(entrance_equal(&running.entrances[1], &entrance_standard));
    wanted = running;
    (void)snprintf(wanted.entrances[0].inbox_prefix, sizeof(wanted.entrances[0].inbox_prefix),
                   "$r/%%c");
    assert_int_equal(merge(&running, &wanted, &lines).needs_restart, 1);
    wanted = running;
    (void)snprintf(wanted.entrances[2].inbox_prefix, sizeof(wanted.entrances[2].inbox_prefix),
                   "of no listener");
    assert_int_equal(merge(&running, &wanted, &lines).needs_restart, 0);
}

/* A setting that is renamed must be renamed there too. */
static void
so_many_settings_may_change(void **state)
{
    size_t count = 0;

    (void)state;
    for (size_t i = 0; settings_row(i).name != NULL; i++) {
        count += reload_is_possible(settings_row(i).name);
    }
    assert_int_equal(count, reload_possible_count());
    assert_false(reload_is_possible("receive_maximum"));
    assert_false(reload_is_possible("no such setting"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_changes),
        cmocka_unit_test(takes_over_what_may_change),
        cmocka_unit_test(another_access_list_is_taken),
        cmocka_unit_test(another_url_needs_a_restart),
        cmocka_unit_test(another_setting_of_a_listener_needs_a_restart),
        cmocka_unit_test(so_many_settings_may_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
