#define _POSIX_C_SOURCE 200809L

#include "base/clock.h"
#include "net/loop.h"
#include "sockets.h"
#include "support/failing_alloc.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

/* A loop and the two ends of a connection. */
struct fixture {
    struct loop *loop;
    struct loop_source source; /* ends[0], watched */
    int ends[2];
};

static void
fixture_init(struct fixture *x)
{
    *x = (struct fixture){.loop = loop_new(alloc_system())};
    assert_non_null(x->loop);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, x->ends), 0);
    x->source.fd = x->ends[0];
}

static void
fixture_fini(struct fixture *x)
{
    loop_unwatch(x->loop, &x->source);
    for (size_t i = 0; i < 2; i++) {
        if (x->ends[i] >= 0) {
            assert_int_equal(close(x->ends[i]), 0);
        }
    }
    loop_free(x->loop);
}

static void
watch(struct fixture *x, unsigned interest)
{
    assert_int_equal(loop_watch(x->loop, &x->source, interest, false), WILCO_OK);
    assert_int_equal(x->source.interest, interest);
}

/* What is ready without waiting; 0: nothing. */
static unsigned
ready_now(struct fixture *x)
{
    struct loop_event event;
    unsigned ready = 0;

    assert_int_equal(loop_wait(x->loop, false), WILCO_OK);
    while (loop_next(x->loop, &event)) {
        assert_ptr_equal(event.source, &x->source);
        ready |= event.ready;
    }
    return ready;
}

static void
write_byte(int fd)
{
    assert_int_equal(write(fd, "x", 1), 1);
}

static void
readiness_follows_the_interest(void **state)
{
    struct fixture x;
    char byte = 0;

    (void)state;
    fixture_init(&x);
    assert_int_equal(ready_now(&x), 0);
    watch(&x, LOOP_READABLE);
    assert_int_equal(ready_now(&x), 0);
    write_byte(x.ends[1]);
    assert_int_equal(ready_now(&x), LOOP_READABLE);
    assert_int_equal(ready_now(&x), LOOP_READABLE); /* until it is read */
    watch(&x, LOOP_READABLE | LOOP_WRITABLE);
    assert_int_equal(ready_now(&x), LOOP_READABLE | LOOP_WRITABLE);
    watch(&x, LOOP_WRITABLE);
    assert_int_equal(ready_now(&x), LOOP_WRITABLE);
    watch(&x, 0);
    assert_int_equal(ready_now(&x), 0);
    watch(&x, LOOP_READABLE);
    assert_int_equal(read(x.ends[0], &byte, 1), 1);
    assert_int_equal(ready_now(&x), 0);
    fixture_fini(&x);
}

static void
a_peer_that_closes_is_readable(void **state)
{
    static const unsigned interests[] = {LOOP_READABLE, LOOP_WRITABLE,
                                         LOOP_READABLE | LOOP_WRITABLE};

    (void)state;
    for (size_t i = 0; i < sizeof(interests) / sizeof(interests[0]); i++) {
        struct fixture x;

        fixture_init(&x);
        watch(&x, interests[i]);
        assert_int_equal(close(x.ends[1]), 0);
        x.ends[1] = -1;
        assert_true((ready_now(&x) & LOOP_READABLE) != 0);
        fixture_fini(&x);
    }
}

static void
unwatched_is_not_seen(void **state)
{
    struct fixture x;

    (void)state;
    fixture_init(&x);
    watch(&x, LOOP_READABLE);
    write_byte(x.ends[1]);
    loop_unwatch(x.loop, &x.source);
    loop_unwatch(x.loop, &x.source);
    assert_int_equal(ready_now(&x), 0);
    x.source.fd = -1; /* cannot be watched, and says so */
    assert_int_equal(loop_watch(x.loop, &x.source, LOOP_READABLE, false), WILCO_EIO);
    assert_int_equal(errno, EBADF);
    assert_int_equal(x.source.interest, 0);
    fixture_fini(&x);
}

/* A listener is shared, left alone while there are no descriptors, and taken up again. */
static void
a_watch_is_passed_on(void **state)
{
    struct fixture x;
    struct loop_source old = {.fd = -1};

    (void)state;
    fixture_init(&x);
    old.fd = x.ends[0];
    assert_int_equal(loop_watch(x.loop, &old, LOOP_READABLE, false), WILCO_OK);
    write_byte(x.ends[1]);
    assert_int_equal(loop_pass_on(x.loop, &old, &x.source), WILCO_OK);
    assert_int_equal(old.interest, 0);
    assert_int_equal(ready_now(&x), LOOP_READABLE); /* it is the new one that is named */
    watch(&x, LOOP_READABLE | LOOP_WRITABLE);
    fixture_fini(&x);
}

/* Closing the descriptor is enough. */
static void
a_closed_descriptor_is_forgotten(void **state)
{
    struct fixture x;

    (void)state;
    fixture_init(&x);
    watch(&x, LOOP_READABLE);
    write_byte(x.ends[1]);
    loop_forget(&x.source);
    assert_int_equal(close(x.ends[0]), 0);
    x.ends[0] = -1;
    assert_int_equal(ready_now(&x), 0);
    fixture_fini(&x);
}

static void
an_exclusive_watch_can_change(void **state)
{
    struct address bound;
    struct loop *loops[2] = {loop_new(alloc_system()), loop_new(alloc_system())};
    int listener = listen_at("mqtt://127.0.0.1:0", &bound);
    struct loop_source sources[2] = {{.fd = listener}, {.fd = listener}};
    struct loop_event event;
    int ends[2];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(loop_watch(loops[i], &sources[i], LOOP_READABLE, true), WILCO_OK);
    }
    assert_int_equal(loop_watch(loops[0], &sources[0], 0, true), WILCO_OK);
    assert_int_equal(loop_watch(loops[1], &sources[1], LOOP_READABLE | LOOP_WRITABLE, true),
                     WILCO_OK);
    assert_int_equal(loop_watch(loops[1], &sources[1], LOOP_READABLE, true), WILCO_OK);
    assert_true(socket_connect(&bound, &ends[0]) != WILCO_EIO);
    assert_int_equal(loop_wait(loops[1], true), WILCO_OK);
    assert_true(loop_next(loops[1], &event));
    assert_ptr_equal(event.source, &sources[1]);
    assert_int_equal(event.ready, LOOP_READABLE);
    assert_false(loop_next(loops[1], &event));
    assert_int_equal(loop_wait(loops[0], false), WILCO_OK);
    assert_false(loop_next(loops[0], &event));
    assert_int_equal(loop_watch(loops[0], &sources[0], LOOP_READABLE, true), WILCO_OK);
    assert_int_equal(loop_wait(loops[0], true), WILCO_OK);
    assert_true(loop_next(loops[0], &event));
    assert_int_equal(socket_accept(listener, &ends[1], &bound), WILCO_OK);
    for (size_t i = 0; i < 2; i++) {
        loop_free(loops[i]);
        assert_int_equal(close(ends[i]), 0);
    }
    assert_int_equal(close(listener), 0);
}

static void
assert_woken(struct loop *l)
{
    struct loop_event event = {.ready = 0};

    assert_int_equal(loop_wait(l, true), WILCO_OK);
    assert_true(loop_next(l, &event));
    assert_null(event.source);
    assert_false(loop_next(l, &event));
}

static void
assert_quiet(struct loop *l)
{
    struct loop_event event;

    assert_int_equal(loop_wait(l, false), WILCO_OK);
    assert_false(loop_next(l, &event));
}

static void
the_timer_fires_once_and_never_early(void **state)
{
    struct loop *l = loop_new(alloc_system());

    (void)state;
    for (uint64_t after_ms = 0; after_ms < 20; after_ms += 5) {
        uint64_t deadline_ms = clock_monotonic_ms() + after_ms;

        loop_arm(l, deadline_ms);
        loop_arm(l, deadline_ms);
        assert_woken(l);
        assert_true(clock_monotonic_ms() >= deadline_ms);
        assert_quiet(l);
        loop_arm(l, deadline_ms); /* the same again, after it has fired */
        assert_woken(l);
    }
    loop_arm(l, 0);
    assert_woken(l);
    loop_arm(l, 1);
    assert_woken(l);
    loop_free(l);
}

static void
the_timer_can_be_moved_and_stopped(void **state)
{
    struct loop *l = loop_new(alloc_system());
    uint64_t now_ms = clock_monotonic_ms();

    (void)state;
    loop_arm(l, now_ms + 3600000);
    assert_quiet(l);
    loop_arm(l, now_ms);
    loop_arm(l, UINT64_MAX);
    assert_quiet(l);
    loop_arm(l, UINT64_MAX - 1);
    assert_quiet(l);
    loop_arm(l, now_ms + 3600000);
    loop_arm(l, now_ms + 1);
    assert_woken(l);
    loop_free(l);
}

static void
many_wakes_are_one_event(void **state)
{
    struct loop *l = loop_new(alloc_system());

    (void)state;
    assert_quiet(l);
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < 1000; i++) {
            loop_wake(l);
        }
        assert_woken(l);
        assert_quiet(l);
    }
    loop_free(l);
}

/* Another thread puts something down and wakes; the waiter must see all of it, or be woken again.
 */
struct handover {
    struct loop *loop;
    atomic_int put;
};

#define HANDOVERS 20000

static void *
hand_over(void *context)
{
    struct handover *h = context;

    for (int i = 0; i < HANDOVERS; i++) {
        atomic_fetch_add(&h->put, 1);
        loop_wake(h->loop);
    }
    return NULL;
}

static void
no_wake_is_lost(void **state)
{
    struct handover h = {.loop = loop_new(alloc_system())};
    pthread_t threads[2];
    int taken = 0;

    (void)state;
    atomic_init(&h.put, 0);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, hand_over, &h), 0);
    }
    while (taken < 2 * HANDOVERS) {
        assert_woken(h.loop);
        taken += atomic_exchange(&h.put, 0);
    }
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    loop_free(h.loop);
}

static struct loop *signalled;

static void
on_signal(int number)
{
    (void)number;
    loop_wake(signalled);
}

static void
a_signal_handler_may_wake(void **state)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct sigaction before;

    (void)state;
    signalled = loop_new(alloc_system());
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    errno = EDOM;
    assert_int_equal(raise(SIGUSR1), 0);
    assert_int_equal(errno, EDOM);
    assert_woken(signalled);
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
    loop_free(signalled);
}

/* A borrower with the lock changes what the loop watches while its thread sleeps in it. */
struct shared {
    pthread_mutex_t lock;
    struct fixture x;
};

static void *
borrow(void *context)
{
    struct shared *s = context;

    for (size_t i = 0; i < 200; i++) {
        assert_int_equal(pthread_mutex_lock(&s->lock), 0);
        loop_arm(s->x.loop, clock_monotonic_ms() + 3600000 + i);
        assert_int_equal(loop_watch(s->x.loop, &s->x.source, 0, false), WILCO_OK);
        assert_int_equal(loop_watch(s->x.loop, &s->x.source, LOOP_READABLE, false), WILCO_OK);
        assert_int_equal(pthread_mutex_unlock(&s->lock), 0);
    }
    assert_int_equal(pthread_mutex_lock(&s->lock), 0);
    loop_arm(s->x.loop, clock_monotonic_ms());
    assert_int_equal(pthread_mutex_unlock(&s->lock), 0);
    write_byte(s->x.ends[1]);
    return NULL;
}

static void
others_may_watch_and_arm_meanwhile(void **state)
{
    struct shared s;
    struct loop_event event;
    pthread_t thread;
    bool has_fired = false;
    bool is_readable = false;

    (void)state;
    fixture_init(&s.x);
    assert_int_equal(pthread_mutex_init(&s.lock, NULL), 0);
    assert_int_equal(pthread_create(&thread, NULL, borrow, &s), 0);
    while (!has_fired || !is_readable) {
        assert_int_equal(loop_wait(s.x.loop, true), WILCO_OK);
        assert_int_equal(pthread_mutex_lock(&s.lock), 0);
        while (loop_next(s.x.loop, &event)) {
            has_fired = has_fired || event.source == NULL;
            is_readable = is_readable || event.source == &s.x.source;
        }
        assert_int_equal(pthread_mutex_unlock(&s.lock), 0);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(pthread_mutex_destroy(&s.lock), 0);
    fixture_fini(&s.x);
}

static void
more_sources_than_one_wait_reports(void **state)
{
    enum { SOURCES = 400 };
    static struct loop_source sources[SOURCES];
    struct loop *l = loop_new(alloc_system());
    struct loop_event event;
    size_t seen = 0;

    (void)state;
    for (size_t i = 0; i < SOURCES; i++) {
        sources[i] = (struct loop_source){.fd = socket(AF_UNIX, SOCK_DGRAM, 0)};
        assert_int_equal(loop_watch(l, &sources[i], LOOP_WRITABLE, false), WILCO_OK);
    }
    while (seen < SOURCES) {
        assert_int_equal(loop_wait(l, true), WILCO_OK);
        while (loop_next(l, &event)) {
            loop_unwatch(l, event.source);
            assert_int_equal(close(event.source->fd), 0);
            seen++;
        }
    }
    assert_quiet(l);
    loop_free(l);
}

static void
out_of_memory_or_descriptors(void **state)
{
    struct failing_alloc a;
    struct rlimit limit;
    struct rlimit few;
    struct loop *l = NULL;
    int next = dup(0);

    (void)state;
    failing_alloc_init(&a, 1);
    errno = 0;
    assert_null(loop_new(&a.alloc));
    assert_int_equal(errno, ENOMEM);
    assert_int_equal(close(next), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int left = 0; left <= 3; left++) { /* it needs three */
        few = (struct rlimit){.rlim_cur = (rlim_t)(next + left), .rlim_max = limit.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        l = loop_new(&a.alloc);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
        assert_int_equal(l != NULL, left == 3);
        assert_true(l != NULL || errno == EMFILE);
        loop_free(l);
        assert_int_equal(a.live, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readiness_follows_the_interest),
        cmocka_unit_test(a_peer_that_closes_is_readable),
        cmocka_unit_test(unwatched_is_not_seen),
        cmocka_unit_test(a_watch_is_passed_on),
        cmocka_unit_test(a_closed_descriptor_is_forgotten),
        cmocka_unit_test(an_exclusive_watch_can_change),
        cmocka_unit_test(the_timer_fires_once_and_never_early),
        cmocka_unit_test(the_timer_can_be_moved_and_stopped),
        cmocka_unit_test(many_wakes_are_one_event),
        cmocka_unit_test(no_wake_is_lost),
        cmocka_unit_test(a_signal_handler_may_wake),
        cmocka_unit_test(others_may_watch_and_arm_meanwhile),
        cmocka_unit_test(more_sources_than_one_wait_reports),
        cmocka_unit_test(out_of_memory_or_descriptors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
