#ifndef WILCO_CLI_COLOUR_H
#define WILCO_CLI_COLOUR_H

#include <stdio.h>

/* Colours, for people: only on a terminal, and not where NO_COLOR is set or TERM is "dumb", unless
 * the command line says otherwise. */
enum colour_when {
    COLOUR_AUTO,
    COLOUR_ALWAYS,
    COLOUR_NEVER,
};

enum colour {
    COLOUR_FAULT, /* something is wrong */
    COLOUR_TITLE, /* a headline */
    COLOUR_FAINT, /* what can be passed over */
};

/* For the whole process; before there is a second thread. */
void colour_set(enum colour_when when);

/* What to write in front of coloured text, and behind it; "" where there are no colours. */
const char *colour_begin(FILE *out, enum colour colour);
const char *colour_end(FILE *out);

#endif
