#ifndef WILCO_SIM_WORLD_H
#define WILCO_SIM_WORLD_H

#include "requester.h"
#include "responder.h"

enum {
    REQUESTERS_MAX = 4,
    RESPONDERS_MAX = 6,
};

/* Everybody in a run: requesters, responders, and one who eavesdrops and forges. */
struct world {
    struct sim sim;
    struct ledger ledger;
    struct requester requesters[REQUESTERS_MAX];
    unsigned requester_count;
    struct responder responders[RESPONDERS_MAX];
    unsigned responder_count;
    struct rig_client intruder;
    uint64_t dropped[SHARDS_MAX]; /* messages that found a queue full, in each shard */
};

/* One run from its beginning to its end, as the seed has it. Comes back only if all was well. */
void world_run(struct world *w, uint64_t seed, bool is_verbose);

/* Those who read read all that is written for them, also what they make the broker write by that;
 * mail between shards stays where it is. */
void world_read(struct world *w);
/* Time passes. Whatever was written by then has been read, by those who read. */
void world_advance(struct world *w, unsigned ms);
/* Mail arrives, output is written, timers fire: one of these, in one shard. */
void world_step_shard(struct world *w);

/* After the last step: what is left comes to its end, and is judged (draining.c). */
void world_drain(struct world *w);

/* What is true whenever no shard is in the middle of something; and a look at what was dropped. */
void world_check(struct world *w);

#endif
