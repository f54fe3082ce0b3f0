/* A run: people ask and answer, bytes go over a few at a time, moments pass, and things break. Then
 * everything is healed, for longer than any deadline, and what was said is judged. */
#include "library_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum {
    STEPS = 500,
    HEAL_STEPS = 64,
    HEAL_STEP_MS = 250, /* longer than any deadline, all together */
    MOVE_MS = 30,
    LONG_MOVES = 60,
    FEW_BYTES = 40,
    REQUESTS_IN_FLIGHT_FEW = 3,
    OUTPUT_BYTES_FEW = 1024,
};

/* ---- Who takes part ---- */

static struct settings
draw_settings(struct sim *s)
{
    struct settings settings = settings_default();

    settings.sys_interval_s = 0;
    settings.group_strategy = sim_pick(s, 3);
    settings.outlier_deadlines = sim_pick(s, 4);
    if (sim_chance(s, 6)) {
        settings.requests_in_flight_max = REQUESTS_IN_FLIGHT_FEW;
    }
    if (sim_chance(s, 4)) {
        settings.output_bytes_max = OUTPUT_BYTES_FEW;
    }
    return settings;
}

/* 429 is one responder's word: he does not know whether the request has come from another one, who
 * was lost, or goes to others as well; nor, when he dies, that he has said so before, and what he
 * has not acknowledged comes again. So those who may be busy do not die. */
static bool
may_be_busy(struct sim *s, const struct circumstances *c)
{
    return (c->has_one || (c->is_alone && c->is_peaceful)) && sim_chance(s, 2);
}

static void
come_all(struct library_world *w)
{
    struct sim *s = &w->sim;
    bool is_group = sim_chance(s, 4) ? false : true;

    w->responder_count = 1 + sim_pick(s, LIBRARY_RESPONDERS_MAX);
    w->circumstances = (struct circumstances){
        .is_alone = is_group || w->responder_count == 1,
        .has_one = w->responder_count == 1,
        .is_exact = true,
        .is_peaceful = sim_chance(s, 8),
    };
    w->circumstances.may_be_busy = may_be_busy(s, &w->circumstances);
    library_requester_init(&w->requester, s);
    rig_name_in(&s->r, 0, "asker", w->requester.link.client_id);
    library_requester_start(&w->requester);
    for (unsigned i = 0; i < w->responder_count; i++) {
        struct library_responder *r = &w->responders[i];
        char prefix[] = {(char)('a' + i), '\0'};

        library_responder_init(r, s, w->requester.asked, is_group ? "g" : NULL,
                               w->circumstances.may_be_busy);
        rig_name_in(&s->r, i, prefix, r->link.client_id);
        w->circumstances.is_exact &= r->how.qos == 2;
        library_responder_start(r);
    }
}

static void
run_all(struct library_world *w)
{
    library_requester_run(&w->requester);
    for (unsigned i = 0; i < w->responder_count; i++) {
        library_responder_run(&w->responders[i]);
    }
}

static void
pass_time(struct library_world *w, unsigned ms)
{
    rig_advance(&w->sim.r, ms);
    for (unsigned i = 0; i < w->responder_count; i++) {
        struct library_responder *r = &w->responders[i];

        if (r->link.client == NULL && (w->is_healing || sim_chance(&w->sim, 10))) {
            sim_say(&w->sim, "%s starts again", r->link.client_id);
            library_responder_start(r);
        }
    }
}

/* ---- Faults ---- */

static struct library_link *
any_link(struct library_world *w)
{
    struct sim *s = &w->sim;

    return sim_chance(s, 2) ? &w->requester.link
                            : &w->responders[sim_pick(s, w->responder_count)].link;
}

static void
cut(struct library_world *w)
{
    struct library_link *l = any_link(w);

    sim_say(&w->sim, "%s loses its connection", l->client_id);
    library_link_cut(l);
}

static void
kill_responder(struct library_world *w)
{
    struct library_responder *r = &w->responders[sim_pick(&w->sim, w->responder_count)];

    if (w->circumstances.may_be_busy) {
        return;
    }
    sim_say(&w->sim, "%s dies", r->link.client_id);
    library_responder_kill(r);
    w->circumstances.has_forgotten = true;
}

static void
restart_requester(struct library_world *w)
{
    sim_say(&w->sim, "the requester starts again");
    library_requester_stop(&w->requester);
    library_requester_start(&w->requester);
}

static void
lose_session(struct library_world *w)
{
    struct library_link *l = any_link(w);

    sim_say(&w->sim, "%s loses its session", l->client_id);
    library_link_lose_session(l);
}

static void
get_stuck(struct library_world *w)
{
    struct library_link *l = any_link(w);
    bool is_stuck = l->is_connected && !l->at_broker.is_stuck;

    sim_say(&w->sim, "%s %s", l->client_id, is_stuck ? "stops reading" : "reads again");
    library_link_be_stuck(l, is_stuck);
}

/* With all that it knew. */
static void
restart_broker(struct library_world *w)
{
    struct rig *r = &w->sim.r;
    uint64_t now_ms = r->now_ms;

    sim_say(&w->sim, "the broker starts again");
    library_link_cut(&w->requester.link);
    for (unsigned i = 0; i < w->responder_count; i++) {
        library_link_cut(&w->responders[i].link);
    }
    rig_close(r);
    rig_open(r, w->shard_count, &w->settings);
    random_seeded_init(&r->random, w->faults + 1); /* no inbox is like one of before */
    rig_advance(r, now_ms - r->now_ms);
}

static void
break_something(struct library_world *w)
{
    static void (*const faults[])(struct library_world * w) = {
        cut, cut, cut, cut, cut, kill_responder, kill_responder, get_stuck, get_stuck, lose_session,
    };
    struct sim *s = &w->sim;

    if (w->circumstances.is_peaceful) {
        return;
    }
    w->faults++;
    if (!sim_chance(s, 8)) {
        faults[sim_pick(s, sizeof(faults) / sizeof(faults[0]))](w);
    } else if (sim_chance(s, 2)) {
        restart_requester(w);
    } else {
        restart_broker(w);
    }
}

/* ---- What happens ---- */

/* Most of the time all. */
static size_t
some_bytes(struct sim *s)
{
    return sim_chance(s, 4) ? sim_pick(s, FEW_BYTES) : SIZE_MAX;
}

/* Now and then more, in which no bytes go over. */
static void
pass_some_time(struct library_world *w)
{
    struct sim *s = &w->sim;
    unsigned moves = sim_chance(s, 40) ? sim_pick(s, LONG_MOVES) : 1;

    while (moves-- > 0) {
        pass_time(w, 1 + sim_pick(s, MOVE_MS));
        run_all(w);
    }
}

static void
step(struct library_world *w)
{
    struct sim *s = &w->sim;
    unsigned number = sim_pick(s, 100);

    if (number < 8) {
        library_requester_ask(&w->requester);
    } else if (number < 10) {
        library_requester_cancel(&w->requester);
    } else if (number < 65) {
        struct library_link *l = any_link(w);

        (void)library_link_move(l, some_bytes(s));
    } else if (number < 95) {
        pass_some_time(w);
    } else {
        break_something(w);
    }
    run_all(w);
}

static bool
move_all(struct library_world *w)
{
    bool has_moved = library_link_move(&w->requester.link, SIZE_MAX);

    for (unsigned i = 0; i < w->responder_count; i++) {
        has_moved = library_link_move(&w->responders[i].link, SIZE_MAX) || has_moved;
    }
    run_all(w);
    return has_moved;
}

static void
heal(struct library_world *w)
{
    w->is_healing = true;
    library_link_be_stuck(&w->requester.link, false);
    for (unsigned i = 0; i < w->responder_count; i++) {
        library_link_be_stuck(&w->responders[i].link, false);
    }
    for (unsigned i = 0; i < HEAL_STEPS; i++) {
        while (move_all(w)) {
        }
        pass_time(w, HEAL_STEP_MS);
    }
}

static void
judge(const struct library_world *w)
{
    struct wilco_counters counters;

    wilco_counters(w->requester.link.client, &counters);
    if (counters.pending != 0) {
        sim_fail(&w->sim, "%zu requests are still pending", counters.pending);
    }
    for (unsigned i = 0; i < w->requester.asked_count; i++) {
        asked_judge(&w->requester.asked[i], &w->circumstances);
    }
}

void
library_world_run(struct library_world *w, uint64_t seed, bool is_verbose)
{
    struct sim *s = &w->sim;

    *w = (struct library_world){.responder_count = 0};
    sim_start(s, seed, is_verbose);
    w->settings = draw_settings(s);
    w->shard_count = 1 + sim_pick(s, 3);
    rig_open(&s->r, w->shard_count, &w->settings);
    come_all(w);
    for (s->step = 1; s->step <= STEPS; s->step++) {
        step(w);
    }
    heal(w);
    judge(w);
    library_requester_stop(&w->requester);
    for (unsigned i = 0; i < w->responder_count; i++) {
        library_responder_kill(&w->responders[i]);
    }
    rig_close(&s->r);
    sim_stop(s);
}
