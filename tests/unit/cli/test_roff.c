#define _POSIX_C_SOURCE 200809L

#include "cli/roff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *text, *roff;
} rows[] = {
    {"plain", "plain"},
    {"--qos 1", "\\-\\-qos 1"},
    {"a \\ at the end \\\n", "a \\e at the end \\e\n"},
    {"it's `x` ^ ~", "it\\(aqs \\(gax\\(ga \\(ha \\(ti"},
    {".TH is no command", "\\&.TH is no command"},
    {"nor here\n.TH\n", "nor here\n\\&.TH\n"},
    {"but a.b is a.b", "but a.b is a.b"},
    {"'quoted'", "\\(aqquoted\\(aq"},
    {"", ""},
};

static void
text_is_only_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char *text = NULL;
        size_t len = 0;
        FILE *out = open_memstream(&text, &len);

        assert_non_null(out);
        roff_plain(out, rows[i].text);
        assert_int_equal(fclose(out), 0);
        assert_string_equal(text, rows[i].roff);
        free(text);
    }
}

static void
parts_begin_and_end_lines(void **state)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    (void)state;
    assert_non_null(out);
    roff_heading(out, "Exit status");
    roff_text(out, "one");
    roff_paragraph(out, "two\n");
    roff_item(out);
    roff_bold(out, "-q");
    roff_plain(out, " ");
    roff_italic(out, "QOS");
    roff_meaning(out, "how");
    roff_verbatim(out, "  a\n  b\n");
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, ".SH EXIT STATUS\none\n.PP\ntwo\n"
                              ".TP\n\\fB\\-q\\fR \\fIQOS\\fR\nhow\n"
                              ".nf\n  a\n  b\n.fi\n");
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_only_text),
        cmocka_unit_test(parts_begin_and_end_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
