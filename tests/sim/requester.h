#ifndef WILCO_SIM_REQUESTER_H
#define WILCO_SIM_REQUESTER_H

#include "actor.h"

/* Asks, and checks what comes of it: only responses that are due come, only his own, and the ledger
 * is told of each. */
struct requester {
    struct actor actor;
    bool answers_to_inbox; /* or to a topic of its own */
    bool subscribes_inbox; /* although that is assigned */
};

/* What can be asked. */
struct question {
    enum reach reach;
    char topic[16];
};

void requester_init(struct requester *q, struct ledger *l, unsigned number);
void requester_ask(struct requester *q, const struct question *what);
/* Cancels one that it has asked, whatever has become of it. */
void requester_cancel(struct requester *q);
/* Acknowledges one, or all. False: there was nothing, or it cannot. */
bool requester_acknowledge(struct requester *q, bool all);

#endif
