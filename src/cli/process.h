#ifndef WILCO_CLI_PROCESS_H
#define WILCO_CLI_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* A shell command with a pipe to its standard input and one from its standard output; standard
 * error is ours. It leads a process group of its own, so that all it starts can be ended with it.
 */
struct process {
    pid_t pid;
    int in, out; /* ours, not blocking; -1: closed */
    bool has_exited;
    int wait_status; /* then, as of waitpid() */
};

/* 0, or an errno. `environment` is "NAME=value" strings with NULL behind them. Main thread only:
 * between making a pipe and closing it to other children is a gap. */
int process_start(struct process *p, char *command, char *const *environment);

void process_close_in(struct process *p);
void process_close_out(struct process *p);

void process_signal(const struct process *p, int number); /* to the group; not once it was reaped */

/* Takes note of the end, if it has come (or waits for it): afterwards it is no zombie. */
void process_reap(struct process *p, bool waits);

#endif
