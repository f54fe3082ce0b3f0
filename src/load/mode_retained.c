/* Retained messages: publishes them, subscribes to all of them with one wildcard, and measures how
 * long it takes until all have come; removes them in the end. */
#include "load/packets.h"
#include "load/run.h"

#include <stdio.h>

#define PUBLISHER   0U
#define SUBSCRIBER  1U
#define UNDER_WAY   512U /* messages that are stored, or removed, at a time */
#define TOPIC_BYTES 96U

struct shelf {
    struct run *run;
    uint8_t *payload; /* of each message: its number comes first */
    uint8_t *seen;    /* by number */
    uint32_t sent;
    uint64_t open; /* messages not yet acknowledged, or not yet received */
    bool removes;
};

static void
introduce(void *context, uint32_t index, struct introduction *out)
{
    const struct shelf *m = context;

    (void)snprintf(out->client_id, sizeof(out->client_id), "%s-%u", m->run->options->name, index);
    out->listens = place_of("", PLACE_NONE, 0);
}

static void
put_next(struct shelf *m, struct peer *p)
{
    const struct load_options *o = m->run->options;
    uint64_t number = m->sent;
    char topic[TOPIC_BYTES];

    (void)snprintf(topic, sizeof(topic), "%s/retained/%u", o->name, m->sent++);
    memcpy(m->payload, &number, sizeof(number));
    packets_publish(&m->run->crowd.out, peer_next_packet_id(p), topic,
                    span_of(m->payload, m->removes ? 0 : o->payload_bytes), true);
}

static void
put_more(struct shelf *m, struct peer *p)
{
    while (m->sent < m->run->options->messages && p->unacknowledged < UNDER_WAY &&
           peer_may_send(p, 1)) {
        put_next(m, p);
    }
}

static void
take_message(struct shelf *m, const struct arrival *a)
{
    const struct load_options *o = m->run->options;
    uint64_t number = a->word == NULL ? UINT64_MAX : word_read(a->word);

    if (number >= o->messages || a->payload.len != o->payload_bytes - WORD_BYTES) {
        m->run->result->wrong++;
    } else if (m->seen[number] != 0) {
        m->run->result->repeated++;
    } else {
        m->seen[number] = 1;
        m->open--;
        run_count(m->run, m->run->start_ns);
    }
}

static void
take(void *context, struct peer *p, const struct arrival *a)
{
    struct shelf *m = context;

    if (a->kind == ARRIVAL_MESSAGE && p->index == SUBSCRIBER && !m->removes) {
        take_message(m, a);
    } else if (a->kind == ARRIVAL_ACK) {
        m->run->result->wrong += a->reason_code >= 0x80;
        m->open--;
        put_more(m, p);
    } else if (a->kind == ARRIVAL_SUBSCRIBED && a->reason_code >= 0x80) {
        crowd_fail(&m->run->crowd, WILCO_EREFUSED, "the server refused the subscription");
    }
}

/* Stores, or removes, all of them. */
static void
put_all(struct shelf *m)
{
    struct crowd *c = &m->run->crowd;

    m->sent = 0;
    m->open = m->run->options->messages;
    put_more(m, &c->peers[PUBLISHER]);
    crowd_send(c, &c->peers[PUBLISHER]);
    run_drain(m->run, NULL, &m->open);
    m->run->result->missing += m->open;
}

static void
get_all(struct shelf *m)
{
    struct run *r = m->run;
    char filter[TOPIC_BYTES];
    struct wire_subscription one = {.qos = r->options->qos};

    (void)snprintf(filter, sizeof(filter), "%s/retained/+", r->options->name);
    one.filter = span_of_text(filter);
    m->open = r->options->messages;
    run_start(r);
    packets_subscribe(&r->crowd.out, 1, &one, 1);
    crowd_send(&r->crowd, &r->crowd.peers[SUBSCRIBER]);
    run_drain(r, NULL, &m->open);
    run_stop(r);
    r->result->missing += m->open;
}

static enum wilco_status
run(struct run *r)
{
    static const struct crowd_ops ops = {.introduce = introduce, .take = take};
    struct shelf m = {.run = r};

    r->crowd.ops = &ops;
    r->crowd.context = &m;
    if (crowd_open(&r->crowd, 2) == WILCO_OK) {
        m.payload = run_items(r, r->options->payload_bytes, 1);
        m.seen = run_items(r, r->options->messages, 1);
    }
    if (r->crowd.status == WILCO_OK && crowd_gather(&r->crowd, 0, 2, 2) == WILCO_OK) {
        put_all(&m);
        get_all(&m);
        m.removes = true;
        put_all(&m);
    }
    free_items(m.payload);
    free_items(m.seen);
    return r->crowd.status;
}

const struct mode mode_retained = {.name = "retained", .is_mqtt_only = true, .run = run};
