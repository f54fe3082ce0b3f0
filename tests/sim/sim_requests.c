/* Requests under faults, simulated: the whole broker core and its clients in one thread, on a clock
 * that moves when told, in an order that follows from a seed. Requesters inquiry, responders answer
 * well, badly or not at all, connections break at every stage, sessions end, are taken over and
 * come back, and what goes from shard to shard is overtaken by anything. A model judges: every
 * request of a requester that takes status responses ends once, in a response or in a status; what
 * was said not to be executed never is, because it was cancelled while it waited or for whatever
 * reason; nothing arrives that was not due (ledger.h).
 *
 *     sim_requests [--seed N] [--runs N] [--verbose] */
#include "world.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TELL_EVERY 10000U /* runs */
#define WORKERS    16U

static const char usage[] = "usage: sim_requests [--seed N] [--runs N] [--verbose]\n";

struct options {
    uint64_t seed; /* of the first run; the next has the next one */
    uint64_t runs;
    bool is_verbose;
};

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
read_options(struct options *o, char **arguments)
{
    for (char **at = arguments; *at != NULL; at++) {
        if (strcmp(*at, "--verbose") == 0) {
            o->is_verbose = true;
        } else if (strcmp(*at, "--seed") == 0 && read_number(&o->seed, at[1])) {
            at++;
        } else if (strcmp(*at, "--runs") == 0 && read_number(&o->runs, at[1])) {
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
    const struct options *options;
    uint64_t first; /* its runs: this one, and each WORKERS further on */
    struct tally sum;
};

static void *
work(void *context)
{
    struct worker *me = context;
    const struct options *o = me->options;
    struct world *world = malloc(sizeof(*world));

    if (world == NULL) {
        (void)fputs("sim: out of memory\n", stderr);
        exit(1);
    }
    for (uint64_t i = me->first; i < o->runs; i += WORKERS) {
        world_run(world, o->seed + i, o->is_verbose);
        ledger_tally(&world->ledger, &me->sum);
        if (i % TELL_EVERY == 0 && i > 0) {
            printf("%llu runs\n", (unsigned long long)i);
            (void)fflush(stdout);
        }
    }
    free(world);
    rig_thread_leave();
    return NULL;
}

static void
tell(const struct options *o, const struct tally *sum)
{
    printf("%llu runs from seed %llu: %llu requests, %llu handed to a responder, %llu again to "
           "another, %llu answered, %llu status responses, %llu of these \"no\", %llu cancelled, "
           "%llu excused\n",
           (unsigned long long)o->runs, (unsigned long long)o->seed, (unsigned long long)sum->asks,
           (unsigned long long)sum->handed, (unsigned long long)sum->moved,
           (unsigned long long)sum->answered, (unsigned long long)sum->statuses,
           (unsigned long long)sum->told_no, (unsigned long long)sum->cancelled,
           (unsigned long long)sum->excused);
}

int
main(int argc, char **argv)
{
    struct worker workers[WORKERS] = {{.first = 0}};
    struct options options = {.seed = 1, .runs = 1000};
    struct tally sum = {.asks = 0};

    if (argc < 1 || !read_options(&options, argv + 1)) {
        (void)fputs(usage, stderr);
        return 2;
    }
    sim_prepare();
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i].options = &options;
        workers[i].first = i;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
            (void)fputs("sim: no threads\n", stderr);
            return 1;
        }
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        (void)pthread_join(workers[i].thread, NULL);
        tally_add(&sum, &workers[i].sum);
    }
    tell(&options, &sum);
    return 0;
}
