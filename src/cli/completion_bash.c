#include "cli/completion.h"

/* bash splits --qos=1 in three words; of "mqtt://host" nothing is completed. */
static const char head[] =
    "# Completes wilco in bash; made by: wilco completion bash\n"
    "_wilco() {\n"
    "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
    "  local options='' words='' kind=word\n"
    "  COMPREPLY=()\n"
    "  if [ \"$cur\" = = ]; then\n"
    "    cur=''\n"
    "  elif [ \"$prev\" = = ]; then\n"
    "    prev=${COMP_WORDS[COMP_CWORD-2]}\n"
    "  fi\n";

static const char tail[] =
    "  esac\n"
    "  case $kind:$cur in\n"
    "  free:*) ;;\n"
    "  file:*) compopt -o filenames 2> /dev/null\n"
    "    mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
    "  word:-*) mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\") ;;\n"
    "  *) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\") ;;\n"
    "  esac\n"
    "}\n"
    "complete -F _wilco wilco\n";

static void
write_options(FILE *out, const struct command *command)
{
    const struct option_group *group;
    const char *separator = "";

    (void)fputs("    options='", out);
    for (size_t g = 0; (group = options_group(command, g)) != NULL; g++) {
        for (const struct option *row = group->rows; row->name != NULL; row++) {
            (void)fprintf(out, "%s--%s", separator, row->name);
            separator = " ";
        }
    }
    (void)fputs("'\n", out);
}

/* What may stand behind an option that takes something. */
static void
write_argument(FILE *out, const struct option *row)
{
    enum completion_kind kind = completion_kind_of(row->argument);

    if (kind == COMPLETION_NONE) {
        return;
    }
    (void)fputs("    ", out);
    if (row->letter != '\0') {
        (void)fprintf(out, "-%c|", row->letter);
    }
    (void)fprintf(out, "--%s) ", row->name);
    if (kind == COMPLETION_WORDS) {
        (void)fputs("kind=value words='", out);
        completion_write_words(out, row->argument);
        (void)fputs("' ;;\n", out);
    } else {
        (void)fputs(kind == COMPLETION_FILE ? "kind=file ;;\n" : "kind=free ;;\n", out);
    }
}

static void
write_command(FILE *out, const struct command *command, const char *pattern)
{
    const struct option_group *group;

    (void)fprintf(out, "  %s)\n", pattern);
    write_options(out, command);
    if (command->words != NULL) {
        (void)fputs("    words='", out);
        completion_write_words(out, command->words);
        (void)fputs("'\n", out);
    }
    (void)fputs("    case $prev in\n", out);
    for (size_t g = 0; (group = options_group(command, g)) != NULL; g++) {
        for (const struct option *row = group->rows; row->name != NULL; row++) {
            write_argument(out, row);
        }
    }
    (void)fputs("    esac ;;\n", out);
}

void
completion_bash(FILE *out)
{
    (void)fputs(head, out);
    (void)fputs("  case $COMP_CWORD:${COMP_WORDS[1]} in\n  1:*)\n    words='", out);
    completion_write_commands(out);
    (void)fputs(" help'\n    options='--help --version' ;;\n  *:help) words='", out);
    completion_write_commands(out);
    (void)fputs("' ;;\n", out);
    for (const struct command *const *c = commands; *c != NULL; c++) {
        char pattern[64];

        (void)snprintf(pattern, sizeof(pattern), "*:%s", (*c)->name);
        write_command(out, *c, pattern);
    }
    (void)fputs(tail, out);
}
