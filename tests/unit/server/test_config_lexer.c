#include "broker/server/config/lexer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* What the lexer gets lies in a block of its exact size. */
static struct span
exact(const char *text, size_t len)
{
    uint8_t *copy = malloc(len == 0 ? 1 : len);

    assert_non_null(copy);
    if (len > 0) {
        memcpy(copy, text, len);
    }
    return span_of(copy, len);
}

static void
release(struct span s)
{
    free((void *)(uintptr_t)s.data);
}

#define TEXT(text) (text), sizeof(text) - 1

static const struct {
    const char *what, *text;
    size_t len;
    const char *want; /* "number|name|value;" for each line, "number!" for one with a problem */
} rows[] = {
    {"nothing", TEXT(""), ""},
    {"blank lines", TEXT("\n \n\t\n\r\n"), ""},
    {"a comment", TEXT("# shards 2\n"), ""},
    {"an indented comment", TEXT("  # shards 2\n"), ""},
    {"a comment without an end", TEXT("#"), ""},
    {"a line", TEXT("shards 2\n"), "1|shards|2;"},
    {"no newline at the end", TEXT("shards 2"), "1|shards|2;"},
    {"CRLF", TEXT("shards 2\r\nstore memory\r\n"), "1|shards|2;2|store|memory;"},
    {"CR at the very end", TEXT("shards 2\r"), "1|shards|2;"},
    {"tabs and spaces", TEXT("\t shards \t 2 \t\n"), "1|shards|2;"},
    {"a value of two words", TEXT("listener 1883 ::1\n"), "1|listener|1883 ::1;"},
    {"# inside a value", TEXT("listen unix:/a#b # c\n"), "1|listen|unix:/a#b # c;"},
    {"no value", TEXT("shards\n"), "1|shards|;"},
    {"no value, but a blank", TEXT("shards \n"), "1|shards|;"},
    {"lines are counted", TEXT("\n#\nshards 2\n\nstore x"), "3|shards|2;5|store|x;"},
    {"a byte order mark", TEXT("\xef\xbb\xbfshards 2"), "1|shards|2;"},
    {"half a byte order mark", TEXT("\xef\xbb"), "1|\xef\xbb|;"},
    {"a zero byte", TEXT("shards 2\nstore me\0mory\nstore x"), "1|shards|2;2!;3|store|x;"},
    {"a zero byte alone", TEXT("\0"), "1!;"},
    {"a zero byte in a comment", TEXT("# \0\n"), ""},
};

static void
cuts_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span text = exact(rows[i].text, rows[i].len);
        struct lexer l = lexer_init(text);
        struct config_line line;
        char got[200] = "";
        int n = 0;

        while (lexer_next(&l, &line)) {
            if (line.problem != NULL) {
                n += snprintf(got + n, sizeof(got) - (size_t)n, "%zu!;", line.number);
                continue;
            }
            n += snprintf(got + n, sizeof(got) - (size_t)n, "%zu|%.*s|%.*s;", line.number,
                          (int)line.name.len, (const char *)line.name.data, (int)line.value.len,
                          line.value.len == 0 ? "" : (const char *)line.value.data);
        }
        if (strcmp(got, rows[i].want) != 0) {
            fail_msg("%s: \"%s\", not \"%s\"", rows[i].what, got, rows[i].want);
        }
        release(text);
    }
}

/* A line of `len` bytes, and one behind it. */
static void
check_length(size_t len, bool is_wrong)
{
    char *text = malloc(len + 4);
    struct config_line line;
    struct lexer l;

    assert_non_null(text);
    memset(text, 'a', len);
    memcpy(text + len, "\nb c", 4);
    l = lexer_init(span_of(text, len + 4));
    assert_true(lexer_next(&l, &line));
    assert_int_equal(line.problem != NULL, is_wrong);
    assert_true(lexer_next(&l, &line));
    assert_int_equal(line.number, 2);
    assert_null(line.problem);
    assert_false(lexer_next(&l, &line));
    free(text);
}

static void
lines_have_a_length(void **state)
{
    (void)state;
    check_length(CONFIG_LINE_BYTES_MAX, false);
    check_length(CONFIG_LINE_BYTES_MAX + 1, true);
    check_length(1000000, true);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_lines),
        cmocka_unit_test(lines_have_a_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
