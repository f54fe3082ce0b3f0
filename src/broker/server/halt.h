#ifndef WILCO_BROKER_SERVER_HALT_H
#define WILCO_BROKER_SERVER_HALT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Makes the threads of a group stand still, all at once, for as long as it takes to change
 * something that they read without asking. Each thread calls halt_wait() at a place where it is in
 * the middle of nothing, whenever halt_is_wanted(). */
struct halt {
    atomic_bool is_wanted;
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t changed;
    unsigned standing;
};

void halt_init(struct halt *h);
void halt_fini(struct halt *h);

/* By the threads. */
static inline bool
halt_is_wanted(struct halt *h)
{
    return atomic_load_explicit(&h->is_wanted, memory_order_relaxed);
}
/* Stands still until it is over. What was changed is seen from here on. */
void halt_wait(struct halt *h);

/* By one other thread at a time: asks for a halt. Then every thread must be woken. */
void halt_ask(struct halt *h);
/* Waits until `count` threads stand still, runs `change`, and lets them go. */
void halt_run(struct halt *h, unsigned count, void (*change)(void *context), void *context);

#endif
