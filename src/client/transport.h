#ifndef WILCO_CLIENT_TRANSPORT_H
#define WILCO_CLIENT_TRANSPORT_H

#include "client/client.h"

/* The connection below a client: made when its core wants one, closed when the core has done with
 * it, without ever blocking but for looking up a name. All of it under the lock; where somebody
 * else moves the bytes (WILCO_IO_NONE) there is nothing here to do. */

/* Makes what there is what the core wants. Looks names up without the lock. */
void transport_follow(struct wilco *c);
/* What to poll() for; fd -1: nothing. */
int transport_fd(const struct wilco *c);
short transport_events(const struct wilco *c);
/* What to poll() for before `s` can be read or written. */
short transport_events_of(const struct stream *s, bool writing);
/* Whether poll() has said what reading, or the end of the connection, waits for. */
bool transport_is_readable(const struct wilco *c, short revents);
/* When to follow next, if nothing happens: the core's deadlines included. UINT64_MAX: never. */
uint64_t transport_deadline_ms(const struct wilco *c);
/* Whether there are bytes to read that poll() does not tell of. */
bool transport_has_pending(const struct wilco *c);
/* Whether transport_follow() has something to do now. */
bool transport_is_due(const struct wilco *c);
/* Reads once, if there is anything, and feeds the core. */
void transport_read(struct wilco *c);
/* The core is closed: makes an end without a word more. */
void transport_drop(struct wilco *c);

#endif
