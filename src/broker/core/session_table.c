#include "broker/core/session_table.h"

#include "base/hash.h"
#include "broker/core/session.h"
#include "broker/core/session_id.h"

#include <assert.h>

#define NO_SLOT        UINT32_MAX
#define SLOTS_MAX      (SESSION_CHUNK * SESSION_CHUNKS_MAX)
#define GENERATION_MAX ((1U << SESSION_PRESENCE_BIT) - 1)

void
session_table_init(struct session_table *t, const struct wilco_alloc *a, uint64_t hash_seed,
                   unsigned shard)
{
    map_init(&t->by_client_id, a);
    for (size_t i = 0; i < SESSION_CHUNKS_MAX; i++) {
        atomic_init(&t->chunks[i], NULL);
    }
    t->alloc = a;
    t->hash_seed = hash_seed;
    t->shard = shard;
    t->slot_count = 0;
    t->first_free = NO_SLOT;
}

void
session_table_fini(struct session_table *t)
{
    assert(t->by_client_id.count == 0);
    for (size_t i = 0; i < SESSION_CHUNKS_MAX; i++) {
        mem_free(t->alloc, atomic_load_explicit(&t->chunks[i], memory_order_relaxed));
    }
    map_fini(&t->by_client_id);
}

/* NULL: the slot was never used. Acquires, because another shard's thread may ask. */
static struct session_slot *
slot_at(const struct session_table *t, uint32_t slot)
{
    struct session_slot *chunk = NULL;

    if (slot / SESSION_CHUNK >= SESSION_CHUNKS_MAX) {
        return NULL;
    }
    chunk = atomic_load_explicit(&t->chunks[slot / SESSION_CHUNK], memory_order_acquire);
    return chunk == NULL ? NULL : &chunk[slot % SESSION_CHUNK];
}

/* A slot that is, or has been, in use. */
static struct session_slot *
used_slot(const struct session_table *t, uint32_t slot)
{
    struct session_slot *at = slot_at(t, slot);

    assert(at != NULL);
    return at;
}

static enum wilco_status
grow(struct session_table *t)
{
    struct session_slot *chunk = NULL;

    if (t->slot_count >= SLOTS_MAX) {
        return WILCO_ELIMIT;
    }
    chunk = mem_zalloc(t->alloc, sizeof(*chunk) * SESSION_CHUNK);
    if (chunk == NULL) {
        return WILCO_ENOMEM;
    }
    atomic_store_explicit(&t->chunks[t->slot_count / SESSION_CHUNK], chunk, memory_order_release);
    return WILCO_OK;
}

static enum wilco_status
take_slot(struct session_table *t, uint32_t *out)
{
    if (t->first_free != NO_SLOT) {
        *out = t->first_free;
        t->first_free = used_slot(t, *out)->at.next_free;
        return WILCO_OK;
    }
    if (slot_at(t, t->slot_count) == NULL) {
        enum wilco_status status = grow(t);

        if (status != WILCO_OK) {
            return status;
        }
    }
    *out = t->slot_count++;
    return WILCO_OK;
}

static void
give_slot_back(struct session_table *t, uint32_t slot)
{
    used_slot(t, slot)->at.next_free = t->first_free;
    t->first_free = slot;
}

static uint32_t
generation_of(uint32_t state)
{
    return state & GENERATION_MAX;
}

/* Of the next session in the slot, with its presence. */
static uint32_t
next_state(const struct session_slot *at, enum session_presence presence)
{
    uint32_t state = atomic_load_explicit(&at->state, memory_order_relaxed);

    return (generation_of(state) % GENERATION_MAX + 1) | (uint32_t)presence << SESSION_PRESENCE_BIT;
}

enum wilco_status
session_table_add(struct session_table *t, struct session *s)
{
    uint32_t slot = 0;
    uint32_t state = 0;
    struct session_slot *at = NULL;
    enum wilco_status status = take_slot(t, &slot);

    if (status != WILCO_OK) {
        return status;
    }
    status =
        map_add(&t->by_client_id, &s->by_client_id, hash_bytes(session_client_id(s), t->hash_seed));
    if (status != WILCO_OK) {
        give_slot_back(t, slot);
        return status;
    }
    at = used_slot(t, slot);
    state = next_state(at, SESSION_OFFLINE);
    at->at.session = s;
    s->standing = &at->standing;
    atomic_store_explicit(&at->asks_ended, 0, memory_order_relaxed);
    standing_reset(&at->standing);
    atomic_store_explicit(&at->state, state, memory_order_release);
    s->id = session_id_make(t->shard, generation_of(state), slot);
    return WILCO_OK;
}

void
session_table_remove(struct session_table *t, struct session *s)
{
    uint32_t slot = session_id_slot(s->id);
    struct session_slot *at = used_slot(t, slot);

    map_remove(&t->by_client_id, &s->by_client_id);
    /* From now on no id names this slot. */
    atomic_store_explicit(&at->state, next_state(at, SESSION_GONE), memory_order_release);
    access_names_free_later(atomic_exchange_explicit(&at->names, NULL, memory_order_acq_rel),
                            topic_index_reclaim(s->shard->broker->index));
    give_slot_back(t, slot);
}

enum wilco_status
session_table_sign(struct session *s)
{
    const struct access_subject who = session_subject(s);
    struct session_slot *at = used_slot(&s->shard->sessions, session_id_slot(s->id));
    struct access_names *names = NULL;

    if (atomic_load_explicit(&at->names, memory_order_relaxed) != NULL) {
        return WILCO_OK;
    }
    names = access_names_new(s->shard->broker->alloc, &who);
    if (names == NULL) {
        return WILCO_ENOMEM;
    }
    atomic_store_explicit(&at->names, names, memory_order_release);
    return WILCO_OK;
}

/* The slot is looked at twice: the first time that there is one, the second time that the names are
 * not those of the next session in it. */
const struct access_names *
session_table_names(const struct session_table *t, uint64_t session_id)
{
    const struct session_slot *at = session_table_slot(t, session_id);
    const struct access_names *names =
        at == NULL ? NULL : atomic_load_explicit(&at->names, memory_order_acquire);

    return session_table_slot(t, session_id) == at ? names : NULL;
}

struct session *
session_table_find(const struct session_table *t, struct span client_id)
{
    struct map_node *node = map_first(&t->by_client_id, hash_bytes(client_id, t->hash_seed));

    while (node != NULL) {
        struct session *s = CONTAINER_OF(node, struct session, by_client_id);

        if (span_equal(session_client_id(s), client_id)) {
            return s;
        }
        node = map_next(node);
    }
    return NULL;
}

struct session *
session_table_get(const struct session_table *t, uint64_t session_id)
{
    struct session_slot *at = slot_at(t, session_id_slot(session_id));

    if (at == NULL || generation_of(atomic_load_explicit(&at->state, memory_order_relaxed)) !=
                          session_id_generation(session_id)) {
        return NULL;
    }
    return at->at.session;
}

struct session_slot *
session_table_slot(const struct session_table *t, uint64_t session_id)
{
    struct session_slot *at = slot_at(t, session_id_slot(session_id));

    if (at == NULL || generation_of(atomic_load_explicit(&at->state, memory_order_acquire)) !=
                          session_id_generation(session_id)) {
        return NULL;
    }
    return at;
}

enum session_presence
session_table_presence(const struct session_table *t, uint64_t session_id)
{
    const struct session_slot *at = session_table_slot(t, session_id);

    return at == NULL ? SESSION_GONE : session_slot_presence(at);
}

void
session_table_set_presence(struct session_table *t, uint64_t session_id,
                           enum session_presence presence)
{
    struct session_slot *at = used_slot(t, session_id_slot(session_id));

    atomic_store_explicit(
        &at->state, session_id_generation(session_id) | (uint32_t)presence << SESSION_PRESENCE_BIT,
        memory_order_release);
}
