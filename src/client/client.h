#ifndef WILCO_CLIENT_CLIENT_H
#define WILCO_CLIENT_CLIENT_H

#include "client/connector.h"
#include "client/core.h"
#include "net/stream.h"
#include "net/tls.h"

#include <pthread.h>
#include <stdatomic.h>

/* A client: a core, its connections, and the thread that serves both. One lock guards everything;
 * it is never held while a callback runs or while anybody sleeps. Whoever has something to send may
 * write it to the connection himself, under the lock, and need not wake the thread for it.
 *
 * It is counted: by its owner until wilco_close(), by every call that has not been answered, and by
 * every thread that waits inside. After wilco_close() there is no core, and what is left is this
 * struct. */
struct wilco {
    atomic_size_t refs;
    const struct wilco_alloc *alloc;
    pthread_mutex_t lock;
    pthread_cond_t room; /* there may be room for what did not fit, or the end has come */
    unsigned room_waiters;

    struct core *core; /* NULL: closed by its owner */
    struct url url;
    struct tls_client *tls; /* NULL: the URL wants none, or somebody else moves the bytes */
    unsigned connection;    /* of the core, which the transport is for */
    struct stream *stream;  /* NULL: not connected */
    bool is_write_broken;   /* reading may still tell why */
    bool is_connecting;     /* the connector is at work */
    struct connector connector;
    uint8_t *input; /* CLIENT_INPUT_BYTES, read at once */
    enum wilco_io io;
    bool is_stopping;
    pthread_t thread;
    bool has_thread;

    int wake[2];     /* a pipe; the thread reads from [0] */
    bool is_woken;   /* a byte is in the pipe */
    bool is_polling; /* the thread sleeps, or is about to */
    uint64_t poll_until_ms;

    wilco_state_fn *state_changed;
    void (*wake_loop)(void *context); /* NULL: nobody wants to know */
    uint64_t (*now_ms)(void *context);
    bool is_processing; /* in `thread`, for as long */
    bool wants_wake;    /* the loop is to be woken when the lock is let go */
    bool (*random_numbers)(void *context, void *out, size_t len); /* NULL: the system's */
    struct random_source random;                                  /* from there, for the core */
    void *context;
};

#define CLIENT_INPUT_BYTES 65536U

/* NULL: out of memory or descriptors. One reference. */
struct wilco *client_new(const struct wilco_alloc *a, enum wilco_io io);
void client_ref(struct wilco *c);
void client_unref(struct wilco *c);
/* Ends the connection and frees the core; the thread has ended. */
void client_dismantle(struct wilco *c);

/* Enters a public function: takes the lock and a reference. Whatever it returns, client_leave()
 * follows. WILCO_EINVAL: `waits`, and the caller is the client's own thread, which nobody else
 * could wake, or there is none. WILCO_ECLOSED: closed by its owner. */
WILCO_MUST_CHECK enum wilco_status client_enter(struct wilco *c, bool waits);
void client_leave(struct wilco *c);

uint64_t client_now_ms(const struct wilco *c);
/* Whether the caller runs the client's callbacks. Under the lock. */
bool client_is_own_thread(const struct wilco *c);

/* ---- Under the lock ---- */

/* Tells those who wait what has ended. */
void client_settle(struct wilco *c);
/* Writes what the connection takes; whether it took anything. */
bool client_flush(struct wilco *c);
/* After something was asked of the core. `is_patient`: the caller does not wait for an answer, so
 * the thread writes, together with what comes after; otherwise it is written at once, and the
 * caller looks after his deadline himself. */
void client_asked(struct wilco *c, bool is_patient);
void client_wake(struct wilco *c);
/* After output or memory of the core has been let go. */
void client_made_room(struct wilco *c);

/* One thread waiting for one thing; on its stack. */
struct waiter {
    pthread_cond_t cond;
    bool is_done;
    enum wilco_status status;
    uint8_t reason_code;
    struct wilco_message *message; /* the waiter's reference */
};

WILCO_MUST_CHECK enum wilco_status waiter_init(struct waiter *w); /* WILCO_ENOMEM */
void waiter_fini(struct waiter *w);
/* Until it is told; at `deadline_ms` (UINT64_MAX: none) it makes the core look at the time. */
void waiter_wait(struct waiter *w, struct wilco *c, uint64_t deadline_ms);
/* Until its condition is signalled; false: it is `deadline_ms` (UINT64_MAX: never). */
bool waiter_sleep(struct waiter *w, struct wilco *c, uint64_t deadline_ms);
/* Writes down what responders have to, without the lock; whether there was something. The thread's
 * (or whoever drives the core) alone. */
bool client_write_journals(struct wilco *c);

/* Waits for what was asked for with `st`. */
enum wilco_status client_await(struct wilco *c, struct waiter *w, enum wilco_status st,
                               uint8_t *reason_code);
/* Subscribes and waits for SUBACK, from outside the lock. */
enum wilco_status client_subscribe(struct wilco *c, const struct wilco_subscription *s,
                                   const struct core_subscriber *to, uint8_t *reason_code);
/* The same without waiting, for `to->done` (NULL: nobody wants to know), from outside the lock. */
enum wilco_status client_subscribe_start(struct wilco *c, const struct wilco_subscription *s,
                                         const struct core_subscriber *to, void *done_context);
/* Until there may be room, or `deadline_ms`. */
void client_wait_for_room(struct wilco *c, uint64_t deadline_ms);

/* ---- Without the lock ---- */

/* wilco_request_start() for any asker. */
WILCO_MUST_CHECK enum wilco_status client_start_request(struct wilco *c,
                                                        const struct wilco_request *r,
                                                        const struct core_asker *asker,
                                                        uint64_t *call);

#endif
