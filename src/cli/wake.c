#define _POSIX_C_SOURCE 200809L

#include "cli/wake.h"

#include "cli/exit_code.h"
#include "cli/say.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int wake_pipe[2];
static volatile sig_atomic_t wake_is_gentle;
static volatile sig_atomic_t wake_signal;

void
wake_up(void)
{
    int saved = errno;
    ssize_t written = write(wake_pipe[1], "", 1);

    (void)written; /* a full pipe wakes as well */
    errno = saved;
}

static void
on_end_signal(int number)
{
    if (!wake_is_gentle || wake_signal != 0) {
        if (number == SIGINT) {
            _exit(EXIT_CODE_INTERRUPTED);
        }
        (void)signal(number, SIG_DFL);
        (void)raise(number);
    }
    wake_signal = number;
    wake_up();
}

static void
catch_signal(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};

    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(number, &action, NULL);
}

static bool
make_private(int fd)
{
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0;
}

void
wake_init(void)
{
    if (pipe(wake_pipe) != 0 || !make_private(wake_pipe[0]) || !make_private(wake_pipe[1])) {
        say("cannot make a pipe: %s", say_errno(errno).text);
        exit(EXIT_CODE_USAGE);
    }
    catch_signal(SIGPIPE, SIG_IGN);
    catch_signal(SIGINT, on_end_signal);
}

void
wake_on_signals(void)
{
    wake_is_gentle = 1;
    catch_signal(SIGTERM, on_end_signal);
}

static void
on_child_signal(int number)
{
    (void)number;
    wake_up();
}

void
wake_on_children(void)
{
    catch_signal(SIGCHLD, on_child_signal);
}

void
wake_clear(void)
{
    char bytes[64];

    while (read(wake_pipe[0], bytes, sizeof(bytes)) > 0) {
    }
}

int
wake_descriptor(void)
{
    return wake_pipe[0];
}

void
wake_wait(int timeout_ms)
{
    struct pollfd waiting = {.fd = wake_pipe[0], .events = POLLIN};

    (void)poll(&waiting, 1, timeout_ms);
    wake_clear();
}

bool
wake_signalled(void)
{
    return wake_signal != 0;
}

int
wake_exit(int exit_code)
{
    if (wake_signal == SIGTERM) {
        (void)signal(SIGTERM, SIG_DFL);
        (void)raise(SIGTERM);
    }
    return wake_signal == SIGINT ? EXIT_CODE_INTERRUPTED : exit_code;
}

uint64_t
wake_now_us(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t
wake_now_ms(void)
{
    return wake_now_us() / 1000;
}
