#include "requester.h"

#include "payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    USERS_MAX = 5,
    LARGE_BYTES = 300, /* more than some responders take */
    EXPIRY_S_MAX = 8,
    TTL_MS_MAX = 4000,
    MORE_MAX = 3,
};

static unsigned
number_of(struct actor *a, const struct wire_publish *p)
{
    const struct inquiry *inquiry =
        ledger_by_correlation(a->ledger, p->properties.correlation_data);

    if (inquiry == NULL) {
        sim_fail(a->sim, "%s gets a response to nothing", a->name);
    }
    return inquiry->number;
}

/* In an inbox that lives as long as the session nothing else can come. */
static struct inquiry *
check_address(struct actor *a, const struct wire_publish *p)
{
    struct inquiry *inquiry = ledger_at(a->ledger, number_of(a, p));

    if (inquiry->requester != a->number ||
        (inquiry->is_to_inbox && inquiry->session != a->session)) {
        sim_fail(a->sim, "%s gets a response to request %u, which is not its own", a->name,
                 inquiry->number);
    }
    if (!span_equal(p->topic, span_of_text(inquiry->response_topic))) {
        sim_fail(a->sim, "%s gets a response to request %u on another topic", a->name,
                 inquiry->number);
    }
    return inquiry;
}

static void
take_publish(struct actor *a, const struct wire_publish *p)
{
    struct inquiry *inquiry = check_address(a, p);
    struct span source = SPAN_EMPTY;
    struct payload payload;

    if (wire_properties_user(&p->properties, SPAN_LITERAL("rr-src"), &source)) {
        inquiry_status(inquiry, p);
        return;
    }
    if (!payload_read(&payload, p->payload) || payload.kind != PAYLOAD_RESPONSE ||
        payload.number != inquiry->number) {
        sim_fail(a->sim, "%s gets something else than a response to request %u", a->name,
                 inquiry->number);
    }
    if (payload.must_not_arrive) {
        sim_fail(a->sim, "%s gets a response of responder %u to request %u that is not due",
                 a->name, payload.sender, inquiry->number);
    }
    inquiry_answered(inquiry, payload.is_last);
}

static void
lose_publish(struct actor *a, const struct wire_publish *p)
{
    struct inquiry *inquiry = check_address(a, p);
    struct payload payload;

    if (payload_read(&payload, p->payload) && payload.is_last && !payload.must_not_arrive) {
        sim_say(a->sim, "the response to request %u is lost with the connection", inquiry->number);
        inquiry->excuses |= EXCUSE_LOST;
    }
}

static void
acknowledged(struct actor *a, const struct wire_ack *p)
{
    struct inquiry *inquiry = ledger_by_packet(a->ledger, a->number, a->session, p->packet_id);

    if (inquiry == NULL) {
        sim_fail(a->sim, "%s gets an acknowledgement of nothing", a->name);
    }
    sim_say(a->sim, "request %u is acknowledged: 0x%02x", inquiry->number, p->reason_code);
    if (p->reason_code != 0) {
        inquiry_refused(inquiry);
    } else if (inquiry->reach == REACH_NOBODY) {
        sim_fail(a->sim, "%s is not told that nobody is there for request %u", a->name,
                 inquiry->number);
    }
}

static void
begin(struct actor *a)
{
    const struct requester *q = CONTAINER_OF(a, struct requester, actor);
    char topic[INBOX_TEXT_BYTES + 2];

    (void)snprintf(topic, sizeof(topic), "reply/%s", a->name);
    actor_subscribe(a, topic, (uint8_t)sim_pick(a->sim, 3));
    if (q->subscribes_inbox && a->wants_inbox) {
        (void)snprintf(topic, sizeof(topic), "%s/#", a->inbox);
        actor_subscribe(a, topic, (uint8_t)sim_pick(a->sim, 3));
    }
}

static void
left(struct actor *a)
{
    (void)a;
}

void
requester_init(struct requester *q, struct ledger *l, unsigned number)
{
    static const struct actor_role role = {number_of,    take_publish, lose_publish,
                                           acknowledged, begin,        left};
    struct sim *s = l->sim;
    unsigned kind = sim_pick(s, 6);

    *q = (struct requester){
        .actor = {.role = &role, .sim = s, .ledger = l, .number = number, .is_requester = true},
    };
    (void)snprintf(q->actor.name, sizeof(q->actor.name), "q%u", number);
    q->actor.line = &q->actor.lines[0];
    q->actor.wants_status = kind != 0; /* 0: bare MQTT */
    q->actor.wants_inbox = kind > 1;   /* 1: status responses, on a topic of its own */
    q->answers_to_inbox = kind > 1;
    q->actor.expiry_s = sim_chance(s, 3) ? 0 : sim_chance(s, 3) ? 3 : UINT32_MAX;
    q->actor.has_small_quota = sim_chance(s, 4);
    q->actor.has_small_packets = sim_chance(s, 6);
    q->subscribes_inbox = sim_chance(s, 4);
}

struct users {
    struct wire_user_property items[USERS_MAX];
    size_t count;
    char ttl[12];
    char more[12];
};

static void
add_user(struct users *u, const char *name, const char *value)
{
    assert_true(u->count < USERS_MAX);
    u->items[u->count++] =
        (struct wire_user_property){.name = span_of_text(name), .value = span_of_text(value)};
}

/* Draws what the request says of itself, and notes it. */
static void
draw_terms(struct inquiry *a, struct users *u, struct wire_properties *v)
{
    struct sim *s = a->sim;
    uint64_t life_ms = UINT64_MAX;

    if (sim_chance(s, 3)) {
        v->message_expiry_interval = 1 + sim_pick(s, EXPIRY_S_MAX);
        wire_properties_set(v, WIRE_MESSAGE_EXPIRY_INTERVAL);
        life_ms = v->message_expiry_interval * UINT64_C(1000);
    }
    if (sim_chance(s, 3)) {
        unsigned ttl_ms = sim_pick(s, TTL_MS_MAX);

        (void)snprintf(u->ttl, sizeof(u->ttl), "%u", ttl_ms);
        add_user(u, "rr-ttl", u->ttl);
        life_ms = ttl_ms < life_ms ? ttl_ms : life_ms;
    }
    a->asked_ms = s->r.now_ms;
    a->deadline_ms = life_ms == UINT64_MAX ? UINT64_MAX : a->asked_ms + life_ms;
    a->is_idempotent = sim_chance(s, 2);
    a->fails_if_offline = sim_chance(s, 3);
    a->ends_with_asker = sim_chance(s, 8);
    a->more = sim_chance(s, 3) && (a->reach == REACH_ONE || a->reach == REACH_FAN)
                  ? 1 + sim_pick(s, MORE_MAX)
                  : 0;
    if (a->is_idempotent) {
        add_user(u, "rr-idem", "1");
    }
    if (a->fails_if_offline) {
        add_user(u, "rr-if-offline", "fail");
    }
    if (a->ends_with_asker) {
        add_user(u, "rr-on-loss", "cancel");
    }
    if (a->more > 0) {
        (void)snprintf(u->more, sizeof(u->more), "%u", a->more);
        add_user(u, "rr-more", u->more);
    }
}

static void
draw_address(struct inquiry *inquiry, const struct requester *q, const struct question *what)
{
    const struct actor *a = &q->actor;

    inquiry->requester = a->number;
    inquiry->session = a->session;
    inquiry->reach = what->reach;
    inquiry->is_to_inbox = q->answers_to_inbox;
    inquiry->wants_status = a->wants_status;
    inquiry->qos = (uint8_t)sim_pick(a->sim, 3);
    (void)snprintf(inquiry->topic, sizeof(inquiry->topic), "%s", what->topic);
    (void)snprintf(inquiry->correlation, sizeof(inquiry->correlation), "c%u", inquiry->number);
    if (q->answers_to_inbox) {
        (void)snprintf(inquiry->response_topic, sizeof(inquiry->response_topic), "%.100s%s",
                       a->inbox, sim_chance(a->sim, 3) ? "/part" : "");
    } else {
        (void)snprintf(inquiry->response_topic, sizeof(inquiry->response_topic), "reply/%s",
                       a->name);
    }
}

void
requester_ask(struct requester *q, const struct question *what)
{
    struct sim *s = q->actor.sim;
    struct inquiry *inquiry = ledger_new(q->actor.ledger);
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct wire_properties *v = &packet.as.publish.properties;
    uint8_t bytes[LARGE_BYTES] = {0};
    struct users users = {.count = 0};

    if (inquiry == NULL) {
        return;
    }
    draw_address(inquiry, q, what);
    draw_terms(inquiry, &users, v);
    inquiry->packet_id = inquiry->qos == 0 ? 0 : actor_next_id(&q->actor);
    packet.as.publish.qos = inquiry->qos;
    packet.as.publish.packet_id = inquiry->packet_id;
    packet.as.publish.topic = span_of_text(inquiry->topic);
    packet.as.publish.payload = payload_write(
        bytes, &(struct payload){.kind = PAYLOAD_REQUEST, .number = (uint8_t)inquiry->number},
        sim_chance(s, 5) ? LARGE_BYTES : PAYLOAD_BYTES);
    v->response_topic = span_of_text(inquiry->response_topic);
    v->correlation_data = span_of_text(inquiry->correlation);
    v->users = users.items;
    v->user_count = users.count;
    wire_properties_set(v, WIRE_RESPONSE_TOPIC);
    wire_properties_set(v, WIRE_CORRELATION_DATA);
    wire_properties_set(v, WIRE_USER_PROPERTY);
    sim_say(
        s, "%s asks %s, request %u, QoS %u%s%s, more %u, deadline %lld ms", q->actor.name,
        inquiry->topic, inquiry->number, inquiry->qos, inquiry->is_idempotent ? ", idempotent" : "",
        inquiry->fails_if_offline ? ", fails if offline" : "", inquiry->more,
        (long long)(inquiry->deadline_ms == UINT64_MAX ? 0
                                                       : inquiry->deadline_ms - inquiry->asked_ms));
    actor_send(&q->actor, &packet);
}

static struct inquiry *
draw_own(const struct requester *q)
{
    struct ledger *l = q->actor.ledger;
    struct inquiry *a = l->count == 0 ? NULL : &l->asks[sim_pick(q->actor.sim, l->count)];

    return a != NULL && a->requester == q->actor.number && a->session == q->actor.session ? a
                                                                                          : NULL;
}

/* At QoS 0: it has no acknowledgement, which would be one of nothing that the ledger knows. */
void
requester_cancel(struct requester *q)
{
    static const struct wire_user_property word = USER("rr-op", "cancel");
    struct inquiry *a = draw_own(q);
    struct wire_any packet = {.type = WIRE_PUBLISH};
    struct wire_properties *v = &packet.as.publish.properties;

    if (a == NULL || !actor_can_send(&q->actor)) {
        return;
    }
    sim_say(a->sim, "%s cancels request %u", q->actor.name, a->number);
    a->is_cancelled = true;
    packet.as.publish.topic = span_of_text(a->topic);
    v->response_topic = span_of_text(a->response_topic);
    v->correlation_data = span_of_text(a->correlation);
    v->users = &word;
    v->user_count = 1;
    wire_properties_set(v, WIRE_RESPONSE_TOPIC);
    wire_properties_set(v, WIRE_CORRELATION_DATA);
    wire_properties_set(v, WIRE_USER_PROPERTY);
    actor_send(&q->actor, &packet);
}

bool
requester_acknowledge(struct requester *q, bool all)
{
    struct actor *a = &q->actor;
    bool any = false;

    if (!all && a->taken_count > 0) {
        any = actor_acknowledge(a, sim_pick(a->sim, a->taken_count), 0);
    }
    for (unsigned i = a->taken_count; all && i > 0; i--) {
        any = actor_acknowledge(a, i - 1, 0) || any;
    }
    return any;
}
