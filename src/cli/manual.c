#include "cli/manual.h"

#include "cli/command.h"
#include "cli/options.h"
#include "cli/output.h"
#include "wilco/wilco.h"

#include <stdio.h>
#include <string.h>

#define HELP_COLUMN 30

/* Writes help text from HELP_COLUMN on; `used` columns are taken already. */
static void
print_help(const char *help, int used)
{
    if (used + 2 > HELP_COLUMN) {
        (void)putchar('\n');
        used = 0;
    }
    while (*help != '\0') {
        size_t len = strcspn(help, "\n");

        (void)printf("%*s%.*s\n", HELP_COLUMN - used, "", (int)len, help);
        help += help[len] == '\n' ? len + 1 : len;
        used = 0;
    }
}

static void
print_option(const struct option *row)
{
    int used;

    if (row->letter != '\0') {
        used = printf("  -%c, --%s", row->letter, row->name);
    } else {
        used = printf("      --%s", row->name);
    }
    if (row->argument != NULL) {
        used += printf(" %s", row->argument);
    }
    print_help(row->help, used);
}

static void
print_group(const struct option_group *group)
{
    if (group->title != NULL) {
        (void)printf("\n%s\n", group->title);
    }
    for (const struct option *row = group->rows; row->name != NULL; row++) {
        print_option(row);
    }
}

const char *
manual_exit_text(const struct manual *m, size_t i)
{
    return m->exit_texts == NULL ? exit_code_text(m->exit_codes[i]) : m->exit_texts[i];
}

int
manual_print(const struct command *command)
{
    const struct manual *m = command->manual;
    const struct option_group *group;

    (void)printf("usage: %s\n\n%s\n\nExamples\n%s", m->synopsis, m->about, m->examples);
    for (size_t g = 0; (group = options_group(command, g)) != NULL; g++) {
        print_group(group);
    }
    (void)printf("\nExit code\n");
    for (size_t i = 0; i < m->exit_code_count; i++) {
        (void)printf("  %3d  %s\n", (int)m->exit_codes[i], manual_exit_text(m, i));
    }
    return output_finish() ? EXIT_CODE_OK : EXIT_CODE_USAGE;
}

int
manual_print_version(void)
{
    (void)printf("wilco %s\n", wilco_version());
    return output_finish() ? EXIT_CODE_OK : EXIT_CODE_USAGE;
}
