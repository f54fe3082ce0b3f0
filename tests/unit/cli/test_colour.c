#define _XOPEN_SOURCE 700 /* posix_openpt() */

#include "cli/colour.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const struct {
    enum colour_when when;
    bool is_terminal;
    const char *no_color, *term; /* NULL: not set */
    bool has_colours;
} rows[] = {
    {COLOUR_AUTO, true, NULL, "xterm", true},   {COLOUR_AUTO, true, "", "xterm", true},
    {COLOUR_AUTO, true, "1", "xterm", false},   {COLOUR_AUTO, true, NULL, "dumb", false},
    {COLOUR_AUTO, true, NULL, NULL, false},     {COLOUR_AUTO, false, NULL, "xterm", false},
    {COLOUR_ALWAYS, true, "1", "xterm", true},  {COLOUR_ALWAYS, false, NULL, "dumb", true},
    {COLOUR_NEVER, true, NULL, "xterm", false}, {COLOUR_NEVER, false, NULL, "xterm", false},
};

static void
set_variable(const char *name, const char *value)
{
    assert_int_equal(value == NULL ? unsetenv(name) : setenv(name, value, 1), 0);
}

static FILE *
open_terminal(int *master)
{
    FILE *out;

    *master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(*master >= 0);
    assert_int_equal(grantpt(*master), 0);
    assert_int_equal(unlockpt(*master), 0);
    out = fopen(ptsname(*master), "w");
    assert_non_null(out);
    return out;
}

static void
who_gets_colours(void **state)
{
    int master = -1;
    FILE *terminal = open_terminal(&master);
    FILE *file = tmpfile();

    (void)state;
    assert_non_null(file);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        FILE *out = rows[i].is_terminal ? terminal : file;

        set_variable("NO_COLOR", rows[i].no_color);
        set_variable("TERM", rows[i].term);
        colour_set(rows[i].when);
        if ((colour_begin(out, COLOUR_FAULT)[0] != '\0') != rows[i].has_colours ||
            (colour_end(out)[0] != '\0') != rows[i].has_colours) {
            fail_msg("row %zu", i);
        }
    }
    (void)fclose(file);
    (void)fclose(terminal);
    (void)close(master);
}

static void
colours_differ(void **state)
{
    (void)state;
    colour_set(COLOUR_ALWAYS);
    assert_string_equal(colour_begin(stderr, COLOUR_FAULT), "\033[1;31m");
    assert_string_equal(colour_begin(stderr, COLOUR_TITLE), "\033[1m");
    assert_string_equal(colour_begin(stderr, COLOUR_FAINT), "\033[2m");
    assert_string_equal(colour_end(stderr), "\033[0m");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_gets_colours),
        cmocka_unit_test(colours_differ),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
