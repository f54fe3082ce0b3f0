#ifndef WILCO_LOAD_HOLDINGS_H
#define WILCO_LOAD_HOLDINGS_H

#include "load/run.h"

/* Many subscriptions: `each` of every peer, all different, asked for in packets of up to a hundred.
 */
struct holdings {
    struct run *run;
    unsigned each;
    const char *tail; /* of every filter: "", "/+" or "/#" */
    uint32_t *asked;  /* by peer */
    uint64_t open;    /* subscriptions that are not yet acknowledged */
};

/* For so many peers; their subscriptions are open from now on. A failure is the run's. */
void holdings_init(struct holdings *h, struct run *run, uint32_t peers, const char *tail);
void holdings_fini(struct holdings *h);
/* Asks for the next ones of `p`, if there are any, in `out`. */
void holdings_ask(struct holdings *h, struct peer *p);
/* A SUBACK has come; asks for more. */
void holdings_take(struct holdings *h, struct peer *p, const struct arrival *a);

#define HOLDINGS_TOPIC_BYTES 128U
/* The topic of subscription `n` of a peer, without the tail. */
void holdings_topic(const struct holdings *h, uint32_t peer, uint32_t n,
                    char out[HOLDINGS_TOPIC_BYTES]);

#endif
