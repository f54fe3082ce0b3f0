#ifndef WILCO_CLI_EXCHANGE_H
#define WILCO_CLI_EXCHANGE_H

#include "cli/message_json.h"

#include <stdint.h>

/* A line of a recording: a message with when it came, and, if it is a response, what it answers. */
struct exchange {
    uint64_t id;          /* from 1, rising */
    uint64_t time_us;     /* since the recording began */
    uint64_t response_to; /* the id of the request; 0: it is no response to one that is there */
    struct view message;

    json_t *object;                    /* read: what the message borrows from ... */
    struct message_json_memory memory; /* ... likewise */
};

/* From the heap, without a line break. */
char *exchange_write(const struct exchange *e);
/* False when it is no such line; nothing is to be given back then. */
bool exchange_read(struct exchange *out, struct wilco_bytes line);
void exchange_fini(struct exchange *e); /* of one that was read */

bool exchange_is_request(const struct exchange *e);

/* Of a message that was read. Its texts end in zero, as JSON's strings do. */
const char *exchange_user_property(const struct view *m, const char *name); /* NULL: none */
/* Whether it is one of those that the library sets itself, of whoever is asking or answering. */
bool exchange_is_librarys(const struct view_pair *user_property);

#endif
