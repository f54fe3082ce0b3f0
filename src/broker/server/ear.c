#define _POSIX_C_SOURCE 200809L

#include "broker/server/ear.h"

#include "broker/server/door.h"
#include "broker/server/driver.h"
#include "net/socket.h"

#include <fcntl.h>
#include <unistd.h>

/* Accepted in one turn, so that clients who are here already do not wait for a crowd at the door.
 */
#define ACCEPTS_PER_TURN 32

enum wilco_status
ear_open(struct driver *d, struct ear *ear, const struct listener *l)
{
    *ear = (struct ear){
        .source = {.fd = l->fd, .kind = DRIVER_EAR}, .pause = {.kind = DRIVER_EAR}, .listener = l};
    return loop_watch(d->loop, &ear->source, LOOP_READABLE, true);
}

void
ear_close(struct driver *d, struct ear *ear)
{
    if (ear->source.fd >= 0) {
        wheel_stop(&d->wheel, &ear->pause);
        loop_unwatch(d->loop, &ear->source);
        ear->source.fd = -1;
    }
}

static void
shut_for_a_moment(struct driver *d, struct ear *ear, const char *why)
{
    log_event(d->crew->broker.log, LOG_WARNING, "accept_paused",
              "shard=%u pause_ms=%u reason=\"%s\"", d->index, EAR_PAUSE_MS, why);
    loop_unwatch(d->loop, &ear->source);
    wheel_start(&d->wheel, &ear->pause, d->shard->now_ms + EAR_PAUSE_MS);
}

/* Those who wait are told at once, by closing, rather than left to their own timeouts. */
static void
refuse_some(struct driver *d, const struct ear *ear)
{
    struct address peer;
    int fd = -1;

    if (d->reserve_fd >= 0) {
        (void)close(d->reserve_fd);
    }
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        if (socket_accept(ear->source.fd, &fd, &peer) != WILCO_OK) {
            break;
        }
        (void)close(fd);
    }
    d->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC); /* if not now, then next time */
}

static void
log_accepted(const struct driver *d, const struct address *peer)
{
    const struct logger *log = d->crew->broker.log;
    char text[ADDRESS_TEXT_BYTES];

    if (log != NULL && log->level >= LOG_DEBUG) {
        address_text(peer, text);
        log_event(log, LOG_DEBUG, "accepted", "shard=%u peer=%s", d->index, text);
    }
}

static void
turn_away(struct driver *d, int fd, const struct address *peer, const char *why)
{
    char text[ADDRESS_TEXT_BYTES];

    (void)close(fd);
    d->shard->stats.sockets_refused++;
    if (log_gate_passes(d->shard)) {
        address_text(peer, text);
        log_event(d->crew->broker.log, LOG_INFO, "turned_away", "peer=%s reason=\"%s\"", text, why);
    }
}

/* Before CONNECT there is no packet to say anything with, so who is one too many is closed. */
static void
admit(struct driver *d, const struct ear *ear, int fd, const struct address *peer)
{
    const struct settings *limits = &d->crew->broker.settings;
    const struct transport *transport = &ear->listener->transport;
    uint64_t per_address_max = limits->connections_per_address_max;
    struct guest *guest = NULL;

    if (transport_is_proxied(transport)) { /* the door counts, when it knows of whom */
        per_address_max = 0;
    }
    if (!transport_lets_in(transport, peer)) {
        turn_away(d, fd, peer, "no proxy of proxy_protocol_from");
    } else if (atomic_load_explicit(&d->crew->door_count, memory_order_relaxed) >=
               limits->connecting_max) {
        turn_away(d, fd, peer, "connecting_max");
    } else if (guests_enter(&d->crew->guests, peer, per_address_max, &guest) != WILCO_OK) {
        turn_away(d, fd, peer, "connections_per_address_max");
    } else {
        door_open(d, fd, peer, ear->listener, guest);
    }
}

void
ear_ready(struct driver *d, struct ear *ear)
{
    for (int i = 0; i < ACCEPTS_PER_TURN && ear->source.fd >= 0; i++) {
        struct address peer;
        int fd = -1;
        enum wilco_status st = socket_accept(ear->source.fd, &fd, &peer);

        if (st == WILCO_AGAIN) {
            return;
        }
        if (st == WILCO_ELIMIT) {
            refuse_some(d, ear);
            shut_for_a_moment(d, ear, "out of file descriptors: raise ulimit -n, or LimitNOFILE=");
            return;
        }
        if (st != WILCO_OK) {
            shut_for_a_moment(d, ear, status_text(st));
            return;
        }
        log_accepted(d, &peer);
        admit(d, ear, fd, &peer);
    }
}

void
ear_timer_fired(struct driver *d, struct ear *ear)
{
    if (loop_watch(d->loop, &ear->source, LOOP_READABLE, true) != WILCO_OK) {
        wheel_start(&d->wheel, &ear->pause, d->shard->now_ms + EAR_PAUSE_MS);
    }
}
