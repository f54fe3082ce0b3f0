#ifndef WILCO_CLI_ASK_OPTIONS_H
#define WILCO_CLI_ASK_OPTIONS_H

#include "cli/options.h"
#include "wilco/wilco.h"

/* How the command line wants a request to be asked, and how many answers it wants. */
struct ask_options {
    struct option_number timeout_ms, wait_ms, retries, hedge_ms;
    bool idempotent, wait_if_offline, fail_if_offline, fail_fast;
    const char *partition;

    struct option_number replies; /* UINT32_MAX: all that come */
    struct option_number stall_ms, parts;
    struct option_number large; /* bytes of an answer in pieces */
    bool until_empty, scatter;
};

/* Rows whose target is a struct ask_options: asking, ... */
extern const struct option ask_rows[];
/* ... and answers. */
extern const struct option ask_answers_rows[];

/* 0, or the exit code when it has said what contradicts itself. */
int ask_options_check(const struct ask_options *o);
/* Sets what they say in `request`, which borrows from them. */
void ask_options_apply(const struct ask_options *o, struct wilco_request *request);

#endif
