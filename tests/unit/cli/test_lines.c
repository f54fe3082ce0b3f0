#define _POSIX_C_SOURCE 200809L

#include "cli/lines.h"

#include "cli/wake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void
put(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void
expect_line(struct lines *l, const char *want)
{
    struct wilco_bytes line;
    int error = 0;

    assert_int_equal(lines_next(l, &line, &error), LINES_READ);
    assert_int_equal(line.len, strlen(want));
    assert_memory_equal(line.data, want, line.len);
}

static void
expect_outcome(struct lines *l, enum lines_outcome want)
{
    struct wilco_bytes line;
    int error = 0;

    assert_int_equal(lines_next(l, &line, &error), want);
    assert_int_equal(error != 0, want == LINES_FAILED);
}

static void
reads_line_by_line(void **state)
{
    struct lines l;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    l = lines_of(ends[0]);
    put(ends[1], "one\n\ntwo\nthr");
    expect_line(&l, "one");
    expect_line(&l, "");
    expect_line(&l, "two");
    put(ends[1], "ee\nlast");
    expect_line(&l, "three");
    assert_int_equal(close(ends[1]), 0);
    expect_line(&l, "last"); /* has no end */
    expect_outcome(&l, LINES_END);
    expect_outcome(&l, LINES_END);
    lines_fini(&l);
    assert_int_equal(close(ends[0]), 0);
}

static void
wakes_while_there_is_nothing_to_read(void **state)
{
    struct lines l;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    l = lines_of(ends[0]);
    put(ends[1], "half");
    wake_up();
    expect_outcome(&l, LINES_WOKEN);
    put(ends[1], " a line\n");
    expect_line(&l, "half a line");
    wake_up();
    expect_outcome(&l, LINES_WOKEN);
    lines_fini(&l);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(close(ends[1]), 0);
}

#define LONG_BYTES 300000U

/* More than is read at once, and long lines between short ones. */
static void
reads_long_lines(void **state)
{
    static char text[LONG_BYTES];
    struct lines l;
    FILE *file = tmpfile();

    (void)state;
    assert_non_null(file);
    memset(text, 'x', LONG_BYTES - 1);
    (void)fprintf(file, "a\n%s\nb\n%s", text, text);
    assert_int_equal(fflush(file), 0);
    rewind(file);
    l = lines_of(fileno(file));
    expect_line(&l, "a");
    expect_line(&l, text);
    expect_line(&l, "b");
    expect_line(&l, text);
    expect_outcome(&l, LINES_END);
    lines_fini(&l);
    assert_int_equal(fclose(file), 0);
}

static void
says_that_it_cannot_read(void **state)
{
    struct lines l;
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    l = lines_of(ends[1]); /* the end to write to */
    assert_int_equal(close(ends[0]), 0);
    expect_outcome(&l, LINES_FAILED);
    lines_fini(&l);
    assert_int_equal(close(ends[1]), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_line_by_line),
        cmocka_unit_test(wakes_while_there_is_nothing_to_read),
        cmocka_unit_test(reads_long_lines),
        cmocka_unit_test(says_that_it_cannot_read),
    };

    wake_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
