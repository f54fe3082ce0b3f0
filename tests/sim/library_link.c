#include "library_link.h"

#include "wilco/loop.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static uint64_t
tell_time(void *context)
{
    const struct library_link *l = context;

    return l->sim->r.now_ms;
}

static bool
throw_dice(void *context, void *out, size_t len)
{
    struct library_link *l = context;

    return random_bytes(&l->random.source, out, len) == WILCO_OK;
}

void
library_link_start(struct library_link *l, const struct wilco_options *options)
{
    struct wilco_options o = *options;
    uint64_t seed = 0;

    assert_int_equal(random_u64(&l->sim->random.source, &seed), WILCO_OK);
    random_seeded_init(&l->random, seed);
    o.client_id = l->client_id;
    o.io = WILCO_IO_NONE;
    o.open_offline = true;
    o.now_ms = tell_time;
    o.random = throw_dice;
    o.context = l;
    assert_int_equal(wilco_open(&l->client, &o), WILCO_OK);
}

enum wilco_status
library_link_run(struct library_link *l)
{
    return l->client == NULL ? WILCO_OK : wilco_process(l->client, 0);
}

void
library_link_stop(struct library_link *l)
{
    struct wilco *client = l->client;

    library_link_cut(l);
    l->client = NULL;
    wilco_close(client);
}

void
library_link_cut(struct library_link *l)
{
    if (!l->is_connected) {
        return;
    }
    rig_client_cut(&l->at_broker);
    rig_settle(&l->sim->r);
    l->is_connected = false;
    if (l->client != NULL) {
        wilco_transport_lost(l->client, "cut");
    }
}

/* One that is there while another one is wanted was for a connection that is over. */
static void
connect_if_wanted(struct library_link *l)
{
    if (!wilco_wants_transport(l->client)) {
        return;
    }
    if (l->is_connected) {
        rig_client_cut(&l->at_broker);
    }
    rig_client_open(&l->sim->r, &l->at_broker, l->client_id, WIRE_V5);
    l->is_connected = true;
    wilco_transport_opened(l->client);
}

static bool
move_to_broker(struct library_link *l, size_t bytes_max)
{
    struct wilco_bytes bytes;
    size_t len = 0;

    if (!l->at_broker.is_open || !conn_wants_input(&l->at_broker.conn) ||
        !wilco_output(l->client, &bytes)) {
        return false;
    }
    len = bytes.len < bytes_max ? bytes.len : bytes_max;
    rig_send_bytes(&l->at_broker, bytes.data, len);
    wilco_wrote(l->client, len);
    return true;
}

static bool
move_to_client(struct library_link *l, size_t bytes_max)
{
    struct rig_client *from = &l->at_broker;
    size_t len = from->input_len - from->input_at;

    if (len == 0 && !from->is_open) {
        library_link_cut(l);
        return false;
    }
    len = len < bytes_max ? len : bytes_max;
    from->input_at += len;
    if (len > 0) {
        wilco_feed(l->client, (struct wilco_bytes){from->input + from->input_at - len, len});
    }
    return len > 0;
}

bool
library_link_move(struct library_link *l, size_t bytes_max)
{
    bool has_moved = false;

    if (l->client == NULL || bytes_max == 0) {
        return false;
    }
    connect_if_wanted(l);
    if (l->is_connected) {
        has_moved = move_to_broker(l, bytes_max);
        has_moved = move_to_client(l, bytes_max) || has_moved;
    }
    return has_moved;
}

void
library_link_be_stuck(struct library_link *l, bool is_stuck)
{
    if (!l->is_connected || !l->at_broker.is_open) {
        return;
    }
    l->at_broker.is_stuck = is_stuck;
    if (!is_stuck) {
        conn_touch(&l->at_broker.conn);
        rig_settle(&l->sim->r);
    }
}

void
library_link_lose_session(struct library_link *l)
{
    struct rig_client thief;

    library_link_cut(l);
    rig_client_connect(&l->sim->r, &thief, l->client_id);
    rig_disconnect(&thief, WIRE_REASON_SUCCESS);
    rig_client_close(&thief);
}
