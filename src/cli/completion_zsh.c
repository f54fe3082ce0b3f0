#include "cli/completion.h"

static const char head[] = "#compdef wilco\n"
                           "# Completes wilco in zsh; made by: wilco completion zsh\n"
                           "_wilco() {\n"
                           "  local -a commands\n"
                           "  local command\n"
                           "  commands=(\n";

static const char middle[] = "    'help:how to use a command'\n"
                             "  )\n"
                             "  if (( CURRENT == 2 )); then\n"
                             "    _describe command commands\n"
                             "    return\n"
                             "  fi\n"
                             "  command=$words[2]\n"
                             "  shift words\n"
                             "  (( CURRENT-- ))\n"
                             "  case $command in\n"
                             "  help) _describe command commands ;;\n";

static const char tail[] = "  esac\n"
                           "}\n"
                           "if [ \"$funcstack[1]\" = _wilco ]; then\n" /* from a folder of fpath */
                           "  _wilco \"$@\"\n"
                           "else\n" /* by eval */
                           "  compdef _wilco wilco\n"
                           "fi\n";

static void
write_text(FILE *out, const char *text)
{
    completion_write_text(out, text, "\\:[]", "'\\''");
}

/* ":what it is called:what it can be" */
static void
write_argument(FILE *out, const char *argument)
{
    enum completion_kind kind = completion_kind_of(argument);

    if (kind == COMPLETION_NONE) {
        return;
    }
    (void)fputc(':', out);
    write_text(out, argument);
    if (kind == COMPLETION_WORDS) {
        (void)fputs(":(", out);
        completion_write_words(out, argument);
        (void)fputc(')', out);
    } else {
        (void)fputs(kind == COMPLETION_FILE ? ":_files" : ": ", out);
    }
}

static void
write_option(FILE *out, const struct option *row)
{
    const char *equals = row->argument == NULL ? "" : "=";

    if (row->letter != '\0') {
        (void)fprintf(out, " \\\n    '*'{-%c,--%s%s}'[", row->letter, row->name, equals);
    } else {
        (void)fprintf(out, " \\\n    '*--%s%s[", row->name, equals);
    }
    write_text(out, row->help);
    (void)fputc(']', out);
    write_argument(out, row->argument);
    (void)fputc('\'', out);
}

static void
write_command(FILE *out, const struct command *command)
{
    const struct option_group *group;

    (void)fprintf(out, "  %s) _arguments -s", command->name);
    for (size_t g = 0; (group = options_group(command, g)) != NULL; g++) {
        for (const struct option *row = group->rows; row->name != NULL; row++) {
            write_option(out, row);
        }
    }
    if (command->words != NULL) {
        (void)fputs(" \\\n    '1", out);
        write_argument(out, command->words);
        (void)fputc('\'', out);
    }
    (void)fputs(" ;;\n", out);
}

void
completion_zsh(FILE *out)
{
    (void)fputs(head, out);
    for (const struct command *const *c = commands; *c != NULL; c++) {
        (void)fprintf(out, "    '%s:", (*c)->name);
        write_text(out, (*c)->summary);
        (void)fputs("'\n", out);
    }
    (void)fputs(middle, out);
    for (const struct command *const *c = commands; *c != NULL; c++) {
        write_command(out, *c);
    }
    (void)fputs(tail, out);
}
