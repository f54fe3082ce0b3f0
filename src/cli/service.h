#ifndef WILCO_CLI_SERVICE_H
#define WILCO_CLI_SERVICE_H

#include "wilco/wilco.h"

#include <stdbool.h>
#include <stdint.h>

/* An instance of a service, as a broker describes it in an answer to $SRV/PING, INFO or STATS
 * (docs/services.md). What the answer does not say is "" or 0. */
struct service_endpoint {
    char *filter, *group, *last_error;
    uint64_t requests, errors;
    uint64_t average_ns; /* of those that were answered */
};

struct service {
    char *name; /* "": of all who have subscribed with a filter and have not said what they are */
    char *version, *id, *description, *client_id, *started;
    char *metadata;           /* "unit=mm zone=3" */
    uint64_t members, online; /* one instance, or how many have not said what they are */
    struct service_endpoint *endpoints;
    size_t endpoint_count;
    uint64_t took_us; /* until the answer was there; the asker's to fill */
    char *json;       /* the answer as it came */
};

/* False when it is no such answer; nothing is to be given back then. */
bool service_parse(struct service *out, struct wilco_bytes json);
void service_fini(struct service *s);

/* The answer, with the time that it took as `round_trip_us`; to be given back with free(). */
char *service_json_with_time(const struct service *s);

#endif
