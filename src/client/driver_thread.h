#ifndef WILCO_CLIENT_DRIVER_THREAD_H
#define WILCO_CLIENT_DRIVER_THREAD_H

#include "client/client.h"

/* Moves bytes and time between a client's connections and its core, and runs the callbacks: first
 * in the thread that opens the client, until CONNACK; then in a thread of its own, for good. */

/* Until the core is no longer connecting. The lock is not held. */
void driver_handshake(struct wilco *c);
WILCO_MUST_CHECK enum wilco_status driver_start(struct wilco *c); /* WILCO_ENOMEM */
/* Lets the thread finish: what is queued is written, as long as the server takes it, and whatever
 * is outstanding told. */
void driver_stop(struct wilco *c);

#endif
