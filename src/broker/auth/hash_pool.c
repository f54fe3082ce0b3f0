#define _GNU_SOURCE /* gettid(), pthread_setname_np() */

#include "broker/auth/hash_pool.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define NICENESS 10 /* a tenth of a core that others want too; with less, logins time out there */

struct hash_pool {
    const struct wilco_alloc *alloc;
    pthread_mutex_t lock;
    pthread_cond_t has_work;
    struct list waiting; /* of hash_job, the oldest first */
    size_t count;
    size_t jobs_max;
    bool is_stopping;
    unsigned threads_max;
    unsigned thread_count;
    size_t idle_count;
    pthread_t threads[HASH_POOL_THREADS_MAX];
};

/* NULL: the pool ends. */
static struct hash_job *
next_job(struct hash_pool *p)
{
    struct list *link = NULL;

    (void)pthread_mutex_lock(&p->lock);
    while (!p->is_stopping && list_is_empty(&p->waiting)) {
        p->idle_count++;
        (void)pthread_cond_wait(&p->has_work, &p->lock);
        p->idle_count--;
    }
    if (!p->is_stopping) {
        link = list_pop_front(&p->waiting);
        p->count--;
    }
    (void)pthread_mutex_unlock(&p->lock);
    return link == NULL ? NULL : CONTAINER_OF(link, struct hash_job, link);
}

static void *
work(void *argument)
{
    struct hash_pool *p = argument;
    struct hash_job *job = NULL;

    /* On Linux each thread has a niceness of its own. That it is refused does no harm. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS);
    while ((job = next_job(p)) != NULL) {
        job->run(job);
    }
    return NULL;
}

/* With all signals blocked, which are the main thread's. */
static int
start_thread(struct hash_pool *p)
{
    sigset_t all;
    sigset_t before;
    pthread_t *thread = &p->threads[p->thread_count];
    char name[16];
    int error = 0;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_create(thread, NULL, work, p);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error == 0) {
        (void)snprintf(name, sizeof(name), "password %u", p->thread_count);
        (void)pthread_setname_np(*thread, name);
        p->thread_count++;
    }
    return error;
}

struct hash_pool *
hash_pool_new(unsigned threads, size_t jobs_max, const struct wilco_alloc *a)
{
    struct hash_pool *p = mem_zalloc(a, sizeof(*p));

    assert(threads <= HASH_POOL_THREADS_MAX);
    if (p == NULL) {
        return NULL;
    }
    p->alloc = a;
    p->jobs_max = jobs_max;
    p->threads_max = threads;
    list_init(&p->waiting);
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->has_work, NULL);
    return p;
}

/* For one more job. False: there is no thread, and none can be had. */
static bool
have_thread(struct hash_pool *p)
{
    bool is_wanted = p->idle_count <= p->count && p->thread_count < p->threads_max;

    return (is_wanted && start_thread(p) == 0) || p->thread_count > 0;
}

bool
hash_pool_add(struct hash_pool *p, struct hash_job *job)
{
    bool is_taken = false;

    (void)pthread_mutex_lock(&p->lock);
    if (!p->is_stopping && p->count < p->jobs_max && have_thread(p)) {
        list_push_back(&p->waiting, &job->link);
        p->count++;
        is_taken = true;
        (void)pthread_cond_signal(&p->has_work);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return is_taken;
}

void
hash_pool_stop(struct hash_pool *p)
{
    struct list *link = NULL;

    (void)pthread_mutex_lock(&p->lock);
    p->is_stopping = true;
    (void)pthread_cond_broadcast(&p->has_work);
    (void)pthread_mutex_unlock(&p->lock);
    while (p->thread_count > 0) {
        (void)pthread_join(p->threads[--p->thread_count], NULL);
    }
    while ((link = list_pop_front(&p->waiting)) != NULL) { /* nobody adds any more */
        struct hash_job *job = CONTAINER_OF(link, struct hash_job, link);

        job->drop(job);
    }
    p->count = 0;
}

void
hash_pool_free(struct hash_pool *p)
{
    if (p != NULL) {
        hash_pool_stop(p);
        (void)pthread_cond_destroy(&p->has_work);
        (void)pthread_mutex_destroy(&p->lock);
        mem_free(p->alloc, p);
    }
}
