#ifndef WILCO_CLI_SERVICE_COMMAND_H
#define WILCO_CLI_SERVICE_COMMAND_H

#include "cli/command.h"
#include "cli/connection.h"
#include "cli/service_query.h"

/* What `wilco ls`, `info`, `stats` and `ping` share: a question to the broker, once or again and
 * again, whose answers are written. */
struct service_command {
    const char *name, *id; /* the words NAME and ID, or NULL */
    bool json;
    struct option_number timeout_ms, interval_ms;
    struct option_number count; /* of the rounds; not set: one, unless `watch` */
    bool watch;
    struct connection_options connection;
};

extern const struct option service_rows[];       /* --json and --timeout */
extern const struct option service_again_rows[]; /* --interval */

struct service_command_plan {
    const struct command *command;
    const char *kind; /* "PING", "INFO" or "STATS" */
    void (*write)(const struct service_command *c, const struct services *s);
};
/* All of the command, from its command line on. */
int service_command_run(const struct service_command_plan *plan, int argc, char **argv);

/* "-" for what is empty, as an empty cell of a table is hard to see. */
const char *service_cell(const char *text);

#endif
