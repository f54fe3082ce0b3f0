#ifndef WILCO_CLI_SERVICE_LIST_H
#define WILCO_CLI_SERVICE_LIST_H

#include "cli/service_query.h"

/* Services, each with all its instances: those of one name and version. What has no name is by
 * itself. */
struct service_kind {
    const struct service *first; /* borrowed, like `instances` */
    const struct service **instances;
    size_t instance_count;
    uint64_t members, online; /* of all */
};

struct service_list {
    struct service_kind *kinds; /* in the order of the answers */
    size_t count;
};

struct service_list service_list_of(const struct services *s);
void service_list_fini(struct service_list *l);

/* A table, and one JSON object a line, on standard output. */
void service_list_write(const struct service_list *l);
void service_list_write_json(const struct service_list *l);

#endif
