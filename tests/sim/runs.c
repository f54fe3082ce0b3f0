#include "runs.h"

#include "sim.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS_DEFAULT 1000U
#define TELL_EVERY   10000U /* runs */
#define WORKERS      16U

static bool
read_number(uint64_t *out, const char *text)
{
    char *end = NULL;

    if (text == NULL) {
        return false;
    }
    *out = strtoull(text, &end, 10);
    return end != text && *end == '\0';
}

static bool
read_options(struct runs *o, char **arguments)
{
    for (char **at = arguments; *at != NULL; at++) {
        if (strcmp(*at, "--verbose") == 0) {
            o->is_verbose = true;
        } else if (strcmp(*at, "--seed") == 0 && read_number(&o->seed, at[1])) {
            at++;
        } else if (strcmp(*at, "--runs") == 0 && read_number(&o->count, at[1])) {
            at++;
        } else {
            return false;
        }
    }
    return true;
}

/* The end of a run waits for what the topic index has put off, some 20 ms, in which other runs can
 * go on. */
struct worker {
    pthread_t thread;
    const struct runs_kind *kind;
    const struct runs *runs;
    uint64_t first; /* its runs: this one, and each WORKERS further on */
    pthread_mutex_t *counting;
};

static void *
work(void *context)
{
    const struct worker *me = context;
    void *world = malloc(me->kind->world_bytes);

    if (world == NULL) {
        (void)fputs("sim: out of memory\n", stderr);
        exit(1);
    }
    for (uint64_t i = me->first; i < me->runs->count; i += WORKERS) {
        me->kind->run(world, me->runs->seed + i, me->runs->is_verbose);
        (void)pthread_mutex_lock(me->counting);
        me->kind->count(world);
        (void)pthread_mutex_unlock(me->counting);
        if (i % TELL_EVERY == 0 && i > 0) {
            printf("%llu runs\n", (unsigned long long)i);
            (void)fflush(stdout);
        }
    }
    free(world);
    rig_thread_leave();
    return NULL;
}

int
runs_main(const struct runs_kind *kind, char **arguments)
{
    struct worker workers[WORKERS];
    struct runs runs = {.seed = 1, .count = RUNS_DEFAULT};
    pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;

    if (*arguments == NULL || !read_options(&runs, arguments + 1)) {
        (void)fprintf(stderr, "usage: %s [--seed N] [--runs N] [--verbose]\n", kind->program);
        return 2;
    }
    sim_prepare(kind->program);
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i] =
            (struct worker){.kind = kind, .runs = &runs, .first = i, .counting = &counting};
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
            (void)fputs("sim: no threads\n", stderr);
            return 1;
        }
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        (void)pthread_join(workers[i].thread, NULL);
    }
    kind->tell(&runs);
    return 0;
}
