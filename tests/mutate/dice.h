#ifndef WILCO_MUTATE_DICE_H
#define WILCO_MUTATE_DICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Chance that a seed decides (splitmix64). */
struct dice {
    uint64_t state;
};

static inline uint64_t
dice_roll(struct dice *d)
{
    uint64_t z = d->state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* 0 to sides - 1; 0 for no sides. */
static inline size_t
dice_below(struct dice *d, size_t sides)
{
    return sides == 0 ? 0 : (size_t)(dice_roll(d) >> 16) % sides;
}

/* True so many times in a hundred. */
static inline bool
dice_percent(struct dice *d, unsigned percent)
{
    return dice_below(d, 100) < percent;
}

#endif
