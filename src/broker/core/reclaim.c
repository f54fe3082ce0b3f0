#include "broker/core/reclaim.h"

#include "base/compiler.h"

#include <stddef.h>

void
reclaim_init(struct reclaim *r, const struct wilco_alloc *a)
{
    *r = (struct reclaim){.alloc = a};
    (void)pthread_mutex_init(&r->lock, NULL); /* cannot fail for a default mutex */
}

static bool
is_running(struct reclaim *r)
{
    bool running;

    pthread_mutex_lock(&r->lock);
    running = r->is_running;
    pthread_mutex_unlock(&r->lock);
    return running;
}

void
reclaim_fini(struct reclaim *r)
{
    while (is_running(r)) {
        rcu_settle();
    }
    pthread_mutex_destroy(&r->lock);
}

static void
free_all(struct reclaim *r, struct reclaim_node *node)
{
    while (node != NULL) {
        struct reclaim_node *next = node->next;

        mem_free(r->alloc, node);
        node = next;
    }
}

static void grace_period_ended(struct rcu_later *later);

/* The lock is held and nothing is ripening. */
static void
start_grace_period(struct reclaim *r)
{
    r->ripening = r->waiting;
    r->waiting = NULL;
    r->is_running = r->ripening != NULL;
    if (r->is_running) {
        rcu_defer(&r->later, grace_period_ended);
    }
}

static void
grace_period_ended(struct rcu_later *later)
{
    struct reclaim *r = CONTAINER_OF(later, struct reclaim, later);

    free_all(r, r->ripening); /* nobody else touches these while is_running */
    pthread_mutex_lock(&r->lock);
    start_grace_period(r);
    pthread_mutex_unlock(&r->lock); /* `r` may be gone from here on */
}

void
reclaim_later(struct reclaim *r, struct reclaim_node *node)
{
    pthread_mutex_lock(&r->lock);
    node->next = r->waiting;
    r->waiting = node;
    if (!r->is_running) {
        start_grace_period(r);
    }
    pthread_mutex_unlock(&r->lock);
}
