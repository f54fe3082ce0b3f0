#include "campaign.h"
#include "stage.h"

#include <stdio.h>

static struct stage stage;

static void
run(uint64_t seed)
{
    stage_run(&stage, seed);
}

static uint64_t
done(void)
{
    return stage.spoiled;
}

static void
tell(void)
{
    (void)printf("%llu spoiled packets of %llu on %llu connections, %llu requests of the probe "
                 "answered",
                 (unsigned long long)stage.spoiled, (unsigned long long)stage.packets,
                 (unsigned long long)stage.connections, (unsigned long long)stage.probes);
}

int
main(void)
{
    static const struct campaign campaign = {
        .program = "mutate",
        .count_name = "MUTATE_PACKETS",
        .seed_name = "MUTATE_SEED",
        .count = 20000,
        .run = run,
        .done = done,
        .tell = tell,
    };

    return campaign_main(&campaign);
}
