#ifndef WILCO_BROKER_SERVER_EAR_H
#define WILCO_BROKER_SERVER_EAR_H

#include "base/wheel.h"
#include "net/loop.h"

struct driver;
struct listener;

/* One driver's watch on one listening socket. All drivers watch all listeners; the kernel wakes one
 * of them. When there are no descriptors left to accept with, the ear is shut for a moment, so that
 * a connection that waits does not keep the driver busy. */
struct ear {
    struct loop_source source; /* fd is the listener's; -1: closed for good */
    struct timer pause;
    const struct listener *listener;
};

#define EAR_PAUSE_MS 100U

/* `l` outlives the driver. WILCO_EIO: errno. */
WILCO_MUST_CHECK enum wilco_status ear_open(struct driver *d, struct ear *ear,
                                            const struct listener *l);
void ear_close(struct driver *d, struct ear *ear);

/* Accepts some of those who wait. */
void ear_ready(struct driver *d, struct ear *ear);
void ear_timer_fired(struct driver *d, struct ear *ear);

#endif
