#include "cli/options.h"

#include "base/nearest.h"
#include "cli/colour.h"
#include "cli/command.h"
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

/* A command line that is being read. */
struct reading {
    const struct command *command;
    char *target;
    struct common {
        bool help, version;
        enum colour_when colour;
    } common;
    struct option_input in;
    char **front; /* where the next word goes that is no option */
};

static const char *
take_colour(void *field, struct option_input *in)
{
    static const char *const names[] = {"auto", "always", "never"};
    const char *word = option_take(in);

    for (size_t i = 0; word != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(word, names[i]) == 0) {
            *(enum colour_when *)field = (enum colour_when)i;
            return NULL;
        }
    }
    return "auto, always or never";
}

#define COMMON(name) offsetof(struct common, name)
static const struct option common_rows[] = {
    {"colour", 0, "auto|always|never",
     "colours on standard error (default auto: on a\n"
     "terminal, unless NO_COLOR is set)",
     take_colour, COMMON(colour)},
    {"color", 0, "auto|always|never", "the same", take_colour, COMMON(colour)},
    {"help", 0, NULL, "show this", option_flag, COMMON(help)},
    {"version", 0, NULL, "show the version", option_flag, COMMON(version)},
    {.name = NULL},
};
const struct option_group options_common = {"General", common_rows, 0};

const struct option_group *
options_group(const struct command *command, size_t i)
{
    if (i == command->group_count) {
        return &options_common;
    }
    return i < command->group_count ? &command->groups[i] : NULL;
}

static void *
field_of(struct reading *r, const struct option_group *group, const struct option *row)
{
    char *target = group == &options_common ? (char *)&r->common : r->target + group->offset;

    return target + row->offset;
}

/* `name` need not end: it has `len` letters. */
static bool
is_named(const struct option *row, const char *name, size_t len)
{
    return strncmp(row->name, name, len) == 0 && row->name[len] == '\0';
}

/* The row with that long name, or that letter where there is no name. */
static const struct option *
find(struct reading *r, const char *name, size_t len, char letter, void **field)
{
    const struct option_group *group;

    for (size_t g = 0; (group = options_group(r->command, g)) != NULL; g++) {
        for (const struct option *row = group->rows; row->name != NULL; row++) {
            if (name != NULL ? is_named(row, name, len) : row->letter == letter) {
                *field = field_of(r, group, row);
                return row;
            }
        }
    }
    return NULL;
}

static bool
unknown_long(const struct command *command, const char *word, size_t len)
{
    char name[64];
    struct nearest nearest;
    const struct option_group *group;

    (void)snprintf(name, sizeof(name), "%.*s", (int)(len < sizeof(name) ? len : sizeof(name) - 1),
                   word);
    nearest = nearest_init(name);
    for (size_t g = 0; (group = options_group(command, g)) != NULL; g++) {
        for (const struct option *row = group->rows; row->name != NULL; row++) {
            nearest_offer(&nearest, row->name);
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
apply(const struct option *row, void *field, struct option_input *in)
{
    const char *want;

    if (row->argument == NULL && in->attached != NULL) {
        (void)options_wrong("option --%s takes no argument", row->name);
        return false;
    }
    want = row->parse(field, in);
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
parse_long(struct reading *r, const char *word)
{
    size_t len = strcspn(word, "=");
    void *field = NULL;
    const struct option *row = find(r, word, len, 0, &field);

    if (row == NULL) {
        return unknown_long(r->command, word, len);
    }
    r->in.attached = word[len] == '=' ? word + len + 1 : NULL;
    return apply(row, field, &r->in);
}

/* "-dv" are two flags; "-q1" and "-q 1" are one option and its argument. */
static bool
parse_letters(struct reading *r, const char *letters)
{
    for (const char *at = letters; *at != '\0'; at++) {
        void *field = NULL;
        const struct option *row = find(r, NULL, 0, *at, &field);

        if (row == NULL) {
            (void)options_wrong("unknown option -%c", *at);
            return false;
        }
        r->in.attached = row->argument != NULL && at[1] != '\0' ? at + 1 : NULL;
        if (!apply(row, field, &r->in)) {
            return false;
        }
        if (row->argument != NULL) {
            break;
        }
    }
    return true;
}

/* Sorts one word and what belongs to it; words that are no options go to the front. */
static bool
parse_word(struct reading *r, char *word)
{
    if (word[0] != '-' || word[1] == '\0') {
        *r->front++ = word;
        return true;
    }
    if (strcmp(word, "--") == 0) {
        while (r->in.next < r->in.end) {
            *r->front++ = *r->in.next++;
        }
        return true;
    }
    return word[1] == '-' ? parse_long(r, word + 2) : parse_letters(r, word + 1);
}

bool
options_parse(const struct command *command, void *target, int argc, char **argv,
              size_t *word_count, int *exit_code)
{
    struct reading r = {
        .command = command,
        .target = target,
        .in = {.next = argv + 1, .end = argv + argc},
        .front = argv + 1,
    };

    *exit_code = EXIT_CODE_USAGE;
    while (r.in.next < r.in.end) {
        if (!parse_word(&r, *r.in.next++)) {
            return false;
        }
        colour_set(r.common.colour);
        if (r.common.help || r.common.version) {
            *exit_code = r.common.help ? manual_print(command) : manual_print_version();
            return false;
        }
    }
    *word_count = (size_t)(r.front - argv) - 1;
    if (*word_count > command->words_max) {
        (void)options_wrong("\"%s\" is one word too many", argv[command->words_max + 1]);
        return false;
    }
    return true;
}
