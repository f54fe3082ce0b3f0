#ifndef WILCO_CLIENT_DRIVER_THREAD_H
#define WILCO_CLIENT_DRIVER_THREAD_H

#include "client/client.h"

/* Moves bytes and time between a client's connection and its core, and runs the callbacks: first in
 * the thread that opens the client, until CONNACK; then in a thread of its own, for good. */
struct driver;

struct driver *driver_new(struct wilco *c); /* NULL: out of memory */
void driver_free(struct driver *d);         /* only one that was not started; NULL is allowed */

/* Until the core is no longer connecting. The lock is not held. */
void driver_handshake(struct driver *d);
/* Starts the thread, which owns `d` from then on. WILCO_ENOMEM: `d` is still the caller's. */
WILCO_MUST_CHECK enum wilco_status driver_start(struct driver *d);
/* Lets the thread finish: what is queued is written, as long as the server takes it, and whatever
 * is outstanding told. */
void driver_stop(struct wilco *c);

#endif
