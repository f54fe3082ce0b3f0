#define _POSIX_C_SOURCE 200809L

#include "client/driver_loop.h"

#include "client/callbacks.h"
#include "client/transport.h"

#include <assert.h>
#include <limits.h>
#include <poll.h>

#define LAST_READS 16U

/* The lock is not part of what "const" promises. */
static struct wilco *
enter(const struct wilco *client)
{
    struct wilco *c = (struct wilco *)(uintptr_t)client;
    enum wilco_status st = client_enter(c, false);

    assert(st == WILCO_OK);
    return c;
}

int
wilco_fd(const struct wilco *client)
{
    struct wilco *c = enter(client);
    int fd = transport_fd(c);

    client_leave(c);
    return fd;
}

short
wilco_events(const struct wilco *client)
{
    struct wilco *c = enter(client);
    short events = transport_events(c);

    client_leave(c);
    return events;
}

int
wilco_timeout_ms(const struct wilco *client)
{
    struct wilco *c = enter(client);
    uint64_t now_ms = client_now_ms(c);
    uint64_t deadline_ms = transport_deadline_ms(c);

    if (core_has_events(c->core) || transport_has_pending(c) || transport_is_due(c)) {
        deadline_ms = 0;
    }
    c->poll_until_ms = deadline_ms;
    client_leave(c);
    if (deadline_ms == UINT64_MAX) {
        return -1;
    }
    if (deadline_ms <= now_ms) {
        return 0;
    }
    return deadline_ms - now_ms < INT_MAX ? (int)(deadline_ms - now_ms) : INT_MAX;
}

/* The answers that have come count before the deadlines that have passed. */
static void
process(struct wilco *c, bool is_readable)
{
    transport_follow(c);
    if (is_readable || transport_has_pending(c)) {
        transport_read(c);
    }
    core_tick(c->core, client_now_ms(c));
    callbacks_authenticate(c);
    do {
        callbacks_tell(c);
    } while (client_write_journals(c));
    transport_follow(c);
    (void)client_flush(c);
    client_settle(c);
}

enum wilco_status
wilco_process(struct wilco *client, short revents)
{
    enum wilco_status st = client_enter(client, false);

    if (st == WILCO_OK && (client->is_processing || client->io == WILCO_IO_THREAD)) {
        st = WILCO_EINVAL;
    }
    if (st == WILCO_OK) {
        client->is_processing = true;
        client->is_woken = false;
        client->thread = pthread_self();
        client->has_thread = true;
        process(client, transport_is_readable(client, revents));
        client->has_thread = false;
        client->is_processing = false;
        client_made_room(client);
        st = core_state(client->core) == CORE_CLOSED ? WILCO_ECLOSED : WILCO_OK;
    }
    client_leave(client);
    return st;
}

/* ---- Somebody else's transport ---- */

bool
wilco_wants_transport(const struct wilco *client)
{
    struct wilco *c = enter(client);
    bool is_wanted =
        core_state(c->core) == CORE_CONNECTING && c->connection != core_connection(c->core);

    client_leave(c);
    return is_wanted;
}

void
wilco_transport_opened(struct wilco *client)
{
    struct wilco *c = enter(client);

    c->connection = core_connection(c->core);
    client_leave(c);
}

void
wilco_transport_lost(struct wilco *client, const char *text)
{
    struct wilco *c = enter(client);

    core_lost(c->core, text, client_now_ms(c));
    client_leave(c);
}

void
wilco_feed(struct wilco *client, struct wilco_bytes bytes)
{
    struct wilco *c = enter(client);

    if (c->connection == core_connection(c->core)) {
        core_feed(c->core, span_of(bytes.data, bytes.len), client_now_ms(c));
    }
    client_leave(c);
}

bool
wilco_output(struct wilco *client, struct wilco_bytes *out)
{
    struct wilco *c = enter(client);
    struct span bytes = SPAN_EMPTY;

    if (c->connection == core_connection(c->core)) {
        (void)core_output(c->core, &bytes, 1);
    }
    client_leave(c);
    *out = (struct wilco_bytes){bytes.data, bytes.len};
    return bytes.len > 0;
}

void
wilco_wrote(struct wilco *client, size_t len)
{
    struct wilco *c = enter(client);

    core_wrote(c->core, len);
    client_leave(c);
}

void
wilco_finish(struct wilco *client)
{
    struct wilco *c = enter(client);

    c->is_stopping = true;
    core_close(c->core);
    client_leave(c);
}

/* ---- The end ---- */

/* What has come and was not read would have the system take back what was written. */
static void
read_away(struct wilco *c)
{
    enum wilco_status st = c->stream == NULL ? WILCO_ECLOSED : WILCO_OK;
    size_t len = 0;

    for (unsigned i = 0; st == WILCO_OK && i < LAST_READS; i++) {
        st = stream_read(c->stream, c->input, CLIENT_INPUT_BYTES, &len);
    }
}

void
driver_loop_stop(struct wilco *c)
{
    (void)pthread_mutex_lock(&c->lock);
    c->room_waiters++;
    while (c->is_processing) {
        (void)pthread_cond_wait(&c->room, &c->lock);
    }
    c->room_waiters--;
    c->is_processing = true; /* by us, for good */
    c->thread = pthread_self();
    c->has_thread = true;
    (void)client_write_journals(c); /* answers wait for it */
    c->is_stopping = true;
    core_close(c->core);
    (void)client_write_journals(c);
    (void)client_flush(c);
    callbacks_tell(c);
    read_away(c);
    transport_drop(c);
    c->has_thread = false;
    (void)pthread_mutex_unlock(&c->lock);
}
