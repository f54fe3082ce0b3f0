#ifndef WILCO_CLI_BENCH_OUTCOME_H
#define WILCO_CLI_BENCH_OUTCOME_H

#include "cli/bench/series.h"

#include <stdio.h>

/* What was asked for, and what came of it. */
struct outcome {
    const struct load_options *options; /* with all that its mode uses */
    const struct load_result *result;
    const struct series *series;
    const char *server; /* the URL, without a password */
};

/* A load in words: "16 requesters with 64 in flight each, 4 responders, ..." */
struct outcome_load {
    char text[300];
};
struct outcome_load outcome_load(const struct load_options *o);

/* "answers", "messages" or "connections": what a mode counts. */
const char *outcome_noun(const struct load_options *o);
double outcome_per_second(const struct outcome *o);
/* Everything that was not right. */
uint64_t outcome_errors(const struct outcome *o);

/* For people, some lines. */
void outcome_write(FILE *out, const struct outcome *o);
/* For programs, one line. */
void outcome_write_json(FILE *out, const struct outcome *o);

#endif
