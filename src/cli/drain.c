#define _POSIX_C_SOURCE 200809L

#include "cli/drain.h"

#include "cli/memory.h"
#include "cli/wake.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct drain {
    struct wilco *client;
    const char *filter;
    unsigned drain_ms;
    enum wilco_status status;
    atomic_bool is_over;
    bool has_thread;
    pthread_t thread;
};

static void *
thread_main(void *argument)
{
    struct drain *d = argument;

    d->status = wilco_responder_stop(d->client, d->filter, d->drain_ms);
    atomic_store(&d->is_over, true);
    wake_up();
    return NULL;
}

struct drain *
drain_start(struct wilco *client, const char *filter, unsigned drain_ms)
{
    struct drain *d = memory_get(1, sizeof(*d));

    *d = (struct drain){.client = client, .filter = filter, .drain_ms = drain_ms};
    atomic_init(&d->is_over, false);
    d->has_thread = pthread_create(&d->thread, NULL, thread_main, d) == 0;
    if (!d->has_thread) {
        d->status = WILCO_ENOMEM;
        atomic_store(&d->is_over, true);
    }
    return d;
}

bool
drain_is_over(const struct drain *d)
{
    return atomic_load(&d->is_over);
}

enum wilco_status
drain_finish(struct drain *d)
{
    enum wilco_status status;

    if (d->has_thread) {
        (void)pthread_join(d->thread, NULL);
    }
    status = d->status;
    free(d);
    return status;
}
