#define _POSIX_C_SOURCE 200809L

#include "sim.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The run that this thread has at hand; NULL: none. For what ends the program without asking us:
 * assertions. */
static _Thread_local const struct sim *present;

static const char *program_name = "";

/* Whoever fails takes it and keeps it: one failure is enough. */
static pthread_mutex_t failing = PTHREAD_MUTEX_INITIALIZER;

static void
say_where(const struct sim *s)
{
    (void)fprintf(stderr,
                  "sim: seed %llu, step %u, at %llu ms; "
                  "again: %s --seed %llu --runs 1 --verbose\n",
                  (unsigned long long)s->seed, s->step, (unsigned long long)s->r.now_ms,
                  program_name, (unsigned long long)s->seed);
}

/* An assertion of the core (SIGABRT), or one of the rig, for which cmocka calls exit(). */
static void
say_where_it_died(void)
{
    if (present != NULL) {
        say_where(present);
        present = NULL;
    }
}

static void
aborted(int signal_number)
{
    (void)signal_number;
    (void)pthread_mutex_lock(&failing);
    say_where_it_died();
}

void
sim_prepare(const char *program)
{
    struct sigaction action = {.sa_handler = aborted};

    program_name = program;
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGABRT, &action, NULL);
    (void)atexit(say_where_it_died);
}

void
sim_start(struct sim *s, uint64_t seed, bool is_verbose)
{
    s->seed = seed;
    s->step = 0;
    s->is_verbose = is_verbose;
    random_seeded_init(&s->random, seed);
    present = s;
}

void
sim_stop(struct sim *s)
{
    (void)s;
    present = NULL;
}

unsigned
sim_pick(struct sim *s, unsigned below)
{
    uint64_t number = 0;

    assert_int_equal(random_u64(&s->random.source, &number), WILCO_OK);
    return (unsigned)(number % below);
}

bool
sim_chance(struct sim *s, unsigned times)
{
    return sim_pick(s, times) == 0;
}

void
sim_say(const struct sim *s, const char *format, ...)
{
    va_list arguments;

    if (!s->is_verbose) {
        return;
    }
    (void)printf("%3u %llu ms: ", s->step, (unsigned long long)s->r.now_ms);
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    (void)printf("\n");
}

void
sim_fail(const struct sim *s, const char *format, ...)
{
    va_list arguments;

    (void)pthread_mutex_lock(&failing);
    (void)fflush(stdout);
    (void)fprintf(stderr, "sim: ");
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fprintf(stderr, "\n");
    say_where(s);
    present = NULL;
    exit(1);
}
