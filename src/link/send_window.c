#include "link/send_window.h"

#include <assert.h>

/* An identifier can only be in the slot that its low bits name, so finding it is one look. To find
 * a free one just as fast, the free slots form a queue, and each already carries the identifier
 * that it will be used with: after a removal the old one plus the number of slots. While things are
 * finished with in order, this gives 1, 2, 3 and so on, and an identifier is used again as late as
 * possible. With 65536 slots slot 0 could only hold identifier 0, which does not exist; it is left
 * out. */

#define SLOTS_FIRST 8U
#define SLOTS_KEPT  64U /* at most this many stay allocated while the window is empty */
#define SLOTS_MAX   65536U

void
send_window_init(struct send_window *w, const struct wilco_alloc *a)
{
    *w = (struct send_window){.alloc = a, .next_id = 1};
}

static void
release_slots(struct send_window *w)
{
    mem_free(w->alloc, w->slots);
    w->slots = NULL;
    w->slot_count = 0;
    w->count = 0;
}

void
send_window_fini(struct send_window *w)
{
    release_slots(w);
}

void
send_window_connect(struct send_window *w, uint16_t receive_maximum)
{
    w->quota_max = receive_maximum;
    w->quota = receive_maximum; /* [MQTT-4.9.0-1] */
}

static uint16_t
slot_of(const struct send_window *w, uint32_t packet_id)
{
    return (uint16_t)(packet_id & (w->slot_count - 1));
}

/* `packet_id`, or the next one of the same slot when that is 0. */
static uint16_t
not_zero(const struct send_window *w, uint32_t packet_id)
{
    uint16_t id = (uint16_t)packet_id;

    return id != 0 ? id : (uint16_t)w->slot_count;
}

static bool
has_free_slot(const struct send_window *w)
{
    return w->count < w->slot_count && w->count < UINT16_MAX;
}

/* Puts a slot at the end of the free queue; `was_empty`: it is the only one. */
static void
free_slot_push(struct send_window *w, uint16_t slot, bool was_empty)
{
    if (was_empty) {
        w->free_first = slot;
    } else {
        w->slots[w->free_last].next = slot;
    }
    w->free_last = slot;
}

/* Puts the slot of `packet_id` at the end of the order of sending; `count` is the caller's affair.
 */
static void
order_push(struct send_window *w, uint16_t slot)
{
    if (w->count == 0) {
        w->first = slot;
    } else {
        w->slots[w->last].next = slot;
        w->slots[slot].prev = w->last;
    }
    w->last = slot;
}

/* Queues every slot that is not in use, so that the identifiers go on from `next_id`. */
static void
queue_free_slots(struct send_window *w)
{
    bool is_empty = true;

    for (uint32_t i = 0; i < w->slot_count; i++) {
        uint32_t packet_id = (uint32_t)w->next_id + i;
        struct send_entry *e = &w->slots[slot_of(w, packet_id)];

        if (e->stage != SEND_FREE || (w->slot_count == SLOTS_MAX && e == w->slots)) {
            continue;
        }
        e->packet_id = not_zero(w, packet_id);
        free_slot_push(w, slot_of(w, packet_id), is_empty);
        is_empty = false;
    }
}

static enum wilco_status
grow(struct send_window *w)
{
    struct send_window old = *w;
    uint32_t slot_count = old.slot_count == 0 ? SLOTS_FIRST : old.slot_count * 2;
    struct send_entry *slots = mem_zalloc(w->alloc, slot_count * sizeof(*slots));

    if (slots == NULL) {
        return WILCO_ENOMEM;
    }
    w->slots = slots;
    w->slot_count = slot_count;
    w->count = 0;
    for (struct send_entry *e = send_window_first(&old); e != NULL; e = send_window_next(&old, e)) {
        uint16_t slot = slot_of(w, e->packet_id);

        w->slots[slot] = *e;
        order_push(w, slot);
        w->count++;
    }
    queue_free_slots(w);
    release_slots(&old);
    return WILCO_OK;
}

enum wilco_status
send_window_add(struct send_window *w, enum send_stage stage, void *item, struct send_entry **out)
{
    uint16_t slot = 0;
    struct send_entry *e = NULL;

    assert(stage != SEND_FREE);
    if ((stage != SEND_OTHER && w->quota == 0) || w->count == UINT16_MAX) {
        return WILCO_AGAIN; /* [MQTT-3.3.4-9] */
    }
    if (!has_free_slot(w) && grow(w) != WILCO_OK) {
        return WILCO_ENOMEM;
    }
    slot = w->free_first;
    e = &w->slots[slot];
    w->free_first = e->next;
    *e = (struct send_entry){.item = item, .packet_id = e->packet_id, .stage = (uint8_t)stage};
    order_push(w, slot);
    w->count++;
    w->quota = (uint16_t)(w->quota - (stage != SEND_OTHER));
    w->next_id = e->packet_id == UINT16_MAX ? 1 : (uint16_t)(e->packet_id + 1);
    *out = e;
    return WILCO_OK;
}

struct send_entry *
send_window_find(struct send_window *w, uint16_t packet_id)
{
    struct send_entry *e = NULL;

    if (w->count == 0) {
        return NULL;
    }
    e = &w->slots[slot_of(w, packet_id)];
    return e->stage != SEND_FREE && e->packet_id == packet_id ? e : NULL;
}

static void
order_remove(struct send_window *w, const struct send_entry *e, uint16_t slot)
{
    if (slot == w->first) {
        w->first = e->next;
    } else {
        w->slots[e->prev].next = e->next;
    }
    if (slot == w->last) {
        w->last = e->prev;
    } else {
        w->slots[e->next].prev = e->prev;
    }
}

void
send_window_remove(struct send_window *w, struct send_entry *entry)
{
    uint16_t slot = slot_of(w, entry->packet_id);
    bool was_full = !has_free_slot(w);

    assert(entry == &w->slots[slot] && entry->stage != SEND_FREE);
    if (entry->stage != SEND_OTHER && w->quota < w->quota_max) {
        w->quota++;
    }
    order_remove(w, entry, slot);
    w->count--;
    *entry = (struct send_entry){.packet_id = not_zero(w, entry->packet_id + w->slot_count)};
    free_slot_push(w, slot, was_full);
    if (w->count == 0 && w->slot_count > SLOTS_KEPT) {
        release_slots(w);
    }
}

bool
send_window_resend(struct send_window *w)
{
    if (w->quota == 0) {
        return false;
    }
    w->quota--;
    return true;
}

struct send_entry *
send_window_first(struct send_window *w)
{
    return w->count == 0 ? NULL : &w->slots[w->first];
}

struct send_entry *
send_window_next(struct send_window *w, const struct send_entry *entry)
{
    return entry == &w->slots[w->last] ? NULL : &w->slots[entry->next];
}
