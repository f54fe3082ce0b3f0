/* What libwilco says of a request, held against what has happened: a requester and responders as
 * applications have them, the broker's core between them, all in one thread, on a clock that moves
 * when told, in an order that follows from a seed. Connections break in the middle of a packet,
 * processes die and start again, sessions are lost, the broker forgets everything. In the end all
 * is healed, and then it must be true that
 *
 *   - each request has ended, once, and when it should;
 *   - one that was answered has been executed;
 *   - one that was said not to be executed was not, and is not later;
 *   - one that must not be executed twice was not, as far as MQTT allows to know;
 *   - its error says how far it came.
 *
 *     sim_library [--seed N] [--runs N] [--verbose] */
#include "library_world.h"
#include "runs.h"

#include <stdio.h>

static struct asked_tally sum;
static unsigned long faults;

static void
run(void *world, uint64_t seed, bool is_verbose)
{
    library_world_run(world, seed, is_verbose);
}

static void
count(const void *world)
{
    const struct library_world *w = world;

    faults += w->faults;
    for (unsigned i = 0; i < w->requester.asked_count; i++) {
        asked_count(&w->requester.asked[i], &sum);
    }
}

static void
tell(const struct runs *runs)
{
    printf(
        "%llu runs from seed %llu: %lu faults, %lu requests, %lu executed, %lu of these more than "
        "once; of those that failed %lu executed, %lu maybe, %lu not\n",
        (unsigned long long)runs->count, (unsigned long long)runs->seed, faults, sum.requests,
        sum.executed, sum.executed_again, sum.failed[WILCO_EXECUTED_YES],
        sum.failed[WILCO_EXECUTED_MAYBE], sum.failed[WILCO_EXECUTED_NO]);
    for (int i = 0; i < (int)(sizeof(sum.by_status) / sizeof(sum.by_status[0])); i++) {
        if (sum.by_status[i] > 0) {
            printf("%9lu %s\n", sum.by_status[i], wilco_status_text((enum wilco_status) - i));
        }
    }
}

int
main(int argc, char **argv)
{
    const struct runs_kind kind = {
        .program = "sim_library",
        .world_bytes = sizeof(struct library_world),
        .run = run,
        .count = count,
        .tell = tell,
    };

    (void)argc;
    return runs_main(&kind, argv);
}
