/* Responses that nobody asked this client for: ten thousand of them, at random, to the inbox of a
 * requester and to a Response Topic that only some may publish to. None gets through; the answers
 * of who was asked all do. FORGED sets how many. */
#include "support/scene.h"

#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool
may(void *context, const struct access_subject *who, enum access_action action, struct span topic)
{
    (void)context;
    (void)who;
    return action != ACCESS_PUBLISH || topic.len < 8 || memcmp(topic.data, "answers/", 8) != 0;
}

static const struct access_policy policy = {.may = may};

struct play {
    struct scene s;
    struct rig_client eve;
    struct random_seeded random;
    unsigned answered; /* requests so far */
};

static unsigned
any(struct play *p, unsigned below)
{
    uint64_t number = 0;

    assert_int_equal(random_u64(&p->random.source, &number), WILCO_OK);
    return (unsigned)(number % below);
}

/* Takes the acknowledgement of packet 9, which refuses. */
static void
expect_refusal(struct rig_client *c, uint8_t qos)
{
    if (qos > 0) {
        rig_expect_ack(c, qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, 9, 0x87);
    }
}

/* One that is wrong in one thing or more. The request that is out is "c<answered>", at `place`. */
static void
forge(struct play *p, const char *place, bool is_out)
{
    static const char *const places[] = {"%s", "%s/x", "%sx", "$r/AAAAAAAAAAAAAAAA", "answers/y"};
    struct rig_client *by = any(p, 3) == 0 ? &p->s.responder : &p->eve;
    unsigned number = any(p, p->answered + 3);
    const char *where = any(p, 2) == 0 ? place : places[any(p, 5)];
    char topic[SCENE_TEXT_BYTES];
    char correlation[24];
    uint8_t qos = (uint8_t)any(p, 3);
    struct ask a = {.payload = "forged", .qos = qos, .packet_id = qos > 0 ? 9 : 0};

    scene_text(&p->s, topic, where);
    (void)snprintf(correlation, sizeof(correlation), "c%u", number);
    if (is_out && number == p->answered && by == &p->s.responder && strcmp(where, place) == 0) {
        correlation[0] = 'd'; /* it would be right */
    }
    a.topic = topic;
    a.correlation = any(p, 8) == 0 ? NULL : correlation;
    ask(by, &a);
    expect_refusal(by, qos);
}

/* A request, forgeries before and after its one answer. */
static void
exchange(struct play *p, const char *place, unsigned forgeries)
{
    char topic[SCENE_TEXT_BYTES];
    char correlation[24];
    struct wire_any request;

    scene_text(&p->s, topic, place);
    (void)snprintf(correlation, sizeof(correlation), "c%u", p->answered);
    ask(&p->s.asker,
        &(struct ask){.topic = "service/x", .response_topic = topic, .correlation = correlation});
    expect_request(&p->s.responder, true, &request);
    for (unsigned i = 0; i < forgeries / 2; i++) {
        forge(p, place, true);
    }
    ask(&p->s.responder, &(struct ask){.topic = topic,
                                       .correlation = correlation,
                                       .payload = "answer",
                                       .qos = 1,
                                       .packet_id = 8});
    rig_expect_ack(&p->s.responder, WIRE_PUBACK, 8, 0);
    expect_response(&p->s.asker, correlation, "answer");
    for (unsigned i = 0; i < (forgeries + 1) / 2; i++) {
        forge(p, place, false);
    }
    p->answered++;
    rig_expect_nothing(&p->s.asker);
}

static void
none_gets_through(void **state)
{
    static struct play p;
    const char *wanted = getenv("FORGED");
    unsigned count = wanted == NULL ? 10000 : (unsigned)strtoul(wanted, NULL, 10);

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        p.answered = 0;
        random_seeded_init(&p.random, 1234);
        scene_open(&p.s, shards, NULL, ASKER_FULL);
        p.s.r.broker.access = &policy;
        rig_client_connect(&p.s.r, &p.eve, "eve");
        rig_subscribe(&p.s.asker, "answers/#", 1);
        for (unsigned i = 0; i < count / 2; i += 20) {
            exchange(&p, i % 40 == 0 ? "%s" : "answers/x", 20);
        }
        assert_int_equal(rig_stats(&p.s.r).rr_answered, p.answered);
        rig_client_close(&p.eve);
        scene_close(&p.s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_gets_through),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
