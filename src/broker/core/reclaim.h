#ifndef WILCO_BROKER_CORE_RECLAIM_H
#define WILCO_BROKER_CORE_RECLAIM_H

#include "base/alloc.h"
#include "broker/core/rcu.h"

#include <pthread.h>
#include <stdbool.h>

/* Blocks of memory on their way back to the allocator: a writer has unlinked them, readers may
 * still look at them. They wait in one list and are freed together, a grace period later, so that a
 * block pays one pointer for it and nothing is allocated. The allocator is called from another
 * thread. */
struct reclaim_node {
    struct reclaim_node *next;
};

struct reclaim {
    const struct wilco_alloc *alloc;
    struct rcu_later later;
    pthread_mutex_t lock;
    struct reclaim_node *waiting;  /* taken out since the grace period began */
    struct reclaim_node *ripening; /* freed when it ends */
    bool is_running;               /* a grace period is being waited for */
};

void reclaim_init(struct reclaim *r, const struct wilco_alloc *a);
/* Waits until everything is freed. No reader is left, and this is not a read section. */
void reclaim_fini(struct reclaim *r);

/* Frees the block that starts with `node` when no reader can see it any more. Never fails. The
 * thread is registered (rcu.h). */
void reclaim_later(struct reclaim *r, struct reclaim_node *node);

#endif
