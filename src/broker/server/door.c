#include "broker/server/door.h"

#include "broker/server/driver.h"
#include "broker/server/peer.h"
#include "wire/connect.h"

static void
door_free(struct driver *d, struct door *door)
{
    buffer_fini(&door->bytes);
    stream_close(door->stream);
    guests_leave(&d->crew->guests, door->guest);
    (void)atomic_fetch_sub_explicit(&d->crew->door_count, 1, memory_order_relaxed);
    mem_free(d->crew->broker.alloc, door);
}

/* Out of the wheel and the list of this driver. */
static void
door_detach(struct driver *d, struct door *door)
{
    wheel_stop(&d->wheel, &door->timer);
    list_remove(&door->link);
}

void
door_close(struct driver *d, struct door *door)
{
    door_detach(d, door);
    loop_forget(&door->source);
    door_free(d, door);
}

void
door_open(struct driver *d, int fd, const struct address *from, const struct listener *listener,
          struct guest *guest)
{
    const struct broker *b = &d->crew->broker;
    struct door *door = mem_zalloc(b->alloc, sizeof(*door));
    struct stream *stream = transport_open(&listener->transport, fd, from, b->alloc);

    if (door == NULL || stream == NULL) {
        stream_close(stream);
        mem_free(b->alloc, door);
        guests_leave(&d->crew->guests, guest);
        return;
    }
    (void)atomic_fetch_add_explicit(&d->crew->door_count, 1, memory_order_relaxed);
    door->listener = listener;
    door->guest = guest;
    door->awaits_proxy = transport_is_proxied(&listener->transport);
    d->shard->stats.sockets++;
    door->stream = stream;
    door->source = (struct loop_source){.fd = fd, .kind = DRIVER_DOOR};
    door->timer.kind = DRIVER_DOOR;
    /* Until the packet is whole there are fewer bytes than connect_bytes_max; then one more read.
     */
    buffer_init(&door->bytes, b->alloc, b->settings.connect_bytes_max + DRIVER_BUFFER_BYTES);
    list_push_back(&d->doors, &door->link);
    wheel_start(&d->wheel, &door->timer, d->shard->now_ms + b->settings.connect_timeout_ms);
    if (loop_watch(d->loop, &door->source, LOOP_READABLE, false) != WILCO_OK) {
        door_close(d, door);
    }
}

/* [MQTT-3.1.0-1] */
static bool
is_connect(struct span bytes)
{
    return bytes.data[0] >> 4 == WIRE_CONNECT;
}

/* WILCO_OK: a CONNECT, decoded. WILCO_AGAIN: it may become one. Anything else: it never will. */
static enum wilco_status
first_packet(struct wire_connect *out, struct span bytes, uint64_t bytes_max)
{
    struct wire_header h;
    enum wilco_status st = wire_header_decode(&h, bytes);
    size_t packet_bytes = 0;

    if (st != WILCO_OK) {
        return st;
    }
    packet_bytes = h.header_bytes + h.remaining;
    if (packet_bytes > bytes_max) {
        return WILCO_ELIMIT;
    }
    if (bytes.len < packet_bytes) {
        return WILCO_AGAIN;
    }
    return wire_connect_decode(out, span_skip(span_first(bytes, packet_bytes), h.header_bytes));
}

static void
become_peer(struct driver *d, struct door *door, struct span bytes)
{
    struct loop_source *watched = door->source.interest == 0 ? NULL : &door->source;
    struct peer *p = peer_open(d, door->stream, &door->listener->entrance, door->guest, watched);

    door->stream = NULL;
    door->guest = NULL;
    if (p != NULL) {
        conn_feed(&p->conn, bytes);
        peer_read_pending(d, p);
    }
    door_free(d, door);
}

void
door_arrive(struct driver *d, struct door *door)
{
    if (d->is_stopping) {
        door_free(d, door);
        return;
    }
    become_peer(d, door, buffer_span(&door->bytes));
}

/* Only the bytes kept in the door travel with it. */
static bool
keep(struct door *door, struct span bytes)
{
    return bytes.data == door->bytes.data || buffer_append(&door->bytes, bytes) == WILCO_OK;
}

static void
admit(struct driver *d, struct door *door, struct span bytes, struct span client_id)
{
    const struct shard *home = d->shard;

    if (client_id.len > 0) { /* otherwise a name is made that belongs to this shard */
        home = broker_shard_of(&d->crew->broker, client_id);
    }
    if (home == d->shard) {
        door_detach(d, door);
        become_peer(d, door, bytes);
    } else if (keep(door, bytes)) {
        door_detach(d, door);
        loop_unwatch(d->loop, &door->source);
        driver_hand_over(d, d->crew->drivers[home->index], door);
    } else {
        door_close(d, door);
    }
}

/* `bytes` is all that has arrived. True: it may become a CONNECT, and the door is still here. */
static bool
look(struct driver *d, struct door *door, struct span bytes)
{
    struct wire_connect connect = {.client_id = SPAN_EMPTY};
    enum wilco_status st = WILCO_OK;

    if (!is_connect(bytes)) {
        door_close(d, door);
        return false;
    }
    st = first_packet(&connect, bytes, d->crew->broker.settings.connect_bytes_max);
    if (st == WILCO_OK) {
        admit(d, door, bytes, connect.client_id);
    } else if (st != WILCO_AGAIN) {
        admit(d, door, bytes, SPAN_EMPTY);
    } else if (keep(door, bytes)) {
        return true;
    } else {
        door_close(d, door);
    }
    return false;
}

/* Waits for what the stream waits for; false: it cannot, and is closed. */
static bool
watch(struct driver *d, struct door *door)
{
    if (loop_watch(d->loop, &door->source, stream_interest(door->stream, false), false) ==
        WILCO_OK) {
        return true;
    }
    door_close(d, door);
    return false;
}

/* It has to do with the handshake, as MQTT has not begun. */
static void
log_broken(const struct driver *d, const struct door *door)
{
    const char *why = stream_why(door->stream);
    char url[LISTENER_URL_BYTES];

    if (why[0] != '\0' && log_gate_passes(d->shard)) {
        listener_url(door->listener, url);
        log_event(d->crew->broker.log, LOG_INFO, "handshake_failed", "listen=%s reason=\"%s\"", url,
                  why);
    }
}

/* Asks who it is that the proxy speaks of. False: there are too many from there. */
static bool
learn_address(struct driver *d, struct door *door)
{
    uint64_t max = d->crew->broker.settings.connections_per_address_max;
    struct stream_peer peer;
    char text[ADDRESS_TEXT_BYTES];

    stream_describe(door->stream, &peer);
    if (peer.address.len == 0) {
        return true;
    }
    door->awaits_proxy = false;
    address_text(&peer.address, text);
    if (guests_enter(&d->crew->guests, &peer.address, max, &door->guest) != WILCO_OK) {
        d->shard->stats.sockets_refused++;
        if (log_gate_passes(d->shard)) {
            log_event(d->crew->broker.log, LOG_INFO, "turned_away", "peer=%s reason=\"%s\"", text,
                      "connections_per_address_max");
        }
        return false;
    }
    log_event(d->crew->broker.log, LOG_DEBUG, "proxied", "shard=%u peer=%s", d->index, text);
    return true;
}

/* Reads once. True: the door is still here, and more may be pending. */
static bool
read_once(struct driver *d, struct door *door)
{
    size_t len = 0;
    enum wilco_status st = stream_read(door->stream, d->buffer, sizeof(d->buffer), &len);
    struct span bytes = span_of(d->buffer, len);

    if (door->awaits_proxy && !learn_address(d, door)) {
        door_close(d, door);
        return false;
    }
    if (st == WILCO_AGAIN) {
        (void)watch(d, door);
        return false;
    }
    if (st == WILCO_OK && door->bytes.len > 0) {
        st = buffer_append(&door->bytes, bytes);
        bytes = buffer_span(&door->bytes);
    }
    if (st != WILCO_OK) {
        log_broken(d, door);
        door_close(d, door);
        return false;
    }
    return watch(d, door) && look(d, door, bytes);
}

void
door_ready(struct driver *d, struct door *door)
{
    bool goes_on = true;

    while (goes_on) { /* ends, as what is kept of it has a bound */
        goes_on = read_once(d, door) && stream_has_pending(door->stream);
    }
}

void
door_timer_fired(struct driver *d, struct door *door)
{
    d->shard->stats.connect_timeouts++;
    log_event(d->crew->broker.log, LOG_DEBUG, "connect_timeout", "shard=%u", d->index);
    door_close(d, door);
}
