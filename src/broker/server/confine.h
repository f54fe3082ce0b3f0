#ifndef WILCO_BROKER_SERVER_CONFINE_H
#define WILCO_BROKER_SERVER_CONFINE_H

#include "broker/server/config/config.h"
#include "broker/server/listener.h"

/* What a broker gives up once it has what it needs: root (privileges.h), and everything that a
 * broker never does (sandbox.h). Builds with sanitizers or coverage in them need what is given up
 * here to say what they have found: they have confine_off.c in the place of confine.c. */

#define CONFINE_REASON_BYTES 300U

/* What is read again, and by whom it was asked for. All of it is borrowed. */
struct confinement {
    const struct config *config;
    const char *config_path; /* NULL: none */
    const struct logger *log;
};

/* Before secrets are read: hides memory (privileges_hide_memory()), unless config->core_dumps.
 * WILCO_EINVAL: there is no such user as config->user. WILCO_EIO: memory cannot be hidden. Then
 * `reason` says so. */
WILCO_MUST_CHECK enum wilco_status confine_prepare(const struct config *config,
                                                   char reason[CONFINE_REASON_BYTES]);

/* When all sockets are open and no thread is made: changes the user, and puts up the sandbox if
 * config->has_sandbox. What the kernel does not have of the sandbox is logged, and done without
 * (event=sandbox_incomplete). WILCO_EINVAL, WILCO_EIO: the user cannot be changed, and `reason`
 * says why; the broker must not run. */
WILCO_MUST_CHECK enum wilco_status confine_process(const struct confinement *c,
                                                   const struct listener_set *listeners,
                                                   char reason[CONFINE_REASON_BYTES]);

#endif
