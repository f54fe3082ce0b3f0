#ifndef WILCO_NET_SOCKET_H
#define WILCO_NET_SOCKET_H

#include "net/address.h"

/* Sockets: listening, accepting, connecting. Every descriptor is non-blocking and close-on-exec. On
 * WILCO_EIO, errno says why. */

/* Listens with SO_REUSEADDR; a stale Unix socket file is replaced only when nobody answers on it,
 * and is left behind when the descriptor is closed. An IPv6 address takes no IPv4 connections.
 * `*bound` gets the address with the port the system chose. */
WILCO_MUST_CHECK enum wilco_status socket_listen(const struct address *a, int backlog, int *fd,
                                                 struct address *bound);
/* WILCO_AGAIN: nobody waits. WILCO_ELIMIT: out of descriptors or memory (EMFILE, ENFILE, ENOBUFS,
 * ENOMEM). */
WILCO_MUST_CHECK enum wilco_status socket_accept(int listener, int *fd, struct address *peer);
/* Starts to connect. WILCO_OK: connected already. WILCO_AGAIN: wait until it is writable, then ask
 * socket_connected(). After WILCO_EIO there is no descriptor. */
WILCO_MUST_CHECK enum wilco_status socket_connect(const struct address *a, int *fd);
/* WILCO_AGAIN: not yet. WILCO_EIO: it failed; close the descriptor. */
WILCO_MUST_CHECK enum wilco_status socket_connected(int fd);

#endif
