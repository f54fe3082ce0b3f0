#define _POSIX_C_SOURCE 200809L

#include "cli/table.h"

#include "said.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct table_column columns[] = {
    {"NAME", TABLE_LEFT},
    {"COUNT", TABLE_RIGHT},
    {"TEXT", TABLE_LEFT},
};

static void
columns_are_as_wide_as_their_cells(void **state)
{
    struct table *t = table_new(columns, 3);
    struct said said;

    (void)state;
    table_add(t, "a longer name");
    table_add(t, "%d", 7);
    table_add(t, "x");
    table_add(t, "\xc3\xa9t\xc3\xa9"); /* three letters in five bytes */
    table_add(t, "%d", 1234567);
    table_add(t, "%s", "");
    table_add(t, "half a line");
    assert_int_equal(table_lines(t), 2);
    said_begin(&said, stdout);
    table_write(t, stdout, SIZE_MAX);
    assert_string_equal(said_end(&said), "NAME             COUNT  TEXT\n"
                                         "a longer name        7  x\n"
                                         "\xc3\xa9t\xc3\xa9            1234567  \n");
    said_begin(&said, stdout);
    table_write(t, stdout, 1);
    assert_string_equal(said_end(&said), "NAME             COUNT  TEXT\n"
                                         "a longer name        7  x\n");
    table_free(t);
}

static void
cells_cannot_move_the_cursor(void **state)
{
    struct table *t = table_new(columns, 3);
    struct said said;

    (void)state;
    table_add(t, "a\033[2Jb");
    table_add(t, "\r\n\t\x7f");
    table_add(t, "\xc2\x9b"
                 "c \xc2\xa9");
    said_begin(&said, stdout);
    table_write(t, stdout, SIZE_MAX);
    assert_string_equal(said_end(&said), "NAME    COUNT  TEXT\n"
                                         "a?[2Jb   ????  ??c \xc2\xa9\n");
    table_free(t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_their_cells),
        cmocka_unit_test(cells_cannot_move_the_cursor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
