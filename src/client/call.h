#ifndef WILCO_CLIENT_CALL_H
#define WILCO_CLIENT_CALL_H

#include "base/buffer.h"
#include "base/hash.h"
#include "base/wheel.h"
#include "client/message.h"
#include "client/responder.h"

/* Where a call is. */
enum call_place {
    CALL_NOWHERE,
    CALL_WAITING,  /* in the queue of its responder */
    CALL_ARRIVING, /* its payload comes in pieces */
    CALL_STARTING, /* that it starts is being written down */
    CALL_READY,    /* started, to be handed out next */
    CALL_OUT,      /* the application has it */
};

/* The payload of a request that comes in pieces, as far as it has come. */
struct arrival {
    struct buffer bytes;
    uint32_t size; /* of all */
    char hash[HASH_CHECK_CHARS];
    uint32_t sequence; /* of the last piece that has come */
    uint32_t awaited;  /* pieces that were asked for and have not come */
};

/* A request that is being served. The application's references are counted; the core knows it
 * besides, until it is answered or the last reference goes, and what the core knows of it is read
 * and written under the client's lock only. It holds its message and, once it was handed out, its
 * client's memory, so that it can be answered whenever and wherever; the client may be closed by
 * then. */
struct wilco_call {
    atomic_size_t refs; /* the application's; 0: not handed out yet */
    const struct wilco_alloc *alloc;
    struct wilco_message *message;
    struct wilco *client; /* counted; whose handler has it */

    /* The core's. */
    struct responder *responder; /* counted; NULL: the core has let go of it */
    struct repeat *repeat;       /* NULL: nobody can speak of it, nor repeat it */
    struct list all;             /* every call the core knows */
    struct list link;            /* with those that are in the same place */
    struct timer timer;          /* when it is too late for something */
    uint64_t deadline_ms;        /* the requester's; UINT64_MAX: none */
    enum wilco_status over;      /* WILCO_OK: it can be answered; else what a reply returns */
    enum call_place place;
    bool is_active; /* it counts for its responder's concurrency_max */
    bool is_cancelled;
    bool is_unwritten; /* there was no memory for its record */
    bool holds_ack;    /* its message is not to be acknowledged yet */
    uint32_t repeated; /* how often it has come again: so many more answers */

    bool takes_parts;
    bool wants_room; /* a part did not go for lack of room in the queue */
    uint32_t credit; /* parts that may be sent */
    uint32_t part_count;

    uint32_t take;             /* bytes of an answer in pieces that its requester takes; 0: none */
    uint32_t packet_bytes_max; /* of its requester; UINT32_MAX: he did not say */
    struct arrival *arrival;   /* ours; NULL: the payload is there */

    wilco_call_fn *changed; /* NULL: nobody watches it */
    void *changed_context;
    struct event_node event; /* in the core's queue: to be told that something has changed */
};

/* One more owner of `m` and of `r`. NULL: out of memory. */
struct wilco_call *call_new(const struct wilco_alloc *a, struct wilco_message *m,
                            struct responder *r);
/* The core has let go of it, and no reference is left. Leaves the client alone. */
void call_free(struct wilco_call *call);

/* One more reference, unless there is none left; false: it is on its way out. */
bool call_try_ref(struct wilco_call *call);
/* Gives one back; true: it was the last one, and the caller goes on with core_release_call(). */
WILCO_MUST_CHECK bool call_drop(struct wilco_call *call);

#endif
