/* Plain messages from publishers to subscribers: publisher i has subscriber i modulo their number,
 * or (fan) everybody.
 *
 * A message's word is `publisher << 32 | sequence number`; subscribers see to it that numbers come
 * one after the other. A publisher has at most `window` messages under way that not everybody has
 * received, so that the server need not drop any: `left` says of each how many it has still to
 * reach. */
#include "load/run.h"

#include <stdio.h>

struct publisher {
    struct stencil message;
    uint32_t *left;      /* by number; the ring has a power of two of places, `mask` plus one */
    uint64_t *since_ns;  /* likewise: when it was sent, or due */
    uint32_t sent;       /* the next number */
    uint32_t done;       /* everybody has the numbers below */
    uint64_t owed;       /* paced: what is due */
    uint64_t changed_ns; /* when `done` last rose */
    bool is_listed;
};

struct spread {
    struct run *run;
    struct publisher *publishers; /* peers behind the subscribers */
    uint32_t *expected;           /* by subscriber and publisher: the number that comes next */
    uint32_t senders;             /* publishers that a subscriber hears */
    uint32_t receivers;           /* subscribers that a message reaches */
    uint32_t mask;
    uint32_t *listed; /* publishers that may go on */
    uint32_t listed_count;
    struct pace pace;
    bool is_paced;
    uint64_t open; /* messages under way */
    uint64_t look_ns;
};

#define LOOK_NS UINT64_C(200000000)

static struct peer *
peer_of(const struct spread *s, size_t publisher)
{
    return &s->run->crowd.peers[s->run->options->subscribers + publisher];
}

static void
introduce(void *context, uint32_t index, struct introduction *out)
{
    const struct spread *s = context;
    const struct load_options *o = s->run->options;
    bool listens = index < o->subscribers;
    uint32_t i = listens ? index : index - o->subscribers;

    (void)snprintf(out->client_id, sizeof(out->client_id), "%s-%c%u", o->name, listens ? 's' : 'p',
                   i);
    out->qos = o->qos;
    out->listens = place_of(o->name, listens ? PLACE_FEED : PLACE_NONE, o->fan ? 0 : i);
}

/* It may go on, at the end of this turn. */
static void
list(struct spread *s, struct publisher *p)
{
    if (!p->is_listed) {
        p->is_listed = true;
        s->listed[s->listed_count++] = (uint32_t)(p - s->publishers);
    }
}

static void
send_one(struct spread *s, struct publisher *p, struct peer *peer)
{
    struct run *r = s->run;
    uint32_t at = p->sent & s->mask;
    uint64_t number = (uint64_t)(p - s->publishers);

    p->left[at] = s->receivers;
    p->since_ns[at] =
        s->is_paced ? pace_due_ns(&s->pace, number + (uint64_t)p->sent * r->options->publishers)
                    : r->crowd.now_ns;
    p->owed -= s->is_paced;
    s->open++;
    stencil_stamp(&p->message, &r->crowd.out, number << 32 | p->sent++,
                  r->options->qos > 0 ? peer_next_packet_id(peer) : 0);
}

static void
go_on(struct spread *s, size_t i)
{
    struct publisher *p = &s->publishers[i];
    struct peer *peer = peer_of(s, i);

    p->is_listed = false;
    while (!s->run->is_over && p->sent - p->done < s->run->options->window &&
           (!s->is_paced || p->owed > 0) && peer_may_send(peer, s->run->options->qos)) {
        send_one(s, p, peer);
    }
    crowd_send(&s->run->crowd, peer);
}

/* One more has number `n`, or will never have it. */
static void
settle(struct spread *s, struct publisher *p, uint32_t n)
{
    p->left[n & s->mask]--;
    if (n != p->done || p->left[n & s->mask] > 0) {
        return;
    }
    for (; p->done != p->sent && p->left[p->done & s->mask] == 0; p->done++) {
        s->open--;
    }
    p->changed_ns = s->run->crowd.now_ns;
    list(s, p);
}

static void
take_message(struct spread *s, uint32_t subscriber, uint64_t word)
{
    const struct load_options *o = s->run->options;
    uint32_t from = (uint32_t)(word >> 32);
    uint32_t n = (uint32_t)word;
    struct publisher *p = &s->publishers[from];
    uint32_t *expected = NULL;

    if (from >= o->publishers || (!o->fan && from % o->subscribers != subscriber) || n >= p->sent) {
        s->run->result->wrong++;
        return;
    }
    expected = &s->expected[subscriber * s->senders + (o->fan ? from : from / o->subscribers)];
    if (n < *expected) {
        s->run->result->repeated++; /* or out of order: its place has been taken for missing */
        return;
    }
    for (; *expected < n; ++*expected) {
        s->run->result->missing++;
        settle(s, p, *expected);
    }
    run_count(s->run, p->since_ns[n & s->mask]);
    ++*expected;
    settle(s, p, n);
}

static void
take(void *context, struct peer *p, const struct arrival *a)
{
    struct spread *s = context;
    const struct load_options *o = s->run->options;

    if (a->kind == ARRIVAL_MESSAGE) {
        if (a->word == NULL || a->payload.len != o->payload_bytes - WORD_BYTES ||
            p->index >= o->subscribers) {
            s->run->result->wrong++;
        } else {
            take_message(s, p->index, word_read(a->word));
        }
    } else if (a->kind == ARRIVAL_ACK && p->index >= o->subscribers) {
        s->run->result->wrong += a->reason_code >= 0x80;
        list(s, &s->publishers[p->index - o->subscribers]);
    }
}

/* What a publisher has sent and nobody has received for long is missing. */
static void
give_up(struct spread *s, uint32_t i)
{
    const struct load_options *o = s->run->options;
    struct publisher *p = &s->publishers[i];
    uint32_t column = o->fan ? i : i / o->subscribers;

    for (uint32_t j = 0; j < o->subscribers; j++) {
        uint32_t *expected = &s->expected[j * s->senders + column];

        for (; (o->fan || i % o->subscribers == j) && *expected != p->sent; ++*expected) {
            s->run->result->missing++;
            settle(s, p, *expected);
        }
    }
}

static void
look_over(struct spread *s)
{
    uint64_t now_ns = s->run->crowd.now_ns;
    uint64_t timeout_ns = (uint64_t)(s->run->options->timeout * 1e9);

    s->look_ns = now_ns + LOOK_NS;
    for (uint32_t i = 0; i < s->run->options->publishers; i++) {
        struct publisher *p = &s->publishers[i];

        if (p->sent == p->done) {
            p->changed_ns = now_ns;
        } else if (p->changed_ns + timeout_ns <= now_ns) {
            give_up(s, i);
        }
        list(s, p);
    }
}

static uint64_t
step(void *context)
{
    struct spread *s = context;
    uint64_t now_ns = s->run->crowd.now_ns;

    if (now_ns >= s->look_ns) {
        look_over(s);
    }
    while (s->is_paced && !s->run->is_over && pace_take(&s->pace, now_ns)) {
        struct publisher *p = &s->publishers[(s->pace.next - 1) % s->run->options->publishers];

        p->owed++;
        list(s, p);
    }
    for (uint32_t i = 0; i < s->listed_count; i++) {
        go_on(s, s->listed[i]);
    }
    s->listed_count = 0;
    return s->is_paced && !s->run->is_over ? pace_wait_ns(&s->pace, now_ns) : RUN_TICK_NS;
}

static void
prepare_publisher(struct spread *s, uint32_t i)
{
    struct run *r = s->run;
    const struct load_options *o = r->options;
    struct publisher *p = &s->publishers[i];
    struct wording w = {.payload_bytes = o->payload_bytes, .qos = o->qos};
    enum wilco_status status = WILCO_OK;

    w.to = place_of(o->name, PLACE_FEED, o->fan ? 0 : i % o->subscribers);
    w.reply_to = place_of(o->name, PLACE_NONE, 0);
    status = r->crowd.dialect->draw(&p->message, &w);
    if (status != WILCO_OK) {
        crowd_fail(&r->crowd, status, "this message cannot be said in this dialect");
    }
    p->left = run_items(r, s->mask, sizeof(*p->left)); /* which gives one more */
    p->since_ns = run_items(r, s->mask, sizeof(*p->since_ns));
}

static void
finish(struct spread *s)
{
    for (uint32_t i = 0; s->publishers != NULL && i < s->run->options->publishers; i++) {
        stencil_fini(&s->publishers[i].message);
        free_items(s->publishers[i].left);
        free_items(s->publishers[i].since_ns);
    }
    free_items(s->publishers);
    free_items(s->expected);
    free_items(s->listed);
}

static enum wilco_status
spread_open(struct spread *s)
{
    struct run *r = s->run;
    const struct load_options *o = r->options;

    s->senders = o->fan ? o->publishers : (o->publishers + o->subscribers - 1) / o->subscribers;
    s->receivers = o->fan ? o->subscribers : 1;
    while (s->mask + 1 < o->window) {
        s->mask = s->mask * 2 + 1;
    }
    if (crowd_open(&r->crowd, o->publishers + o->subscribers) != WILCO_OK) {
        return r->crowd.status;
    }
    s->publishers = run_items(r, o->publishers, sizeof(*s->publishers));
    s->listed = run_items(r, o->publishers, sizeof(*s->listed));
    s->expected = run_items(r, (size_t)o->subscribers * s->senders, sizeof(*s->expected));
    if (r->crowd.status == WILCO_OK) {
        (void)crowd_gather(&r->crowd, 0, r->crowd.count, 64);
    }
    for (uint32_t i = 0; r->crowd.status == WILCO_OK && i < o->publishers; i++) {
        prepare_publisher(s, i);
    }
    return r->crowd.status;
}

static enum wilco_status
run(struct run *r)
{
    static const struct crowd_ops ops = {.introduce = introduce, .take = take};
    struct spread s = {.run = r, .is_paced = r->options->rate > 0};

    r->crowd.ops = &ops;
    r->crowd.context = &s;
    if (spread_open(&s) == WILCO_OK) {
        if (s.is_paced) {
            s.pace = pace_of(r->options->rate, r->crowd.now_ns);
        }
        run_measure(r, step);
        run_drain(r, step, &s.open);
        for (uint32_t i = 0; i < r->options->publishers; i++) {
            give_up(&s, i);
        }
    }
    finish(&s);
    return r->crowd.status;
}

const struct mode mode_publish = {.name = "publish", .run = run};
