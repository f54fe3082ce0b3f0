#ifndef WILCO_CLI_MANUAL_H
#define WILCO_CLI_MANUAL_H

#include "cli/exit_code.h"

#include <stddef.h>

struct command;

/* What --help says about a command besides its options. */
struct manual {
    const char *name;     /* "wilco request" */
    const char *synopsis; /* lines behind "usage: ", the next ones already indented */
    const char *about;    /* a sentence or two */
    const char *examples; /* lines, indented by two */
    const enum exit_code *exit_codes;
    size_t exit_code_count;
    const char *const *exit_texts; /* one for each code; NULL: what exit_code_text() says */
};

/* What exit code `i` of these means to the caller. */
const char *manual_exit_text(const struct manual *m, size_t i);

/* Both write to standard output and return the exit code. */
int manual_print(const struct command *command);
int manual_print_version(void);

#endif
