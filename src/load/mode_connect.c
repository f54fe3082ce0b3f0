/* Connections that come and go: connect, CONNACK, DISCONNECT, until the server has closed; as many
 * in all as there are `connections`, `window` of them at a time. The latency is that of the
 * CONNACK, the TCP connection included. */
#include "load/packets.h"
#include "load/run.h"

#include <stdio.h>

struct storm {
    struct run *run;
    uint64_t *since_ns; /* by peer */
    uint32_t *number;   /* by peer: which connection it is */
    uint32_t started;
    uint64_t open; /* connections that are not yet closed, or not yet started */
};

static void
introduce(void *context, uint32_t index, struct introduction *out)
{
    const struct storm *m = context;

    (void)snprintf(out->client_id, sizeof(out->client_id), "%s-%u", m->run->options->name,
                   m->number[index]);
    out->listens = place_of("", PLACE_NONE, 0);
}

static void
start(struct storm *m, struct peer *p)
{
    m->since_ns[p->index] = m->run->crowd.now_ns;
    m->number[p->index] = m->started++;
    crowd_connect(&m->run->crowd, p);
}

static void
take(void *context, struct peer *p, const struct arrival *a)
{
    struct storm *m = context;

    if (a->kind == ARRIVAL_WELCOME) {
        run_count(m->run, m->since_ns[p->index]);
        packets_disconnect(&m->run->crowd.out);
        crowd_leave(&m->run->crowd, p);
    }
}

static void
closed(void *context, struct peer *p)
{
    struct storm *m = context;

    m->open--;
    if (m->started < m->run->options->connections) {
        start(m, p);
    }
}

static enum wilco_status
run(struct run *r)
{
    static const struct crowd_ops ops = {.introduce = introduce, .take = take, .closed = closed};
    struct storm m = {.run = r, .open = r->options->connections};
    uint32_t peers = r->options->window < m.open ? r->options->window : (uint32_t)m.open;

    r->crowd.ops = &ops;
    r->crowd.context = &m;
    if (crowd_open(&r->crowd, peers) == WILCO_OK) {
        m.since_ns = run_items(r, peers, sizeof(*m.since_ns));
        m.number = run_items(r, peers, sizeof(*m.number));
    }
    run_start(r);
    r->crowd.now_ns = r->start_ns;
    for (uint32_t i = 0; i < peers && r->crowd.status == WILCO_OK; i++) {
        start(&m, &r->crowd.peers[i]);
    }
    run_drain(r, NULL, &m.open);
    run_stop(r);
    r->result->missing += m.open;
    free_items(m.since_ns);
    free_items(m.number);
    return r->crowd.status;
}

const struct mode mode_connect = {.name = "connect", .is_mqtt_only = true, .run = run};
