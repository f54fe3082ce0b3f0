#define _POSIX_C_SOURCE 200809L

#include "cli/properties.h"

#include "cli/command.h"
#include "said.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX 40

static bool
parse(struct properties *p, const char *const *words, size_t count)
{
    static char letters[WORDS_MAX][40];
    char *argv[WORDS_MAX] = {letters[0]};
    const struct option_group groups[] = {
        {"Common", properties_common_rows, 0},
        {"Request", properties_request_rows, 0},
    };
    const struct command command = {.groups = groups, .group_count = 2};
    size_t word_count = 0;
    int exit_code = 0;

    *p = (struct properties){0};
    for (size_t i = 0; i < count; i++) {
        assert_true(i + 1 < WORDS_MAX && strlen(words[i]) < sizeof(letters[0]));
        argv[i + 1] = letters[i + 1];
        memcpy(argv[i + 1], words[i], strlen(words[i]) + 1);
    }
    return options_parse(&command, p, (int)count + 1, argv, &word_count, &exit_code);
}

#define PARSE(p, words) parse(p, words, sizeof(words) / sizeof((words)[0]))

static void
long_and_short_forms(void **state)
{
    static const char *const words[] = {
        "-H",  "name:value", "--header", "spaced:  a: b ", "-Hempty:",      "--content-type",
        "t/x", "--utf8",     "-e",       "answers/here",   "--correlation", "{ \"id\": 1 }",
    };
    static const char *const wants[][2] = {{"name", "value"}, {"spaced", "a: b "}, {"empty", ""}};
    struct properties p;

    (void)state;
    assert_true(PARSE(&p, words));
    assert_int_equal(p.user_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(p.user[i].name, wants[i][0]);
        assert_string_equal(p.user[i].value, wants[i][1]);
    }
    assert_string_equal(p.content_type, "t/x");
    assert_true(p.is_utf8);
    assert_string_equal(p.response_topic, "answers/here");
    assert_int_equal(p.correlation_data.len, 11);
    assert_memory_equal(p.correlation_data.data, "{ \"id\": 1 }", 11);
    properties_fini(&p);
}

static void
in_the_form_of_mosquitto(void **state)
{
    static const char *const words[] = {
        "-D",
        "publish",
        "user-property",
        "name",
        "a value",
        "-D",
        "PUBLISH",
        "response-topic",
        "answers/here",
        "-D",
        "publish",
        "correlation-data",
        "abc",
        "-D",
        "publish",
        "content-type",
        "t/x",
        "--property",
        "publish",
        "message-expiry-interval",
        "30",
        "-D",
        "publish",
        "payload-format-indicator",
        "1",
        "-D",
        "publish",
        "user-property",
        "name",
        "again",
    };
    struct properties p;

    (void)state;
    assert_true(PARSE(&p, words));
    assert_int_equal(p.user_count, 2);
    assert_string_equal(p.user[0].name, "name");
    assert_string_equal(p.user[0].value, "a value");
    assert_string_equal(p.user[1].value, "again");
    assert_string_equal(p.response_topic, "answers/here");
    assert_int_equal(p.correlation_data.len, 3);
    assert_memory_equal(p.correlation_data.data, "abc", 3);
    assert_string_equal(p.content_type, "t/x");
    assert_true(p.is_utf8);
    assert_true(p.expiry_s.is_set);
    assert_int_equal(p.expiry_s.value, 30);
    properties_fini(&p);
}

static void
correlation_data_in_hexadecimal(void **state)
{
    static const char *const words[] = {"--correlation-hex", "ff", "--correlation-hex", "0001fF"};
    static const char *const none[] = {"--correlation-hex", ""};
    struct properties p;

    (void)state;
    assert_true(PARSE(&p, words));
    assert_int_equal(p.correlation_data.len, 3);
    assert_memory_equal(p.correlation_data.data, "\x00\x01\xff", 3);
    properties_fini(&p);
    assert_true(PARSE(&p, none)); /* present, and empty */
    assert_int_equal(p.correlation_data.len, 0);
    assert_non_null(p.correlation_data.data);
    properties_fini(&p);
}

static const struct {
    const char *words[5], *says;
} wrong_rows[] = {
    {{"-H", "novalue"}, "\"novalue\" is not NAME:VALUE"},
    {{"-H", ":value"}, "\":value\" is not NAME:VALUE"},
    {{"-D"}, "option --property needs publish NAME VALUE"},
    {{"-D", "publish"}, "option --property needs publish NAME VALUE"},
    {{"-D", "publish", "content-type"}, "option --property needs publish NAME VALUE"},
    {{"-D", "publish", "user-property", "a"}, "option --property needs publish NAME VALUE"},
    {{"-D", "connect", "user-property", "a", "b"}, "\"connect\" is not \"publish\""},
    {{"-D", "publish", "colour", "red"}, "\"colour\" is not content-type, "},
    {{"-D", "publish", "message-expiry-interval", "soon"}, "\"soon\" is not a number"},
    {{"-D", "publish", "payload-format-indicator", "2"}, "\"2\" is not 0 or 1"},
    {{"--correlation-hex", "abc"}, "\"abc\" is not bytes in hexadecimal"},
};

static void
mistakes_are_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrong_rows) / sizeof(wrong_rows[0]); i++) {
        struct said said;
        struct properties p;
        size_t count = 0;
        bool goes_on;

        while (count < 5 && wrong_rows[i].words[count] != NULL) {
            count++;
        }
        said_begin(&said, stderr);
        goes_on = parse(&p, wrong_rows[i].words, count);
        if (strstr(said_end(&said), wrong_rows[i].says) == NULL || goes_on) {
            fail_msg("row %zu says: %s", i, said.text);
        }
        properties_fini(&p);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_and_short_forms),
        cmocka_unit_test(in_the_form_of_mosquitto),
        cmocka_unit_test(correlation_data_in_hexadecimal),
        cmocka_unit_test(mistakes_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
