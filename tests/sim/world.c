/* A run: who takes part, and what happens in which order. A step is something that a client does, a
 * fault, a moment that passes, or a piece of work of one shard; so what goes from shard to shard
 * may be overtaken by anything. */
#include "world.h"

#include "payload.h"

#include "broker/core/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    STEPS_MIN = 60,
    STEPS_MORE = 240,
    GROUP_TOPICS = 2,
    BURST = 8,          /* requests at once: more than the broker looks through one by one */
    SMALL_MOVE_MS = 30, /* mail may be on its way for so long */
    LARGE_MOVE_MS = 3000,
    LONG_MOVE_MS = 20000,
};

static struct settings
draw_settings(struct sim *s)
{
    struct settings settings = settings_default();

    settings.sys_interval_s = 0;
    settings.request_filters_max = 8;
    settings.request_deadline_ms = 5000;
    settings.outlier_deadlines = sim_pick(s, 4);
    settings.outlier_pause_ms = 500;
    settings.group_strategy = sim_pick(s, 3);
    settings.requests_held_max = sim_chance(s, 6) ? 2 : settings.requests_held_max;
    settings.requests_in_flight_max = sim_chance(s, 6) ? 3 : 0;
    settings.queued_messages_max = sim_chance(s, 6) ? 3 : settings.queued_messages_max;
    settings.output_bytes_max = sim_chance(s, 2) ? 1024 : settings.output_bytes_max;
    return settings;
}

static void
come_intruder(struct world *w)
{
    static const char *const filters[] = {"$r/#", "$r/+", "+/+/part"};
    struct wire_any packet;

    rig_client_connect(&w->sim.r, &w->intruder, "intruder");
    for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
        const struct wire_subscription how = {.filter = span_of_text(filters[i]), .qos = 2};

        packet = (struct wire_any){
            .type = WIRE_SUBSCRIBE,
            .as.subscribe = {.packet_id = (uint16_t)(i + 1), .count = 1, .subscriptions = &how},
        };
        rig_send(&w->intruder, &packet);
        rig_expect(&w->intruder, WIRE_SUBACK, &packet);
    }
}

static void
come_all(struct world *w)
{
    struct sim *s = &w->sim;

    w->requester_count = 1 + sim_pick(s, REQUESTERS_MAX);
    w->responder_count = 1 + sim_pick(s, RESPONDERS_MAX);
    for (unsigned i = 0; i < w->requester_count; i++) {
        requester_init(&w->requesters[i], &w->ledger, i);
        w->requesters[i].actor.behind_ms = s->r.now_ms;
        actor_connect(&w->requesters[i].actor, sim_chance(s, 2));
    }
    for (unsigned i = 0; i < w->responder_count; i++) {
        responder_init(&w->responders[i], &w->ledger, w->responders, i);
        actor_connect(&w->responders[i].actor, sim_chance(s, 2));
    }
    come_intruder(w);
}

static bool
read_all(struct world *w)
{
    bool any = false;

    for (unsigned i = 0; i < w->requester_count; i++) {
        any = actor_read(&w->requesters[i].actor) || any;
    }
    for (unsigned i = 0; i < w->responder_count; i++) {
        any = actor_read(&w->responders[i].actor) || any;
    }
    return any;
}

void
world_read(struct world *w)
{
    struct rig *r = &w->sim.r;

    do {
        for (unsigned i = 0; i < r->broker.shard_count; i++) {
            rig_step(r, i, RIG_OUTPUT);
        }
    } while (read_all(w));
}

static void
excuse_all_of(struct world *w, unsigned requester, enum excuse excuse)
{
    for (unsigned i = 0; i < w->ledger.count; i++) {
        if (w->ledger.asks[i].requester == requester) {
            w->ledger.asks[i].excuses |= excuse;
        }
    }
}

static void
note_time(struct world *w)
{
    for (unsigned i = 0; i < w->responder_count; i++) {
        (void)actor_time_passed(&w->responders[i].actor);
    }
    for (unsigned i = 0; i < w->requester_count; i++) {
        if (actor_time_passed(&w->requesters[i].actor)) {
            excuse_all_of(w, i, EXCUSE_OVERDUE);
        }
    }
}

void
world_advance(struct world *w, unsigned ms)
{
    struct rig *r = &w->sim.r;

    if (ms > SMALL_MOVE_MS) {
        rig_settle(r);
    }
    world_read(w);
    r->now_ms += ms;
    note_time(w);
}

void
world_step_shard(struct world *w)
{
    static const enum rig_part parts[] = {RIG_MAIL, RIG_MAIL, RIG_OUTPUT, RIG_OUTPUT, RIG_CLOCK};

    unsigned shard = sim_pick(&w->sim, w->sim.r.broker.shard_count);
    unsigned part = sim_pick(&w->sim, sizeof(parts) / sizeof(parts[0]));

    rig_step(&w->sim.r, shard, parts[part]);
}

/* Some queue in the shard was full: what was dropped may have been for a requester. */
static void
note_dropped(struct world *w, const struct shard *s)
{
    for (unsigned i = 0; i < w->requester_count; i++) {
        if (broker_shard_of(s->broker, span_of_text(w->requesters[i].actor.name)) == s) {
            excuse_all_of(w, i, EXCUSE_CROWDED_OUT);
        }
    }
}

void
world_check(struct world *w)
{
    for (unsigned i = 0; i < w->sim.r.broker.shard_count; i++) {
        const struct shard *s = w->sim.r.broker.shards[i];

        if (s->deferred_count > 0) {
            sim_fail(&w->sim, "shard %u has put something off and forgotten it", i);
        }
        if (s->stats.dropped_queue_full > w->dropped[i]) {
            w->dropped[i] = s->stats.dropped_queue_full;
            note_dropped(w, s);
        }
    }
}

static struct question
draw_question(struct world *w)
{
    static const enum reach reaches[] = {
        REACH_NOBODY, REACH_ONE,   REACH_ONE,   REACH_ONE, REACH_GROUP, REACH_GROUP,
        REACH_GROUP,  REACH_GROUP, REACH_GROUP, REACH_FAN, REACH_FAN,   REACH_MIX,
    };
    struct sim *s = &w->sim;
    struct question what = {.reach = reaches[sim_pick(s, sizeof(reaches) / sizeof(reaches[0]))]};
    static const char *const names[] = {
        [REACH_NOBODY] = "none", [REACH_GROUP] = "group", [REACH_FAN] = "fan", [REACH_MIX] = "mix"};

    if (what.reach == REACH_ONE) {
        (void)snprintf(what.topic, sizeof(what.topic), "one/r%u", sim_pick(s, w->responder_count));
    } else {
        (void)snprintf(what.topic, sizeof(what.topic), "%s/%u", names[what.reach],
                       sim_pick(s, GROUP_TOPICS));
    }
    return what;
}

/* A response to somebody's request by who was never asked. */
static void
forge(struct world *w)
{
    struct sim *s = &w->sim;
    struct inquiry *a = w->ledger.count == 0 ? NULL : &w->ledger.asks[sim_pick(s, w->ledger.count)];
    uint8_t bytes[PAYLOAD_BYTES];
    struct payload payload = {.kind = PAYLOAD_RESPONSE, .is_last = true, .must_not_arrive = true};
    struct wire_any packet = {.type = WIRE_PUBLISH};

    if (a == NULL || !a->is_to_inbox || !conn_wants_input(&w->intruder.conn)) {
        return;
    }
    sim_say(s, "somebody forges a response to request %u", a->number);
    payload.number = (uint8_t)a->number;
    packet.as.publish.topic = span_of_text(a->response_topic);
    packet.as.publish.payload = payload_write(bytes, &payload, sizeof(bytes));
    packet.as.publish.properties.correlation_data = span_of_text(a->correlation);
    wire_properties_set(&packet.as.publish.properties, WIRE_CORRELATION_DATA);
    rig_post(&w->intruder, &packet);
}

/* A connection breaks, a session ends, a client comes back, or takes over itself. */
static void
disturb(struct world *w, struct actor *a)
{
    struct sim *s = &w->sim;

    if (!a->is_connected) {
        actor_connect(a, sim_chance(s, 4));
        return;
    }
    switch (sim_pick(s, 8)) {
    case 0: actor_leave(a, sim_chance(s, 2)); break;
    case 1: actor_connect(a, sim_chance(s, 3)); break;
    case 2:
    case 3: actor_be_stuck(a, !a->line->is_stuck); break;
    default: actor_drop(a, sim_chance(s, 2)); break;
    }
}

/* One thing, now and then many times over. */
static void
ask_some(struct world *w, struct requester *q)
{
    struct question what = draw_question(w);
    unsigned times = sim_chance(&w->sim, 16) ? BURST : 1;

    while (times-- > 0 && actor_can_send(&q->actor)) {
        requester_ask(q, &what);
    }
}

static void
step_requester(struct world *w)
{
    struct sim *s = &w->sim;
    struct requester *q = &w->requesters[sim_pick(s, w->requester_count)];

    if (sim_chance(s, 12) || (!q->actor.is_connected && sim_chance(s, 3))) {
        disturb(w, &q->actor);
    } else if (actor_can_send(&q->actor) && sim_chance(s, 2)) {
        ask_some(w, q);
    } else if (sim_chance(s, 4)) {
        requester_cancel(q);
    } else {
        (void)actor_read(&q->actor);
        (void)requester_acknowledge(q, sim_chance(s, 2));
    }
}

static void
step_responder(struct world *w)
{
    struct sim *s = &w->sim;
    struct responder *r = &w->responders[sim_pick(s, w->responder_count)];

    if (sim_chance(s, 8) || (!r->actor.is_connected && sim_chance(s, 3))) {
        disturb(w, &r->actor);
        return;
    }
    (void)actor_read(&r->actor);
    if (actor_can_send(&r->actor)) {
        if (sim_chance(s, 30)) {
            responder_change_group(r);
        } else {
            responder_act(r);
        }
    }
}

static void
step_clock(struct world *w)
{
    struct sim *s = &w->sim;

    world_advance(w, 1 + (sim_chance(s, 40)  ? sim_pick(s, LONG_MOVE_MS)
                          : sim_chance(s, 4) ? sim_pick(s, LARGE_MOVE_MS)
                                             : sim_pick(s, SMALL_MOVE_MS)));
}

static void
step(struct world *w)
{
    unsigned number = sim_pick(&w->sim, 100);

    if (number < 36) {
        world_step_shard(w);
    } else if (number < 54) {
        step_requester(w);
    } else if (number < 90) {
        step_responder(w);
    } else if (number < 98) {
        step_clock(w);
    } else {
        forge(w);
    }
    world_check(w);
}

void
world_run(struct world *w, uint64_t seed, bool is_verbose)
{
    struct sim *s = &w->sim;
    struct settings settings;
    unsigned steps = 0;
    unsigned shards = 0;

    *w = (struct world){.requester_count = 0};
    sim_start(s, seed, is_verbose);
    settings = draw_settings(s);
    shards = 1 + sim_pick(s, 4);
    steps = STEPS_MIN + sim_pick(s, STEPS_MORE);
    rig_open(&s->r, shards, &settings);
    ledger_init(&w->ledger, s);
    come_all(w);
    for (s->step = 1; s->step <= steps; s->step++) {
        step(w);
    }
    world_drain(w);
    rig_close(&s->r);
    sim_stop(s);
}
