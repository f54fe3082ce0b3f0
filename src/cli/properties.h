#ifndef WILCO_CLI_PROPERTIES_H
#define WILCO_CLI_PROPERTIES_H

#include "cli/options.h"
#include "wilco/wilco.h"

#include <stdbool.h>

/* The PUBLISH properties that a command line asks for. */
struct properties {
    const char *content_type, *response_topic;
    struct wilco_bytes correlation_data; /* data == NULL: none */
    bool is_utf8;
    struct option_number expiry_s;
    struct wilco_user_property *user; /* an array from the heap */
    size_t user_count;
    char **user_names;                 /* copies, for `user`; its values are borrowed */
    unsigned char *correlation_memory; /* what --correlation-hex needed */
};

void properties_fini(struct properties *p);

/* Rows whose target is a struct properties. What every message that the tool sends may carry ... */
extern const struct option properties_common_rows[];
/* ... and what makes it a request. */
extern const struct option properties_request_rows[];

#endif
