/* Frames: see src/load/dialect_frames.c. */
#include "relay.h"

#include <stdlib.h>
#include <string.h>

#define HEAD_BYTES 8U
#define ROOMS_MAX  4000000U

static struct guests *rooms;
static size_t room_count;

static struct guests *
room_of(uint32_t number)
{
    if (number >= room_count) {
        size_t count = (size_t)number * 2 + 64;
        struct guests *grown = realloc(rooms, count * sizeof(*rooms));

        if (grown == NULL) {
            abort();
        }
        memset(grown + room_count, 0, (count - room_count) * sizeof(*rooms));
        rooms = grown;
        room_count = count;
    }
    return &rooms[number];
}

static void
say_hello(struct guest *from, uint32_t room, struct span frame)
{
    from->has_said_hello = true;
    from->room = room;
    if (room < ROOMS_MAX) {
        guests_add(room_of(room), from);
    }
    relay_copy(from, frame);
}

static enum wilco_status
take(struct guest *from, struct span *in)
{
    uint32_t head[2];
    struct span frame;

    if (in->len < HEAD_BYTES) {
        return WILCO_AGAIN;
    }
    memcpy(head, in->data, sizeof(head));
    if (in->len - HEAD_BYTES < head[0]) {
        return WILCO_AGAIN;
    }
    frame = span_of(in->data, HEAD_BYTES + head[0]);
    *in = span_skip(*in, frame.len);
    if (!from->has_said_hello) {
        say_hello(from, head[1], frame);
    } else if (head[1] < room_count) {
        const struct guests *members = &rooms[head[1]];

        for (size_t i = 0; i < members->count; i++) {
            relay_copy(members->list[i], frame);
        }
    }
    return WILCO_OK;
}

static void
leave(struct guest *g)
{
    if (g->has_said_hello && g->room < room_count) {
        guests_remove(&rooms[g->room], g);
    }
}

const struct relay_protocol relay_frames = {.take = take, .leave = leave};
