#ifndef WILCO_CLIENT_DRIVER_THREAD_H
#define WILCO_CLIENT_DRIVER_THREAD_H

#include "client/client.h"

/* Moves bytes and time between a client's connection and its core, and runs the callbacks: first in
 * the thread that opens it, until CONNACK; then in a thread of its own, for good. */
struct driver {
    struct wilco *client;
    uint8_t *input; /* DRIVER_INPUT_BYTES */
};

#define DRIVER_INPUT_BYTES 65536U

/* Until the core is no longer connecting. The lock is not held. */
void driver_handshake(struct wilco *c, uint8_t *input);
/* Starts the thread, which takes `input` over. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status driver_start(struct wilco *c, uint8_t *input);
/* Lets the thread finish: what is queued is written, within a second, and whatever is outstanding
 * told. */
void driver_stop(struct wilco *c);

#endif
