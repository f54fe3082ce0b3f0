/* What responders do with what they are asked. Of each response the model says beforehand what the
 * broker must make of it, as far as the model can know: whether a member of a group is still the
 * holder is not known to anybody outside once he has lost his connection. */
#include "payload.h"
#include "responder.h"

#include "broker/core/session.h"

#include <stdio.h>

enum {
    LARGE_BYTES = 500, /* more than some requesters take */
    RECENT_JOBS = 6,
};

/* A response, with what is wrong with it. */
struct response {
    struct job *job;
    bool is_last;
    bool says_more; /* that it is not, also when no more are allowed: then it is all the same */
    bool has_wrong_correlation;
    bool has_wrong_topic;
    enum fate fate;
};

/* This responder had it last, and has not lost its connection since. */
static bool
is_with(const struct responder *r, const struct inquiry *a)
{
    return r->actor.number == a->holder && r->actor.is_connected &&
           r->actor.session == a->holder_session && r->actor.connection == a->holder_connection;
}

static enum fate
fate_of_member(const struct responder *r, const struct job *job)
{
    const struct inquiry *a = job->inquiry;

    if (job->is_declined || a->was_answered) {
        return FATE_NEVER;
    }
    if (!is_with(r, a)) {
        return is_with(&r->all[a->holder], a) ? FATE_NEVER : FATE_OPEN;
    }
    if (a->is_uncertain || a->handings > 1 || a->fails_if_offline ||
        !responder_is_waited_for(r, job)) {
        return FATE_OPEN;
    }
    return FATE_DUE;
}

static enum fate
fate_of(const struct responder *r, const struct response *response)
{
    const struct job *job = response->job;
    const struct inquiry *a = job->inquiry;

    if (!a->is_to_inbox) {
        return FATE_OPEN;
    }
    if (response->has_wrong_correlation || response->has_wrong_topic ||
        r->actor.sim->r.now_ms >= a->deadline_ms) {
        return FATE_NEVER;
    }
    switch (a->reach) {
    case REACH_NOBODY: return FATE_NEVER;
    case REACH_ONE:
    case REACH_FAN:
        if (job->session != r->actor.session || job->is_declined || job->lasts > 0) {
            return FATE_NEVER;
        }
        return responder_is_waited_for(r, job) ? FATE_DUE : FATE_OPEN;
    case REACH_GROUP: return fate_of_member(r, job);
    case REACH_MIX: return FATE_OPEN;
    }
    return FATE_OPEN;
}

/* What is cancelled, by whom or whatever, may have ended by now. */
static enum fate
fate_unless_cancelled(const struct responder *r, const struct response *response)
{
    const struct inquiry *a = response->job->inquiry;
    enum fate fate = fate_of(r, response);

    return fate == FATE_DUE && (a->is_cancelled || a->ends_with_asker) ? FATE_OPEN : fate;
}

static void
note_response(struct responder *r, const struct response *response, uint16_t packet_id)
{
    struct job *job = response->job;
    struct inquiry *a = job->inquiry;

    r->sent[r->sent_count++ % SENT_MAX] =
        (struct sent_response){.packet_id = packet_id, .fate = response->fate, .number = a->number};
    if (response->fate == FATE_NEVER) {
        return;
    }
    if (!response->is_last) {
        job->more--;
        return;
    }
    job->lasts++;
    if (a->reach == REACH_GROUP) {
        a->was_answered = a->was_answered || response->fate == FATE_DUE;
        a->is_bound = a->is_bound || a->was_answered;
        a->is_uncertain = a->is_uncertain || response->fate == FATE_OPEN;
    }
}

static void
set_expiry(struct inquiry *a, struct wire_properties *v)
{
    v->message_expiry_interval = 1;
    wire_properties_set(v, WIRE_MESSAGE_EXPIRY_INTERVAL);
    a->may_have_expired = true;
}

static void
send_response(struct responder *r, const struct response *response)
{
    static const struct wire_user_property more = USER("rr-more", "1");
    struct sim *s = r->actor.sim;
    struct inquiry *a = response->job->inquiry;
    char topic[INBOX_TEXT_BYTES + 8];
    uint8_t bytes[LARGE_BYTES] = {0};
    struct wire_any packet = {.type = WIRE_PUBLISH, .as.publish = {.qos = sim_pick(s, 3) & 3U}};
    struct wire_properties *v = &packet.as.publish.properties;
    const struct payload payload = {
        .kind = PAYLOAD_RESPONSE,
        .number = (uint8_t)a->number,
        .sender = (uint8_t)r->actor.number,
        .is_last = response->is_last,
        .must_not_arrive = response->fate == FATE_NEVER,
    };

    (void)snprintf(topic, sizeof(topic), "%s%s", a->response_topic,
                   response->has_wrong_topic ? "/x" : "");
    packet.as.publish.packet_id = packet.as.publish.qos == 0 ? 0 : actor_next_id(&r->actor);
    packet.as.publish.topic = span_of_text(topic);
    packet.as.publish.payload =
        payload_write(bytes, &payload, sim_chance(s, 5) ? LARGE_BYTES : PAYLOAD_BYTES);
    v->correlation_data =
        response->has_wrong_correlation ? SPAN_LITERAL("x") : span_of_text(a->correlation);
    wire_properties_set(v, WIRE_CORRELATION_DATA);
    if (response->says_more) {
        v->users = &more;
        v->user_count = 1;
        wire_properties_set(v, WIRE_USER_PROPERTY);
    }
    if (sim_chance(s, 4)) {
        set_expiry(a, v);
    }
    sim_say(s, "%s responds to request %u at QoS %u%s%s%s", r->actor.name, a->number,
            packet.as.publish.qos, response->says_more ? ", more to come" : "",
            response->fate == FATE_NEVER ? ", to be refused" : "",
            response->fate == FATE_DUE ? ", to be accepted" : "");
    note_response(r, response, packet.as.publish.packet_id);
    actor_send(&r->actor, &packet);
}

static void
respond_to(struct responder *r, struct job *job)
{
    struct sim *s = r->actor.sim;
    struct response response = {.job = job};

    response.is_last = job->more == 0 || sim_chance(s, 3);
    response.has_wrong_correlation = sim_chance(s, 12);
    response.has_wrong_topic = sim_chance(s, 12);
    response.says_more = !response.is_last || (job->more == 0 && sim_chance(s, 6));
    response.fate = fate_unless_cancelled(r, &response);
    if (job->inquiry->is_to_inbox ||
        !(response.has_wrong_correlation || response.has_wrong_topic)) {
        send_response(r, &response);
    }
}

static void
acknowledge(struct responder *r)
{
    struct actor *a = &r->actor;
    unsigned at = sim_pick(a->sim, a->taken_count);
    struct taken t = a->taken[at];
    struct job *job = NULL;
    bool declines = r->declines && sim_chance(a->sim, 3);

    if (!actor_acknowledge(a, at, declines ? WIRE_REASON_QUOTA_EXCEEDED : 0)) {
        return;
    }
    sim_say(a->sim, "%s %s request %u", a->name, declines ? "declines" : "acknowledges", t.number);
    job = responder_job(r, t.number);
    if (job == NULL) { /* a word about a request that was lost on its way */
        return;
    }
    job->is_declined = job->is_declined || declines;
    inquiry_acknowledged(job->inquiry, declines);
}

void
responder_act(struct responder *r)
{
    struct actor *a = &r->actor;
    unsigned recent =
        r->job_count < RECENT_JOBS || sim_chance(a->sim, 5) ? r->job_count : RECENT_JOBS;

    if (a->taken_count > 0 && sim_chance(a->sim, 2)) {
        acknowledge(r);
    } else if (r->job_count > 0 && !(r->swallows && !sim_chance(a->sim, 8))) {
        respond_to(r, &r->jobs[r->job_count - 1 - sim_pick(a->sim, recent)]);
    }
}
