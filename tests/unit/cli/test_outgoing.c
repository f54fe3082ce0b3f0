#define _POSIX_C_SOURCE 200809L

#include "cli/outgoing.h"

#include "said.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    struct outgoing outgoing;
    const char *words[2], *url_topic;
    const char *topic, *payload;
} rows[] = {
    {{0}, {"t"}, NULL, "t", ""},
    {{0}, {"t", "hello"}, NULL, "t", "hello"},
    {{0}, {"t", ""}, NULL, "t", ""},
    {{0}, {"hello"}, "u", "u", "hello"},
    {{.topic = "t"}, {"hello"}, "u", "t", "hello"},
    {{0}, {NULL}, "u", "u", ""},
    {{.topic = "t"}, {NULL}, "u", "t", ""},
    {{.topic = "t"}, {"hello"}, NULL, "t", "hello"},
    {{.topic = "t", .message = "hello"}, {NULL}, NULL, "t", "hello"},
    {{.message = "hello"}, {"t"}, NULL, "t", "hello"},
    {{.is_empty = true}, {"t"}, NULL, "t", ""},
    {{.message = "-"}, {"t"}, NULL, "t", "-"},
    {{0}, {"t", "-"}, NULL, "t", "from standard input"},
    {{.from_stdin = true}, {"t"}, NULL, "t", "from standard input"},
};

static size_t
take_words(char letters[2][16], char *argv[2], const char *const words[2])
{
    size_t count = 0;

    for (; count < 2 && words[count] != NULL; count++) {
        argv[count] = letters[count];
        (void)snprintf(letters[count], sizeof(letters[count]), "%s", words[count]);
    }
    return count;
}

/* Puts a file with `text` in the place of standard input. */
static void
set_stdin(const char *text)
{
    FILE *file = tmpfile();

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0 && fflush(file) == 0);
    assert_int_equal(fseek(file, 0, SEEK_SET), 0);
    assert_true(dup2(fileno(file), STDIN_FILENO) >= 0);
    (void)fclose(file);
    clearerr(stdin);
    rewind(stdin);
}

static void
topic_and_payload(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct outgoing o = rows[i].outgoing;
        char letters[2][16], *argv[2] = {NULL, NULL};
        size_t count = take_words(letters, argv, rows[i].words);
        struct wilco_publish p;

        set_stdin("from standard input");
        assert_int_equal(outgoing_complete(&o, argv, count, rows[i].url_topic), 0);
        p = outgoing_publish(&o);
        assert_string_equal(p.topic, rows[i].topic);
        assert_int_equal(p.payload.len, strlen(rows[i].payload));
        assert_memory_equal(p.payload.len == 0 ? "" : p.payload.data, rows[i].payload,
                            p.payload.len);
        outgoing_fini(&o);
    }
}

static const struct {
    struct outgoing outgoing;
    const char *words[2], *says;
} wrong_rows[] = {
    {{0}, {NULL}, "which topic?"},
    {{0}, {""}, "the topic is empty"},
    {{0}, {"a/+"}, "topic \"a/+\": only subscriptions may have the wildcards + and #"},
    {{.topic = "#"}, {"x"}, "topic \"#\": only subscriptions"},
    {{.topic = "t"}, {"a", "b"}, "\"b\" is one word too many"},
    {{.message = "m"}, {"t", "b"}, "\"b\" is one word too many"},
    {{.file = "/"}, {"t", "b"}, "the payload is given more than once"},
    {{.message = "m", .is_empty = true}, {"t"}, "the payload is given more than once"},
    {{.by_line = true, .from_stdin = true}, {"t"}, "the payload is given more than once"},
    {{.file = "/does/not/exist"}, {"t"}, "cannot read /does/not/exist: No such file"},
    {{.file = "/"}, {"t"}, "cannot read /: Is a directory"},
};

static void
contradictions_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrong_rows) / sizeof(wrong_rows[0]); i++) {
        struct outgoing o = wrong_rows[i].outgoing;
        char letters[2][16], *argv[2] = {NULL, NULL};
        size_t count = take_words(letters, argv, wrong_rows[i].words);
        struct said said;
        int exit_code;

        said_begin(&said, stderr);
        exit_code = outgoing_complete(&o, argv, count, NULL);
        if (strstr(said_end(&said), wrong_rows[i].says) == NULL) {
            fail_msg("row %zu says: %s", i, said.text);
        }
        assert_int_equal(exit_code, 1);
        outgoing_fini(&o);
    }
}

static void
a_file_is_taken_as_it_is(void **state)
{
    char path[] = "/tmp/wilco-outgoing-XXXXXX", letters[2][16], *argv[2] = {NULL, NULL};
    static const char *const words[2] = {"t"};
    struct outgoing o = {.file = path};
    size_t len = 100000;
    char *bytes = malloc(len);
    FILE *file = fdopen(mkstemp(path), "w");

    (void)state;
    assert_true(bytes != NULL && file != NULL);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (char)(i * 31 % 256);
    }
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(outgoing_complete(&o, argv, take_words(letters, argv, words), NULL), 0);
    assert_int_equal(o.payload.len, len);
    assert_memory_equal(o.payload.data, bytes, len);
    outgoing_fini(&o);
    free(bytes);
    assert_int_equal(unlink(path), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topic_and_payload),
        cmocka_unit_test(contradictions_are_refused),
        cmocka_unit_test(a_file_is_taken_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
