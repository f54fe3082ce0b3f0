#ifndef WILCO_MUTATE_STAGE_H
#define WILCO_MUTATE_STAGE_H

#include "author.h"
#include "support/referee.h"
#include "vandal.h"

#define STAGE_PEOPLE        6U
#define STAGE_PENDING_BYTES 8192U
#define STAGE_ROUND_PACKETS 4000U /* spoiled ones, before everything begins anew */
#define STAGE_PROBE_PACKETS 64U   /* between two requests of the probe */

/* A client whose packets are spoiled, some of them. */
struct person {
    struct author author;
    struct rig_client client;
    struct referee_line line;
    bool has_begun; /* its first packet has been sent */
    bool is_silent; /* has sent a part of it, and will send no more */
    size_t pending_len;
    uint8_t pending[STAGE_PENDING_BYTES]; /* written, and not yet sent */
};

/* Two that stick to the rules: one asks, the other one answers. */
struct probe {
    struct rig_client asker;
    struct rig_client answerer;
    struct referee_line asker_line;
    struct referee_line answerer_line;
    char response_topic[INBOX_TEXT_BYTES];
    uint16_t last_id;
};

/* A broker and those before it. A seed and nothing else decides what happens; whatever is not as
 * it should be ends the program. */
struct stage {
    struct rig r;
    struct dice dice;
    struct referee referee;
    struct person people[STAGE_PEOPLE];
    struct probe probe;
    uint64_t spoiled; /* packets */
    uint64_t packets; /* of both sides, spoiled or not */
    uint64_t probes;  /* requests that were answered */
    uint64_t connections;
};

/* One round, from an empty broker to an empty broker. */
void stage_run(struct stage *s, uint64_t seed);

#endif
