#ifndef WILCO_CLIENT_CALLBACKS_H
#define WILCO_CLIENT_CALLBACKS_H

#include "client/client.h"

/* Run what is due, one callback after the other; entered with the lock, which is not held while one
 * runs. */
void callbacks_tell(struct wilco *c);
/* Lets the application answer the server's challenge, if there is one. */
void callbacks_authenticate(struct wilco *c);

#endif
