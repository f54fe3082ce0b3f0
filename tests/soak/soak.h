#ifndef WILCO_SOAK_H
#define WILCO_SOAK_H

#include "base/compiler.h"
#include "base/random.h"
#include "net/address.h"

#include <stdint.h>

/* What the parts of the soak share: choices that follow from a seed, a clock of events, and one way
 * to fail. One thread. */
struct soak {
    struct random_seeded random;
    struct address address; /* of the broker */
    uint64_t now;           /* goes up by one with each event that the model notes */
};

/* A number below `below`. */
unsigned soak_pick(struct soak *s, unsigned below);

/* Says what is wrong, and with which seed, and ends the program. */
void soak_name(uint64_t seed, unsigned shards); /* what to say */
_Noreturn void soak_fail(const char *file, int line, const char *what);
#define SOAK_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            soak_fail(__FILE__, __LINE__, #condition);                                             \
        }                                                                                          \
    } while (0)

#endif
