#ifndef WILCO_CLI_SERVICE_QUERY_H
#define WILCO_CLI_SERVICE_QUERY_H

#include "cli/connection.h"
#include "cli/service.h"

/* Asks a broker about the services of its clients, and waits for all that it has to tell. */
struct service_query {
    const char *kind;      /* "PING", "INFO" or "STATS" */
    const char *name, *id; /* of the instances that are meant; NULL: all */
    uint32_t timeout_ms;   /* 0: the library's */
};

struct services {
    struct service *all; /* in the order of the answers */
    size_t count;
};

/* Main thread. 0, or the exit code when it has said what is wrong: also when there is none. */
int service_query_run(struct connection *connection, const struct service_query *q,
                      struct services *out);
/* The same, but says nothing when there is none: `*out` is empty then. */
int service_query_run_for_any(struct connection *connection, const struct service_query *q,
                              struct services *out);
void services_fini(struct services *s);

#endif
