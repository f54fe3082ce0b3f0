#ifndef WILCO_LOAD_RESPONDERS_H
#define WILCO_LOAD_RESPONDERS_H

#include "load/run.h"

/* The first peers of a crowd, who answer requests. Responses that are more than the server's
 * Receive Maximum wait here until it has acknowledged others. */
struct responders {
    struct run *run;
    struct buffer *held; /* by peer */
};

/* As many as the options say. A failure is the run's. */
void responders_init(struct responders *r, struct run *run);
void responders_fini(struct responders *r);

/* Puts the response into `out`, or keeps it. */
void responders_take_request(struct responders *r, struct peer *p, const struct arrival *a);
void responders_take_ack(struct responders *r, const struct peer *p);

#endif
