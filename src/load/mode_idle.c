/* Connections that do nothing, with subscriptions or without: what they take of memory, and how
 * long it takes to have them. In the end some of them are pinged, to see that they live. */
#include "load/holdings.h"
#include "load/meter.h"
#include "load/packets.h"

#include <stdio.h>

#define AT_ONCE   64U /* some servers let no more than a hundred wait */
#define PINGS_MAX 1000U

struct idle {
    struct run *run;
    struct holdings holdings;
    uint64_t pings; /* not yet answered */
};

static void
introduce(void *context, uint32_t index, struct introduction *out)
{
    const struct idle *m = context;

    (void)snprintf(out->client_id, sizeof(out->client_id), "%s-%u", m->run->options->name, index);
    out->listens = place_of("", PLACE_NONE, 0);
}

static void
take(void *context, struct peer *p, const struct arrival *a)
{
    struct idle *m = context;

    if (a->kind == ARRIVAL_WELCOME) {
        holdings_ask(&m->holdings, p);
    } else if (a->kind == ARRIVAL_SUBSCRIBED) {
        holdings_take(&m->holdings, p, a);
    } else if (a->kind == ARRIVAL_PONG) {
        m->pings -= m->pings > 0;
    } else {
        m->run->result->wrong++;
    }
}

static void
ping_some(struct idle *m)
{
    struct crowd *c = &m->run->crowd;
    uint32_t count = c->count < PINGS_MAX ? c->count : PINGS_MAX;

    m->pings = count;
    for (uint32_t i = 0; i < count && c->status == WILCO_OK; i++) {
        packets_ping(&c->out);
        crowd_send(c, &c->peers[(uint64_t)i * c->count / count]);
    }
    run_drain(m->run, NULL, &m->pings);
    m->run->result->missing += m->pings;
}

static void
fill(struct idle *m)
{
    struct run *r = m->run;
    struct load_result *out = r->result;

    out->rss_before_bytes = meter_rss_bytes(r->options->pid);
    run_start(r);
    (void)crowd_gather(&r->crowd, 0, r->crowd.count, AT_ONCE);
    run_drain(r, NULL, &m->holdings.open);
    out->count = r->crowd.ready;
    run_stop(r);
    out->rss_after_bytes = out->server_rss_bytes;
    out->missing += m->holdings.open;
    out->subscriptions = (uint64_t)m->holdings.each * r->crowd.count - m->holdings.open;
}

static enum wilco_status
run(struct run *r)
{
    static const struct crowd_ops ops = {.introduce = introduce, .take = take};
    struct idle m = {.run = r};

    r->crowd.ops = &ops;
    r->crowd.context = &m;
    if (crowd_open(&r->crowd, r->options->connections) == WILCO_OK) {
        holdings_init(&m.holdings, r, r->crowd.count, "");
    }
    if (r->crowd.status == WILCO_OK) {
        fill(&m);
        ping_some(&m);
    }
    holdings_fini(&m.holdings);
    return r->crowd.status;
}

const struct mode mode_idle = {.name = "idle", .is_mqtt_only = true, .run = run};
