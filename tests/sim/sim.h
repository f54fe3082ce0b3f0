#ifndef WILCO_SIM_H
#define WILCO_SIM_H

#include "support/rig.h"

/* What the parts of a simulated run share: the broker, choices that follow from a seed, and one way
 * to fail. A thread has one run at a time, all of which happens in it. */
struct sim {
    struct rig r;
    struct random_seeded random;
    uint64_t seed;
    unsigned step;   /* the one at hand, counted from 1 */
    bool is_verbose; /* says everything that happens */
};

/* Once, before any thread. `program` is named where a failure says how to see it again. */
void sim_prepare(const char *program);
/* Which run is at hand, for what is said of it from now on. */
void sim_start(struct sim *s, uint64_t seed, bool is_verbose);
/* No run is at hand. */
void sim_stop(struct sim *s);

/* A number below `below`. One a statement: in which order a compiler evaluates an initializer or
 * arguments is its own choice, and every build is to replay the same run. */
unsigned sim_pick(struct sim *s, unsigned below);
/* True once in so many times. */
bool sim_chance(struct sim *s, unsigned times);

/* A line about what happens; for those who want to read it. */
void sim_say(const struct sim *s, const char *format, ...) WILCO_PRINTF(2, 3);
/* The broker is wrong: says so, with the seed, the step and the time, and ends the program. */
_Noreturn void sim_fail(const struct sim *s, const char *format, ...) WILCO_PRINTF(2, 3);

#endif
