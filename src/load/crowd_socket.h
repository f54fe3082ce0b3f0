#ifndef WILCO_LOAD_CROWD_SOCKET_H
#define WILCO_LOAD_CROWD_SOCKET_H

#include "net/address.h"

#include <stdbool.h>

/* A socket that is connecting to `server`; with `sources`, from 127.0.0.2 and following, in turns
 * by `index`: one address has ports for less than 30 000 connections. WILCO_EIO: errno. */
WILCO_MUST_CHECK enum wilco_status crowd_socket(const struct address *server, unsigned sources,
                                                uint32_t index, int *fd);
/* Lets this process have `count` descriptors and some more; false: errno. */
bool crowd_raise_descriptors(uint32_t count);

#endif
