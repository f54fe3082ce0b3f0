#ifndef WILCO_CLI_ASKER_H
#define WILCO_CLI_ASKER_H

#include "cli/connection.h"
#include "cli/latencies.h"

/* Asks one request after the other, so many at once, and counts what becomes of them. What to ask
 * and when, and what to do with the answers, is its user's. Main thread. */
struct asker;

/* So many may wait for their answers at once. */
#define ASKER_IN_FLIGHT_MAX 65536U

/* The next request. */
struct question {
    struct wilco_request request; /* what it points to stays until the next one is wanted */
    uint64_t due_us;              /* when it was to be asked: its latency counts from there */
    uint64_t tag;                 /* the user's own, for the end of it */
};

enum asker_next {
    ASKER_ASK,
    ASKER_LATER, /* not before due_us, or a signal */
    ASKER_AGAIN, /* something else was done, or waited for */
    ASKER_END,
    ASKER_FAILED, /* which has been said: it ends with EXIT_CODE_USAGE */
};

/* How a request ended. */
struct ending {
    uint64_t tag;
    const char *topic;
    enum wilco_status status;
    const struct wilco_message *response; /* NULL: none */
    const struct wilco_error *error;
};

struct asker_plan {
    struct connection *connection;
    size_t in_flight_max;
    enum asker_next (*next)(void *context, struct question *q); /* `*q` is all zero but due_us */
    /* Never at the same time. On the library's thread, or the main thread when asking fails. */
    void (*part)(void *context, const struct wilco_message *part);
    int (*ended)(void *context, const struct ending *e); /* the exit code for it */
    /* Those that have not ended are about to be cancelled; NULL is allowed. */
    void (*cancelled)(void *context);
    bool (*is_over)(void *context); /* there is no use in going on */
    void *context;
};

/* What it came to, of all that were asked. */
#define ASKER_STATUSES 32U
struct asker_outcome {
    uint64_t asked, answered;
    uint64_t failed[ASKER_STATUSES]; /* by enum wilco_status, without its sign */
    struct latencies latencies;      /* of those that were answered */
};

struct asker *asker_new(const struct asker_plan *plan);
/* Until all have ended; on a signal those that have not are cancelled, so that their responders
 * hear of it. The exit code, which is that of the first one that failed. */
int asker_run(struct asker *a);
const struct asker_outcome *asker_outcome(const struct asker *a); /* after asker_run() */
void asker_free(struct asker *a);                                 /* after the connection's end */

uint64_t asker_outcome_failed(const struct asker_outcome *o); /* of all reasons */
void asker_say_outcome(const struct asker_outcome *o);        /* on standard error */

#endif
