#include "broker/auth/hash_pool.h"

#include "support/failing_alloc.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct job {
    struct hash_job job;
    sem_t *begun;
    sem_t *may_go_on;
    atomic_int ran;
    atomic_int dropped;
};

static void
run(struct hash_job *job)
{
    struct job *j = CONTAINER_OF(job, struct job, job);

    if (j->begun != NULL) {
        (void)sem_post(j->begun);
        (void)sem_wait(j->may_go_on);
    }
    atomic_fetch_add(&j->ran, 1);
}

static void
drop(struct hash_job *job)
{
    atomic_fetch_add(&CONTAINER_OF(job, struct job, job)->dropped, 1);
}

/* One thread is kept busy: two jobs may wait, the third may not; when the pool ends, what waits is
 * dropped and what has begun is not. */
static void
what_waits_is_bounded(void **state)
{
    struct hash_pool *p = hash_pool_new(1, 2, alloc_system());
    sem_t begun;
    sem_t may_go_on;
    struct job jobs[4] = {{.begun = &begun, .may_go_on = &may_go_on}};

    (void)state;
    assert_int_equal(sem_init(&begun, 0, 0), 0);
    assert_int_equal(sem_init(&may_go_on, 0, 0), 0);
    assert_non_null(p);
    for (size_t i = 0; i < 4; i++) {
        jobs[i].job.run = run;
        jobs[i].job.drop = drop;
    }
    assert_true(hash_pool_add(p, &jobs[0].job));
    (void)sem_wait(&begun);
    assert_true(hash_pool_add(p, &jobs[1].job));
    assert_true(hash_pool_add(p, &jobs[2].job));
    assert_false(hash_pool_add(p, &jobs[3].job));
    (void)sem_post(&may_go_on);
    hash_pool_stop(p);
    hash_pool_stop(p);
    assert_false(hash_pool_add(p, &jobs[3].job));
    hash_pool_free(p);
    assert_int_equal(atomic_load(&jobs[0].ran), 1);
    for (size_t i = 1; i < 3; i++) { /* whatever it managed to begin meanwhile */
        assert_int_equal(atomic_load(&jobs[i].ran) + atomic_load(&jobs[i].dropped), 1);
    }
    assert_int_equal(atomic_load(&jobs[3].ran) + atomic_load(&jobs[3].dropped), 0);
    (void)sem_destroy(&begun);
    (void)sem_destroy(&may_go_on);
}

#define PRODUCERS 3
#define JOBS      500

static struct hash_pool *shared;

static void *
produce(void *argument)
{
    struct job *jobs = argument;

    for (size_t i = 0; i < JOBS; i++) {
        jobs[i].job.run = run;
        jobs[i].job.drop = drop;
        if (!hash_pool_add(shared, &jobs[i].job)) {
            drop(&jobs[i].job);
        }
    }
    return NULL;
}

static void
each_job_once(void **state)
{
    static struct job jobs[PRODUCERS][JOBS];
    pthread_t threads[PRODUCERS];

    (void)state;
    shared = hash_pool_new(3, 100, alloc_system());
    assert_non_null(shared);
    for (size_t i = 0; i < PRODUCERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, produce, jobs[i]), 0);
    }
    for (size_t i = 0; i < PRODUCERS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    hash_pool_free(shared);
    for (size_t i = 0; i < PRODUCERS; i++) {
        for (size_t k = 0; k < JOBS; k++) {
            assert_int_equal(atomic_load(&jobs[i][k].ran) + atomic_load(&jobs[i][k].dropped), 1);
        }
    }
}

static void
without_memory_there_is_none(void **state)
{
    struct failing_alloc a;

    (void)state;
    failing_alloc_init(&a, 1);
    assert_null(hash_pool_new(1, 1, &a.alloc));
    hash_pool_free(NULL);
    assert_int_equal(atomic_load(&a.live), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_is_bounded),
        cmocka_unit_test(each_job_once),
        cmocka_unit_test(without_memory_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
