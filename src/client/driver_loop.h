#ifndef WILCO_CLIENT_DRIVER_LOOP_H
#define WILCO_CLIENT_DRIVER_LOOP_H

#include "client/client.h"

/* A client whose owner calls wilco_process(): the functions of wilco/loop.h. */

/* Writes what can be written at once, and tells whatever is outstanding. Waits for a
 * wilco_process() in another thread. */
void driver_loop_stop(struct wilco *c);

#endif
