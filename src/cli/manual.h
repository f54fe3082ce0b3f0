#ifndef WILCO_CLI_MANUAL_H
#define WILCO_CLI_MANUAL_H

#include "cli/exit_code.h"

#include <stddef.h>
#include <stdio.h>

struct command;

/* A variable of the environment, and what it does. */
struct manual_variable {
    const char *name; /* NULL: the end of the list */
    const char *text;
};

/* A file that a command reads, with a man page of its own (section 5). */
struct manual_file {
    const char *name;         /* "wilco.conf" */
    const char *summary;      /* a few words */
    void (*write)(FILE *out); /* the page, behind its NAME */
};

/* What --help and the man page say about a command besides its options. */
struct manual {
    const char *name;     /* "wilco request" */
    const char *synopsis; /* lines behind "usage: ", the next ones already indented */
    const char *about;    /* a sentence or two */
    const char *examples; /* lines, indented by two */
    const struct manual_variable *environment; /* NULL: none but NO_COLOR */
    const enum exit_code *exit_codes;
    size_t exit_code_count;
    const char *const *exit_texts;  /* one for each code; NULL: what exit_code_text() says */
    int section;                    /* of its man page; 0: 1 */
    const struct manual_file *file; /* NULL: none */
};

/* What exit code `i` of these means to the caller. */
const char *manual_exit_text(const struct manual *m, size_t i);

/* Both write to standard output and return the exit code. */
int manual_print(const struct command *command);
int manual_print_version(void);

#endif
