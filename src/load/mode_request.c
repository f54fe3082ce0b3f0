/* Requests and responses. Requester i asks responder i modulo their number, or a topic that others
 * serve, with `window` in flight.
 *
 * A request's word is `turn << 32 | requester << 16 | slot`: what comes back is right when it is
 * the word of a slot that is open. A requester owes requests: its whole window at the beginning and
 * one for each response in a closed loop, one for each that is due in an open loop. It sends what
 * it owes as slots, and the server's Receive Maximum, allow. */
#include "load/responders.h"

#include <stdio.h>

struct slot {
    uint64_t word;
    uint64_t since_ns; /* when it was sent, or due; 0: it is free */
    uint64_t sent_ns;
    uint32_t lost_turn; /* of the request that was given up last */
};

struct requester {
    struct stencil request;
    struct slot *slots;
    uint16_t *free; /* a stack */
    uint32_t free_count;
    uint32_t turn;
    uint64_t owed;
    uint64_t asked;
    char inbox[PLACE_BYTES];
};

struct exchange {
    struct run *run;
    struct requester *requesters; /* peers behind the responders */
    struct responders responders;
    struct pace pace;
    bool is_paced;
    uint64_t open; /* requests in flight */
    uint64_t look_ns;
};

#define TURN_SHIFT      32U
#define REQUESTER_SHIFT 16U
#define LOW_BITS        UINT64_C(0xFFFF)
#define LOOK_NS         UINT64_C(200000000) /* how often slots are looked over */

static struct peer *
peer_of(const struct exchange *x, size_t requester)
{
    return &x->run->crowd.peers[x->run->options->responders + requester];
}

static void
introduce(void *context, uint32_t index, struct introduction *out)
{
    const struct exchange *x = context;
    const struct load_options *o = x->run->options;
    bool responds = index < o->responders;
    uint32_t i = responds ? index : index - o->responders;

    (void)snprintf(out->client_id, sizeof(out->client_id), "%s-%c%u", o->name, responds ? 'r' : 'q',
                   i);
    out->qos = o->qos;
    if (responds) {
        out->listens = place_of(o->name, PLACE_ASK, o->group ? 0 : i);
        out->group = o->group ? "load" : NULL;
    } else {
        out->listens = place_of(o->name, o->inbox ? PLACE_NONE : PLACE_ANSWER, i);
        out->inbox = o->inbox ? x->requesters[i].inbox : NULL;
    }
}

static void
ask(struct exchange *x, struct requester *q, struct peer *p)
{
    struct run *r = x->run;
    uint16_t i = q->free[--q->free_count];
    struct slot *s = &q->slots[i];
    uint64_t number = (uint64_t)(q - x->requesters);
    uint16_t id = r->options->qos > 0 ? peer_next_packet_id(p) : 0;

    s->sent_ns = r->crowd.now_ns;
    s->since_ns = s->sent_ns;
    if (x->is_paced) {
        s->since_ns = pace_due_ns(&x->pace, number + q->asked * r->options->requesters);
    }
    s->word = (uint64_t)++q->turn << TURN_SHIFT | (number & LOW_BITS) << REQUESTER_SHIFT | i;
    q->asked++;
    q->owed--;
    x->open++;
    stencil_stamp(&q->request, &r->crowd.out, s->word, id);
}

static void
ask_owed(struct exchange *x, struct requester *q, struct peer *p)
{
    while (q->owed > 0 && q->free_count > 0 && !x->run->is_over &&
           peer_may_send(p, x->run->options->qos)) {
        ask(x, q, p);
    }
}

static void
free_slot(struct exchange *x, struct requester *q, struct slot *s)
{
    s->since_ns = 0;
    q->free[q->free_count++] = (uint16_t)(s - q->slots);
    q->owed += !x->is_paced;
    x->open--;
}

/* The word is of none that is open. */
static void
take_odd(struct exchange *x, struct requester *q, uint64_t word)
{
    struct load_result *out = x->run->result;
    uint64_t number = (uint64_t)(q - x->requesters);
    uint32_t turn = (uint32_t)(word >> TURN_SHIFT);
    struct slot *s = NULL;

    if ((word & LOW_BITS) >= x->run->options->window || turn == 0 || turn > q->turn ||
        ((word >> REQUESTER_SHIFT) & LOW_BITS) != (number & LOW_BITS)) {
        out->wrong++;
        return;
    }
    s = &q->slots[word & LOW_BITS];
    if (turn == s->lost_turn) {
        s->lost_turn = 0;
        out->late++;
        out->missing--;
    } else {
        out->repeated++;
    }
}

/* Our own responders give back what they were sent. */
static bool
may_be_answer(const struct load_options *o, size_t payload_len)
{
    return o->topic != NULL || payload_len == o->payload_bytes;
}

static void
take_answer(struct exchange *x, struct requester *q, const struct arrival *a)
{
    uint64_t word = a->word == NULL ? 0 : word_read(a->word);
    uint64_t at = word & LOW_BITS;
    struct slot *s = &q->slots[at < x->run->options->window ? at : 0];

    if (a->word == NULL || !may_be_answer(x->run->options, a->payload.len)) {
        x->run->result->wrong++;
    } else if (WILCO_UNLIKELY(s->since_ns == 0 || s->word != word)) {
        take_odd(x, q, word);
    } else {
        run_count(x->run, s->since_ns);
        free_slot(x, q, s);
    }
}

static void
take(void *context, struct peer *p, const struct arrival *a)
{
    struct exchange *x = context;
    uint32_t responders = x->run->options->responders;

    if (a->kind != ARRIVAL_MESSAGE && a->kind != ARRIVAL_ACK) {
        return;
    }
    x->run->result->wrong += a->kind == ARRIVAL_ACK && a->reason_code >= 0x80;
    if (p->index >= responders) {
        struct requester *q = &x->requesters[p->index - responders];

        if (a->kind == ARRIVAL_MESSAGE) {
            take_answer(x, q, a);
        }
        ask_owed(x, q, p);
    } else if (a->kind == ARRIVAL_MESSAGE) {
        responders_take_request(&x->responders, p, a);
    } else {
        responders_take_ack(&x->responders, p);
    }
}

static void
give_up_old(struct exchange *x, struct requester *q)
{
    uint64_t timeout_ns = (uint64_t)(x->run->options->timeout * 1e9);

    for (unsigned i = 0; i < x->run->options->window; i++) {
        struct slot *s = &q->slots[i];

        if (s->since_ns != 0 && s->sent_ns + timeout_ns <= x->run->crowd.now_ns) {
            x->run->result->missing++;
            s->lost_turn = (uint32_t)(s->word >> TURN_SHIFT);
            free_slot(x, q, s);
        }
    }
}

static void
look_over(struct exchange *x)
{
    struct crowd *c = &x->run->crowd;

    x->look_ns = c->now_ns + LOOK_NS;
    for (unsigned i = 0; i < x->run->options->requesters; i++) {
        give_up_old(x, &x->requesters[i]);
        ask_owed(x, &x->requesters[i], peer_of(x, i));
        crowd_send(c, peer_of(x, i));
    }
}

static uint64_t
step(void *context)
{
    struct exchange *x = context;
    struct crowd *c = &x->run->crowd;

    if (c->now_ns >= x->look_ns) {
        look_over(x);
    }
    if (!x->is_paced || x->run->is_over) {
        return RUN_TICK_NS;
    }
    while (pace_take(&x->pace, c->now_ns)) {
        size_t i = (size_t)((x->pace.next - 1) % x->run->options->requesters);
        struct requester *q = &x->requesters[i];

        q->owed++;
        ask_owed(x, q, peer_of(x, i));
        crowd_send(c, peer_of(x, i));
    }
    return pace_wait_ns(&x->pace, c->now_ns);
}

static void
prepare_requester(struct exchange *x, unsigned i)
{
    struct run *r = x->run;
    const struct load_options *o = r->options;
    struct requester *q = &x->requesters[i];
    struct wording w = {.payload_bytes = o->payload_bytes, .qos = o->qos};
    enum wilco_status status = WILCO_OK;

    w.to = o->topic != NULL ? place_of_topic(o->topic)
                            : place_of(o->name, PLACE_ASK, o->group ? 0 : i % o->responders);
    w.reply_to = place_of(o->name, PLACE_ANSWER, i);
    if (o->inbox) {
        (void)snprintf(w.reply_to.text, sizeof(w.reply_to.text), "%s", q->inbox);
    }
    status = r->crowd.dialect->draw(&q->request, &w);
    if (status != WILCO_OK) {
        crowd_fail(&r->crowd, status, "this request cannot be said in this dialect");
    }
    q->slots = run_items(r, o->window, sizeof(*q->slots));
    q->free = run_items(r, o->window, sizeof(*q->free));
    for (; q->free != NULL && q->free_count < o->window; q->free_count++) {
        q->free[q->free_count] = (uint16_t)(o->window - 1 - q->free_count);
    }
    q->owed = x->is_paced ? 0 : o->window;
}

static void
finish(struct exchange *x)
{
    const struct load_options *o = x->run->options;

    for (unsigned i = 0; x->requesters != NULL && i < o->requesters; i++) {
        stencil_fini(&x->requesters[i].request);
        free_items(x->requesters[i].slots);
        free_items(x->requesters[i].free);
    }
    responders_fini(&x->responders);
    free_items(x->requesters);
}

static enum wilco_status
exchange_open(struct exchange *x)
{
    struct run *r = x->run;
    const struct load_options *o = r->options;

    if (crowd_open(&r->crowd, o->requesters + o->responders) != WILCO_OK) {
        return r->crowd.status;
    }
    x->requesters = run_items(r, o->requesters, sizeof(*x->requesters));
    responders_init(&x->responders, r);
    if (r->crowd.status == WILCO_OK) {
        (void)crowd_gather(&r->crowd, 0, r->crowd.count, 64);
    }
    for (unsigned i = 0; r->crowd.status == WILCO_OK && i < o->requesters; i++) {
        prepare_requester(x, i);
    }
    return r->crowd.status;
}

static enum wilco_status
run(struct run *r)
{
    static const struct crowd_ops ops = {.introduce = introduce, .take = take};
    struct exchange x = {.run = r, .is_paced = r->options->rate > 0};

    r->crowd.ops = &ops;
    r->crowd.context = &x;
    if (exchange_open(&x) == WILCO_OK) {
        if (x.is_paced) {
            x.pace = pace_of(r->options->rate, r->crowd.now_ns);
        }
        run_measure(r, step);
        run_drain(r, step, &x.open);
        r->result->missing += x.open;
    }
    finish(&x);
    return r->crowd.status;
}

const struct mode mode_request = {.name = "request", .run = run};
