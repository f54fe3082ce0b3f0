#include "broker/server/peer.h"

#include "broker/server/driver.h"
#include "broker/server/intake.h"
#include "broker/server/lane.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

_Static_assert(STREAM_READABLE == (int)LOOP_READABLE && STREAM_WRITABLE == (int)LOOP_WRITABLE,
               "what a stream waits for is what a loop watches");

#define SPANS_PER_WRITE 64U
/* Reads that fill the whole buffer, and writes of all spans, in one turn for one peer; then it is
 * the others' turn. */
#define READS_PER_TURN  4
#define WRITES_PER_TURN 8

struct peer *
peer_open(struct driver *d, struct stream *stream, const struct entrance *entrance,
          struct guest *guest, struct loop_source *watched)
{
    struct peer *p = mem_zalloc(d->crew->broker.alloc, sizeof(*p));
    enum wilco_status st = WILCO_OK;

    if (p == NULL) {
        stream_close(stream);
        guests_leave(&d->crew->guests, guest);
        return NULL;
    }
    conn_init(&p->conn, d->shard);
    p->conn.entrance = entrance;
    p->stream = stream;
    p->guest = guest;
    p->source = (struct loop_source){.fd = stream_fd(stream), .kind = DRIVER_PEER};
    list_push_back(&d->peers, &p->link);
    st = watched == NULL ? loop_watch(d->loop, &p->source, LOOP_READABLE, false)
                         : loop_pass_on(d->loop, watched, &p->source);
    if (st != WILCO_OK) {
        peer_close(d, p);
        return NULL;
    }
    return p;
}

struct peer_rare *
peer_rare(struct driver *d, struct peer *p)
{
    if (p->rare == NULL) {
        p->rare = mem_zalloc(d->crew->broker.alloc, sizeof(*p->rare));
        if (p->rare != NULL) {
            p->rare->peer = p;
            p->rare->timer.kind = DRIVER_PEER;
        }
    }
    return p->rare;
}

static void
drop_rare(struct driver *d, struct peer *p)
{
    if (p->rare != NULL) {
        wheel_stop(&d->wheel, &p->rare->timer);
        list_remove(&p->rare->bulk_link);
        mem_free(d->crew->broker.alloc, p->rare);
        p->rare = NULL;
    }
}

void
peer_close(struct driver *d, struct peer *p)
{
    if (!p->is_lingering) {
        conn_fini(&p->conn);
    }
    drop_rare(d, p);
    loop_forget(&p->source);
    stream_close(p->stream);
    p->stream = NULL;
    guests_leave(&d->crew->guests, p->guest);
    p->guest = NULL;
    list_remove(&p->link);
    list_push_back(&d->closed, &p->link);
}

void
peer_free(struct driver *d, struct peer *p)
{
    list_remove(&p->link);
    mem_free(d->crew->broker.alloc, p);
}

/* The transport broke, or the client hung up. */
static void
lose(struct driver *d, struct peer *p)
{
    conn_lost(&p->conn);
    peer_close(d, p);
}

void
peer_dismiss(struct driver *d, struct peer *p)
{
    if (!p->is_lingering && p->conn.state < CONN_CONNECTED) {
        lose(d, p);
    }
}

/* What to wait for: the streams say what that is. */
static unsigned
interest_of(const struct peer *p)
{
    unsigned interest = 0;

    if (p->is_lingering || conn_wants_input(&p->conn)) {
        interest |= stream_interest(p->stream, false);
    }
    if (p->is_blocked) {
        interest |= stream_interest(p->stream, true);
    }
    return interest;
}

static void
watch(struct driver *d, struct peer *p)
{
    if (loop_watch(d->loop, &p->source, interest_of(p), false) != WILCO_OK) {
        peer_close(d, p);
    }
}

void
peer_read_later(struct driver *d, struct peer *p)
{
    if (p->stream != NULL) {
        watch(d, p);
    }
}

/* Reads and forgets. */
static void
discard(struct driver *d, struct peer *p)
{
    size_t len = 0;
    struct peer_rare *rare = peer_rare(d, p);
    enum wilco_status st = WILCO_ENOMEM;

    if (rare == NULL) {
        peer_close(d, p);
        return;
    }
    do {
        st = stream_read(p->stream, d->buffer, sizeof(d->buffer), &len);
        rare->linger_bytes += st == WILCO_OK ? len : 0;
    } while (st == WILCO_OK && rare->linger_bytes <= PEER_LINGER_BYTES &&
             stream_has_pending(p->stream));
    if (st == WILCO_AGAIN) {
        peer_read_later(d, p);
        return;
    }
    if (st != WILCO_OK || rare->linger_bytes > PEER_LINGER_BYTES) {
        peer_close(d, p);
    }
}

void
peer_take(struct driver *d, struct peer *p, enum wilco_status status, struct span bytes)
{
    if (p->stream == NULL || p->is_lingering) { /* since it was read */
        return;
    }
    if (status == WILCO_OK) {
        conn_feed(&p->conn, bytes);
    } else if (status != WILCO_AGAIN) {
        lose(d, p);
    }
}

/* Reads once; the bytes that were read. Even where no input is wanted, as the loop does not call
 * for it then unless the connection broke. */
static size_t
read_once(struct driver *d, struct peer *p, size_t bytes_max)
{
    size_t len = 0;
    enum wilco_status st = stream_read(p->stream, d->buffer, bytes_max, &len);

    peer_take(d, p, st, span_of(d->buffer, len));
    if (st == WILCO_AGAIN) {
        peer_read_later(d, p);
    }
    return len;
}

static bool
wants_more(const struct peer *p)
{
    return p->stream != NULL && !p->is_lingering && conn_wants_input(&p->conn);
}

/* The first read was a short one, to see whether it is bulk that comes. */
void
peer_read_on(struct driver *d, struct peer *p)
{
    for (int i = 1; i < READS_PER_TURN && wants_more(p); i++) {
        if (conn_is_bulk(&p->conn) && lane_add(d, p)) {
            return;
        }
        if (read_once(d, p, sizeof(d->buffer)) < sizeof(d->buffer)) {
            break;
        }
    }
    peer_read_pending(d, p);
}

void
peer_read_pending(struct driver *d, struct peer *p)
{
    if (wants_more(p) && stream_has_pending(p->stream) && !lane_add(d, p)) {
        lose(d, p);
    }
}

size_t
peer_read_bulk(struct driver *d, struct peer *p, size_t bytes_max)
{
    bool is_over = p->is_lingering || p->conn.state == CONN_ENDING;

    return is_over ? 0 : read_once(d, p, bytes_max);
}

void
peer_ready(struct driver *d, struct peer *p, unsigned ready)
{
    if (p->stream == NULL) { /* closed since, by whoever held the lock */
        return;
    }
    if (p->is_blocked && (ready & stream_interest(p->stream, true)) != 0) {
        p->is_blocked = false;
        conn_touch_as(&p->conn, p->conn.is_urgent);
    }
    if ((ready & LOOP_READABLE) == 0 && (ready & stream_interest(p->stream, false)) == 0) {
        return;
    }
    if (p->is_lingering || p->conn.state == CONN_ENDING) {
        discard(d, p);
    } else if (!conn_is_bulk(&p->conn) || !lane_add(d, p)) {
        intake_add(d, p);
    }
}

/* The first `bytes_max` bytes of what is to be written; the number of spans. */
static size_t
next_spans(const struct peer *p, struct span spans[SPANS_PER_WRITE], size_t bytes_max)
{
    size_t count = output_spans(&p->conn.output, spans, SPANS_PER_WRITE);
    size_t used = 0;

    while (used < count && bytes_max > 0) {
        if (spans[used].len > bytes_max) {
            spans[used] = span_first(spans[used], bytes_max);
        }
        bytes_max -= spans[used].len;
        used++;
    }
    return used;
}

/* WILCO_AGAIN: the transport takes no more for now. Anything else: it broke. */
static enum wilco_status
write_once(struct peer *p, size_t bytes_max)
{
    WILCO_NOT_CLEARED struct span spans[SPANS_PER_WRITE];
    size_t count = next_spans(p, spans, bytes_max);
    size_t wanted = 0;
    size_t written = 0;
    enum wilco_status st = WILCO_OK;

    for (size_t k = 0; k < count; k++) {
        wanted += spans[k].len;
    }
    st = stream_write(p->stream, spans, count, &written);
    if (st == WILCO_OK) {
        conn_wrote(&p->conn, written);
    }
    p->is_blocked = st == WILCO_AGAIN || (st == WILCO_OK && written < wanted);
    return p->is_blocked ? WILCO_AGAIN : st;
}

/* False: the transport broke. */
static bool
write_some(struct peer *p)
{
    for (int i = 0; i < WRITES_PER_TURN && !output_is_empty(&p->conn.output); i++) {
        enum wilco_status st = write_once(p, SIZE_MAX);

        if (st != WILCO_OK) {
            return st == WILCO_AGAIN;
        }
    }
    p->is_blocked = !output_is_empty(&p->conn.output); /* goes on when the loop comes round */
    return true;
}

bool
peer_write_part(struct peer *p)
{
    return !p->is_blocked && p->conn.output.bytes > PEER_PART_BYTES &&
           write_once(p, PEER_PART_BYTES) == WILCO_OK;
}

/* A driver that stops has a deadline for all of them. False: out of memory. */
static bool
start_patience(struct driver *d, struct peer *p)
{
    uint64_t patience_ms = d->crew->broker.settings.ending_timeout_ms;
    struct peer_rare *rare = NULL;

    if (d->is_stopping) {
        return true;
    }
    rare = peer_rare(d, p);
    if (rare != NULL && !timer_is_running(&rare->timer)) {
        wheel_start(&d->wheel, &rare->timer, d->shard->now_ms + patience_ms);
    }
    return rare != NULL;
}

static void
linger(struct peer *p)
{
    conn_fini(&p->conn);
    p->is_lingering = true;
    p->is_blocked = false;
    p->stream->ops->finish(p->stream);
}

void
peer_settle(struct driver *d, struct peer *p)
{
    if (!p->is_blocked && !write_some(p)) {
        lose(d, p);
        return;
    }
    if (p->conn.has_left && conn_is_over(&p->conn)) { /* and waits for no last words */
        peer_close(d, p);
        return;
    }
    if (p->conn.state == CONN_ENDING && !start_patience(d, p)) {
        peer_close(d, p);
        return;
    }
    if (conn_is_over(&p->conn)) {
        linger(p);
    }
    watch(d, p);
    peer_read_pending(d, p);
}

void
peer_timer_fired(struct driver *d, struct peer_rare *rare)
{
    peer_close(d, rare->peer);
}

/* An IPv4 address that is mapped into IPv6 is what it is mapped from. */
static void
take_address(struct conn_origin *out, const struct address *a)
{
    const struct sockaddr_in *v4 = (const void *)&a->storage;
    const struct sockaddr_in6 *v6 = (const void *)&a->storage;

    if (a->storage.ss_family == AF_INET) {
        out->address_bytes = 4;
        memcpy(out->address, &v4->sin_addr, 4);
    } else if (a->storage.ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        out->address_bytes = 4;
        memcpy(out->address, v6->sin6_addr.s6_addr + 12, 4);
    } else if (a->storage.ss_family == AF_INET6) {
        out->address_bytes = 16;
        memcpy(out->address, v6->sin6_addr.s6_addr, 16);
    }
}

void
peer_describe(struct conn *c, struct conn_origin *out)
{
    const struct peer *p = CONTAINER_OF(c, struct peer, conn);
    struct stream_peer known;

    stream_describe(p->stream, &known);
    if (known.address.len == 0) {
        known.address.len = sizeof(known.address.storage);
        if (getpeername(stream_fd(p->stream), (void *)&known.address.storage, &known.address.len) !=
            0) {
            known.address.len = 0;
        }
    }
    if (known.address.len > 0) {
        take_address(out, &known.address);
    }
    (void)snprintf(out->user, sizeof(out->user), "%s", known.user);
}
