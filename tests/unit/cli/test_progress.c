#define _XOPEN_SOURCE 700

#include "cli/bench/progress.h"

#include "cli/say.h"
#include "said.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct load_options ten_seconds = {.mode = "request", .seconds = 10};
static const struct load_options thousand_connections = {.mode = "connect", .connections = 1000};

/* Twelve seconds of moments, and what is said of them where there is no terminal. */
static size_t
lines_of(bool is_quiet, bool is_verbose, struct said *said)
{
    struct progress p;
    size_t lines = 0;

    said_begin(said, stderr);
    p = progress_init(&ten_seconds, is_quiet, is_verbose);
    for (unsigned i = 1; i <= 120; i++) {
        progress_add(
            &p, &(struct load_moment){.at = i * 0.1, .seconds = 0.1, .count = 100, .p99_us = 520});
    }
    progress_fini(&p);
    (void)said_end(said);
    for (const char *at = said->text; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    return lines;
}

static void
lines_only_if_wanted(void **state)
{
    struct said said;

    (void)state;
    assert_int_equal(lines_of(false, false, &said), 0);
    assert_string_equal(said.text, "");
    assert_int_equal(lines_of(false, true, &said), 2);
    assert_non_null(strstr(said.text, "5.0 s: 1.00 k per second, p99 520 us\n"));
}

/* A terminal is only asked for when it begins. */
static void
a_bar_is_written_over(void **state)
{
    struct progress p = {.options = &thousand_connections, .is_terminal = true};
    struct said said;

    (void)state;
    said_begin(&said, stderr);
    progress_add(&p, &(struct load_moment){.at = 0.5, .seconds = 0.5, .count = 500, .p99_us = 52});
    progress_add(&p, &(struct load_moment){.at = 1, .seconds = 0.5, .count = 700, .p99_us = 52});
    progress_fini(&p);
    assert_string_equal(said_end(&said),
                        "\r[############            ] 0.5 s  1.00 k per second  p99 52.0 us\033[K"
                        "\r[########################] 1.0 s  1.40 k per second  p99 52.0 us\033[K"
                        "\r\033[K");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_only_if_wanted),
        cmocka_unit_test(a_bar_is_written_over),
    };

    say_set_name("wilco bench");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
