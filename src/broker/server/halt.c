#define _POSIX_C_SOURCE 200809L

#include "broker/server/halt.h"

void
halt_init(struct halt *h)
{
    atomic_init(&h->is_wanted, false);
    (void)pthread_mutex_init(&h->lock, NULL);
    (void)pthread_cond_init(&h->changed, NULL);
    h->standing = 0;
}

void
halt_fini(struct halt *h)
{
    (void)pthread_cond_destroy(&h->changed);
    (void)pthread_mutex_destroy(&h->lock);
}

void
halt_wait(struct halt *h)
{
    (void)pthread_mutex_lock(&h->lock);
    h->standing++;
    (void)pthread_cond_broadcast(&h->changed);
    while (halt_is_wanted(h)) {
        (void)pthread_cond_wait(&h->changed, &h->lock);
    }
    h->standing--;
    (void)pthread_cond_broadcast(&h->changed);
    (void)pthread_mutex_unlock(&h->lock);
}

void
halt_ask(struct halt *h)
{
    atomic_store(&h->is_wanted, true);
}

/* Nobody is asked again before all have gone on, or a thread that was slow to go would be counted
 * twice. */
void
halt_run(struct halt *h, unsigned count, void (*change)(void *context), void *context)
{
    (void)pthread_mutex_lock(&h->lock);
    while (h->standing < count) {
        (void)pthread_cond_wait(&h->changed, &h->lock);
    }
    change(context);
    atomic_store(&h->is_wanted, false);
    (void)pthread_cond_broadcast(&h->changed);
    while (h->standing > 0) {
        (void)pthread_cond_wait(&h->changed, &h->lock);
    }
    (void)pthread_mutex_unlock(&h->lock);
}
