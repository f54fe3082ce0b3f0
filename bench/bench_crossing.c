/* What two cores pay each other: the constants in docs/scaling.md. Each line is nanoseconds for one
 * operation, the median of many short runs, on one core alone and on two that do it to the same
 * memory at once. */
#define _GNU_SOURCE

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define RUNS  501
#define TURNS 2000U
#define WAKES 20U

struct pair {
    pthread_mutex_t lock;
    _Alignas(128) _Atomic uint64_t count;
    _Alignas(128) _Atomic uint64_t ball;    /* who has it: its lowest bit */
    _Alignas(128) _Atomic unsigned awaited; /* players who have not come yet */
    int bells[2];
};

static void
share_count(struct pair *p, unsigned me)
{
    (void)me;
    for (unsigned i = 0; i < TURNS; i++) {
        (void)atomic_fetch_add_explicit(&p->count, 1, memory_order_relaxed);
    }
}

static void
share_lock(struct pair *p, unsigned me)
{
    (void)me;
    for (unsigned i = 0; i < TURNS; i++) {
        (void)pthread_mutex_lock(&p->lock);
        (void)pthread_mutex_unlock(&p->lock);
    }
}

static void
fence(struct pair *p, unsigned me)
{
    (void)p;
    (void)me;
    for (unsigned i = 0; i < TURNS; i++) {
        atomic_thread_fence(memory_order_seq_cst);
    }
}

/* Each waits for the other: there and back is two. */
static void
pass_ball(struct pair *p, unsigned me)
{
    for (uint64_t i = me; i < TURNS; i += 2) {
        while (atomic_load_explicit(&p->ball, memory_order_acquire) % TURNS != i) {
        }
        atomic_store_explicit(&p->ball, i + 1, memory_order_release);
    }
}

static void
ring(struct pair *p, unsigned me)
{
    uint64_t one = 1;
    bool is_well = true;

    for (unsigned i = 0; i < WAKES / 2 && is_well; i++) {
        if (me == 0) {
            is_well = write(p->bells[1], &one, sizeof(one)) == sizeof(one);
        }
        is_well = is_well && read(p->bells[me], &one, sizeof(one)) == sizeof(one);
        if (me == 1) {
            is_well = is_well && write(p->bells[0], &one, sizeof(one)) == sizeof(one);
        }
    }
}

static const struct trial {
    const char *name;
    void (*run)(struct pair *p, unsigned me);
    unsigned turns;
    bool takes_two; /* alone it would wait for ever */
} trials[] = {
    {"atomic add", share_count, TURNS, false},
    {"lock and unlock", share_lock, TURNS, false},
    {"fence", fence, TURNS, false},
    {"a cache line from the other core", pass_ball, TURNS, true},
    {"wake the other core", ring, WAKES, true},
};

struct player {
    struct pair *pair;
    const struct trial *trial;
    unsigned me;
};

static void
move_to(unsigned core)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(core, &set);
    (void)pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

/* Without sleeping, so that both begin at once. */
static void
wait_for_all(struct pair *p)
{
    (void)atomic_fetch_sub(&p->awaited, 1);
    while (atomic_load(&p->awaited) != 0) {
    }
}

static void *
play(void *argument)
{
    const struct player *player = argument;

    move_to(player->me);
    wait_for_all(player->pair);
    player->trial->run(player->pair, player->me);
    return NULL;
}

static double
now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Nanoseconds for each turn of a player, among so many. */
static double
run_once(struct pair *p, const struct trial *trial, unsigned players)
{
    struct player other = {.pair = p, .trial = trial, .me = 1};
    pthread_t thread;
    double began = 0;

    atomic_store(&p->ball, 0);
    atomic_store(&p->awaited, players);
    if (players == 2 && pthread_create(&thread, NULL, play, &other) != 0) {
        perror("bench_crossing");
        exit(1);
    }
    wait_for_all(p);
    began = now_ns();
    trial->run(p, 0);
    began = now_ns() - began;
    if (players == 2) {
        (void)pthread_join(thread, NULL);
    }
    return began / trial->turns;
}

static int
by_size(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;

    return (left > right) - (left < right);
}

static double
median(struct pair *p, const struct trial *trial, unsigned players)
{
    double ns[RUNS];

    for (int i = 0; i < RUNS; i++) {
        ns[i] = run_once(p, trial, players);
    }
    qsort(ns, RUNS, sizeof(ns[0]), by_size);
    return ns[RUNS / 2];
}

int
main(void)
{
    static struct pair p;

    (void)pthread_mutex_init(&p.lock, NULL);
    p.bells[0] = eventfd(0, EFD_CLOEXEC);
    p.bells[1] = eventfd(0, EFD_CLOEXEC);
    move_to(0);
    printf("%-34s %10s %10s\n", "ns for each", "one core", "two cores");
    for (size_t i = 0; i < sizeof(trials) / sizeof(trials[0]); i++) {
        const struct trial *t = &trials[i];

        if (t->takes_two) {
            printf("%-34s %10s %10.1f\n", t->name, "-", median(&p, t, 2));
        } else {
            printf("%-34s %10.1f %10.1f\n", t->name, median(&p, t, 1), median(&p, t, 2));
        }
    }
    return 0;
}
