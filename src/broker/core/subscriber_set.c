#include "broker/core/subscriber_set.h"

#include "broker/core/session_id.h"

#include <assert.h>

/* Slots are taken from the front to the back and never a second time: a reader that has loaded a
 * session id then loads what belongs to it, and nothing else may have moved in between. A removed
 * one is marked as gone. When the array is full, or an eighth of it is gone, those that are left
 * are copied to a new one.
 *
 * Behind the slots of a larger array lies the writer's index: an open-addressing hash table of slot
 * numbers, counted from 1. Smaller arrays are searched. */

#define SLOTS_MIN     2U
#define SLOTS_INDEXED 16U        /* from this capacity on there is an index */
#define GONE          UINT64_MAX /* as a session id; no shard has the number 255 */

struct subscriber_slots {
    struct reclaim_node reclaim;
    uint32_t capacity; /* a power of two */
    uint32_t live;     /* writer's: slots taken and not gone */
    _Atomic uint32_t filled;
    struct subscriber_slot at[];
};

/* It is read for each message: no field is taken apart. */
_Static_assert(sizeof(struct subscription_how) == sizeof(uint64_t), "it fits a slot as it is");

static uint64_t
pack(const struct subscription_how *how)
{
    uint64_t packed = 0;

    memcpy(&packed, how, sizeof(packed));
    return packed;
}

static struct subscription_how
unpack(uint64_t packed)
{
    struct subscription_how how;

    memcpy(&how, &packed, sizeof(how));
    return how;
}

static bool
is_live(uint64_t session_id)
{
    return session_id != SESSION_ID_NONE && session_id != GONE;
}

/* Reads one slot; false when there is nobody in it. */
static inline bool
slot_get(const struct subscriber_slot *slot, struct topic_match *out)
{
    uint64_t id = atomic_load_explicit(&slot->session_id, memory_order_acquire);

    if (!is_live(id)) {
        return false;
    }
    out->session_id = id;
    out->how = unpack(atomic_load_explicit(&slot->how, memory_order_relaxed));
    return true;
}

static void
slot_set(struct subscriber_slot *slot, uint64_t session_id, uint64_t how)
{
    atomic_store_explicit(&slot->how, how, memory_order_relaxed);
    atomic_store_explicit(&slot->session_id, session_id, memory_order_release);
}

/* The writer reads what only it writes. */
static uint64_t
slot_id(const struct subscriber_slot *slot)
{
    return atomic_load_explicit(&slot->session_id, memory_order_relaxed);
}

static struct subscriber_slots *
slots_of(const struct subscriber_set *s)
{
    return atomic_load_explicit(&s->more, memory_order_relaxed);
}

static uint32_t
filled_of(const struct subscriber_slots *slots)
{
    return atomic_load_explicit(&slots->filled, memory_order_relaxed);
}

/* The index. */

static size_t
index_size(uint32_t capacity)
{
    return capacity < SLOTS_INDEXED ? 0 : (size_t)capacity * 2;
}

static uint32_t *
index_of(struct subscriber_slots *slots)
{
    return (uint32_t *)(void *)&slots->at[slots->capacity];
}

static size_t
index_home(const struct subscriber_slots *slots, uint64_t session_id)
{
    uint64_t mixed = session_id * UINT64_C(0x9E3779B97F4A7C15);

    return (size_t)(mixed >> 32) & (index_size(slots->capacity) - 1);
}

/* Where the index has the session, or where it would get it. */
static size_t
index_place(struct subscriber_slots *slots, uint64_t session_id)
{
    const uint32_t *index = index_of(slots);
    size_t mask = index_size(slots->capacity) - 1;
    size_t at = index_home(slots, session_id);

    while (index[at] != 0 && slot_id(&slots->at[index[at] - 1]) != session_id) {
        at = (at + 1) & mask;
    }
    return at;
}

/* Empties a place and closes the gap: what stands behind it and may stand in it moves up. */
static void
index_remove(struct subscriber_slots *slots, size_t gap)
{
    uint32_t *index = index_of(slots);
    size_t mask = index_size(slots->capacity) - 1;

    for (size_t at = (gap + 1) & mask; index[at] != 0; at = (at + 1) & mask) {
        size_t home = index_home(slots, slot_id(&slots->at[index[at] - 1]));

        if (((at - home) & mask) >= ((at - gap) & mask)) {
            index[gap] = index[at];
            gap = at;
        }
    }
    index[gap] = 0;
}

/* The slot that holds the session; NULL: none does. */
static struct subscriber_slot *
slots_find(struct subscriber_slots *slots, uint64_t session_id)
{
    if (slots->capacity >= SLOTS_INDEXED) {
        uint32_t number = index_of(slots)[index_place(slots, session_id)];

        return number == 0 ? NULL : &slots->at[number - 1];
    }
    for (uint32_t i = 0; i < filled_of(slots); i++) {
        if (slot_id(&slots->at[i]) == session_id) {
            return &slots->at[i];
        }
    }
    return NULL;
}

static void
slots_append(struct subscriber_slots *slots, uint64_t session_id, uint64_t how)
{
    uint32_t filled = filled_of(slots);

    assert(filled < slots->capacity);
    if (slots->capacity >= SLOTS_INDEXED) {
        index_of(slots)[index_place(slots, session_id)] = filled + 1;
    }
    slot_set(&slots->at[filled], session_id, how);
    slots->live++;
    atomic_store_explicit(&slots->filled, filled + 1, memory_order_release);
}

/* Room for `count`, and for a quarter more, so that copying is rare. */
static struct subscriber_slots *
slots_new(const struct wilco_alloc *a, uint32_t count)
{
    struct subscriber_slots *slots;
    uint32_t capacity = SLOTS_MIN;

    while (capacity < count + count / 4) {
        capacity *= 2;
    }
    slots = mem_zalloc(a, sizeof(*slots) + capacity * sizeof(slots->at[0]) +
                              index_size(capacity) * sizeof(uint32_t));
    if (slots != NULL) {
        slots->capacity = capacity;
    }
    return slots;
}

static void
publish(struct subscriber_set *s, struct reclaim *r, struct subscriber_slots *slots)
{
    struct subscriber_slots *old = slots_of(s);

    atomic_store_explicit(&s->more, slots, memory_order_release);
    if (old != NULL) {
        reclaim_later(r, &old->reclaim);
    }
}

static void
copy_live(struct subscriber_slots *to, const struct subscriber_slots *from)
{
    for (uint32_t i = 0; from != NULL && i < filled_of(from); i++) {
        if (is_live(slot_id(&from->at[i]))) {
            slots_append(to, slot_id(&from->at[i]),
                         atomic_load_explicit(&from->at[i].how, memory_order_relaxed));
        }
    }
}

static enum wilco_status
add(struct subscriber_set *s, struct reclaim *r, uint64_t session_id, uint64_t how)
{
    struct subscriber_slots *old = slots_of(s);
    struct subscriber_slots *slots;

    if (slot_id(&s->first) == SESSION_ID_NONE) {
        slot_set(&s->first, session_id, how);
        return WILCO_OK;
    }
    if (old != NULL && filled_of(old) < old->capacity) {
        slots_append(old, session_id, how);
        return WILCO_OK;
    }
    slots = slots_new(r->alloc, old == NULL ? 1 : old->live + 1);
    if (slots == NULL) {
        return WILCO_ENOMEM;
    }
    copy_live(slots, old);
    slots_append(slots, session_id, how);
    publish(s, r, slots);
    return WILCO_OK;
}

static struct subscriber_slot *
find(const struct subscriber_set *s, uint64_t session_id)
{
    struct subscriber_slots *slots = slots_of(s);

    if (slot_id(&s->first) == session_id) {
        return (void *)(uintptr_t)&s->first; /* the writer's, whoever asks */
    }
    return slots == NULL ? NULL : slots_find(slots, session_id);
}

enum wilco_status
subscriber_set_put(struct subscriber_set *s, struct reclaim *r, uint64_t session_id,
                   const struct subscription_how *how, bool *existed)
{
    struct subscriber_slot *slot = find(s, session_id);

    assert(is_live(session_id));
    *existed = slot != NULL;
    if (slot == NULL) {
        return add(s, r, session_id, pack(how));
    }
    atomic_store_explicit(&slot->how, pack(how), memory_order_relaxed);
    return WILCO_OK;
}

/* After a slot of the array has gone. Without memory for a smaller array the old one serves on. */
static void
tidy(struct subscriber_set *s, struct reclaim *r)
{
    const struct subscriber_slots *old = slots_of(s);
    struct subscriber_slots *slots = NULL;

    if ((filled_of(old) - old->live) * 8 <= filled_of(old)) {
        return;
    }
    if (old->live > 0) {
        slots = slots_new(r->alloc, old->live);
        if (slots == NULL) {
            return;
        }
        copy_live(slots, old);
    }
    publish(s, r, slots);
}

bool
subscriber_set_remove(struct subscriber_set *s, struct reclaim *r, uint64_t session_id)
{
    struct subscriber_slots *slots = slots_of(s);
    struct subscriber_slot *slot = find(s, session_id);

    assert(is_live(session_id));
    if (slot == NULL) {
        return false;
    }
    if (slot != &s->first && slots->capacity >= SLOTS_INDEXED) {
        index_remove(slots, index_place(slots, session_id));
    }
    atomic_store_explicit(&slot->session_id, GONE, memory_order_release);
    if (slot != &s->first) {
        slots->live--;
        tidy(s, r);
    }
    return true;
}

bool
subscriber_set_has(const struct subscriber_set *s, uint64_t session_id)
{
    return find(s, session_id) != NULL;
}

bool
subscriber_set_is_empty(const struct subscriber_set *s)
{
    const struct subscriber_slots *slots = slots_of(s);

    return !is_live(slot_id(&s->first)) && (slots == NULL || slots->live == 0);
}

void
subscriber_set_fini(struct subscriber_set *s, const struct wilco_alloc *a)
{
    mem_free(a, slots_of(s));
    atomic_store_explicit(&s->more, NULL, memory_order_relaxed);
}

static enum wilco_status
collect_more(const struct subscriber_slots *slots, struct topic_matches *out)
{
    uint32_t filled = atomic_load_explicit(&slots->filled, memory_order_acquire);
    enum wilco_status st = topic_matches_reserve(out, filled);

    for (uint32_t i = 0; st == WILCO_OK && i < filled; i++) {
        out->count += slot_get(&slots->at[i], &out->items[out->count]);
    }
    return st;
}

enum wilco_status
subscriber_set_collect(const struct subscriber_set *s, struct topic_matches *out)
{
    const struct subscriber_slots *slots = atomic_load_explicit(&s->more, memory_order_acquire);
    enum wilco_status st = topic_matches_reserve(out, 1);

    if (WILCO_UNLIKELY(st != WILCO_OK)) {
        return st;
    }
    out->count += slot_get(&s->first, &out->items[out->count]);
    return WILCO_LIKELY(slots == NULL) ? WILCO_OK : collect_more(slots, out);
}

static void
cursor_start(struct subscriber_cursor *c, const struct subscriber_set *s, uint32_t start)
{
    struct topic_match first;

    c->more = atomic_load_explicit(&s->more, memory_order_acquire);
    c->with_first = slot_get(&s->first, &first);
    c->size = c->with_first;
    if (c->more != NULL) {
        c->size += atomic_load_explicit(&c->more->filled, memory_order_acquire);
    }
    c->left = c->size;
    c->place = c->size == 0 ? 0 : start % c->size;
}

bool
subscriber_set_next(const struct subscriber_set *s, uint32_t start, struct subscriber_cursor *c,
                    struct topic_match *out)
{
    if (c->size == 0) {
        cursor_start(c, s, start);
    }
    while (c->left > 0) {
        uint32_t place = c->place;
        const struct subscriber_slot *slot =
            c->with_first && place == 0 ? &s->first : &c->more->at[place - c->with_first];

        c->left--;
        c->place = place + 1 == c->size ? 0 : place + 1;
        if (slot_get(slot, out)) {
            return true;
        }
    }
    return false;
}
