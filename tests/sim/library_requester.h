#ifndef WILCO_LIBRARY_REQUESTER_H
#define WILCO_LIBRARY_REQUESTER_H

#include "library_asked.h"
#include "library_link.h"

#define ASKED_MAX 20U

/* A process that asks for "do". */
struct library_requester {
    struct library_link link;
    bool keeps_session;
    struct asked asked[ASKED_MAX];
    unsigned asked_count;
};

void library_requester_init(struct library_requester *q, struct sim *s);
void library_requester_start(struct library_requester *q);
void library_requester_run(struct library_requester *q);
/* Asks for something, unless it has asked for all that it will. */
void library_requester_ask(struct library_requester *q);
/* Takes back any request. */
void library_requester_cancel(struct library_requester *q);
/* Ends while nobody listens: all that it has asked for has ended then. */
void library_requester_stop(struct library_requester *q);

#endif
