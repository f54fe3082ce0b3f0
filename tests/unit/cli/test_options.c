#define _POSIX_C_SOURCE 200809L

#include "cli/options.h"

#include "cli/command.h"
#include "cli/manual.h"
#include "cli/say.h"
#include "said.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX 12

struct target {
    bool flag, other_flag;
    const char *text;
    struct option_list list;
    struct option_number qos, port, big, count, wait_ms;
};

#define FIELD(name) offsetof(struct target, name)
static const struct option option_rows[] = {
    {"flag", 'f', NULL, "a flag", option_flag, FIELD(flag)},
    {"other", 'o', NULL, "another,\nin two lines", option_flag, FIELD(other_flag)},
    {"text", 't', "TEXT", "text", option_text, FIELD(text)},
    {"list", 'l', "TEXT", "texts", option_texts, FIELD(list)},
    {.name = NULL},
};
static const struct option number_rows[] = {
    {"qos", 'q', "0|1|2", "a QoS", option_qos, FIELD(qos)},
    {"port", 'p', "PORT", "16 bits", option_u16, FIELD(port)},
    {"big", 0, "NUMBER", "32 bits", option_u32, FIELD(big)},
    {"count", 'C', "NUMBER", "not 0", option_count, FIELD(count)},
    {"wait", 'W', "DURATION", "a time", option_duration_ms, FIELD(wait_ms)},
    {.name = NULL},
};

static const enum exit_code exit_codes[] = {EXIT_CODE_OK, EXIT_CODE_TIMED_OUT};
static const struct manual manual = {
    .name = "wilco test",
    .synopsis = "wilco test [OPTION]...",
    .about = "Tests.",
    .examples = "  wilco test -f\n",
    .exit_codes = exit_codes,
    .exit_code_count = 2,
};

static const struct option_group groups[] = {
    {"Options", option_rows, 0},
    {NULL, number_rows, 0},
};
static const struct command command = {
    .manual = &manual,
    .groups = groups,
    .group_count = sizeof(groups) / sizeof(groups[0]),
    .words_max = 2,
};

/* A command line and what became of it. options_parse() moves words about; their letters stay here.
 */
struct parsed {
    struct target target;
    char letters[WORDS_MAX][24];
    char *argv[WORDS_MAX];
    size_t word_count;
    int exit_code;
    bool goes_on;
};

/* NULL is behind the last word. */
static void
parsed_init(struct parsed *p, const char *const *words)
{
    int argc = 1;

    *p = (struct parsed){.letters = {"test"}, .exit_code = -1};
    p->argv[0] = p->letters[0];
    for (; words[argc - 1] != NULL; argc++) {
        assert_true(argc < WORDS_MAX && strlen(words[argc - 1]) < sizeof(p->letters[0]));
        p->argv[argc] = p->letters[argc];
        memcpy(p->argv[argc], words[argc - 1], strlen(words[argc - 1]) + 1);
    }
    p->goes_on = options_parse(&command, &p->target, argc, p->argv, &p->word_count, &p->exit_code);
}

static void
all_spellings(void **state)
{
    static const char *const spellings[][WORDS_MAX] = {
        {"--flag", "--text", "abc", "--qos", "2", "word"},
        {"--flag", "--text=abc", "--qos=2", "word"},
        {"-f", "-t", "abc", "-q", "2", "word"},
        {"-ftabc", "-q2", "word"},
        {"word", "-ft", "abc", "-q2"},
        {"-fq2", "word", "-tabc"},
        {"-f", "-q2", "-tabc", "--", "word"},
        {"--text", "xyz", "-q1", "-fq2", "word", "--text=abc"}, /* the last one counts */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
        struct parsed p;

        parsed_init(&p, spellings[i]);
        assert_true(p.goes_on);
        assert_true(p.target.flag);
        assert_false(p.target.other_flag);
        assert_string_equal(p.target.text, "abc");
        assert_true(p.target.qos.is_set);
        assert_int_equal(p.target.qos.value, 2);
        assert_int_equal(p.word_count, 1);
        assert_string_equal(p.argv[1], "word");
    }
}

static void
arguments_may_look_like_options(void **state)
{
    static const char *const words[] = {"-t",      "-f", "--list", "--", "-l-x",
                                        "--list=", "-",  "--",     "-f", NULL};
    struct parsed p;

    (void)state;
    parsed_init(&p, words);
    assert_true(p.goes_on);
    assert_false(p.target.flag);
    assert_string_equal(p.target.text, "-f");
    assert_int_equal(p.target.list.count, 3);
    assert_string_equal(p.target.list.words[0], "--");
    assert_string_equal(p.target.list.words[1], "-x");
    assert_string_equal(p.target.list.words[2], "");
    assert_int_equal(p.word_count, 2);
    assert_string_equal(p.argv[1], "-");
    assert_string_equal(p.argv[2], "-f");
    option_list_fini(&p.target.list);
    assert_int_equal(p.target.list.count, 0);
}

static const struct {
    const char *words[4];
    const char *says; /* on standard error */
} wrong_rows[] = {
    {{"--flg"}, "unknown option --flg; did you mean --flag? For help: wilco test --help"},
    {{"--text2=x"}, "unknown option --text2; did you mean --text?"},
    {{"--hlep"}, "unknown option --hlep; did you mean --help?"},
    {{"--entirely-else"}, "unknown option --entirely-else; for help: wilco test --help"},
    {{"-fx"}, "unknown option -x; for help"},
    {{"--text"}, "option --text needs TEXT; for help"},
    {{"-ft"}, "option --text needs TEXT; for help"},
    {{"--flag=1"}, "option --flag takes no argument"},
    {{"-q", "3"}, "option --qos: \"3\" is not a quality of service: 0, 1 or 2; for help"},
    {{"-q", ""}, "option --qos: \"\" is not a quality of service"},
    {{"-q", "-1"}, "option --qos: \"-1\" is not a quality of service"},
    {{"-q", "1x"}, "option --qos: \"1x\" is not a quality of service"},
    {{"--port", "65536"}, "\"65536\" is not a number from 0 to 65535"},
    {{"--port", "99999999999"}, "\"99999999999\" is not a number from 0 to 65535"},
    {{"--big", "4294967296"}, "\"4294967296\" is not a number from 0 to 4294967295"},
    {{"--count", "0"}, "\"0\" is not a number from 1 to 4294967295"},
    {{"-W", "0"}, "\"0\" is not a duration such as 500ms, 5s or 2m"},
    {{"-W", "soon"}, "\"soon\" is not a duration such as 500ms, 5s or 2m"},
    {{"a", "b", "c"}, "\"c\" is one word too many; for help"},
};

static void
a_mistake_is_said_in_one_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wrong_rows) / sizeof(wrong_rows[0]); i++) {
        struct said said;
        struct parsed p;
        const char *text;

        said_begin(&said, stderr);
        parsed_init(&p, wrong_rows[i].words);
        text = said_end(&said);
        assert_false(p.goes_on);
        assert_int_equal(p.exit_code, 1);
        if (strncmp(text, "wilco test: ", 12) != 0 || strstr(text, wrong_rows[i].says) == NULL ||
            strchr(text, '\n') != text + strlen(text) - 1) {
            fail_msg("row %zu says: %s", i, text);
        }
    }
}

static void
the_bounds_of_numbers(void **state)
{
    static const char *const words[] = {"-q0",       "-p65535",    "--big", "4294967295",
                                        "--count=1", "--wait=49d", NULL};
    struct parsed p;

    (void)state;
    parsed_init(&p, words);
    assert_true(p.goes_on);
    assert_int_equal(p.target.qos.value, 0);
    assert_true(p.target.qos.is_set);
    assert_int_equal(p.target.port.value, 65535);
    assert_int_equal(p.target.big.value, UINT32_MAX);
    assert_int_equal(p.target.count.value, 1);
    assert_int_equal(p.target.wait_ms.value, 49U * 86400000U);
}

static void
help_comes_from_the_same_rows(void **state)
{
    static const char *const words[] = {"-f", "--help", "--nonsense", NULL};
    struct said said;
    struct parsed p;
    const char *text;

    (void)state;
    said_begin(&said, stdout);
    parsed_init(&p, words);
    text = said_end(&said);
    assert_false(p.goes_on);
    assert_int_equal(p.exit_code, 0);
    assert_non_null(strstr(text, "usage: wilco test [OPTION]...\n\nTests.\n"));
    assert_non_null(strstr(text, "  -f, --flag                  a flag\n"));
    assert_non_null(strstr(text, "  -o, --other                 another,\n"
                                 "                              in two lines\n"));
    assert_non_null(strstr(text, "      --big NUMBER            32 bits\n"));
    assert_non_null(strstr(text, "\n   27  the time was up\n"));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_spellings),
        cmocka_unit_test(arguments_may_look_like_options),
        cmocka_unit_test(a_mistake_is_said_in_one_line),
        cmocka_unit_test(the_bounds_of_numbers),
        cmocka_unit_test(help_comes_from_the_same_rows),
    };

    say_set_name("wilco test");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
