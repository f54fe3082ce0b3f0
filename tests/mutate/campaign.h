#ifndef WILCO_MUTATE_CAMPAIGN_H
#define WILCO_MUTATE_CAMPAIGN_H

#include <stdint.h>

/* A program of many runs, each of which follows from its seed, until so much is done:
 *
 *     NAME_COUNT=n NAME_SEED=n program
 *
 * When it dies it says which seed to begin with to see it again. */
struct campaign {
    const char *program;
    const char *count_name; /* of the environment's variables */
    const char *seed_name;
    uint64_t count; /* unless the environment says otherwise */
    void (*run)(uint64_t seed);
    uint64_t (*done)(void);
    void (*tell)(void); /* one line, without its end */
};

/* For main(); returns its value. */
int campaign_main(const struct campaign *c);

#endif
