#define _POSIX_C_SOURCE 200809L

#include "cli/bench/plot.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
gaps_and_points(void **state)
{
    const double x[] = {0, 1, 2, 3};
    const double y[] = {0, 100, nan(""), 50};
    const struct plot_line line = {"things", x, y, 4};
    const struct plot plot = {
        .title = "Things over time",
        .note = "Less is more.",
        .x = axis_span(3, figure_seconds),
        .y = axis_linear(100, figure_rough),
        .lines = &line,
        .line_count = 1,
    };
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    (void)state;
    assert_non_null(out);
    plot_write(out, &plot);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "<h2>Things over time</h2>"));
    assert_non_null(strstr(text, "d=\"M70.0 250.0L276.0 12.0M688.0 131.0\""));
    assert_non_null(strstr(text, "<title>things, 1.0 s: 100</title>"));
    assert_null(strstr(text, "2.0 s:"));
    assert_null(strstr(text, "nan"));
    free(text);
}

static void
text_is_only_text(void **state)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    (void)state;
    assert_non_null(out);
    plot_text(out, "<script>\"a\" & 'b'");
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, "&lt;script&gt;&quot;a&quot; &amp; 'b'");
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gaps_and_points),
        cmocka_unit_test(text_is_only_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
