#include "cli/arguments.h"

#include <stdint.h>
#include <string.h>

static char **words;

void
arguments_remember(char **argv)
{
    words = argv;
}

void
arguments_hide(const char *text, size_t len)
{
    for (char **word = words; word != NULL && *word != NULL; word++) {
        uintptr_t at = (uintptr_t)text - (uintptr_t)*word;

        if ((uintptr_t)text >= (uintptr_t)*word && at + len <= strlen(*word)) {
            memset(*word + at, '*', len);
        }
    }
}
