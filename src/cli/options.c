#include "cli/options.h"

#include "base/nearest.h"
#include "cli/exit_code.h"
#include "cli/manual.h"
#include "cli/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
options_wrong(const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    say("%s%s %s --help", text,
        text[strlen(text) - 1] == '?' ? " For help:" : "; for help:", say_name());
    return EXIT_CODE_USAGE;
}

/* `name` need not end: it has `len` letters. */
static const struct option *
find_long(const struct command_line *line, const char *name, size_t len, void **target)
{
    for (size_t g = 0; g < line->group_count; g++) {
        const struct option_group *group = &line->groups[g];

        for (size_t i = 0; i < group->count; i++) {
            if (strncmp(group->rows[i].name, name, len) == 0 && group->rows[i].name[len] == '\0') {
                *target = group->target;
                return &group->rows[i];
            }
        }
    }
    return NULL;
}

static const struct option *
find_letter(const struct command_line *line, char letter, void **target)
{
    for (size_t g = 0; g < line->group_count; g++) {
        const struct option_group *group = &line->groups[g];

        for (size_t i = 0; i < group->count; i++) {
            if (group->rows[i].letter == letter) {
                *target = group->target;
                return &group->rows[i];
            }
        }
    }
    return NULL;
}

static bool
unknown_long(const struct command_line *line, const char *word, size_t len)
{
    char name[64];
    struct nearest nearest;

    (void)snprintf(name, sizeof(name), "%.*s", (int)(len < sizeof(name) ? len : sizeof(name) - 1),
                   word);
    nearest = nearest_init(name);
    nearest_offer(&nearest, "help");
    nearest_offer(&nearest, "version");
    for (size_t g = 0; g < line->group_count; g++) {
        for (size_t i = 0; i < line->groups[g].count; i++) {
            nearest_offer(&nearest, line->groups[g].rows[i].name);
        }
    }
    if (nearest.name != NULL) {
        (void)options_wrong("unknown option --%s; did you mean --%s?", name, nearest.name);
    } else {
        (void)options_wrong("unknown option --%s", name);
    }
    return false;
}

static bool
apply(const struct option *row, void *target, struct option_input *in)
{
    const char *want;

    if (row->argument == NULL && in->attached != NULL) {
        (void)options_wrong("option --%s takes no argument", row->name);
        return false;
    }
    want = row->parse((char *)target + row->offset, in);
    if (want == NULL) {
        return true;
    }
    if (in->word == NULL) {
        (void)options_wrong("option --%s needs %s", row->name, row->argument);
    } else {
        (void)options_wrong("option --%s: \"%s\" is not %s", row->name, in->word, want);
    }
    return false;
}

static bool
parse_long(const struct command_line *line, const char *word, struct option_input *in)
{
    size_t len = strcspn(word, "=");
    void *target = NULL;
    const struct option *row = find_long(line, word, len, &target);

    if (row == NULL) {
        return unknown_long(line, word, len);
    }
    in->attached = word[len] == '=' ? word + len + 1 : NULL;
    return apply(row, target, in);
}

/* "-dv" are two flags; "-q1" and "-q 1" are one option and its argument. */
static bool
parse_letters(const struct command_line *line, const char *letters, struct option_input *in)
{
    for (const char *at = letters; *at != '\0'; at++) {
        void *target = NULL;
        const struct option *row = find_letter(line, *at, &target);

        if (row == NULL) {
            (void)options_wrong("unknown option -%c", *at);
            return false;
        }
        in->attached = row->argument != NULL && at[1] != '\0' ? at + 1 : NULL;
        if (!apply(row, target, in)) {
            return false;
        }
        if (row->argument != NULL) {
            break;
        }
    }
    return true;
}

/* Sorts one word and what belongs to it; words that are no options go to *front. */
static bool
parse_word(const struct command_line *line, char *word, struct option_input *in, char ***front)
{
    if (word[0] != '-' || word[1] == '\0') {
        *(*front)++ = word;
        return true;
    }
    if (strcmp(word, "--") == 0) {
        while (in->next < in->end) {
            *(*front)++ = *in->next++;
        }
        return true;
    }
    return word[1] == '-' ? parse_long(line, word + 2, in) : parse_letters(line, word + 1, in);
}

bool
options_parse(const struct command_line *line, int argc, char **argv, size_t *word_count,
              int *exit_code)
{
    struct option_input in = {.next = argv + 1, .end = argv + argc};
    char **front = argv + 1;

    *exit_code = EXIT_CODE_USAGE;
    while (in.next < in.end) {
        char *word = *in.next++;

        if (strcmp(word, "--help") == 0 || strcmp(word, "--version") == 0) {
            *exit_code = word[2] == 'h' ? manual_print(line) : manual_print_version();
            return false;
        }
        if (!parse_word(line, word, &in, &front)) {
            return false;
        }
    }
    *word_count = (size_t)(front - argv) - 1;
    if (*word_count > line->words_max) {
        (void)options_wrong("\"%s\" is one word too many", argv[line->words_max + 1]);
        return false;
    }
    return true;
}
