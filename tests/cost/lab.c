/* Loaded into the broker before everything else (LD_PRELOAD), so that it does the same in every
 * run: a clock that moves by the same step whenever it is read, random bytes that are always the
 * same, and counting that starts and ends when it is told to. */
#define _GNU_SOURCE

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <valgrind/callgrind.h>

#define STEP_NS    1000
#define STARTED_S  4000000000 /* to come, so that nothing the kernel waits for is due */
#define CONTROL_FD 0          /* a socket: see listen_to_control() */

__attribute__((visibility("default"))) int
clock_gettime(clockid_t id, struct timespec *out)
{
    static _Atomic uint64_t readings;
    uint64_t ns = readings++ * STEP_NS;

    (void)id;
    out->tv_sec = (time_t)(STARTED_S + ns / 1000000000U);
    out->tv_nsec = (long)(ns % 1000000000U);
    return 0;
}

__attribute__((visibility("default"))) ssize_t
getrandom(void *out, size_t len, unsigned flags)
{
    static _Atomic uint64_t state = 1;
    uint8_t *bytes = out;

    (void)flags;
    for (size_t i = 0; i < len; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407U;
        bytes[i] = (uint8_t)(state >> 56);
    }
    return (ssize_t)len;
}

/* 'z' forgets what was counted, 'd' writes it to a file; each is answered when it is done. The
 * answer is also the mark that divides valgrind's list of system calls. */
static void *
listen_to_control(void *unused)
{
    char word = 0;

    (void)unused;
    while (read(CONTROL_FD, &word, 1) == 1) {
        if (word == 'z') {
            CALLGRIND_ZERO_STATS;
        } else if (word == 'd') {
            CALLGRIND_DUMP_STATS;
        }
        if (write(CONTROL_FD, &word, 1) != 1) {
            break;
        }
    }
    return NULL;
}

__attribute__((constructor)) static void
open_lab(void)
{
    pthread_t thread;
    sigset_t all;
    sigset_t before;

    if (!RUNNING_ON_VALGRIND) {
        return; /* valgrind itself, before it starts the broker */
    }
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are for the broker */
    if (pthread_create(&thread, NULL, listen_to_control, NULL) != 0) {
        abort();
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}
