/* Many subscriptions: what they take of memory, how fast they are made, and how long a message
 * takes that one of them matches. Messages go one at a time, each to another of the topics. */
#include "load/holdings.h"
#include "load/meter.h"
#include "load/packets.h"

#include <stdio.h>

#define AT_ONCE 64U /* some servers let no more than a hundred wait */
/* A full period for any power of two (Knuth): topics are taken all over, and alike in every run. */
#define STEP_FACTOR UINT64_C(6364136223846793005)
#define STEP_ADD    UINT64_C(1442695040888963407)

struct many {
    struct run *run;
    struct holdings holdings;
    uint64_t state;  /* of the choice of topics */
    uint64_t number; /* of the message that is under way */
    uint32_t wanted; /* who is to get it */
    uint64_t sent_ns;
    uint64_t open; /* 1: a message is under way */
};

static void
introduce(void *context, uint32_t index, struct introduction *out)
{
    const struct many *m = context;

    (void)snprintf(out->client_id, sizeof(out->client_id), "%s-%u", m->run->options->name, index);
    out->listens = place_of("", PLACE_NONE, 0);
}

static void
take_message(struct many *m, const struct peer *p, const struct arrival *a)
{
    if (a->word == NULL || word_read(a->word) != m->number || p->index != m->wanted ||
        m->open == 0) {
        m->run->result->wrong++;
        return;
    }
    run_count(m->run, m->sent_ns);
    m->open = 0;
}

static void
take(void *context, struct peer *p, const struct arrival *a)
{
    struct many *m = context;

    if (a->kind == ARRIVAL_SUBSCRIBED) {
        holdings_take(&m->holdings, p, a);
    } else if (a->kind == ARRIVAL_MESSAGE) {
        take_message(m, p, a);
    }
}

/* Sends the next message when the last one has come. */
static uint64_t
step(void *context)
{
    struct many *m = context;
    struct crowd *c = &m->run->crowd;
    char topic[HOLDINGS_TOPIC_BYTES];
    char whole[HOLDINGS_TOPIC_BYTES + 2];
    uint64_t choice = 0;

    if (m->open > 0 || m->run->is_over) {
        return RUN_TICK_NS;
    }
    m->state = m->state * STEP_FACTOR + STEP_ADD;
    choice = (m->state >> 16) % ((uint64_t)m->run->options->connections * m->holdings.each);
    m->wanted = (uint32_t)(choice / m->holdings.each);
    holdings_topic(&m->holdings, m->wanted, (uint32_t)(choice % m->holdings.each), topic);
    (void)snprintf(whole, sizeof(whole), "%s%s", topic, m->holdings.tail[0] == '\0' ? "" : "/x");
    m->number++;
    m->open = 1;
    m->sent_ns = c->now_ns;
    packets_publish(&c->out, 0, whole, span_of(&m->number, sizeof(m->number)), false);
    crowd_send(c, &c->peers[m->run->options->connections]);
    return RUN_TICK_NS;
}

static void
subscribe_all(struct many *m)
{
    struct run *r = m->run;
    struct load_result *out = r->result;

    out->rss_before_bytes = meter_rss_bytes(r->options->pid);
    run_start(r);
    for (uint32_t i = 0; i < r->options->connections; i++) {
        holdings_ask(&m->holdings, &r->crowd.peers[i]);
        crowd_send(&r->crowd, &r->crowd.peers[i]);
    }
    run_drain(r, NULL, &m->holdings.open);
    run_stop(r);
    out->rss_after_bytes = out->server_rss_bytes;
    out->missing += m->holdings.open;
    out->subscriptions = (uint64_t)m->holdings.each * r->options->connections - m->holdings.open;
    out->subscriptions_per_second = (double)out->subscriptions / out->seconds;
}

static const char *
tail_of(struct run *r)
{
    static const char *const kinds[][2] = {{"exact", ""}, {"plus", "/+"}, {"hash", "/#"}};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(r->options->wildcard, kinds[i][0]) == 0) {
            return kinds[i][1];
        }
    }
    crowd_fail(&r->crowd, WILCO_EINVAL, "no such wildcard");
    return "";
}

static enum wilco_status
run(struct run *r)
{
    static const struct crowd_ops ops = {.introduce = introduce, .take = take};
    struct many m = {.run = r};

    r->crowd.ops = &ops;
    r->crowd.context = &m;
    if (crowd_open(&r->crowd, r->options->connections + 1) == WILCO_OK) {
        holdings_init(&m.holdings, r, r->options->connections, tail_of(r));
    }
    if (r->crowd.status == WILCO_OK) {
        (void)crowd_gather(&r->crowd, 0, r->crowd.count, AT_ONCE);
    }
    if (r->crowd.status == WILCO_OK) {
        subscribe_all(&m);
        run_measure(r, step);
        run_drain(r, step, &m.open);
        r->result->missing += m.open;
        r->result->match_us =
            r->result->count == 0 ? 0 : r->result->seconds * 1e6 / (double)r->result->count;
    }
    holdings_fini(&m.holdings);
    return r->crowd.status;
}

const struct mode mode_subscribe = {.name = "subscribe", .is_mqtt_only = true, .run = run};
