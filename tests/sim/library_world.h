#ifndef WILCO_LIBRARY_WORLD_H
#define WILCO_LIBRARY_WORLD_H

#include "library_requester.h"
#include "library_responder.h"

#define LIBRARY_RESPONDERS_MAX 3U

/* A broker, one requester and some responders that are libwilco's, and what befalls them. */
struct library_world {
    struct sim sim;
    struct settings settings;
    unsigned shard_count;
    struct library_requester requester;
    struct library_responder responders[LIBRARY_RESPONDERS_MAX];
    unsigned responder_count;
    bool is_healing; /* nothing is broken any more, and what is dead comes back */
    unsigned faults; /* so far */
    struct circumstances circumstances;
};

/* One run; a seed and nothing else decides about it. */
void library_world_run(struct library_world *w, uint64_t seed, bool is_verbose);

#endif
