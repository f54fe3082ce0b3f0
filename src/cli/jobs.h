#ifndef WILCO_CLI_JOBS_H
#define WILCO_CLI_JOBS_H

#include "cli/answer.h"
#include "wilco/wilco.h"

#include <stdbool.h>
#include <stdint.h>

/* Answers calls by running a command for each: the payload is its standard input, topic and
 * correlation are in its environment, its standard output is the response. One that ends with
 * another code than 0 is an error to the requester. A command that is still running when the
 * requester stops waiting, or has taken the request back, is ended.
 *
 * The library's thread adds calls, the main thread runs the commands: so many at a time, and the
 * others wait in a queue; when that is full too, a call is answered with 429 at once. */
struct jobs;

struct jobs_options {
    const char *command;
    unsigned concurrency_max; /* commands at a time */
    unsigned queue_max;       /* calls waiting for that */
    uint32_t timeout_ms;      /* for calls that come without a deadline */
    struct answers *answers;
};

struct jobs *jobs_new(const struct jobs_options *options);
/* Ends what runs, and answers that, what waits and what is added later with 503. Main thread. */
void jobs_stop(struct jobs *jobs);
/* After jobs_stop() if a call may have been added, and when none can be added any more. */
void jobs_free(struct jobs *jobs);

void jobs_add(struct jobs *jobs, struct wilco_call *call); /* keeps a reference; any thread */

/* Waits until something can be done, or the process is woken, and does it. Main thread. */
void jobs_turn(struct jobs *jobs);

#endif
