#ifndef WILCO_BROKER_CORE_REQUEST_DEADLINES_H
#define WILCO_BROKER_CORE_REQUEST_DEADLINES_H

#include "base/wheel.h"

struct request;
struct shard;

/* The deadlines of a shard's requests. Nearly all requests are answered long before, so a new one
 * does not go to the timer wheel at once, which costs much more than a list: only when it is not
 * answered after a while (REQUEST_FRESH_MS to twice that), or if its deadline is near. */
#define REQUEST_FRESH_MS UINT64_C(10)

struct request_deadlines {
    struct list fresh; /* came after the timer last fired */
    struct list aging; /* was there when it did */
    struct timer timer;
};

void request_deadlines_init(struct request_deadlines *d);

/* When the request ends unanswered, on the clock of its shard, whoever has it by then. */
uint64_t request_deadline_ms(const struct request *r);
/* Sees to it that request_timer_fired() is called then. */
void request_deadlines_add(struct shard *s, struct request *r);
void request_deadlines_remove(struct shard *s, struct request *r);
void request_deadlines_timer_fired(struct shard *s);

#endif
