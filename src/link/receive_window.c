#include "link/receive_window.h"

#include <string.h>

#define CAPACITY_FIRST 16U
#define CAPACITY_KEPT  32U /* at most this much stays allocated while the window is empty */
#define CAPACITY_MAX   65535U

void
receive_window_init(struct receive_window *w, const struct wilco_alloc *a, uint16_t receive_maximum)
{
    *w = (struct receive_window){.alloc = a, .receive_maximum = receive_maximum};
}

void
receive_window_fini(struct receive_window *w)
{
    mem_free(w->alloc, w->ids);
    w->ids = NULL;
    w->count = 0;
    w->capacity = 0;
}

/* Where `packet_id` is, or where it would have to be. */
static size_t
position_of(const struct receive_window *w, uint16_t packet_id)
{
    size_t low = 0;
    size_t high = w->count;

    if (high > 0 && w->ids[high - 1] < packet_id) { /* most senders count upwards */
        return high;
    }
    while (low < high) {
        size_t middle = (low + high) / 2;

        if (w->ids[middle] < packet_id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool
is_at(const struct receive_window *w, size_t position, uint16_t packet_id)
{
    return position < w->count && w->ids[position] == packet_id;
}

static enum wilco_status
make_room(struct receive_window *w)
{
    uint32_t capacity = w->capacity == 0 ? CAPACITY_FIRST : (uint32_t)w->capacity * 2;
    uint16_t *ids = NULL;

    if (w->count < w->capacity) {
        return WILCO_OK;
    }
    if (capacity > CAPACITY_MAX) {
        capacity = CAPACITY_MAX;
    }
    ids = mem_realloc(w->alloc, w->ids, capacity * sizeof(*ids));
    if (ids == NULL) {
        return WILCO_ENOMEM;
    }
    w->ids = ids;
    w->capacity = (uint16_t)capacity;
    return WILCO_OK;
}

enum wilco_status
receive_window_add(struct receive_window *w, uint16_t packet_id)
{
    size_t at = position_of(w, packet_id);
    enum wilco_status st = WILCO_OK;

    if (is_at(w, at, packet_id)) {
        return WILCO_AGAIN; /* [MQTT-4.3.3-10] */
    }
    if (w->count >= w->receive_maximum) {
        return WILCO_ELIMIT; /* [MQTT-3.3.4-7] */
    }
    st = make_room(w);
    if (st == WILCO_OK) {
        memmove(w->ids + at + 1, w->ids + at, (w->count - at) * sizeof(*w->ids));
        w->ids[at] = packet_id;
        w->count++;
    }
    return st;
}

bool
receive_window_remove(struct receive_window *w, uint16_t packet_id)
{
    size_t at = position_of(w, packet_id);

    if (!is_at(w, at, packet_id)) {
        return false;
    }
    w->count--;
    memmove(w->ids + at, w->ids + at + 1, (w->count - at) * sizeof(*w->ids));
    if (w->count == 0 && w->capacity > CAPACITY_KEPT) {
        receive_window_fini(w);
    }
    return true;
}

bool
receive_window_has(const struct receive_window *w, uint16_t packet_id)
{
    return is_at(w, position_of(w, packet_id), packet_id);
}
