#ifndef WILCO_LIBRARY_RESPONDER_H
#define WILCO_LIBRARY_RESPONDER_H

#include "library_asked.h"
#include "library_link.h"

#define CALLS_MAX 64U

/* A call that has been executed, and what will be done with it. */
struct executed {
    struct wilco_call *call; /* NULL: the place is free */
    unsigned number;
    uint64_t until_ms;
    enum { ANSWER_WELL, ANSWER_BADLY, ANSWER_NOT, ANSWER_WAYS } how;
};

/* A process with one responder for "do", which counts in `asked` what it executes. */
struct library_responder {
    struct library_link link;
    struct asked *asked;
    struct wilco_responder how;
    struct executed executed[CALLS_MAX];
};

/* Draws how it is to be; `group` NULL: none. It does not run yet. Who may not be busy has no limit
 * to what it does at a time, and answers nothing with 429. */
void library_responder_init(struct library_responder *r, struct sim *s, struct asked *asked,
                            const char *group, bool may_be_busy);
void library_responder_start(struct library_responder *r);
/* Time, callbacks, and the answers that are due. */
void library_responder_run(struct library_responder *r);
/* It dies, and with it what it knew. Harmless twice. */
void library_responder_kill(struct library_responder *r);

#endif
