#define _POSIX_C_SOURCE 200809L

#include "support/gate.h"

#include <errno.h>
#include <time.h>

#define PATIENCE_S 60

void
gate_init(struct gate *g)
{
    pthread_condattr_t attributes;

    (void)pthread_mutex_init(&g->mutex, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&g->raised, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    g->count = 0;
}

void
gate_fini(struct gate *g)
{
    (void)pthread_cond_destroy(&g->raised);
    (void)pthread_mutex_destroy(&g->mutex);
}

void
gate_raise(struct gate *g)
{
    (void)pthread_mutex_lock(&g->mutex);
    g->count++;
    (void)pthread_cond_broadcast(&g->raised);
    (void)pthread_mutex_unlock(&g->mutex);
}

bool
gate_wait(struct gate *g, size_t count)
{
    struct timespec end;
    int error = 0;
    bool reached = false;

    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += PATIENCE_S;
    (void)pthread_mutex_lock(&g->mutex);
    while (g->count < count && error != ETIMEDOUT) {
        error = pthread_cond_timedwait(&g->raised, &g->mutex, &end);
    }
    reached = g->count >= count;
    (void)pthread_mutex_unlock(&g->mutex);
    return reached;
}

size_t
gate_count(struct gate *g)
{
    size_t count = 0;

    (void)pthread_mutex_lock(&g->mutex);
    count = g->count;
    (void)pthread_mutex_unlock(&g->mutex);
    return count;
}
