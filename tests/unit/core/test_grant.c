/* Who may answer: the client that a request was delivered to, to its Response Topic, with its
 * Correlation Data, as often as it allows, until its deadline; and nobody else (C34). */
#include "support/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* How far the request has come when somebody tries to answer it. */
enum moment {
    QUEUED, /* it waits: the responder has another one to acknowledge first */
    DELIVERED,
    ANSWERED,
    DECLINED, /* by the responder, in its PUBACK */
    LATE,     /* the deadline has passed */
};

enum who {
    RESPONDER, /* was asked */
    FOREIGN,   /* was not */
    ASKER,
};

#define COUNTER(name) offsetof(struct stats, rr_responses_##name)

static const struct {
    const char *name;
    enum moment when;
    enum who who;
    const char *topic;       /* scene_text(); the request's Response Topic is "%s" */
    const char *correlation; /* the request's is "c1" */
    size_t counter;
} attempts[] = {
    {"by another client", DELIVERED, FOREIGN, "%s", "c1", COUNTER(unknown)},
    {"by the requester", DELIVERED, ASKER, "%s", "c1", COUNTER(unknown)},
    {"with another correlation", DELIVERED, RESPONDER, "%s", "c2", COUNTER(unknown)},
    {"with half of it", DELIVERED, RESPONDER, "%s", "c", COUNTER(unknown)},
    {"with more than it", DELIVERED, RESPONDER, "%s", "c1 ", COUNTER(unknown)},
    {"without it", DELIVERED, RESPONDER, "%s", NULL, COUNTER(unknown)},
    {"below the topic", DELIVERED, RESPONDER, "%s/x", "c1", COUNTER(unknown)},
    {"beside the topic", DELIVERED, RESPONDER, "%sx", "c1", COUNTER(unknown)},
    {"above the topic", DELIVERED, RESPONDER, "$r", "c1", COUNTER(unknown)},
    {"in no inbox", DELIVERED, RESPONDER, "$r/AAAAAAAAAAAAAAAA", "c1", COUNTER(unknown)},
    {"before it is sent", QUEUED, RESPONDER, "%s", "c1", COUNTER(unknown)},
    {"again", ANSWERED, RESPONDER, "%s", "c1", COUNTER(second)},
    {"again, by another client", ANSWERED, FOREIGN, "%s", "c1", COUNTER(unknown)},
    {"after all", DECLINED, RESPONDER, "%s", "c1", COUNTER(late)},
    {"too late", LATE, RESPONDER, "%s", "c1", COUNTER(late)},
};

/* Publishes a response; packet 9 at QoS 1 and 2. */
static void
answer(struct rig_client *c, const char *topic, const char *correlation, const char *payload,
       uint8_t qos)
{
    ask(c, &(struct ask){.topic = topic,
                         .correlation = correlation,
                         .payload = payload,
                         .qos = qos,
                         .packet_id = qos > 0 ? 9 : 0});
}

static uint64_t
counter(const struct rig *r, size_t offset)
{
    const struct stats all = rig_stats(r);

    return ((const uint64_t *)(const void *)&all)[offset / sizeof(uint64_t)];
}

static void
ask_in_inbox(struct scene *s, const char *correlation, uint16_t packet_id)
{
    ask(&s->asker, &(struct ask){.topic = "service/x",
                                 .response_topic = s->inbox,
                                 .correlation = correlation,
                                 .qos = 1,
                                 .packet_id = packet_id,
                                 USERS(USER("rr-ttl", "500"))});
    rig_expect_ack(&s->asker, WIRE_PUBACK, packet_id, 0);
}

/* Brings the request "c1" so far; `request` gets what was delivered last. */
static void
come_to(struct scene *s, enum moment when, struct wire_any *request)
{
    if (when == QUEUED) {
        ask_in_inbox(s, "c0", 1);
    }
    ask_in_inbox(s, "c1", 2);
    expect_request(&s->responder, false, request);
    rig_expect_nothing(&s->responder);
    if (when == ANSWERED) {
        answer(&s->responder, s->inbox, "c1", "answer", 1);
        rig_expect_ack(&s->responder, WIRE_PUBACK, 9, 0);
        expect_response(&s->asker, "c1", "answer");
    } else if (when == DECLINED) {
        rig_send(&s->responder,
                 &(struct wire_any){
                     .type = WIRE_PUBACK,
                     .as.ack = {.packet_id = request->as.publish.packet_id, .reason_code = 0x97}});
        expect_status(&s->asker, "c1", "503", "delivered", "maybe");
    } else if (when == LATE) {
        rig_advance(&s->r, 500);
        expect_status(&s->asker, "c1", "504", "delivered", "maybe");
    }
}

/* [MQTT-4.3.2-4] and QoS 2 with a code that refuses; QoS 0 with nothing. */
static void
expect_refused(struct rig_client *c, uint8_t qos)
{
    if (qos > 0) {
        rig_expect_ack(c, qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, 9, 0x87);
    }
    rig_expect_nothing(c);
}

/* What was asked can still be answered as if nothing had been. */
static void
expect_the_rest(struct scene *s, enum moment when, struct wire_any *request)
{
    if (when == QUEUED) {
        answer(&s->responder, s->inbox, "c0", "first", 0);
        expect_response(&s->asker, "c0", "first");
        rig_ack(&s->responder, WIRE_PUBACK, request->as.publish.packet_id);
        expect_request(&s->responder, false, request);
    }
    if (when == QUEUED || when == DELIVERED) {
        answer(&s->responder, s->inbox, "c1", "answer", 0);
        expect_response(&s->asker, "c1", "answer");
    }
    rig_expect_nothing(&s->asker);
}

static void
run_attempt(size_t row, unsigned shards, uint8_t qos)
{
    struct settings settings = settings_default();
    struct scene s;
    struct rig_client foreign;
    struct rig_client *by[] = {&s.responder, &foreign, &s.asker};
    struct wire_any request;
    char topic[SCENE_TEXT_BYTES];

    settings.inflight_max = 1;
    scene_open(&s, shards, &settings, ASKER_FULL);
    rig_client_connect(&s.r, &foreign, "foreign");
    come_to(&s, attempts[row].when, &request);
    scene_text(&s, topic, attempts[row].topic);
    ask(by[attempts[row].who], &(struct ask){.topic = topic,
                                             .correlation = attempts[row].correlation,
                                             .payload = "forged",
                                             .qos = qos,
                                             .packet_id = qos > 0 ? 9 : 0});
    expect_refused(by[attempts[row].who], qos);
    rig_expect_nothing(&s.asker);
    assert_int_equal(counter(&s.r, attempts[row].counter), 1);
    assert_int_equal(rig_stats(&s.r).publish_refused, 1);
    expect_the_rest(&s, attempts[row].when, &request);
    assert_int_equal(rig_stats(&s.r).rr_in_flight, 0);
    rig_client_close(&foreign);
    scene_close(&s);
}

static void
attempts_to_answer(void **state)
{
    (void)state;
    for (size_t row = 0; row < sizeof(attempts) / sizeof(attempts[0]); row++) {
        print_message("%s\n", attempts[row].name);
        for (uint8_t qos = 0; qos <= 2; qos++) {
            run_attempt(row, 1, qos);
            run_attempt(row, 4, qos);
        }
    }
}

/* Holders in every shard, all with the same request: each may answer his own, once. [U-4.10-2] */
static void
each_of_many_responders(void **state)
{
    static const char *const names[] = {"r0", "r1", "r2", "r3", "r4", "r5", "r6"};
    enum { COUNT = sizeof(names) / sizeof(names[0]) };
    struct rig r;
    struct rig_client asker;
    struct rig_client c[COUNT];
    struct wire_any request;
    char inbox[INBOX_TEXT_BYTES];

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        rig_open(&r, shards, NULL);
        asker_connect(&r, &asker, "asker", ASKER_FULL, inbox);
        for (size_t i = 0; i < COUNT; i++) {
            rig_client_connect(&r, &c[i], names[i]);
            rig_subscribe(&c[i], "all", 0);
        }
        ask(&asker, &(struct ask){.topic = "all", .response_topic = inbox, .correlation = "c1"});
        for (size_t i = 0; i < COUNT; i++) {
            expect_request(&c[i], false, &request);
        }
        assert_int_equal(rig_stats(&r).rr_in_flight, COUNT);
        for (size_t i = 0; i < COUNT; i++) {
            for (unsigned again = 0; again < 2; again++) {
                answer(&c[i], inbox, "c1", names[i], 1);
                rig_expect_ack(&c[i], WIRE_PUBACK, 9, again == 0 ? 0 : 0x87);
            }
            expect_response(&asker, "c1", names[i]);
            rig_expect_nothing(&asker);
        }
        assert_int_equal(rig_stats(&r).rr_in_flight, 0);
        assert_int_equal(rig_stats(&r).rr_answered, 1);
        assert_int_equal(rig_stats(&r).rr_responses_second, COUNT);
        for (size_t i = 0; i < COUNT; i++) {
            rig_client_close(&c[i]);
        }
        rig_client_close(&asker);
        rig_close(&r);
    }
}

/* Without Correlation Data, or with the same: the oldest is answered first, which its deadline
 * tells. */
static void
requests_that_look_the_same(void **state)
{
    static const char *const correlations[] = {NULL, "same"};
    struct scene s;
    struct wire_any request;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const char *correlation = correlations[i] == NULL ? "" : correlations[i];

        scene_open(&s, 2, NULL, ASKER_FULL);
        for (size_t n = 0; n < 3; n++) {
            ask(&s.asker, &(struct ask){.topic = "service/x",
                                        .response_topic = s.inbox,
                                        .correlation = correlations[i],
                                        .qos = 0,
                                        .expiry_s = (uint32_t)n + 1});
            expect_request(&s.responder, true, &request);
        }
        answer(&s.responder, s.inbox, correlations[i], "first", 0);
        expect_response(&s.asker, correlation, "first");
        rig_advance(&s.r, 1500);
        rig_expect_nothing(&s.asker);
        answer(&s.responder, s.inbox, correlations[i], "second", 0);
        expect_response(&s.asker, correlation, "second");
        rig_advance(&s.r, 1000);
        rig_expect_nothing(&s.asker);
        rig_advance(&s.r, 500);
        expect_status(&s.asker, correlation, "504", "delivered", "maybe");
        answer(&s.responder, s.inbox, correlations[i], "fourth", 1);
        rig_expect_ack(&s.responder, WIRE_PUBACK, 9, 0x87);
        rig_expect_nothing(&s.asker);
        scene_close(&s);
    }
}

/* Many at a time, three of each correlation, answered in an order of its own. */
static void
many_in_any_order(void **state)
{
    enum { COUNT = 60, STEP = 37 };
    struct scene s;
    struct wire_any request;
    char correlation[16];

    (void)state;
    for (unsigned shards = 1; shards <= 2; shards++) {
        scene_open(&s, shards, NULL, ASKER_FULL);
        for (unsigned i = 0; i < COUNT; i++) {
            (void)snprintf(correlation, sizeof(correlation), "%u", i / 3);
            ask(&s.asker, &(struct ask){.topic = "service/x",
                                        .response_topic = s.inbox,
                                        .correlation = correlation});
            expect_request(&s.responder, true, &request);
        }
        for (unsigned i = 0; i <= COUNT; i++) { /* once too often */
            (void)snprintf(correlation, sizeof(correlation), "%u", i * STEP % COUNT / 3);
            ask(&s.responder, &(struct ask){.topic = s.inbox,
                                            .correlation = correlation,
                                            .payload = correlation,
                                            .qos = 1,
                                            .packet_id = 9});
            rig_expect_ack(&s.responder, WIRE_PUBACK, 9, i < COUNT ? 0 : 0x87);
            if (i < COUNT) {
                expect_response(&s.asker, correlation, correlation);
            }
        }
        rig_expect_nothing(&s.asker);
        assert_int_equal(rig_stats(&s.r).rr_answered, COUNT);
        assert_int_equal(rig_stats(&s.r).rr_in_flight, 0);
        scene_close(&s);
    }
}

/* One that has overtaken another, as QoS 0 may: it is the one that was delivered. */
static void
an_older_one_that_still_waits(void **state)
{
    struct settings settings = settings_default();
    struct scene s;
    struct wire_any blocking;
    struct wire_any request;

    (void)state;
    settings.inflight_max = 1;
    scene_open(&s, 1, &settings, ASKER_FULL);
    ask_in_inbox(&s, "blocking", 1);
    expect_request(&s.responder, false, &blocking);
    ask_in_inbox(&s, "c1", 2); /* it waits */
    ask(&s.asker,
        &(struct ask){.topic = "service/x", .response_topic = s.inbox, .correlation = "c1"});
    expect_request(&s.responder, false, &request);
    answer(&s.responder, s.inbox, "c1", "younger", 1);
    rig_expect_ack(&s.responder, WIRE_PUBACK, 9, 0);
    expect_response(&s.asker, "c1", "younger");
    answer(&s.responder, s.inbox, "c1", "too early", 1);
    rig_expect_ack(&s.responder, WIRE_PUBACK, 9, 0x87);
    rig_ack(&s.responder, WIRE_PUBACK, blocking.as.publish.packet_id);
    expect_request(&s.responder, true, &request);
    answer(&s.responder, s.inbox, "c1", "older", 1);
    rig_expect_ack(&s.responder, WIRE_PUBACK, 9, 0);
    expect_response(&s.asker, "c1", "older");
    scene_close(&s);
}

/* As many as `rr-more` allows may come before the last one, which says nothing of more. What comes,
 * in this order: one that announces more (m), a report of progress (p), or the last one (l); and
 * whether it is accepted. */
static const struct {
    const char *more;
    const char *responses;
} streams[] = {
    {"0", "m+ m- l-"}, {"2", "m+ m+ l+ l-"}, {"2", "m+ l+ m-"},
    {"2", "l+ l-"},    {"2", "p+ p+ p+ p-"}, {"1000000000", "m+ p+ m+ l+ m-"},
};

static void
send_part(struct scene *s, char kind)
{
    static const struct wire_user_property more = USER("rr-more", "1");
    static const struct wire_user_property progress = USER("rr-prog", "50");

    ask(&s->responder, &(struct ask){.topic = s->inbox,
                                     .correlation = "c1",
                                     .payload = "part",
                                     .qos = 1,
                                     .packet_id = 9,
                                     .users = kind == 'p' ? &progress : &more,
                                     .user_count = kind != 'l'});
}

static void
streams_of_responses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
        struct wire_user_property more = {SPAN_LITERAL("rr-more"), span_of_text(streams[i].more)};
        struct scene s;
        struct wire_any request;

        print_message("%s: %s\n", streams[i].more, streams[i].responses);
        scene_open(&s, 2, NULL, ASKER_FULL);
        ask(&s.asker, &(struct ask){.topic = "service/x",
                                    .response_topic = s.inbox,
                                    .correlation = "c1",
                                    .users = &more,
                                    .user_count = 1});
        expect_request(&s.responder, true, &request);
        for (const char *at = streams[i].responses; *at != '\0'; at += at[2] == ' ' ? 3 : 2) {
            send_part(&s, at[0]);
            rig_expect_ack(&s.responder, WIRE_PUBACK, 9, at[1] == '+' ? 0 : 0x87);
            if (at[1] == '+') {
                expect_response(&s.asker, "c1", "part");
            }
        }
        rig_expect_nothing(&s.asker);
        assert_int_equal(rig_stats(&s.r).rr_answered, 1);
        scene_close(&s);
    }
}

/* The last response can still be late, or fail with its holder: there was a part, but no end. */
static void
a_stream_that_breaks_off(void **state)
{
    struct scene s;
    struct wire_any request;

    (void)state;
    scene_open(&s, 2, NULL, ASKER_FULL);
    ask(&s.asker, &(struct ask){.topic = "service/x",
                                .response_topic = s.inbox,
                                .correlation = "c1",
                                USERS(USER("rr-more", "5"))});
    expect_request(&s.responder, true, &request);
    send_part(&s, 'm');
    rig_expect_ack(&s.responder, WIRE_PUBACK, 9, 0);
    expect_response(&s.asker, "c1", "part");
    rig_client_drop(&s.responder);
    expect_status(&s.asker, "c1", "503", "delivered", "maybe");
    rig_expect_nothing(&s.asker);
    scene_close(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attempts_to_answer),
        cmocka_unit_test(each_of_many_responders),
        cmocka_unit_test(requests_that_look_the_same),
        cmocka_unit_test(many_in_any_order),
        cmocka_unit_test(an_older_one_that_still_waits),
        cmocka_unit_test(streams_of_responses),
        cmocka_unit_test(a_stream_that_breaks_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
