#ifndef WILCO_BROKER_SERVER_PRIVILEGES_H
#define WILCO_BROKER_SERVER_PRIVILEGES_H

#include "base/compiler.h"
#include "base/status.h"

#include <stdbool.h>
#include <sys/types.h>

/* Who the process is. Root is needed to bind a low port or to read a key that is root's alone, and
 * for nothing after that. */
struct privileges_user {
    char name[64];
    uid_t uid;
    gid_t gid;
    bool is_change; /* false: the process stays who it is */
};

#define PRIVILEGES_REASON_BYTES 300U

/* Who a process that runs as `euid` is to become. `wanted` is the user that the configuration
 * names:
 * "" is the first of "wilco" and "nobody" that this machine has; "root" stays root. Who is not root
 * stays who he is, whatever is wanted. WILCO_EINVAL: there is no such user, and `reason` says so.
 */
WILCO_MUST_CHECK enum wilco_status privileges_find(struct privileges_user *out, const char *wanted,
                                                   uid_t euid,
                                                   char reason[PRIVILEGES_REASON_BYTES]);

/* Becomes this user, with his groups and no others, for good. Before any thread is made. WILCO_EIO:
 * the system does not let us, and `reason` says why; the process must not go on then. */
WILCO_MUST_CHECK enum wilco_status privileges_become(const struct privileges_user *user,
                                                     char reason[PRIVILEGES_REASON_BYTES]);

/* Gives up every capability, for the calling thread and those it makes, and what could bring one
 * back (no-new-privileges). WILCO_EIO: errno. */
WILCO_MUST_CHECK enum wilco_status privileges_give_up(void);

/* No core file and no other process of this user shall have what is in our memory: no core dumps,
 * no attaching of debuggers. WILCO_EIO: errno. Becoming another user does the second as well, so it
 * is called after that where it is to be seen, and may be called twice. */
WILCO_MUST_CHECK enum wilco_status privileges_hide_memory(void);

#endif
