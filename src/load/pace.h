#ifndef WILCO_LOAD_PACE_H
#define WILCO_LOAD_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* When what is to be sent in an open loop: at equal distances, whatever the server does. The time
 * is the caller's. */
struct pace {
    uint64_t start_ns;
    double interval_ns;
    uint64_t next; /* the number of the next one */
};

struct pace pace_of(double per_second, uint64_t start_ns);
/* When number `n` is due. */
uint64_t pace_due_ns(const struct pace *p, uint64_t n);
/* Takes the next one if it is due. */
bool pace_take(struct pace *p, uint64_t now_ns);
/* Nanoseconds until the next one is due; 0: it is. */
uint64_t pace_wait_ns(const struct pace *p, uint64_t now_ns);

#endif
