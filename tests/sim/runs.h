#ifndef WILCO_RUNS_H
#define WILCO_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A program that simulates: many runs, each of which follows from its seed.
 *
 *     PROGRAM [--seed N] [--runs N] [--verbose] */
struct runs {
    uint64_t seed; /* of the first; the next has the next one */
    uint64_t count;
    bool is_verbose;
};

/* What a run is. */
struct runs_kind {
    const char *program;
    size_t world_bytes;                                       /* of what a run happens in */
    void (*run)(void *world, uint64_t seed, bool is_verbose); /* ends the program when it fails */
    void (*count)(const void *world);                         /* when it has ended; one at a time */
    void (*tell)(const struct runs *runs);
};

/* For main(), whose arguments these are; returns its value. */
int runs_main(const struct runs_kind *kind, char **arguments);

#endif
