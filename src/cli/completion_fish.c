#include "cli/completion.h"

static void
write_quoted(FILE *out, const char *text)
{
    (void)fputc('\'', out);
    completion_write_text(out, text, "\\", "\\'");
    (void)fputc('\'', out);
}

static void
write_condition(FILE *out, const char *command)
{
    (void)fprintf(out, "complete -c wilco -n '__fish_seen_subcommand_from %s'", command);
}

static void
write_option(FILE *out, const struct command *command, const struct option *row)
{
    write_condition(out, command->name);
    if (row->letter != '\0') {
        (void)fprintf(out, " -s %c", row->letter);
    }
    (void)fprintf(out, " -l %s", row->name);
    switch (completion_kind_of(row->argument)) {
    case COMPLETION_NONE: break;
    case COMPLETION_FREE: (void)fputs(" -x", out); break;
    case COMPLETION_FILE: (void)fputs(" -r -F", out); break;
    case COMPLETION_WORDS:
        (void)fputs(" -x -a '", out);
        completion_write_words(out, row->argument);
        (void)fputc('\'', out);
        break;
    }
    (void)fputs(" -d ", out);
    write_quoted(out, row->help);
    (void)fputc('\n', out);
}

static void
write_command(FILE *out, const struct command *command)
{
    const struct option_group *group;

    (void)fprintf(out, "complete -c wilco -n __fish_use_subcommand -a %s -d ", command->name);
    write_quoted(out, command->summary);
    (void)fputc('\n', out);
    if (command->words != NULL) {
        write_condition(out, command->name);
        (void)fputs(" -a '", out);
        completion_write_words(out, command->words);
        (void)fputs("'\n", out);
    }
    for (size_t g = 0; (group = options_group(command, g)) != NULL; g++) {
        for (const struct option *row = group->rows; row->name != NULL; row++) {
            write_option(out, command, row);
        }
    }
}

void
completion_fish(FILE *out)
{
    (void)fputs("# Completes wilco in fish; made by: wilco completion fish\n"
                "complete -c wilco -f\n"
                "complete -c wilco -n __fish_use_subcommand -l help -d 'show this'\n"
                "complete -c wilco -n __fish_use_subcommand -l version -d 'show the version'\n"
                "complete -c wilco -n __fish_use_subcommand -a help -d 'how to use a command'\n",
                out);
    write_condition(out, "help");
    (void)fputs(" -a '", out);
    completion_write_commands(out);
    (void)fputs("'\n", out);
    for (const struct command *const *c = commands; *c != NULL; c++) {
        write_command(out, *c);
    }
}
