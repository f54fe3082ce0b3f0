#include "cli/completion.h"

#include <string.h>

enum completion_kind
completion_kind_of(const char *argument)
{
    if (argument == NULL) {
        return COMPLETION_NONE;
    }
    if (strcmp(argument, "FILE") == 0 || strcmp(argument, "PATH") == 0) {
        return COMPLETION_FILE;
    }
    return strpbrk(argument, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != NULL ? COMPLETION_FREE
                                                                   : COMPLETION_WORDS;
}

void
completion_write_words(FILE *out, const char *words)
{
    for (; *words != '\0'; words++) {
        (void)fputc(*words == '|' ? ' ' : *words, out);
    }
}

void
completion_write_commands(FILE *out)
{
    for (const struct command *const *c = commands; *c != NULL; c++) {
        (void)fprintf(out, "%s%s", c == commands ? "" : " ", (*c)->name);
    }
}

void
completion_write_text(FILE *out, const char *text, const char *escaped, const char *quote)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            (void)fputs(quote, out);
            continue;
        }
        if (strchr(escaped, *text) != NULL) {
            (void)fputc('\\', out);
        }
        (void)fputc(*text == '\n' ? ' ' : *text, out);
    }
}
