#define _POSIX_C_SOURCE 200809L

#include "cli/colour.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum colour_when colour_when;
static bool colour_unwanted; /* the environment says so */

void
colour_set(enum colour_when when)
{
    const char *no_color = getenv("NO_COLOR"); /* NOLINT(concurrency-mt-unsafe) */
    const char *term = getenv("TERM");         /* NOLINT(concurrency-mt-unsafe) */

    colour_when = when;
    colour_unwanted = (no_color != NULL && *no_color != '\0') || term == NULL || *term == '\0' ||
                      strcmp(term, "dumb") == 0;
}

static bool
has_colours(FILE *out)
{
    if (colour_when != COLOUR_AUTO) {
        return colour_when == COLOUR_ALWAYS;
    }
    return !colour_unwanted && isatty(fileno(out)) == 1;
}

const char *
colour_begin(FILE *out, enum colour colour)
{
    static const char *const sequences[] = {
        [COLOUR_FAULT] = "\033[1;31m",
        [COLOUR_TITLE] = "\033[1m",
        [COLOUR_FAINT] = "\033[2m",
    };

    return has_colours(out) ? sequences[colour] : "";
}

const char *
colour_end(FILE *out)
{
    return has_colours(out) ? "\033[0m" : "";
}
