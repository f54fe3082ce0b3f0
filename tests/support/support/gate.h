#ifndef WILCO_SUPPORT_GATE_H
#define WILCO_SUPPORT_GATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* A counter that one thread raises and another waits for. */
struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t raised;
    size_t count;
};

void gate_init(struct gate *g);
void gate_fini(struct gate *g);
void gate_raise(struct gate *g);
/* Waits until the counter has reached `count`; false after 60 seconds. */
bool gate_wait(struct gate *g, size_t count);
size_t gate_count(struct gate *g);

#endif
