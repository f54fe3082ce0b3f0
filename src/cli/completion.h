#ifndef WILCO_CLI_COMPLETION_H
#define WILCO_CLI_COMPLETION_H

#include "cli/commands.h"

#include <stdio.h>

/* Scripts with which shells complete command lines of the tool, made from the table of commands. */
void completion_bash(FILE *out);
void completion_fish(FILE *out);
void completion_zsh(FILE *out);

/* What the argument of an option can be. */
enum completion_kind {
    COMPLETION_NONE, /* it takes none */
    COMPLETION_FREE, /* anything */
    COMPLETION_FILE,
    COMPLETION_WORDS, /* one of those between the bars: "0|1|2" */
};
enum completion_kind completion_kind_of(const char *argument);

/* Writes the words of "a|b|c" with blanks between them. */
void completion_write_words(FILE *out, const char *words);
/* Writes the names of all commands, likewise. */
void completion_write_commands(FILE *out);
/* Writes text, lines joined by blanks, that goes between single quotes: `escaped` names the
 * characters that get a backslash; a quote is written as `quote`. */
void completion_write_text(FILE *out, const char *text, const char *escaped, const char *quote);

#endif
