/* Bulk goes in rounds: peers that have input are read, then the conns that got output by it are
 * written. Writing after each read would cost a system call for every few messages, and reading
 * everything would fill the outputs; so a round reads until nobody has more, or ROUND_BYTES. Steps
 * of both kinds are short, and between two of them the time is looked at, and what has become
 * urgent is written. */
#include "broker/server/lane.h"

#include "base/clock.h"
#include "broker/server/driver.h"
#include "broker/server/peer.h"

#define ROUND_BYTES     262144U
#define READ_COST_BYTES 1024U /* what a read costs, whatever it brings, in bytes of a round */
#define READ_BYTES_MIN  256U

void
lane_init(struct lane *l)
{
    list_init(&l->reading);
    list_init(&l->writing);
    l->round_bytes = 0;
}

bool
lane_add(struct driver *d, struct peer *p)
{
    struct peer_rare *rare = peer_rare(d, p);

    if (rare != NULL && !list_is_linked(&rare->bulk_link)) {
        list_push_back(&d->lane.reading, &rare->bulk_link);
    }
    return rare != NULL;
}

size_t
lane_first_read_bytes(const struct driver *d, const struct peer *p)
{
    bool asks = p->conn.plain_bytes == 0; /* or answers, and nothing else since */

    return asks || !shard_has_lane(d->shard) ? sizeof(d->buffer)
                                             : (size_t)d->crew->broker.settings.bulk_read_bytes;
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

static uint64_t
turn_ns(const struct driver *d)
{
    return d->crew->broker.settings.bulk_turn_us * 1000;
}

/* What a byte costs depends on how large messages are and how many get them, so the size of a step
 * follows from the time that the last one took. */
static size_t
adapt(const struct driver *d, size_t bytes, uint64_t took_ns)
{
    if (took_ns > turn_ns(d)) {
        bytes /= 2;
    } else if (took_ns < turn_ns(d) / 3) {
        bytes *= 2;
    }
    bytes = bytes < READ_BYTES_MIN ? READ_BYTES_MIN : bytes;
    return bytes > sizeof(d->buffer) ? sizeof(d->buffer) : bytes;
}

static void
read_next(struct driver *d, struct peer_rare *bulk)
{
    struct lane *l = &d->lane;
    struct peer *p = bulk->peer;
    uint64_t start_ns = clock_monotonic_ns();
    size_t wanted = bulk->bulk_bytes == 0 ? lane_first_read_bytes(d, p) : bulk->bulk_bytes;
    size_t len = peer_read_bulk(d, p, wanted);

    l->round_bytes += READ_COST_BYTES + len;
    if (p->stream == NULL) {
        return;
    }
    if (len == wanted) {
        bulk->bulk_bytes = adapt(d, wanted, clock_monotonic_ns() - start_ns);
        if (conn_wants_input(&p->conn)) {
            list_push_back(&l->reading, &bulk->bulk_link);
        }
    } else {
        peer_read_pending(d, p);
    }
}

/* Of much output a part; the rest still belongs to this round. */
static void
write_next(struct driver *d, struct peer *p)
{
    struct list *link = &p->conn.dirty_link;

    if (turn_ns(d) == 0 || !peer_write_part(p)) {
        peer_settle(d, p);
    } else if (!p->conn.is_urgent) {
        list_remove(link);
        list_push_back(&d->lane.writing, link);
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
        write_next(d, CONTAINER_OF(link, struct peer, conn.dirty_link));
    } else if ((link = list_pop_front(&l->reading)) != NULL) {
        read_next(d, CONTAINER_OF(link, struct peer_rare, bulk_link));
    }
    lane_settle_urgent(d);
}

void
lane_serve(struct driver *d)
{
    uint64_t until_ns = 0;

    if (!lane_has_work(d)) {
        return;
    }
    until_ns = turn_ns(d) == 0 ? UINT64_MAX : clock_monotonic_ns() + turn_ns(d);
    do {
        take_step(d);
    } while (lane_has_work(d) && clock_monotonic_ns() < until_ns);
}
