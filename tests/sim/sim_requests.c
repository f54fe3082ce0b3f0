/* Requests under faults, simulated: the whole broker core and its clients in one thread, on a clock
 * that moves when told, in an order that follows from a seed. Requesters inquiry, responders answer
 * well, badly or not at all, connections break at every stage, sessions end, are taken over and
 * come back, and what goes from shard to shard is overtaken by anything. A model judges: every
 * request of a requester that takes status responses ends once, in a response or in a status; what
 * was said not to be executed never is, because it was cancelled while it waited or for whatever
 * reason; nothing arrives that was not due (ledger.h).
 *
 *     sim_requests [--seed N] [--runs N] [--verbose] */
#include "runs.h"
#include "world.h"

#include <stdio.h>

static struct tally sum;

static void
run(void *world, uint64_t seed, bool is_verbose)
{
    world_run(world, seed, is_verbose);
}

static void
count(const void *world)
{
    const struct world *w = world;

    ledger_tally(&w->ledger, &sum);
}

static void
tell(const struct runs *runs)
{
    printf("%llu runs from seed %llu: %llu requests, %llu handed to a responder, %llu again to "
           "another, %llu answered, %llu status responses, %llu of these \"no\", %llu cancelled, "
           "%llu excused\n",
           (unsigned long long)runs->count, (unsigned long long)runs->seed,
           (unsigned long long)sum.asks, (unsigned long long)sum.handed,
           (unsigned long long)sum.moved, (unsigned long long)sum.answered,
           (unsigned long long)sum.statuses, (unsigned long long)sum.told_no,
           (unsigned long long)sum.cancelled, (unsigned long long)sum.excused);
}

int
main(int argc, char **argv)
{
    const struct runs_kind kind = {
        .program = "sim_requests",
        .world_bytes = sizeof(struct world),
        .run = run,
        .count = count,
        .tell = tell,
    };

    (void)argc;
    return runs_main(&kind, argv);
}
