#ifndef WILCO_CLI_JOB_H
#define WILCO_CLI_JOB_H

#include "cli/answer.h"
#include "cli/process.h"
#include "wilco/wilco.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

/* A command may answer with this much. */
#define JOB_OUTPUT_BYTES_MAX ((size_t)16 * 1024 * 1024)

/* One command that answers one call. Main thread only. */
struct job {
    struct wilco_call *call; /* our reference */
    struct process process;
    size_t written; /* of the call's payload */
    char *output;
    size_t output_len, output_capacity;
    uint64_t deadline_ms; /* then it is asked to end ... */
    uint64_t kill_ms;     /* ... and then it is killed; UINT64_MAX: it was not asked yet */
    bool is_too_large;
};

/* Takes the caller's reference over. False: the command could not be started, and the call has been
 * answered with an error. */
bool job_start(struct job *j, char *command, struct wilco_call *call, uint64_t deadline_ms,
               struct answers *answers);

/* What to poll for, two descriptors (-1: nothing), and what to do with the outcome. */
void job_poll_for(const struct job *j, struct pollfd out[2]);
void job_advance(struct job *j, const struct pollfd polled[2], uint64_t now_ms);
uint64_t job_deadline_ms(const struct job *j);

/* True when the command has ended: the call has then been answered, and the job is over. */
bool job_is_over(struct job *j, struct answers *answers);

void job_abort(struct job *j, struct answers *answers); /* ends the command and answers with 503 */

#endif
