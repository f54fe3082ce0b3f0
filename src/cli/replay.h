#ifndef WILCO_CLI_REPLAY_H
#define WILCO_CLI_REPLAY_H

#include "cli/asker.h"
#include "cli/recording.h"

/* Asks what a recording has: requests as requests of our own, other messages as they are, and
 * responses not at all. For an asker. */
struct replay_options {
    double speed;  /* 2: twice as fast as it was */
    double rate;   /* requests per second, whenever they were; 0: as recorded */
    bool is_hasty; /* each as soon as there is room for it */
    bool compares; /* answers with those that were recorded */
    uint32_t timeout_ms;
};

struct replay {
    const struct recording *recording;
    const struct replay_options *options;
    struct wilco *client;
    size_t at; /* in the recording */
    uint64_t asked, start_us;
    struct wilco_user_property *users; /* of the message at hand */

    uint64_t published, identical, different, unknown; /* answers: without a recorded one */
};

void replay_init(struct replay *r, const struct recording *recording,
                 const struct replay_options *o, struct wilco *client);
void replay_fini(struct replay *r);

/* As of struct asker_plan. */
enum asker_next replay_next(struct replay *r, struct question *q);

/* Whether the answer is as it was recorded, byte by byte and with the same status; counts it. What
 * has no recorded answer is. */
bool replay_compare(struct replay *r, const struct ending *e);

#endif
