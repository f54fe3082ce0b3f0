#ifndef WILCO_CLI_ASKER_H
#define WILCO_CLI_ASKER_H

#include "cli/connection.h"
#include "cli/latencies.h"
#include "cli/options.h"
#include "cli/response_writer.h"

/* How often to ask, and how fast. */
struct repeat {
    struct option_number count, in_flight;
    double rate; /* per second; 0: as fast as the answers come */
};
extern const struct option repeat_rows[]; /* whose target is a struct repeat */

/* So many may wait for their answers at once. */
#define ASKER_IN_FLIGHT_MAX 65536U

/* Asks, once or again and again, and writes what comes. Main thread. */
struct asker;

struct asker_options {
    struct connection *connection;
    const struct wilco_request *request; /* what to ask; outlives the asker */
    const struct repeat *repeat;
    bool by_line; /* each line of standard input is the payload of a request */
    struct response_writer *writer;
};

/* What it came to, of all that were asked. */
#define ASKER_STATUSES 32U
struct asker_outcome {
    uint64_t asked, answered;
    uint64_t failed[ASKER_STATUSES]; /* by enum wilco_status, without its sign */
    struct latencies latencies;      /* of those that were answered */
};

struct asker *asker_new(const struct asker_options *options);
/* Until all have ended, or a signal came: those that have not ended are then cancelled. The exit
 * code, which is that of the first one that failed. */
int asker_run(struct asker *a);
/* After asker_run(). */
const struct asker_outcome *asker_outcome(const struct asker *a);
void asker_free(struct asker *a); /* after the connection is closed */

/* Whether it is worth telling in numbers: more than one was to be asked. */
bool repeat_is_wanted(const struct repeat *r);
/* Says that on standard error. */
void asker_say_outcome(const struct asker_outcome *o);

#endif
