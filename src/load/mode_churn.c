/* Subscriptions that come and go: each connection subscribes to a topic of its own, unsubscribes,
 * and goes on with another topic. Both are counted. */
#include "load/packets.h"
#include "load/run.h"

#include <stdio.h>

#define AT_ONCE     64U
#define TOPIC_BYTES 96U

struct churner {
    uint64_t sent_ns;
    uint32_t round;
    bool is_subscribed;
};

struct churn {
    struct run *run;
    struct churner *churners; /* by peer */
    uint64_t open;
};

static void
introduce(void *context, uint32_t index, struct introduction *out)
{
    const struct churn *m = context;

    (void)snprintf(out->client_id, sizeof(out->client_id), "%s-%u", m->run->options->name, index);
    out->listens = place_of("", PLACE_NONE, 0);
}

/* Subscribes, or unsubscribes: what is due. */
static void
go_on(struct churn *m, struct peer *p)
{
    struct churner *u = &m->churners[p->index];
    struct outbox *out = &m->run->crowd.out;
    char topic[TOPIC_BYTES];
    struct wire_subscription one = {.qos = 0};

    (void)snprintf(topic, sizeof(topic), "%s/churn/%u/%u", m->run->options->name, p->index,
                   u->round);
    u->sent_ns = m->run->crowd.now_ns;
    m->open++;
    if (u->is_subscribed) {
        packets_unsubscribe(out, 2, topic);
    } else {
        one.filter = span_of_text(topic);
        packets_subscribe(out, 1, &one, 1);
    }
}

static void
take(void *context, struct peer *p, const struct arrival *a)
{
    struct churn *m = context;
    struct churner *u = &m->churners[p->index];
    enum arrival_kind wanted = u->is_subscribed ? ARRIVAL_UNSUBSCRIBED : ARRIVAL_SUBSCRIBED;

    if (a->kind != ARRIVAL_WELCOME) {
        m->open--;
        m->run->result->wrong += a->kind != wanted || a->reason_code > 2;
        run_count(m->run, u->sent_ns);
        u->round += u->is_subscribed;
        u->is_subscribed = !u->is_subscribed;
    }
    if (!m->run->is_over) {
        go_on(m, p);
    }
}

static enum wilco_status
run(struct run *r)
{
    static const struct crowd_ops ops = {.introduce = introduce, .take = take};
    struct churn m = {.run = r};

    r->crowd.ops = &ops;
    r->crowd.context = &m;
    if (crowd_open(&r->crowd, r->options->connections) == WILCO_OK) {
        m.churners = run_items(r, r->crowd.count, sizeof(*m.churners));
    }
    if (r->crowd.status == WILCO_OK) {
        (void)crowd_gather(&r->crowd, 0, r->crowd.count, AT_ONCE);
        run_measure(r, NULL);
        run_drain(r, NULL, &m.open);
        r->result->missing += m.open;
    }
    free_items(m.churners);
    return r->crowd.status;
}

const struct mode mode_churn = {.name = "churn", .is_mqtt_only = true, .run = run};
