#define _POSIX_C_SOURCE 200809L /* barriers */

#include "broker/core/rcu.h"

#include "base/compiler.h"
#include "broker/core/reclaim.h"
#include "support/failing_alloc.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct thing {
    struct rcu_later later;
    atomic_int runs;
    int read_by_reader;
};

static void
run(struct rcu_later *later)
{
    struct thing *t = CONTAINER_OF(later, struct thing, later);

    t->read_by_reader = -1; /* as freeing would: no reader may still be looking */
    atomic_fetch_add(&t->runs, 1);
}

static void
deferred_work_has_run_once_after_settling(void **state)
{
    struct thing things[3] = {{.read_by_reader = 1}};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        rcu_defer(&things[i].later, run);
    }
    rcu_settle();
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(atomic_load(&things[i].runs), 1);
        assert_int_equal(things[i].read_by_reader, -1);
    }
}

struct reader {
    struct thing *thing;
    pthread_barrier_t *meet;
    int saw;
    int runs_inside;
};

static void *
read_slowly(void *argument)
{
    struct reader *r = argument;

    rcu_thread_enter();
    rcu_read_begin();
    rcu_read_begin(); /* they nest */
    pthread_barrier_wait(r->meet);
    pthread_barrier_wait(r->meet); /* it is deferred now */
    rcu_read_end();
    r->saw = r->thing->read_by_reader;
    r->runs_inside = atomic_load(&r->thing->runs);
    rcu_read_end();
    rcu_thread_leave();
    return NULL;
}

static void
deferred_work_waits_for_the_reader(void **state)
{
    pthread_barrier_t meet;
    struct thing thing = {.read_by_reader = 7};
    struct reader reader = {.thing = &thing, .meet = &meet};
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_barrier_init(&meet, NULL, 2), 0);
    assert_int_equal(pthread_create(&thread, NULL, read_slowly, &reader), 0);
    pthread_barrier_wait(&meet);
    rcu_defer(&thing.later, run);
    pthread_barrier_wait(&meet);
    rcu_settle();
    assert_int_equal(atomic_load(&thing.runs), 1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(reader.saw, 7);
    assert_int_equal(reader.runs_inside, 0);
    pthread_barrier_destroy(&meet);
}

struct block {
    struct reclaim_node reclaim;
    char content[40];
};

static void
reclaim_frees_everything(void **state)
{
    struct failing_alloc f;
    struct reclaim r;

    (void)state;
    failing_alloc_init(&f, 0);
    reclaim_init(&r, &f.alloc);
    for (size_t i = 0; i < 1000; i++) {
        struct block *b = mem_alloc(&f.alloc, sizeof(*b));

        assert_non_null(b);
        reclaim_later(&r, &b->reclaim);
        if (i % 300 == 0) {
            rcu_settle(); /* so that several grace periods are used */
        }
    }
    reclaim_fini(&r);
    assert_int_equal(f.live, 0);
    assert_int_equal(f.attempts, 1000); /* and it needed no memory for it */
}

static void
reclaim_of_nothing(void **state)
{
    struct failing_alloc f;
    struct reclaim r;

    (void)state;
    failing_alloc_init(&f, 0);
    reclaim_init(&r, &f.alloc);
    reclaim_fini(&r);
    assert_int_equal(f.attempts, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deferred_work_has_run_once_after_settling),
        cmocka_unit_test(deferred_work_waits_for_the_reader),
        cmocka_unit_test(reclaim_frees_everything),
        cmocka_unit_test(reclaim_of_nothing),
    };
    int failed;

    rcu_thread_enter();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rcu_thread_leave();
    return failed;
}
