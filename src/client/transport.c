#define _POSIX_C_SOURCE 200809L

#include "client/transport.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

void
transport_drop(struct wilco *c)
{
    if (c->is_connecting) {
        connector_stop(&c->connector);
        c->is_connecting = false;
    }
    stream_close(c->stream);
    c->stream = NULL;
}

/* Lets go of a connection that the core has done with; what it had to say last is written if it can
 * be at once. */
static void
let_go(struct wilco *c)
{
    enum core_state state = core_state(c->core);

    if (c->connection != core_connection(c->core)) {
        transport_drop(c);
    } else if (state == CORE_WAITING && (c->stream != NULL || c->is_connecting)) {
        (void)client_flush(c);
        transport_drop(c);
    }
}

static void
resolve(struct wilco *c)
{
    unsigned connection = core_connection(c->core);
    uint64_t deadline_ms = core_connect_deadline_ms(c->core);
    struct connector found;
    enum wilco_status st;

    (void)pthread_mutex_unlock(&c->lock);
    st = connector_resolve(&found, &c->url, c->tls, deadline_ms);
    (void)pthread_mutex_lock(&c->lock);
    if (core_state(c->core) != CORE_CONNECTING || core_connection(c->core) != connection) {
        return; /* it took too long */
    }
    c->connector = found;
    c->connection = connection;
    c->is_write_broken = false;
    c->is_connecting = st == WILCO_OK;
    if (st != WILCO_OK) {
        core_lost(c->core, found.why.text, client_now_ms(c));
    }
}

static void
advance(struct wilco *c)
{
    enum wilco_status st = connector_step(&c->connector, &c->stream, c->alloc, client_now_ms(c));

    if (st == WILCO_AGAIN) {
        return;
    }
    c->is_connecting = false;
    if (st != WILCO_OK) {
        core_lost(c->core, st == WILCO_ENOMEM ? "out of memory" : c->connector.why.text,
                  client_now_ms(c));
    }
}

void
transport_follow(struct wilco *c)
{
    if (c->io == WILCO_IO_NONE) {
        return;
    }
    let_go(c);
    if (core_state(c->core) == CORE_CONNECTING && c->stream == NULL && !c->is_connecting) {
        resolve(c);
    }
    if (c->is_connecting) {
        advance(c);
    }
}

int
transport_fd(const struct wilco *c)
{
    if (c->is_connecting) {
        return connector_fd(&c->connector);
    }
    return c->stream == NULL ? -1 : stream_fd(c->stream);
}

/* What poll() calls it. */
static short
poll_events(unsigned interest)
{
    unsigned events = 0;

    events |= (interest & STREAM_READABLE) != 0 ? (unsigned)POLLIN : 0U;
    events |= (interest & STREAM_WRITABLE) != 0 ? (unsigned)POLLOUT : 0U;
    return (short)events;
}

short
transport_events(const struct wilco *c)
{
    unsigned interest = 0;

    if (c->is_connecting) {
        interest = connector_interest(&c->connector);
    } else if (c->stream != NULL) {
        interest = stream_interest(c->stream, false);
        if (core_has_output(c->core)) {
            interest |= stream_interest(c->stream, true);
        }
    }
    return poll_events(interest);
}

short
transport_events_of(const struct stream *s, bool writing)
{
    return poll_events(stream_interest(s, writing));
}

bool
transport_is_readable(const struct wilco *c, short revents)
{
    int wanted = c->stream == NULL ? 0 : transport_events_of(c->stream, false);

    return (revents & ~POLLOUT) != 0 || (revents & wanted) != 0;
}

uint64_t
transport_deadline_ms(const struct wilco *c)
{
    uint64_t deadline_ms = core_deadline_ms(c->core);
    bool is_sooner = c->is_connecting && c->connector.next_ms < deadline_ms;

    return is_sooner ? c->connector.next_ms : deadline_ms;
}

bool
transport_is_due(const struct wilco *c)
{
    bool has_one = c->stream != NULL || c->is_connecting;

    if (c->io == WILCO_IO_NONE) {
        return false;
    }
    switch (core_state(c->core)) {
    case CORE_CONNECTING: return !has_one || c->connection != core_connection(c->core);
    case CORE_WAITING: return has_one;
    case CORE_OPEN:
    case CORE_CLOSED: break;
    }
    return false;
}

bool
transport_has_pending(const struct wilco *c)
{
    return c->stream != NULL && stream_has_pending(c->stream);
}

static void
lose(struct wilco *c, enum wilco_status status, int error)
{
    char message[80] = "the server closed the connection";
    const char *why = stream_why(c->stream);

    if (status != WILCO_ECLOSED) {
        (void)strerror_r(error, message, sizeof(message));
    }
    core_lost(c->core, why[0] != '\0' ? why : message, client_now_ms(c));
}

void
transport_read(struct wilco *c)
{
    size_t len = 0;
    enum wilco_status st = WILCO_AGAIN;

    if (c->stream != NULL && c->connection == core_connection(c->core)) {
        st = stream_read(c->stream, c->input, CLIENT_INPUT_BYTES, &len);
    }
    if (st == WILCO_OK) {
        core_feed(c->core, span_of(c->input, len), client_now_ms(c));
    } else if (st != WILCO_AGAIN) {
        lose(c, st, errno);
    }
}
