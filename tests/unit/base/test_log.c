#define _POSIX_C_SOURCE 200809L

#include "base/log.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct heard {
    char line[2 * LOG_LINE_MAX];
    size_t len;
    enum log_level level;
    unsigned lines;
};

static void
hear(void *context, enum log_level level, struct span line)
{
    struct heard *h = context;

    assert_true(line.len < sizeof h->line);
    memcpy(h->line, line.data, line.len);
    h->line[line.len] = '\0';
    h->len = line.len;
    h->level = level;
    h->lines++;
}

/* What follows the time stamp, which is checked here: ts=2024-05-06T07:08:09.123Z and a space. */
static const char *
after_time(const struct heard *h)
{
    static const char shape[] = "ts=dddd-dd-ddTdd:dd:dd.dddZ ";
    size_t i;

    for (i = 0; shape[i] != '\0'; i++) {
        assert_true(shape[i] == 'd' ? isdigit((unsigned char)h->line[i]) != 0
                                    : h->line[i] == shape[i]);
    }
    return h->line + i;
}

static void
an_event_is_one_line_of_pairs(void **state)
{
    struct heard h = {.lines = 0};
    struct logger l = {.level = LOG_INFO, .sink = hear, .context = &h};

    (void)state;
    log_event(&l, LOG_INFO, "connected", "client=%s port=%d", "\"a\"", 1883);
    assert_string_equal(after_time(&h), "level=info event=connected client=\"a\" port=1883");
    assert_int_equal(h.level, LOG_INFO);
    log_event(&l, LOG_WARNING, "alone", "%s", "");
    assert_string_equal(after_time(&h), "level=warning event=alone ");
    assert_int_equal(h.lines, 2);
}

static void
levels_above_are_dropped(void **state)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};

    (void)state;
    for (int limit = LOG_ERROR; limit <= LOG_DEBUG; limit++) {
        struct heard h = {.lines = 0};
        struct logger l = {.level = (enum log_level)limit, .sink = hear, .context = &h};

        for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
            char want[32];

            log_event(&l, (enum log_level)level, "e", "n=%d", level);
            if (level <= limit) {
                (void)snprintf(want, sizeof want, "level=%s event=e n=%d", names[level], level);
                assert_string_equal(after_time(&h), want);
            }
        }
        assert_int_equal(h.lines, limit + 1);
    }
}

static void
no_logger_and_no_sink_are_silent(void **state)
{
    struct logger l = {.level = LOG_DEBUG};

    (void)state;
    log_event(NULL, LOG_ERROR, "e", "n=%d", 1);
    log_event(&l, LOG_ERROR, "e", "n=%d", 1);
}

static void
long_lines_are_cut(void **state)
{
    struct heard h = {.lines = 0};
    struct logger l = {.level = LOG_INFO, .sink = hear, .context = &h};
    char text[3 * LOG_LINE_MAX];
    size_t fits;

    (void)state;
    log_event(&l, LOG_INFO, "e", "t=%s", "");
    fits = LOG_LINE_MAX - h.len;
    memset(text, 'x', sizeof text);
    text[fits] = '\0';
    log_event(&l, LOG_INFO, "e", "t=%s", text);
    assert_int_equal(h.len, LOG_LINE_MAX);
    assert_int_equal(h.line[LOG_LINE_MAX - 1], 'x');
    text[fits] = 'x';
    text[fits + 1] = '\0';
    log_event(&l, LOG_INFO, "e", "t=%s", text);
    assert_int_equal(h.len, LOG_LINE_MAX);
    assert_string_equal(h.line + LOG_LINE_MAX - 4, "x...");
    text[fits + 1] = 'x';
    text[sizeof text - 1] = '\0';
    log_event(&l, LOG_INFO, text, "t=%s", text);
    assert_int_equal(h.len, LOG_LINE_MAX);
    assert_string_equal(h.line + LOG_LINE_MAX - 4, "x...");
}

static void
an_event_never_makes_two_lines(void **state)
{
    struct heard h = {.lines = 0};
    struct logger l = {.level = LOG_INFO, .sink = hear, .context = &h};

    (void)state;
    log_event(&l, LOG_INFO, "e", "t=%s", "a\nts=forged\r\n");
    assert_string_equal(after_time(&h), "level=info event=e t=a ts=forged  ");
}

static const struct {
    struct span bytes;
    const char *want;
} texts[] = {
    {SPAN_INIT(""), "\"\""},
    {SPAN_INIT("plain/topic 1"), "\"plain/topic 1\""},
    {SPAN_INIT("say \"hi\""), "\"say \\\"hi\\\"\""},
    {SPAN_INIT("back\\slash"), "\"back\\\\slash\""},
    {SPAN_INIT("a\0b"), "\"a\\x00b\""},
    {SPAN_INIT("line\nfeed\x1b[31m"), "\"line\\x0afeed\\x1b[31m\""},
    {SPAN_INIT("\x7f\x80\xff"), "\"\\x7f\\x80\\xff\""},
};

static void
text_of_a_peer_is_escaped(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_string_equal(LOG_TEXT(texts[i].bytes), texts[i].want);
    }
    assert_string_equal(LOG_TEXT(SPAN_EMPTY), "\"\"");
}

/* Whatever the escapes, a cut text is whole in itself: quoted, and not cut inside an escape. */
static void
long_text_is_cut_between_characters(void **state)
{
    static const uint8_t bytes[] = {'x', '"', 0x01};

    (void)state;
    for (size_t kind = 0; kind < sizeof bytes; kind++) {
        uint8_t many[300];
        struct log_text scratch;
        size_t len;

        memset(many, bytes[kind], sizeof many);
        len = strlen(log_text(&scratch, span_of(many, sizeof many)));
        assert_in_range(len, sizeof scratch.text - 4, sizeof scratch.text - 1);
        assert_string_equal(scratch.text + len - 4, "...\"");
        assert_int_equal((len - 5) % (kind == 0 ? 1 : 2 * kind), 0);
    }
}

static void
text_that_just_fits_is_whole(void **state)
{
    struct log_text scratch;
    uint8_t many[sizeof scratch.text];
    size_t cut_at = 0;

    (void)state;
    memset(many, 'x', sizeof many);
    while (strstr(log_text(&scratch, span_of(many, cut_at)), "...") == NULL) {
        assert_int_equal(strlen(scratch.text), cut_at + 2);
        cut_at++;
    }
    assert_true(cut_at > 100);
}

static void
the_descriptor_sink_writes_one_line(void **state)
{
    char got[LOG_LINE_MAX * 3] = "";
    uint8_t huge[LOG_LINE_MAX * 2];
    int fds[2];

    (void)state;
    memset(huge, 'x', sizeof huge);
    assert_int_equal(pipe(fds), 0);
    log_sink_fd(&fds[1], LOG_INFO, SPAN_LITERAL("one line"));
    assert_int_equal(read(fds[0], got, sizeof got), 9);
    assert_memory_equal(got, "one line\n", 9);
    log_sink_fd(&fds[1], LOG_INFO, span_of(huge, sizeof huge));
    assert_int_equal(read(fds[0], got, sizeof got), LOG_LINE_MAX + 1);
    assert_int_equal(got[LOG_LINE_MAX], '\n');
    (void)close(fds[0]);
    (void)close(fds[1]);
    log_sink_fd(&fds[1], LOG_INFO, SPAN_LITERAL("nobody can be told")); /* returns */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_one_line_of_pairs),
        cmocka_unit_test(levels_above_are_dropped),
        cmocka_unit_test(no_logger_and_no_sink_are_silent),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(an_event_never_makes_two_lines),
        cmocka_unit_test(text_of_a_peer_is_escaped),
        cmocka_unit_test(long_text_is_cut_between_characters),
        cmocka_unit_test(text_that_just_fits_is_whole),
        cmocka_unit_test(the_descriptor_sink_writes_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
