#define _GNU_SOURCE

#include "broker/server/driver.h"

#include "base/clock.h"
#include "broker/core/rcu.h"
#include "broker/server/door.h"
#include "broker/server/peer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* How mail gets from one shard to another without waking a thread.
 *
 * A driver holds its lock whenever it is awake and lets it go only to sleep in loop_wait(). In its
 * turn it may push mail for other drivers: messages into their shard's inbox, doors into their
 * arrivals. At the end of the turn it lets its own lock go and then, for each driver that got mail,
 * tries that one's lock:
 *   - it was free: that driver sleeps, and the sender does what it would have done: runs its mail,
 * writes to its sockets, arms its timer. Nobody has been woken;
 *   - it was taken: whoever holds it looks at the mail once more after letting the lock go.
 * A thread holds one lock at a time and waits for none but its own, so there is nothing to
 * deadlock.
 *
 * That no mail is left lying rests on two steps each on either side, on two different words:
 *     sender: push mail;        try the lock
 *     holder: let the lock go;  look for mail
 * If the processor were free to let the second step overtake the first on both sides, the sender
 * could find the lock taken and the holder find no mail. The sequentially consistent fence between
 * the two steps forbids that: of two such fences one comes first, and what precedes it is seen by
 * what follows the other. The push is such an operation by itself, but unlocking a mutex only
 * releases, and trying one only acquires.
 *
 * work_off() is both sides at once: it is called without any lock, after letting go of the own one,
 * and looks at the own mail just as at that of those who were sent some. Running mail makes more
 * mail, here or elsewhere; after BORROWS_MAX runs the threads that should do it are woken instead.
 *
 * Sources and events: another thread may close a peer while the own thread sleeps or waits for the
 * lock with events in its hands that name the peer. So a peer that is closed stays in
 * driver->closed until the own thread has pulled all its events. Doors and ears are touched by the
 * own thread only. */

#define BORROWS_MAX 64
/* When another thread closed a peer, the own thread frees it after this time at the latest. */
#define BURY_MS             1000U
#define HANDSHAKES_PER_TURN 8U

static uint64_t
bit_of(const struct driver *d)
{
    return UINT64_C(1) << d->index;
}

void
driver_hand_over(struct driver *from, struct driver *to, struct door *door)
{
    mailbox_push(&to->arrivals, &door->arrival);
    from->kicks |= bit_of(to);
}

static bool
has_mail(struct driver *d)
{
    return shard_has_mail(d->shard) || !mailbox_is_empty(&d->arrivals);
}

static void
take_arrivals(struct driver *d)
{
    struct mailbox_node *node = mailbox_take(&d->arrivals);

    while (node != NULL) {
        struct mailbox_node *next = node->next;

        door_arrive(d, CONTAINER_OF(node, struct door, arrival));
        node = next;
    }
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* A timer that goes off too early does no harm, so one that is set is not moved back. */
static void
arm(struct driver *d)
{
    uint64_t now_ms = d->shard->now_ms;
    uint64_t deadline_ms = earlier(shard_deadline_ms(d->shard), wheel_next_ms(&d->wheel));

    if (d->is_stopping) {
        deadline_ms = earlier(deadline_ms, d->stops_at_ms);
    }
    if (!list_is_empty(&d->closed)) {
        deadline_ms = earlier(deadline_ms, now_ms + BURY_MS);
    }
    if (deadline_ms < d->armed_ms || d->armed_ms <= now_ms) {
        d->armed_ms = deadline_ms;
        loop_arm(d->loop, deadline_ms);
    }
}

/* By whoever holds the lock. */
static void
run_mail(struct driver *d)
{
    take_arrivals(d);
    shard_run_inbox(d->shard);
    lane_settle_urgent(d);
}

/* For a driver that is not ours or not awake. What is left of the lane is its own thread's, which
 * is told unless it comes back anyway. */
static void
run_lane_for(struct driver *d)
{
    if (!d->is_behind) {
        lane_serve(d);
        if (lane_has_work(d)) {
            loop_wake(d->loop);
        }
    }
}

/* Lets the lock go; the drivers to look after now, this one among them. */
static uint64_t
let_go(struct driver *d)
{
    uint64_t due = d->kicks | shard_take_kicks(d->shard) | bit_of(d);

    d->kicks = 0;
    (void)pthread_mutex_unlock(&d->lock);
    return due;
}

static void
work_off(struct crew *crew, uint64_t due)
{
    int borrows = 0;

    while (due != 0) {
        struct driver *d = crew->drivers[WILCO_LOWEST_BIT(due)];

        due &= due - 1;
        atomic_thread_fence(memory_order_seq_cst);
        if (!has_mail(d)) {
            continue;
        }
        if (borrows == BORROWS_MAX) {
            loop_wake(d->loop);
        } else if (pthread_mutex_trylock(&d->lock) == 0) {
            borrows++;
            shard_advance(d->shard, clock_monotonic_ns() / 1000);
            run_mail(d);
            run_lane_for(d);
            arm(d);
            due |= let_go(d);
        }
    }
}

static void
fire_timers(struct driver *d)
{
    struct timer *t = NULL;

    wheel_advance(&d->wheel, d->shard->now_ms);
    while ((t = wheel_pop(&d->wheel)) != NULL) {
        switch ((enum driver_kind)t->kind) {
        case DRIVER_EAR: ear_timer_fired(d, CONTAINER_OF(t, struct ear, pause)); break;
        case DRIVER_DOOR: door_timer_fired(d, CONTAINER_OF(t, struct door, timer)); break;
        case DRIVER_PEER: peer_timer_fired(d, CONTAINER_OF(t, struct peer_rare, timer)); break;
        }
    }
}

/* A handshake of TLS takes as long as some hundred packets, so of a crowd at the door only so many
 * are looked after in one turn; the loop names the others again. */
static void
door_event(struct driver *d, struct door *door, unsigned *handshakes)
{
    if (door->listener->transport.tls == NULL || (*handshakes)++ < HANDSHAKES_PER_TURN) {
        door_ready(d, door);
    }
}

static void
handle_events(struct driver *d)
{
    struct loop_event e;
    unsigned handshakes = 0;

    while (loop_next(d->loop, &e)) {
        if (e.source == NULL) {
            continue; /* the turn looks at everything anyway */
        }
        switch ((enum driver_kind)e.source->kind) {
        case DRIVER_EAR: ear_ready(d, CONTAINER_OF(e.source, struct ear, source)); break;
        case DRIVER_DOOR:
            door_event(d, CONTAINER_OF(e.source, struct door, source), &handshakes);
            break;
        case DRIVER_PEER:
            peer_ready(d, CONTAINER_OF(e.source, struct peer, source), e.ready);
            break;
        }
    }
    intake_run(d);
}

static void
bury(struct driver *d)
{
    while (!list_is_empty(&d->closed)) {
        peer_free(d, CONTAINER_OF(d->closed.next, struct peer, link));
    }
}

static void
close_doors(struct driver *d)
{
    while (!list_is_empty(&d->doors)) {
        door_close(d, CONTAINER_OF(d->doors.next, struct door, link));
    }
}

static void
close_ears(struct driver *d)
{
    for (size_t i = 0; i < d->ear_count; i++) {
        ear_close(d, &d->ears[i]);
    }
    if (atomic_fetch_sub(&d->crew->listening, 1) == 1) {
        listener_set_close(&d->crew->listeners);
    }
}

static void
begin_to_stop(struct driver *d)
{
    struct list *next = NULL;

    d->is_stopping = true;
    d->stops_at_ms = d->shard->now_ms + d->crew->broker.settings.drain_timeout_ms;
    close_ears(d);
    close_doors(d);
    shard_shut_down(d->shard, WIRE_REASON_SERVER_SHUTTING_DOWN);
    for (struct list *i = d->peers.next; i != &d->peers; i = next) {
        next = i->next;
        peer_dismiss(d, CONTAINER_OF(i, struct peer, link));
    }
}

/* When there is bulk without end, mail for others does not wait for it; but bulk does not wait
 * twice. */
static void
run_lane(struct driver *d)
{
    bool has_sent = (d->kicks | d->shard->kicks) != 0;

    d->has_put_off = d->is_behind && has_sent && !d->has_put_off;
    if (!d->has_put_off) {
        lane_serve(d);
    }
    d->is_behind = lane_has_work(d);
}

bool
driver_turn(struct driver *d)
{
    shard_advance(d->shard, clock_monotonic_ns() / 1000);
    handle_events(d);
    /* Not before: an event that says "wake up" is taken for all who asked until then. */
    if (halt_is_wanted(&d->crew->halt)) {
        halt_wait(&d->crew->halt);
    }
    fire_timers(d);
    if (!d->is_stopping && atomic_load(&d->crew->is_stopping)) {
        begin_to_stop(d);
    }
    run_mail(d);
    run_lane(d);
    bury(d);
    arm(d);
    return !d->is_stopping || (!list_is_empty(&d->peers) && d->shard->now_ms < d->stops_at_ms);
}

static void
close_peers(struct driver *d)
{
    while (!list_is_empty(&d->peers)) {
        peer_close(d, CONTAINER_OF(d->peers.next, struct peer, link));
    }
    bury(d);
}

static void *
driver_main(void *argument)
{
    struct driver *d = argument;

    rcu_thread_enter();
    (void)pthread_mutex_lock(&d->lock);
    while (driver_turn(d)) {
        enum wilco_status st = WILCO_OK;
        bool is_behind = d->is_behind;

        work_off(d->crew, let_go(d));
        st = loop_wait(d->loop, !is_behind);
        assert(st == WILCO_OK); /* epoll_wait() fails for wrong arguments only */
        (void)st;
        (void)pthread_mutex_lock(&d->lock);
    }
    close_peers(d);
    work_off(d->crew, let_go(d));
    rcu_thread_leave();
    return NULL;
}

static bool
open_ears(struct driver *d)
{
    const struct listener_set *listeners = &d->crew->listeners;

    for (size_t i = 0; i < listeners->count; i++) {
        if (ear_open(d, &d->ears[i], &listeners->items[i]) != WILCO_OK) {
            return false;
        }
        d->ear_count++;
    }
    return true;
}

/* Locks are held for microseconds, and the thread that finds its own taken is the one whom the
 * other has just given something to do: it looks for a moment before it sleeps. On Linux none of
 * this can fail. */
static void
init_lock(struct driver *d)
{
    pthread_mutexattr_t kind;

    (void)pthread_mutexattr_init(&kind);
    (void)pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ADAPTIVE_NP);
    (void)pthread_mutex_init(&d->lock, &kind);
    (void)pthread_mutexattr_destroy(&kind);
}

struct driver *
driver_new(struct crew *crew, unsigned index)
{
    struct driver *d = mem_zalloc(crew->broker.alloc, sizeof(*d));

    if (d == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    d->crew = crew;
    d->index = index;
    d->shard = crew->broker.shards[index];
    d->armed_ms = UINT64_MAX;
    mailbox_init(&d->arrivals);
    wheel_init(&d->wheel, d->shard->now_ms);
    list_init(&d->doors);
    list_init(&d->peers);
    list_init(&d->closed);
    lane_init(&d->lane);
    init_lock(d);
    d->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    d->loop = loop_new(crew->broker.alloc);
    if (d->loop == NULL || !open_ears(d)) {
        driver_free(d);
        return NULL;
    }
    return d;
}

void
driver_free(struct driver *d)
{
    int error = errno;

    if (d == NULL) {
        return;
    }
    d->is_stopping = true;
    take_arrivals(d); /* handed over by a driver that stopped after this one */
    close_doors(d);
    close_peers(d);
    if (d->reserve_fd >= 0) {
        (void)close(d->reserve_fd);
    }
    loop_free(d->loop);
    (void)pthread_mutex_destroy(&d->lock);
    mem_free(d->crew->broker.alloc, d);
    errno = error;
}

enum wilco_status
driver_start(struct driver *d)
{
    sigset_t all;
    sigset_t before;
    char name[16];
    int error = 0;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before); /* the thread inherits it */
    error = pthread_create(&d->thread, NULL, driver_main, d);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        errno = error;
        return WILCO_EIO;
    }
    (void)snprintf(name, sizeof(name), "shard %u", d->index);
    (void)pthread_setname_np(d->thread, name);
    return WILCO_OK;
}

void
driver_join(struct driver *d)
{
    loop_wake(d->loop);
    (void)pthread_join(d->thread, NULL);
}

void
driver_add_stats(struct driver *d, struct stats *sum)
{
    (void)pthread_mutex_lock(&d->lock);
    stats_add(sum, &d->shard->stats);
    (void)pthread_mutex_unlock(&d->lock);
    atomic_thread_fence(memory_order_seq_cst);
    if (has_mail(d)) { /* as after any unlocking, but this thread cannot run it: it is no reader
                          (rcu.h) */
        loop_wake(d->loop);
    }
}
