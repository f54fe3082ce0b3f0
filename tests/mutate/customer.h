#ifndef WILCO_MUTATE_CUSTOMER_H
#define WILCO_MUTATE_CUSTOMER_H

#include "dice.h"

#include "wilco/wilco.h"

#define CUSTOMER_DEEDS 128U
#define CUSTOMER_CALLS 16U

/* Something that was asked of the library, and must come to an end. */
struct deed {
    bool is_started;
    bool is_request;
    unsigned ends;
    enum wilco_status status;
    uint8_t correlation[16]; /* of a request */
    bool may_be_answered;    /* the server has written something with this correlation */
    uint64_t call;
    struct wilco_error error;
    struct wilco_tally tally;
};

/* An application of libwilco's without threads and sockets (WILCO_IO_NONE), which uses all there
 * is, and whose every call must end with a status. */
struct customer {
    struct dice *dice;
    uint64_t now_ms;
    uint64_t random_state;
    struct wilco *client;
    size_t deed_count;
    struct deed deeds[CUSTOMER_DEEDS];
    size_t call_count;
    struct wilco_call *calls[CUSTOMER_CALLS];
    struct wilco_responses *responses; /* NULL: none */
    uint64_t messages, answered;       /* so far */
    unsigned closed;                   /* how often that was told */
};

void customer_open(struct customer *c, struct dice *d);
/* Does one thing, or several. */
void customer_act(struct customer *c);
/* Time and callbacks. */
void customer_run(struct customer *c, uint64_t ms);
/* The end: all deeds must have ended, once each, and no request is said to be answered that cannot
 * be. */
void customer_close(struct customer *c);

#endif
