#include "broker/core/rcu.h"

#include "base/compiler.h"

#include <assert.h>
#include <stddef.h>
#include <urcu/urcu-memb.h>

_Static_assert(sizeof(struct rcu_head) <= sizeof(((struct rcu_later *)0)->head), "head fits");
_Static_assert(_Alignof(struct rcu_head) <= _Alignof(struct rcu_later), "head is aligned");
_Static_assert(offsetof(struct rcu_later, head) == 0, "head comes first");

/* What liburcu orders is ordered by system calls and inline assembly. For the thread sanitizer
 * these two stand in its place: the end of a read section, or a call of rcu_defer(), comes before
 * the deferred run; the run comes before the return from rcu_settle(). */
static char grace_period;
static char deferred_run;

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
    urcu_memb_read_lock();
}

void
rcu_read_end(void)
{
    WILCO_TSAN_RELEASE(&grace_period);
    urcu_memb_read_unlock();
}

static void
run_deferred(struct rcu_head *head)
{
    struct rcu_later *later = (struct rcu_later *)(void *)head;

    WILCO_TSAN_ACQUIRE(&grace_period);
    later->run(later);
    WILCO_TSAN_RELEASE(&deferred_run);
}

void
rcu_defer(struct rcu_later *later, void (*run)(struct rcu_later *later))
{
    later->run = run;
    WILCO_TSAN_RELEASE(&grace_period);
    urcu_memb_call_rcu((struct rcu_head *)(void *)later->head, run_deferred);
}

void
rcu_settle(void)
{
    assert(!urcu_memb_read_ongoing());
    urcu_memb_barrier();
    WILCO_TSAN_ACQUIRE(&deferred_run);
}
