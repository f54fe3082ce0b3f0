#ifndef WILCO_CLI_COMMAND_H
#define WILCO_CLI_COMMAND_H

#include "cli/options.h"

struct manual;

/* A command of the tool. It is constant and complete: parsing, --help, the man page and completion
 * are all made from it, and none of them runs it. */
struct command {
    const char *name;    /* "request" */
    const char *summary; /* a few words for the overview */
    const struct manual *manual;
    const struct option_group *groups; /* their targets lie in the command's own struct */
    size_t group_count;
    size_t words_max;  /* words that are no options; more are an error */
    const char *words; /* what the first word can be: "bash|zsh|fish"; NULL: anything */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit code */
};

#endif
