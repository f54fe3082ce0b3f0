#ifndef WILCO_LIBRARY_ASKED_H
#define WILCO_LIBRARY_ASKED_H

#include "sim.h"

#include "wilco/wilco.h"

/* A request: what was asked, what libwilco has said of it, and what has happened to it. */
struct asked {
    const struct sim *sim;
    unsigned number;
    uint8_t correlation_data[16];
    struct wilco_request request;
    uint64_t call; /* for wilco_request_cancel() */
    uint64_t asked_ms;
    bool is_cancelled; /* by its asker */
    bool is_left;      /* its asker's client has been closed since */
    unsigned executions;
    unsigned executions_late; /* of these, when the asker had ceased to wait: memory ends there */

    unsigned ends;
    uint64_t ended_ms;
    enum wilco_status status;
    struct wilco_error error;
    unsigned answer; /* the number in the response; UINT_MAX: none */
};

/* How strict a judge can be. */
struct circumstances {
    bool is_alone;      /* there is one responder, or each request goes to one of a group */
    bool has_one;       /* there is one responder */
    bool is_exact;      /* what is asked at QoS 2 comes at QoS 2 */
    bool has_forgotten; /* a responder has lost its memory of what it has executed */
    bool is_peaceful;   /* nothing has been broken */
    bool may_be_busy;   /* responders have limits, and do not die */
};

/* Somebody executes it. */
void asked_execute(struct asked *a);
/* Ends the program when what was said is not what has happened. */
void asked_judge(const struct asked *a, const struct circumstances *c);

struct asked_tally {
    unsigned long requests, executed, executed_again;
    unsigned long by_status[32]; /* of enum wilco_status, without its sign */
    unsigned long failed[WILCO_EXECUTED_YES + 1];
};
void asked_count(const struct asked *a, struct asked_tally *sum);

#endif
