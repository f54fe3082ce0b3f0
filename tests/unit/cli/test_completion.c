#define _POSIX_C_SOURCE 200809L

#include "cli/completion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A tool of two commands, in the place of ours. */
static const struct option cook_rows[] = {
    {"heat", 'h', "low|high", "how [hot]\nit gets", NULL, 0},
    {"recipe", 0, "FILE", "what's to do", NULL, 0},
    {"for", 0, "NAME:NUMBER", "a: who, and how many", NULL, 0},
    {"salt", 's', NULL, "a \\ of it", NULL, 0},
    {.name = NULL},
};
static const struct option_group cook_groups[] = {{"Cooking", cook_rows, 0}};
static const struct command command_cook = {
    .name = "cook",
    .summary = "it's hot",
    .groups = cook_groups,
    .group_count = 1,
    .words = "soup|stew",
};
static const struct command command_eat = {.name = "eat", .summary = "enjoy"};
const struct command *const commands[] = {&command_cook, &command_eat, NULL};

static const struct {
    const char *argument;
    enum completion_kind kind;
} kind_rows[] = {
    {NULL, COMPLETION_NONE},           {"FILE", COMPLETION_FILE},
    {"PATH", COMPLETION_FILE},         {"URL", COMPLETION_FREE},
    {"0|1|2", COMPLETION_WORDS},       {"5|mqttv5", COMPLETION_WORDS},
    {"NAME:VALUE", COMPLETION_FREE},   {"memory", COMPLETION_WORDS},
    {"publish NAME", COMPLETION_FREE},
};

static void
the_kind_of_an_argument(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(kind_rows) / sizeof(kind_rows[0]); i++) {
        assert_int_equal(completion_kind_of(kind_rows[i].argument), kind_rows[i].kind);
    }
}

#define LINES_MAX 9

static const struct {
    void (*write)(FILE *out);
    const char *says[LINES_MAX];
} script_rows[] = {
    {completion_bash,
     {"words='cook eat help'", "  *:help) words='cook eat' ;;\n",
      "    options='--heat --recipe --for --salt --colour ", "--version'\n    words='soup stew'\n",
      "    -h|--heat) kind=value words='low high' ;;\n", "    --recipe) kind=file ;;\n",
      "    --for) kind=free ;;\n", "  *:eat)\n    options='--colour --color --help --version'\n"}},
    {completion_zsh,
     {"    'cook:it'\\''s hot'\n    'eat:enjoy'\n", "  cook) _arguments -s",
      "'*'{-h,--heat=}'[how \\[hot\\] it gets]:low|high:(low high)'",
      "'*--recipe=[what'\\''s to do]:FILE:_files'",
      "'*--for=[a\\: who, and how many]:NAME\\:NUMBER: '", "'*'{-s,--salt}'[a \\\\ of it]'",
      "'1:soup|stew:(soup stew)' ;;\n", "  eat) _arguments -s"}},
    {completion_fish,
     {"complete -c wilco -n __fish_use_subcommand -a cook -d 'it\\'s hot'\n", " -a 'cook eat'\n",
      "from cook' -a 'soup stew'\n",
      "from cook' -s h -l heat -x -a 'low high' -d 'how [hot] it gets'\n",
      "from cook' -l recipe -r -F -d 'what\\'s to do'\n", "from cook' -l for -x -d 'a: who,",
      "from cook' -s s -l salt -d 'a \\\\ of it'\n", "from eat' -l help -d 'show this'\n"}},
};

static void
scripts_say_what_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(script_rows) / sizeof(script_rows[0]); i++) {
        char *text = NULL;
        size_t len = 0;
        FILE *out = open_memstream(&text, &len);

        assert_non_null(out);
        script_rows[i].write(out);
        assert_int_equal(fclose(out), 0);
        for (size_t l = 0; l < LINES_MAX && script_rows[i].says[l] != NULL; l++) {
            if (strstr(text, script_rows[i].says[l]) == NULL) {
                fail_msg("script %zu has no: %s\n%s", i, script_rows[i].says[l], text);
            }
        }
        free(text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kind_of_an_argument),
        cmocka_unit_test(scripts_say_what_the_table_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
