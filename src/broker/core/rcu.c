#include "broker/core/rcu.h"

#include "base/compiler.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <urcu/urcu-memb.h>
/* Behind urcu-memb.h. Its two functions for read sections may be compiled in by anybody, whatever
 * the licence (liburcu says so in front of them), and take 3 ns together where calls into the
 * library take 15. */
#include <urcu/static/urcu-memb.h>

_Static_assert(sizeof(struct rcu_head) <= sizeof(((struct rcu_later *)0)->head), "head fits");
_Static_assert(_Alignof(struct rcu_head) <= _Alignof(struct rcu_later), "head is aligned");
_Static_assert(offsetof(struct rcu_later, head) == 0, "head comes first");

/* What liburcu orders is ordered by system calls and inline assembly. For the thread sanitizer this
 * stands in its place: the end of a read section, and a call of rcu_defer(), come before a run. */
static char grace_period;

#ifdef WILCO_TSAN /* it takes what is compiled in for races */
#    define READ_LOCK   urcu_memb_read_lock
#    define READ_UNLOCK urcu_memb_read_unlock
#else
#    define READ_LOCK   _urcu_memb_read_lock
#    define READ_UNLOCK _urcu_memb_read_unlock
#endif

void
rcu_thread_enter(void)
{
    urcu_memb_register_thread();
}

void
rcu_thread_leave(void)
{
    urcu_memb_unregister_thread();
}

void
rcu_read_begin(void)
{
    READ_LOCK();
}

void
rcu_read_end(void)
{
    WILCO_TSAN_RELEASE(&grace_period);
    READ_UNLOCK();
}

static void
run_deferred(struct rcu_head *head)
{
    struct rcu_later *later = (struct rcu_later *)(void *)head;

    WILCO_TSAN_ACQUIRE(&grace_period);
    later->run(later);
}

void
rcu_defer(struct rcu_later *later, void (*run)(struct rcu_later *later))
{
    later->run = run;
    WILCO_TSAN_RELEASE(&grace_period);
    urcu_memb_call_rcu((struct rcu_head *)(void *)later->head, run_deferred);
}

struct settling {
    struct rcu_later later;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_settled;
};

static void
settled(struct rcu_later *later)
{
    struct settling *s = CONTAINER_OF(later, struct settling, later);

    pthread_mutex_lock(&s->lock);
    s->is_settled = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

/* There is one queue, and it is worked off in order. (liburcu's own barrier would do, were it not
 * for memory that it hands from thread to thread behind the sanitizer's back.) */
void
rcu_settle(void)
{
    struct settling s = {.is_settled = false};

    assert(!urcu_memb_read_ongoing());
    pthread_mutex_init(&s.lock, NULL);
    pthread_cond_init(&s.changed, NULL);
    rcu_defer(&s.later, settled);
    pthread_mutex_lock(&s.lock);
    while (!s.is_settled) {
        pthread_cond_wait(&s.changed, &s.lock);
    }
    pthread_mutex_unlock(&s.lock);
    pthread_cond_destroy(&s.changed);
    pthread_mutex_destroy(&s.lock);
}
