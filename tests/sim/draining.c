/* The end of a run: faults are over, time passes beyond every deadline, and requesters whose
 * session lives come back and read all that is theirs. Then the books must balance. */
#include "world.h"

#include "broker/core/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    ROUNDS = 12,
    ROUND_MS = 2500, /* in all longer than any deadline */
    TURNS_MAX = 500, /* until nothing moves any more */
};

static bool
acknowledge_all(struct world *w)
{
    bool any = false;

    for (unsigned i = 0; i < w->requester_count; i++) {
        any = requester_acknowledge(&w->requesters[i], true) || any;
    }
    return any;
}

/* Until nobody has anything to acknowledge any more. */
static void
settle(struct world *w)
{
    unsigned turns = 0;

    do {
        if (++turns == TURNS_MAX) {
            sim_fail(&w->sim, "the broker does not come to rest");
        }
        rig_settle(&w->sim.r);
        world_read(w);
        rig_settle(&w->sim.r);
        world_read(w);
        world_check(w);
    } while (acknowledge_all(w));
}

static void
unstick(struct actor *a)
{
    if (a->is_connected && a->line->is_stuck) {
        actor_be_stuck(a, false);
    }
}

static void
come_back(struct world *w)
{
    for (unsigned i = 0; i < w->responder_count; i++) {
        unstick(&w->responders[i].actor);
    }
    for (unsigned i = 0; i < w->requester_count; i++) {
        struct actor *a = &w->requesters[i].actor;

        unstick(a);
        actor_check_expiry(a);
        if (!a->is_connected && a->has_session) {
            actor_connect(a, false);
        }
    }
}

/* Nobody is excused but who is gone: a requester whose session has ended is not told anything. */
static void
judge(struct world *w)
{
    for (unsigned i = 0; i < w->ledger.count; i++) {
        struct inquiry *a = &w->ledger.asks[i];
        const struct actor *requester = &w->requesters[a->requester].actor;

        if (!requester->has_session || requester->session != a->session) {
            a->excuses |= EXCUSE_GONE;
        }
        inquiry_judge(a);
    }
}

static void
check_session(const struct world *w, const struct session *s)
{
    const struct session_slot *slot = session_table_slot(&s->shard->sessions, s->id);
    uint32_t held = atomic_load_explicit(&slot->standing.held, memory_order_relaxed);
    uint32_t coming = atomic_load_explicit(&slot->standing.coming, memory_order_relaxed);

    if (s->request_count != 0 || s->request_bytes != 0 || held != 0 || coming != 0) {
        sim_fail(&w->sim, "%.*s is left with %u requests, %u held, %u coming",
                 (int)s->client_id_bytes, s->names, s->request_count, held, coming);
    }
    if (session_asks_in_flight(s) != 0) {
        sim_fail(&w->sim, "%.*s is left with %u requests of its own", (int)s->client_id_bytes,
                 s->names, session_asks_in_flight(s));
    }
}

static void
check_shard(const struct world *w, const struct shard *s)
{
    const struct map *sessions = &s->sessions.by_client_id;

    if (s->stats.rr_in_flight != 0 || s->stats.rr_in_flight_bytes != 0) {
        sim_fail(&w->sim, "shard %u is left with %llu requests in flight, %llu bytes", s->index,
                 (unsigned long long)s->stats.rr_in_flight,
                 (unsigned long long)s->stats.rr_in_flight_bytes);
    }
    for (size_t i = 0; i < sessions->bucket_count; i++) {
        for (struct map_node *n = sessions->buckets[i]; n != NULL; n = n->next) {
            check_session(w, CONTAINER_OF(n, struct session, by_client_id));
        }
    }
}

static void
check_intruder(struct world *w)
{
    struct wire_any packet;

    while (rig_next(&w->intruder, &packet)) {
        sim_fail(&w->sim, "somebody overhears a %s", wire_type_name(packet.type));
    }
}

void
world_drain(struct world *w)
{
    sim_say(&w->sim, "the end begins");
    come_back(w);
    settle(w);
    for (unsigned i = 0; i < ROUNDS; i++) {
        world_advance(w, ROUND_MS);
        settle(w);
    }
    judge(w);
    for (unsigned i = 0; i < w->sim.r.broker.shard_count; i++) {
        check_shard(w, w->sim.r.broker.shards[i]);
    }
    check_intruder(w);
    for (unsigned i = 0; i < w->requester_count; i++) {
        actor_end(&w->requesters[i].actor);
    }
    for (unsigned i = 0; i < w->responder_count; i++) {
        actor_end(&w->responders[i].actor);
    }
    rig_client_cut(&w->intruder);
}
