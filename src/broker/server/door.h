#ifndef WILCO_BROKER_SERVER_DOOR_H
#define WILCO_BROKER_SERVER_DOOR_H

#include "base/buffer.h"
#include "base/mailbox.h"
#include "base/wheel.h"
#include "net/loop.h"
#include "net/stream.h"

struct driver;
struct guest;
struct listener;

/* Where a new connection waits until its handshakes are over and its CONNECT is here, because only
 * the client identifier in it says which shard it belongs to. Owned by the driver that accepted it,
 * then handed over with the bytes that have arrived. A door on which nobody has knocked yet owns no
 * buffer. */
struct door {
    struct mailbox_node arrival; /* in the arrivals of the driver it is handed to */
    struct list link;            /* in driver->doors */
    struct loop_source source;
    struct timer timer; /* to CONNECT */
    struct stream *stream;
    const struct listener *listener; /* by which it came in */
    struct guest *guest;             /* its address, if that is counted */
    bool awaits_proxy;               /* which has not yet said who it is, so that is not counted */
    struct buffer bytes; /* all that has arrived, when that is not yet a whole CONNECT */
};

/* Takes the accepted socket `fd`, which comes `from` there and came in by `listener`, and `guest`
 * (NULL is allowed), who has left when it is closed. Without memory that is at once. */
void door_open(struct driver *d, int fd, const struct address *from,
               const struct listener *listener, struct guest *guest);
/* Reads once, or until nothing is pending. A whole CONNECT goes to its shard; whatever cannot be
 * one goes to a conn of this shard, which knows the right answer. */
void door_ready(struct driver *d, struct door *door);
void door_timer_fired(struct driver *d, struct door *door);

/* A door handed over, in the driver that it was handed to: becomes a peer, or is closed if the
 * driver is stopping. */
void door_arrive(struct driver *d, struct door *door);
void door_close(struct driver *d, struct door *door);

#endif
