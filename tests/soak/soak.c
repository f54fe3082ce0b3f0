#include "soak.h"

#include <stdio.h>
#include <stdlib.h>

static uint64_t present_seed;
static unsigned present_shards;

void
soak_name(uint64_t seed, unsigned shards)
{
    present_seed = seed;
    present_shards = shards;
}

_Noreturn void
soak_fail(const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "soak: %s:%d: not so: %s\nsoak: seed %llu, shards %u\n", file, line, what,
                  (unsigned long long)present_seed, present_shards);
    exit(1);
}

unsigned
soak_pick(struct soak *s, unsigned below)
{
    uint64_t number = 0;

    SOAK_CHECK(random_u64(&s->random.source, &number) == WILCO_OK);
    return (unsigned)(number % below);
}
