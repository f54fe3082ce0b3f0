#ifndef WILCO_CLI_PUBLISHER_H
#define WILCO_CLI_PUBLISHER_H

#include "cli/connection.h"
#include "wilco/wilco.h"

#include <stdatomic.h>
#include <stdbool.h>

/* So many publications may wait for their acknowledgements. */
#define PUBLISHER_PENDING_MAX 1024U

/* Publishes one message after the other without waiting for each, in order, and remembers the first
 * that failed. Main thread; the library's thread reports what has ended, and wakes it. */
struct publisher {
    struct connection *connection;
    const char *topic;
    atomic_uint pending;
    atomic_flag is_noted; /* the first failure is, or is about to be */
    atomic_bool has_failed;
    enum wilco_status status; /* of the first that failed; read after has_failed */
    uint8_t reason_code;
};

void publisher_init(struct publisher *p, struct connection *connection, const char *topic);

/* Whether there is no use in going on: one has failed, the connection is lost, or a signal came. */
bool publisher_is_over(const struct publisher *p);
bool publisher_is_full(const struct publisher *p);

/* Hands one message over; waits only when too much is queued. */
void publisher_add(struct publisher *p, const struct wilco_publish *message);

/* Waits until all have ended, or it is over. 0, or the exit code when it has said what is wrong.
 * The connection is to be closed while the publisher still exists. */
int publisher_finish(struct publisher *p);

#endif
