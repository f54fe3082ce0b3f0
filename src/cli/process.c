#define _POSIX_C_SOURCE 200809L

#include "cli/process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

void
process_close_in(struct process *p)
{
    if (p->in >= 0) {
        (void)close(p->in);
        p->in = -1;
    }
}

void
process_close_out(struct process *p)
{
    if (p->out >= 0) {
        (void)close(p->out);
        p->out = -1;
    }
}

static void
close_pipe(int ends[2])
{
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* No end is inherited as it is; `own` is the one that we keep. */
static int
open_pipe(int ends[2], int own)
{
    if (pipe(ends) != 0) {
        return errno;
    }
    if (fcntl(ends[0], F_SETFD, FD_CLOEXEC) != 0 || fcntl(ends[1], F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(ends[own], F_SETFL, O_NONBLOCK) != 0) {
        int error = errno;

        close_pipe(ends);
        return error;
    }
    return 0;
}

/* Signals as a program expects them: our handlers go by themselves, but what we ignore would stay
 * so. */
static int
prepare(posix_spawnattr_t *attributes, posix_spawn_file_actions_t *actions, int in, int out)
{
    const short flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    sigset_t none, ignored;
    int error;

    (void)sigemptyset(&none);
    (void)sigemptyset(&ignored);
    (void)sigaddset(&ignored, SIGPIPE);
    error = posix_spawnattr_setflags(attributes, flags);
    if (error == 0) {
        error = posix_spawnattr_setpgroup(attributes, 0);
    }
    if (error == 0) {
        error = posix_spawnattr_setsigdefault(attributes, &ignored);
    }
    if (error == 0) {
        error = posix_spawnattr_setsigmask(attributes, &none);
    }
    if (error == 0) {
        error = posix_spawn_file_actions_adddup2(actions, in, STDIN_FILENO);
    }
    return error != 0 ? error : posix_spawn_file_actions_adddup2(actions, out, STDOUT_FILENO);
}

static int
spawn(pid_t *pid, char *command, char *const *environment, int in, int out)
{
    char shell[] = "sh", option[] = "-c";
    char *const arguments[] = {shell, option, command, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);

    if (error != 0) {
        return error;
    }
    error = posix_spawnattr_init(&attributes);
    if (error == 0) {
        error = prepare(&attributes, &actions, in, out);
        if (error == 0) {
            error = posix_spawn(pid, "/bin/sh", &actions, &attributes, arguments, environment);
        }
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

int
process_start(struct process *p, char *command, char *const *environment)
{
    int in[2], out[2];
    int error = open_pipe(in, 1);

    if (error != 0) {
        return error;
    }
    error = open_pipe(out, 0);
    if (error != 0) {
        close_pipe(in);
        return error;
    }
    *p = (struct process){.in = in[1], .out = out[0]};
    error = spawn(&p->pid, command, environment, in[0], out[1]);
    (void)close(in[0]);
    (void)close(out[1]);
    if (error != 0) {
        process_close_in(p);
        process_close_out(p);
    }
    return error;
}

void
process_signal(const struct process *p, int number)
{
    assert(!p->has_exited); /* its id may be somebody else's by now */
    (void)kill(-p->pid, number);
}

void
process_reap(struct process *p, bool waits)
{
    pid_t ended;

    if (p->has_exited) {
        return;
    }
    do {
        ended = waitpid(p->pid, &p->wait_status, waits ? 0 : WNOHANG);
    } while (ended < 0 && errno == EINTR);
    assert(ended >= 0); /* it is ours, and nobody else waits for it */
    p->has_exited = ended == p->pid;
}
