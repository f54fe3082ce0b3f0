#ifndef WILCO_BROKER_SERVER_DRIVER_H
#define WILCO_BROKER_SERVER_DRIVER_H

#include "base/compiler.h"
#include "base/wheel.h"
#include "broker/auth/scram_server.h"
#include "broker/core/broker.h"
#include "broker/core/shard.h"
#include "broker/server/ear.h"
#include "broker/server/guests.h"
#include "broker/server/halt.h"
#include "broker/server/intake.h"
#include "broker/server/lane.h"
#include "broker/server/listener.h"
#include "net/loop.h"

#include <pthread.h>
#include <stdatomic.h>

struct acl;
struct authority;
struct driver;

/* The drivers of a broker, and what they share. */
struct crew {
    struct broker broker;
    struct listener_set listeners;
    struct guests guests;
    struct authority *authority;     /* NULL: everybody is let in; see admission.c */
    struct scram_server scram;       /* likewise */
    struct auth_method scram_method; /* broker.auth_methods, if there are users for it */
    atomic_size_t door_count;        /* all drivers' */
    atomic_uint listening; /* drivers that still watch the listeners; the last one closes them */
    atomic_bool is_stopping;
    struct halt halt; /* for who changes broker.settings while drivers run */
    struct acl *acl;  /* access_list.h; NULL: none */
    unsigned driver_count;
    struct driver *drivers[SHARDS_MAX];
};

/* What a driver can read at once; more is read in further turns. */
#define DRIVER_BUFFER_BYTES 65536U

/* Drives one shard: the thread, the event loop, the sockets and the lock. All fields behind `lock`
 * belong to whoever holds it: the driver's own thread while it is awake, or another driver's thread
 * that found it asleep and had mail for its shard (driver.c says how). */
struct driver {
    struct crew *crew;
    unsigned index;
    struct loop *loop;
    pthread_t thread;
    struct shard *shard;
    uint64_t kicks; /* a bit for each driver to whose arrivals we pushed */
    struct wheel wheel;
    uint64_t armed_ms;
    struct list doors;
    struct list peers;
    struct list
        closed; /* peers that an event not yet pulled may still name; freed by the own thread */
    struct lane lane;
    struct intake intake;
    struct ear ears[LISTENERS_MAX];
    size_t ear_count;
    int reserve_fd; /* given up for a moment to refuse clients when there are no descriptors left */
    bool is_behind; /* the own thread goes on with the lane instead of sleeping */
    bool has_put_off; /* the lane, because others had mail from us */
    bool is_stopping;
    uint64_t stops_at_ms;
    char gap_before[WILCO_CACHE_LINE_BYTES];
    /* What other threads write, or try, while the own one works: */
    struct mailbox arrivals; /* doors handed over by other drivers; pushed to from any thread */
    pthread_mutex_t lock;
    char gap_behind[WILCO_CACHE_LINE_BYTES];
    uint8_t buffer[DRIVER_BUFFER_BYTES]; /* what the own thread has read last */
};

/* What driver->loop watches and driver->wheel times. */
enum driver_kind {
    DRIVER_EAR,
    DRIVER_DOOR,
    DRIVER_PEER,
};

/* A driver for the shard of this number, watching all listeners, without a thread as yet. NULL: out
 * of memory or descriptors; errno. */
struct driver *driver_new(struct crew *crew, unsigned index);
/* There is no thread, or it has ended. Closes what it still has; NULL is allowed. */
void driver_free(struct driver *d);

/* Starts the thread, with all signals blocked. It ends when crew->is_stopping is set and its loop
 * woken: clients are told, and have settings.drain_timeout_ms to take note. WILCO_EIO: errno. */
WILCO_MUST_CHECK enum wilco_status driver_start(struct driver *d);
/* What the thread does between two looks at the loop, with the lock held; false: it was the last
 * turn. For the tests, which can do without the thread. */
bool driver_turn(struct driver *d);
void driver_join(struct driver *d);

/* Adds the shard's counters to `sum`; from any thread. */
void driver_add_stats(struct driver *d, struct stats *sum);

/* For those that a driver drives: hands a door to another driver, or to this one. */
struct door;
void driver_hand_over(struct driver *from, struct driver *to, struct door *door);

#endif
