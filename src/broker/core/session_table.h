#ifndef WILCO_BROKER_CORE_SESSION_TABLE_H
#define WILCO_BROKER_CORE_SESSION_TABLE_H

#include "base/alloc.h"
#include "base/compiler.h"
#include "base/map.h"
#include "base/span.h"
#include "base/status.h"
#include "broker/core/access_names.h"
#include "broker/core/standing.h"

#include <stdatomic.h>
#include <stdint.h>

struct session;

/* The sessions of one shard: by client identifier, and by the slot that their id names. Slots never
 * move and are never freed before the table, so that other shards may read what is atomic in them.
 */
#define SESSION_CHUNK      1024U
#define SESSION_CHUNKS_MAX 4096U

struct session_slot {
    union {
        struct session *session; /* the shard's own */
        uint32_t next_free;      /* when there is none */
    } at;
    /* Read by all shards: the generation of the session that is in it, or was last, and from bit
     * SESSION_PRESENCE_BIT on its enum session_presence. */
    _Atomic uint32_t state;
    _Atomic uint32_t asks_ended; /* of its requests, those that came to their end in other shards */
    _Atomic(struct access_names *) names; /* session_table_sign() */
    struct standing standing;
};

#define SESSION_PRESENCE_BIT 24U

struct session_table {
    struct map by_client_id;
    _Atomic(struct session_slot *) chunks[SESSION_CHUNKS_MAX];
    const struct wilco_alloc *alloc;
    uint64_t hash_seed;
    unsigned shard;
    uint32_t slot_count; /* slots ever used */
    uint32_t first_free; /* UINT32_MAX: none */
};

void session_table_init(struct session_table *t, const struct wilco_alloc *a, uint64_t hash_seed,
                        unsigned shard);
void session_table_fini(struct session_table *t); /* it is empty */

/* Files the session and gives it its id. WILCO_ENOMEM, WILCO_ELIMIT (no slot left). */
WILCO_MUST_CHECK enum wilco_status session_table_add(struct session_table *t, struct session *s);
void session_table_remove(struct session_table *t, struct session *s);
/* Lets other shards see whose session it is, which choose it for what somebody may not receive
 * (share.c); once is enough. WILCO_ENOMEM. */
WILCO_MUST_CHECK enum wilco_status session_table_sign(struct session *s);
/* Whose it is; inside a read section (rcu.h), for as long as that lasts. NULL: it was not signed,
 * or is gone. */
const struct access_names *session_table_names(const struct session_table *t, uint64_t session_id);

/* NULL when there is none; the owning shard only. */
struct session *session_table_find(const struct session_table *t, struct span client_id);
struct session *session_table_get(const struct session_table *t, uint64_t session_id);

/* What a session can do with one more message, the better the later in this list. Told to all
 * shards by the owning one whenever it changes; to another shard it is what was true a moment ago.
 */
enum session_presence {
    SESSION_GONE,
    SESSION_OFFLINE,  /* keep QoS 1 and 2 for when the client returns */
    SESSION_FULL,     /* connected, but its queue has no room */
    SESSION_STUCK,    /* connected; too much waits for its socket, QoS 1 and 2 would be kept */
    SESSION_NO_QUOTA, /* connected; QoS 0 would be sent, QoS 1 and 2 would be kept */
    SESSION_READY,    /* connected; anything would be sent at once */
};
static inline enum session_presence
session_slot_presence(const struct session_slot *slot)
{
    return (enum session_presence)(atomic_load_explicit(&slot->state, memory_order_relaxed) >>
                                   SESSION_PRESENCE_BIT);
}
enum session_presence session_table_presence(const struct session_table *t, uint64_t session_id);
/* From any thread; NULL: the session is gone. It may go at any moment after. */
struct session_slot *session_table_slot(const struct session_table *t, uint64_t session_id);
void session_table_set_presence(struct session_table *t, uint64_t session_id,
                                enum session_presence presence);

#endif
