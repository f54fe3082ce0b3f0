/* Bulk goes in rounds: peers that have input are read, then the conns that got output by it are
 * written. Writing after each read would cost a system call for every few messages, and reading
 * everything would fill the outputs; so a round reads until nobody has more, or ROUND_BYTES. Steps
 * of both kinds are short, and between two of them the time is looked at, and what has become
 * urgent is written. */
#include "broker/server/lane.h"

#include "base/clock.h"
#include "broker/server/driver.h"
#include "broker/server/peer.h"

#define ROUND_BYTES 262144U
#define READ_BYTES  1024U /* what a read costs, whatever it brings, in bytes of a round */

void
lane_init(struct lane *l)
{
    list_init(&l->reading);
    list_init(&l->writing);
    l->round_bytes = 0;
}

void
lane_add(struct lane *l, struct peer *p)
{
    if (!list_is_linked(&p->bulk_link)) {
        list_push_back(&l->reading, &p->bulk_link);
    }
}

size_t
lane_first_read_bytes(const struct driver *d)
{
    const struct settings *limits = &d->crew->broker.settings;

    return limits->bulk_turn_us == 0 ? sizeof(d->buffer) : (size_t)limits->bulk_read_bytes;
}

void
lane_settle_urgent(struct driver *d)
{
    struct conn *c = NULL;

    while ((c = shard_next_urgent(d->shard)) != NULL) {
        peer_settle(d, CONTAINER_OF(c, struct peer, conn));
    }
}

bool
lane_has_work(const struct driver *d)
{
    return !list_is_empty(&d->lane.reading) || !list_is_empty(&d->lane.writing) ||
           !list_is_empty(&d->shard->dirty_bulk);
}

static void
read_next(struct driver *d)
{
    struct lane *l = &d->lane;
    struct peer *p = CONTAINER_OF(list_pop_front(&l->reading), struct peer, bulk_link);
    size_t len = peer_read_bulk(d, p);

    l->round_bytes += READ_BYTES + len;
    if (len == d->crew->broker.settings.bulk_read_bytes && conn_wants_input(&p->conn)) {
        list_push_back(&l->reading, &p->bulk_link);
    }
}

/* There is something to do. */
static void
take_step(struct driver *d)
{
    struct lane *l = &d->lane;
    struct list *link = NULL;

    if (list_is_empty(&l->writing) &&
        (list_is_empty(&l->reading) || l->round_bytes >= ROUND_BYTES)) {
        list_append(&l->writing, &d->shard->dirty_bulk);
        l->round_bytes = 0;
    }
    link = list_pop_front(&l->writing);
    if (link != NULL) {
        peer_settle(d, CONTAINER_OF(link, struct peer, conn.dirty_link));
    } else {
        read_next(d);
    }
    lane_settle_urgent(d);
}

static uint64_t
deadline_ns(const struct driver *d)
{
    uint64_t turn_us = d->crew->broker.settings.bulk_turn_us;

    return turn_us == 0 ? UINT64_MAX : clock_monotonic_ns() + turn_us * 1000;
}

void
lane_serve(struct driver *d)
{
    uint64_t until_ns = 0;

    if (!lane_has_work(d)) {
        return;
    }
    until_ns = deadline_ns(d);
    do {
        take_step(d);
    } while (lane_has_work(d) && clock_monotonic_ns() < until_ns);
}
