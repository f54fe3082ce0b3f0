#include "responder.h"

#include "payload.h"

#include "broker/core/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* No connection has this number: what is sent again, on another connection than at first, may have
 * been given up by the broker meanwhile. */
#define NEVER_SURE 0U

static struct responder *
responder_of(struct actor *a)
{
    return CONTAINER_OF(a, struct responder, actor);
}

static struct job *
find_job(struct responder *r, unsigned number, unsigned session)
{
    for (unsigned i = 0; i < r->job_count; i++) {
        if (r->jobs[i].inquiry->number == number && r->jobs[i].session == session) {
            return &r->jobs[i];
        }
    }
    return NULL;
}

struct job *
responder_job(struct responder *r, unsigned number)
{
    return find_job(r, number, r->actor.session);
}

static bool
is_word(const struct wire_publish *p)
{
    struct span op;

    return wire_properties_user(&p->properties, SPAN_LITERAL("rr-op"), &op);
}

static unsigned
number_of_word(struct actor *a, const struct wire_publish *p)
{
    const struct inquiry *inquiry =
        ledger_by_correlation(a->ledger, p->properties.correlation_data);

    if (inquiry == NULL || !a->wants_status ||
        !(inquiry->is_cancelled || inquiry->ends_with_asker)) {
        sim_fail(a->sim, "%s gets a word that nobody has said", a->name);
    }
    return inquiry->number;
}

static unsigned
number_of(struct actor *a, const struct wire_publish *p)
{
    struct payload payload;

    if (is_word(p)) {
        return number_of_word(a, p);
    }

    if (!payload_read(&payload, p->payload) || payload.kind != PAYLOAD_REQUEST) {
        sim_fail(a->sim, "%s gets something else than a request", a->name);
    }
    return payload.number;
}

/* As it was asked, byte for byte. */
static struct inquiry *
check_request(struct actor *a, const struct wire_publish *p)
{
    struct inquiry *inquiry = ledger_at(a->ledger, number_of(a, p));

    if (inquiry == NULL || !span_equal(p->topic, span_of_text(inquiry->topic)) ||
        !span_equal(p->properties.response_topic, span_of_text(inquiry->response_topic)) ||
        !span_equal(p->properties.correlation_data, span_of_text(inquiry->correlation))) {
        sim_fail(a->sim, "%s gets a request that nobody has asked", a->name);
    }
    return inquiry;
}

static void
take_request(struct responder *r, struct inquiry *inquiry, const struct wire_publish *p)
{
    const struct actor *a = &r->actor;
    struct job *job = find_job(r, inquiry->number, a->session);
    const struct handler self = {a->number, a->session, a->connection};

    /* What was sent before may be sent again, expired or not (MQTT 5.0, 4.3.3). */
    inquiry_handed(inquiry, &self, p->qos, p->dup ? 0 : a->read_ms);
    if (job == NULL) {
        assert_true(r->job_count < JOBS_MAX);
        job = &r->jobs[r->job_count++];
        *job = (struct job){.inquiry = inquiry, .session = a->session};
    }
    job->more = inquiry->more;
    job->connection = p->dup ? NEVER_SURE : a->connection;
}

static void
take_publish(struct actor *a, const struct wire_publish *p)
{
    struct inquiry *inquiry = check_request(a, p);

    if (is_word(p)) {
        sim_say(a->sim, "%s hears that request %u is cancelled", a->name, inquiry->number);
    } else {
        take_request(responder_of(a), inquiry, p);
    }
}

static void
lose_publish(struct actor *a, const struct wire_publish *p)
{
    (void)check_request(a, p);
}

static void
acknowledged(struct actor *a, const struct wire_ack *p)
{
    struct responder *r = responder_of(a);

    for (unsigned i = 0; i < SENT_MAX; i++) {
        struct sent_response *sent = &r->sent[i];

        if (sent->packet_id != p->packet_id) {
            continue;
        }
        if (sent->fate == FATE_NEVER && p->reason_code < 0x80) {
            sim_fail(a->sim, "the response of %s to request %u is accepted: 0x%02x", a->name,
                     sent->number, p->reason_code);
        }
        if (sent->fate == FATE_DUE && p->reason_code >= 0x80) {
            sim_fail(a->sim, "the response of %s to request %u is refused: 0x%02x", a->name,
                     sent->number, p->reason_code);
        }
        sent->packet_id = 0;
    }
}

static void
begin(struct actor *a)
{
    struct responder *r = responder_of(a);
    char topic[16];

    (void)snprintf(topic, sizeof(topic), "one/%s", a->name);
    if (r->is_alone) {
        actor_subscribe(a, topic, r->qos);
    }
    if (r->is_in_group) {
        actor_subscribe(a, "$share/g/group/+", r->qos);
    }
    if (r->is_in_fan) {
        actor_subscribe(a, "fan/+", r->qos);
    }
    if (r->is_in_fan && r->has_fan_twice) {
        actor_subscribe(a, "fan/#", r->qos);
    }
    if (r->is_in_mix) {
        actor_subscribe(a, "mix/+", r->qos);
    }
    if (r->shares_mix) {
        actor_subscribe(a, "$share/h/mix/#", r->qos);
    }
}

bool
responder_is_waited_for(const struct responder *r, const struct job *job)
{
    const struct sim *s = r->actor.sim;
    const struct inquiry *inquiry = job->inquiry;

    return job->session == r->actor.session && job->connection == r->actor.connection &&
           job->lasts == 0 && !job->is_declined && s->r.now_ms < inquiry->deadline_ms &&
           s->r.now_ms < inquiry->asked_ms + s->r.broker.settings.request_deadline_ms;
}

static void
left(struct actor *a)
{
    const struct responder *r = responder_of(a);

    for (unsigned i = 0; i < r->job_count; i++) {
        struct inquiry *inquiry = r->jobs[i].inquiry;

        if (inquiry->reach == REACH_ONE && inquiry->fails_if_offline &&
            responder_is_waited_for(r, &r->jobs[i])) {
            inquiry->was_lost = true;
        }
    }
}

void
responder_init(struct responder *r, struct ledger *l, const struct responder *all, unsigned number)
{
    static const struct actor_role role = {number_of,    take_publish, lose_publish,
                                           acknowledged, begin,        left};
    struct sim *s = l->sim;

    *r = (struct responder){
        .actor = {.role = &role, .sim = s, .ledger = l, .number = number},
        .all = all,
    };
    r->is_alone = !sim_chance(s, 4);
    r->is_in_group = !sim_chance(s, 5);
    r->is_in_fan = sim_chance(s, 2);
    r->has_fan_twice = sim_chance(s, 3);
    r->is_in_mix = sim_chance(s, 3);
    r->shares_mix = sim_chance(s, 2);
    r->qos = (uint8_t)sim_pick(s, 3);
    r->declines = sim_chance(s, 4);
    r->swallows = sim_chance(s, 6);
    (void)snprintf(r->actor.name, sizeof(r->actor.name), "r%u", number);
    r->actor.line = &r->actor.lines[0];
    r->actor.expiry_s = sim_chance(s, 3) ? 0 : sim_chance(s, 3) ? 1 : UINT32_MAX;
    r->actor.has_small_quota = sim_chance(s, 3);
    r->actor.wants_status = sim_chance(s, 2);
    r->actor.has_small_packets = sim_chance(s, 6);
}

void
responder_change_group(struct responder *r)
{
    struct actor *a = &r->actor;
    const struct span filter = SPAN_LITERAL("$share/g/group/+");
    const struct wire_any packet = {
        .type = WIRE_UNSUBSCRIBE,
        .as.unsubscribe = {.packet_id = actor_next_id(a), .count = 1, .filters = &filter},
    };

    r->is_in_group = !r->is_in_group;
    sim_say(a->sim, "%s %s its group", a->name, r->is_in_group ? "joins" : "leaves");
    if (r->is_in_group) {
        actor_subscribe(a, "$share/g/group/+", r->qos);
    } else {
        actor_send(a, &packet);
    }
}
