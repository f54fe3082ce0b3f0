/* Requests among clients that come, go, stop and answer at random, with one seed a run: every
 * request ends exactly once, in a response or a status, and "not executed" is never said of one
 * that somebody has got, before or after. */
#include "support/asking.h"
#include "support/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define RUNS         200
#define STEPS        150
#define RESPONDERS   3
#define REQUESTS_MAX STEPS
#define HELD_MAX     64

/* A request that a responder has got. */
struct held {
    unsigned number;
    uint16_t packet_id;
    uint8_t qos;
    bool is_acked;
};

struct responder {
    struct rig_client c;
    char name[RIG_NAME_BYTES];
    struct held held[HELD_MAX]; /* the last ones, answered or not */
    unsigned held_count;
};

struct outcome {
    bool is_asked;
    bool was_got;      /* somebody may have executed it */
    bool was_answered; /* somebody has answered it */
    bool said_no;      /* a status said that nobody had or would */
    unsigned count;
};

struct scene {
    struct rig r;
    struct random_seeded random;
    uint64_t seed;
    struct rig_client asker;
    char asker_name[RIG_NAME_BYTES];
    char inbox[INBOX_TEXT_BYTES];
    struct responder responders[RESPONDERS];
    struct outcome outcomes[REQUESTS_MAX];
    unsigned asked;
    uint16_t packet_id;
};

static unsigned
below(struct scene *s, unsigned limit)
{
    uint64_t value = 0;

    assert_int_equal(random_u64(&s->random.source, &value), WILCO_OK);
    return (unsigned)(value % limit);
}

static bool
chance(struct scene *s, unsigned percent)
{
    return below(s, 100) < percent;
}

static struct outcome *
outcome_of(struct scene *s, const struct wire_publish *p, unsigned *number)
{
    char digits[16] = "";

    assert_true(p->properties.correlation_data.len < sizeof(digits));
    memcpy(digits, p->properties.correlation_data.data, p->properties.correlation_data.len);
    *number = (unsigned)strtoul(digits, NULL, 10);
    assert_true(*number < s->asked);
    return &s->outcomes[*number];
}

/* ---- the requester ---- */

static void
note_outcome(struct scene *s, const struct wire_publish *p)
{
    unsigned number = 0;
    struct outcome *o = outcome_of(s, p, &number);
    struct span exec = SPAN_EMPTY;

    if (wire_properties_user(&p->properties, SPAN_LITERAL("rr-exec"), &exec)) {
        o->said_no = o->said_no || span_equal(exec, SPAN_LITERAL("no"));
    } else if (!o->was_answered) {
        fail_msg("seed %llu: an answer to %u that nobody gave", (unsigned long long)s->seed,
                 number);
    }
    o->count++;
    if (o->count > 1) {
        fail_msg("seed %llu: request %u ends twice", (unsigned long long)s->seed, number);
    }
}

/* Takes everything and acknowledges it. */
static void
listen_to(struct scene *s)
{
    struct wire_any packet;

    while (rig_next(&s->asker, &packet)) {
        const struct wire_publish p = packet.as.publish;

        if (packet.type == WIRE_PUBREC && packet.as.ack.reason_code < 0x80) {
            rig_ack(&s->asker, WIRE_PUBREL, packet.as.ack.packet_id);
        } else if (packet.type == WIRE_PUBLISH) {
            note_outcome(s, &p);
            if (p.qos == 1) {
                rig_ack(&s->asker, WIRE_PUBACK, p.packet_id);
            }
        }
    }
}

static void
ask_something(struct scene *s)
{
    static const char *const topics[] = {"group/x", "group/y", "own/0",
                                         "own/1",   "own/2",   "nowhere"};
    static const struct wire_user_property users[] = {USER("rr-idem", "1"), USER("rr-ttl", "150"),
                                                      USER("rr-if-offline", "fail"),
                                                      USER("rr-ttl", "3000"), USER("rr-idem", "1")};
    char correlation[16];
    size_t first = below(s, 5);
    struct ask a = {
        .topic = topics[below(s, 6)],
        .response_topic = s->inbox,
        .correlation = correlation,
        .qos = (uint8_t)below(s, 3),
        .users = users + first,
        .user_count = below(s, (unsigned)(6 - first)),
        .expiry_s = chance(s, 20) ? 1 + below(s, 3) : 0,
    };

    (void)snprintf(correlation, sizeof(correlation), "%u", s->asked);
    s->outcomes[s->asked++].is_asked = true;
    s->packet_id++;
    a.packet_id = a.qos == 0 ? 0 : s->packet_id;
    ask(&s->asker, &a);
}

/* Away for a moment; what it had been sent it has read. */
static void
leave_and_return(struct scene *s)
{
    char inbox[INBOX_TEXT_BYTES];

    listen_to(s);
    rig_client_close(&s->asker);
    if (chance(s, 50)) {
        rig_advance(&s->r, below(s, 400));
    }
    asker_connect(&s->r, &s->asker, s->asker_name, ASKER_FULL | ASKER_LASTS, inbox);
    assert_string_equal(inbox, s->inbox);
}

/* ---- responders ---- */

static void
note_request(struct scene *s, struct responder *v, const struct wire_publish *p)
{
    struct held *h = &v->held[v->held_count++ % HELD_MAX];
    struct outcome *o = outcome_of(s, p, &h->number);

    o->was_got = true;
    h->packet_id = p->packet_id;
    h->qos = p->qos;
    h->is_acked = p->qos == 0;
}

static void
take(struct scene *s, struct responder *v)
{
    struct wire_any packet;

    while (rig_next(&v->c, &packet)) {
        if (packet.type == WIRE_PUBLISH) {
            note_request(s, v, &packet.as.publish);
        } else if (packet.type == WIRE_PUBREL) {
            rig_ack(&v->c, WIRE_PUBCOMP, packet.as.ack.packet_id);
        }
    }
}

static struct held *
any_held(struct scene *s, struct responder *v)
{
    unsigned count = v->held_count < HELD_MAX ? v->held_count : HELD_MAX;

    return count == 0 ? NULL : &v->held[below(s, count)];
}

static void
acknowledge(struct scene *s, struct responder *v)
{
    struct held *h = any_held(s, v);

    if (h != NULL && !h->is_acked) {
        const struct wire_any packet = {
            .type = h->qos == 1 ? WIRE_PUBACK : WIRE_PUBREC,
            .as.ack = {.packet_id = h->packet_id, .reason_code = chance(s, 10) ? 0x97 : 0},
        };

        h->is_acked = true;
        rig_send(&v->c, &packet);
    }
}

/* The first time, or once more, or too late: whatever, to what it had at some time. */
static void
answer(struct scene *s, struct responder *v)
{
    const struct held *h = any_held(s, v);
    struct wire_publish request = {.properties.response_topic = span_of_text(s->inbox)};
    char correlation[16];

    if (h != NULL) {
        (void)snprintf(correlation, sizeof(correlation), "%u", h->number);
        request.properties.correlation_data = span_of_text(correlation);
        wire_properties_set(&request.properties, WIRE_CORRELATION_DATA);
        s->outcomes[h->number].was_answered = true;
        respond(&v->c, &request, "answer", (uint8_t)below(s, 2), 1000);
    }
}

static void
connect_responder(struct scene *s, unsigned i)
{
    static const uint32_t expiries_s[] = {0, 1, UINT32_MAX};
    struct responder *v = &s->responders[i];
    struct wire_connect how = rig_lasting(v->name, expiries_s[below(s, 3)]);
    struct wire_any connack;
    char own[16];

    take(s, v);
    rig_client_close(&v->c);
    how.clean_start = chance(s, 30);
    how.properties.receive_maximum = (uint16_t)(1 + below(s, 3));
    wire_properties_set(&how.properties, WIRE_RECEIVE_MAXIMUM);
    for (unsigned n = 0; n < HELD_MAX; n++) {
        v->held[n].is_acked = true; /* what is not will come again */
    }
    rig_connect(&s->r, &v->c, &how, &connack);
    if (!connack.as.connack.session_present) {
        const struct wire_subscription filters[] = {
            {.filter = SPAN_LITERAL("$share/group/group/+"), .qos = (uint8_t)below(s, 3)},
            {.filter = span_of(own, (size_t)snprintf(own, sizeof(own), "own/%u", i)),
             .qos = (uint8_t)below(s, 3)},
        };
        const struct wire_any packet = {
            .type = WIRE_SUBSCRIBE,
            .as.subscribe = {.packet_id = 1, .count = 2, .subscriptions = filters},
        };

        rig_send(&v->c, &packet);
    }
}

/* What it had not looked at it has not executed. */
static void
leave(struct scene *s, struct responder *v)
{
    if (chance(s, 30)) {
        rig_disconnect(&v->c, 0);
    } else {
        rig_client_drop(&v->c);
    }
    rig_client_close(&v->c);
}

static void
step(struct scene *s)
{
    unsigned i = below(s, RESPONDERS);
    struct responder *v = &s->responders[i];

    switch (below(s, 12)) {
    case 0:
    case 1:
    case 2: ask_something(s); break;
    case 3:
    case 4: take(s, v); break;
    case 5:
    case 6: acknowledge(s, v); break;
    case 7:
    case 8: answer(s, v); break;
    case 9: rig_advance(&s->r, below(s, 200)); break;
    case 10:
        if (v->c.is_open && chance(s, 60)) {
            leave(s, v);
        } else {
            connect_responder(s, i);
        }
        break;
    default:
        if (chance(s, 20)) {
            leave_and_return(s);
        }
        break;
    }
    listen_to(s);
}

static void
conclude(struct scene *s)
{
    for (unsigned i = 0; i < RESPONDERS; i++) {
        take(s, &s->responders[i]);
        rig_client_close(&s->responders[i].c);
    }
    rig_advance(&s->r, 30000);
    listen_to(s);
    audit_requests_ended(&s->r);
    for (unsigned n = 0; n < s->asked; n++) {
        const struct outcome *o = &s->outcomes[n];

        if (o->count != 1) {
            fail_msg("seed %llu: request %u has %u ends", (unsigned long long)s->seed, n, o->count);
        }
        if (o->said_no && o->was_got) {
            fail_msg("seed %llu: request %u was executed", (unsigned long long)s->seed, n);
        }
    }
}

static void
run(struct scene *s, uint64_t seed)
{
    memset(s, 0, sizeof(*s));
    s->seed = seed;
    random_seeded_init(&s->random, seed);
    rig_open(&s->r, 1 + below(s, 4), NULL);
    rig_name_in(&s->r, 0, "asker", s->asker_name);
    asker_connect(&s->r, &s->asker, s->asker_name, ASKER_FULL | ASKER_LASTS, s->inbox);
    for (unsigned i = 0; i < RESPONDERS; i++) {
        static const char *const names[RESPONDERS] = {"one", "two", "three"};

        rig_name_in(&s->r, i, names[i], s->responders[i].name);
        connect_responder(s, i);
    }
    for (unsigned i = 0; i < STEPS; i++) {
        step(s);
    }
    conclude(s);
    rig_client_close(&s->asker);
    rig_close(&s->r);
}

static void
test_every_request_ends_once(void **state)
{
    static struct scene s;

    (void)state;
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        run(&s, seed);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_request_ends_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
