/* What a client may publish, and what is refused: Response Topics that are not its own, a sender
 * that it is not, what a policy denies (C35, C36, C37); and wills that are requests. */
#include "broker/core/judge.h"

#include "broker/core/retained.h"
#include "support/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Denies what its rows say, and nothing else. */
struct denial {
    const char *client_id;
    enum access_action action;
    const char *topic;
};

static bool
may(void *context, const struct access_subject *who, enum access_action action, struct span topic)
{
    for (const struct denial *d = context; d->topic != NULL; d++) {
        if (d->action == action && span_equal(who->client_id, span_of_text(d->client_id)) &&
            span_equal(topic, span_of_text(d->topic))) {
            return false;
        }
    }
    return true;
}

static struct denial denials[] = {
    {"responder", ACCESS_PUBLISH, "answers/x"},  {"foreign", ACCESS_PUBLISH, "answers/x"},
    {"asker", ACCESS_RECEIVE, "secret/x"},       {"asker", ACCESS_SUBSCRIBE, "secret/x"},
    {"asker", ACCESS_PUBLISH, "service/secret"}, {0},
};

static const struct access_policy policy = {.may = may, .context = denials};

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

/* The reason code of the next PUBACK, PUBREC (by `qos`) of packet 9, which comes with a Reason
 * String; nothing at QoS 0. */
static void
expect_code(struct rig_client *c, uint8_t qos, uint8_t reason_code)
{
    if (qos > 0) {
        rig_expect_ack(c, qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, 9, reason_code);
    }
}

/* C34: no line of the policy is needed for who was asked, and the grant is for once. */
static void
a_grant_adds_to_the_policy(void **state)
{
    struct scene s;
    struct rig_client foreign;
    struct wire_any request;

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        for (uint8_t qos = 1; qos <= 2; qos++) {
            scene_open(&s, shards, NULL, ASKER_RR);
            s.r.broker.access = &policy;
            rig_client_connect(&s.r, &foreign, "foreign");
            rig_subscribe(&s.asker, "answers/x", 1);
            ask(&s.asker, &(struct ask){.topic = "service/x",
                                        .response_topic = "answers/x",
                                        .correlation = "c1"});
            expect_request(&s.responder, true, &request);
            answer(&foreign, "answers/x", "c1", "forged", qos);
            expect_code(&foreign, qos, 0x87);
            rig_publish_qos(&s.responder, "answers/x", "without correlation", qos, 9);
            expect_code(&s.responder, qos, 0x87);
            answer(&s.responder, "answers/x", "c1", "answer", 1);
            rig_expect_ack(&s.responder, WIRE_PUBACK, 9, 0);
            answer(&s.responder, "answers/x", "c1", "again", qos);
            expect_code(&s.responder, qos, 0x87);
            expect_response(&s.asker, "c1", "answer");
            rig_expect_nothing(&s.asker);
            rig_client_close(&foreign);
            scene_close(&s);
        }
    }
}

/* Where everybody may publish an answer is a message like any other, once or twice. */
static void
without_a_policy(void **state)
{
    struct scene s;
    struct wire_any request;

    (void)state;
    scene_open(&s, 2, NULL, ASKER_PLAIN);
    rig_subscribe(&s.asker, "answers/x", 1);
    ask(&s.asker,
        &(struct ask){.topic = "service/x", .response_topic = "answers/x", .correlation = "c1"});
    expect_request(&s.responder, true, &request);
    for (unsigned i = 0; i < 2; i++) {
        answer(&s.responder, "answers/x", "c1", "answer", 1);
        rig_expect_ack(&s.responder, WIRE_PUBACK, 9, 0);
        expect_response(&s.asker, "c1", "answer");
    }
    scene_close(&s);
}

/* What a SUBSCRIBE may not have, no Response Topic brings either. */
static void
a_policy_for_subscriptions(void **state)
{
    struct scene s;

    (void)state;
    scene_open(&s, 1, NULL, ASKER_PLAIN);
    s.r.broker.access = &policy;
    rig_subscribe_with(&s.asker, &(struct wire_subscription){.filter = SPAN_LITERAL("secret/x")}, 0,
                       0x87);
    rig_subscribe_with(&s.asker,
                       &(struct wire_subscription){.filter = SPAN_LITERAL("$share/g/secret/x")}, 0,
                       0x87);
    rig_subscribe(&s.responder, "secret/x", 0);
    rig_subscribe(&s.asker, "open/x", 0);
    scene_close(&s);
}

/* [U-4.10.1-1]; C35. "%s" is the inbox of the requester, "%o" another client's. */
static const struct {
    const char *topic;
    uint8_t reason_code; /* 0x82: a protocol error [MQTT-3.3.2-14] */
} response_topics[] = {
    {"%s", 0},          {"%s/a/b", 0},        {"answers/x", 0},
    {"secret", 0},      {"%o", 0x87},         {"%o/a", 0x87},
    {"%sx", 0x87},      {"$r", 0x87},         {"$r/AAAAAAAAAAAAAAAA", 0x87},
    {"secret/x", 0x87}, {"$share/g/a", 0x87}, {"$SYS/broker/uptime", 0x87},
    {"$", 0x87},        {"answers/+", 0x82},  {"#", 0x82},
    {"%s/#", 0x82},     {"", 0x82},
};

static void
response_topic_of(const struct scene *s, const char *other, size_t row, char out[SCENE_TEXT_BYTES])
{
    const char *pattern = response_topics[row].topic;

    if (memcmp(pattern, "%o", strlen(pattern) < 2 ? strlen(pattern) : 2) == 0 && *pattern == '%') {
        (void)snprintf(out, SCENE_TEXT_BYTES, "%s%s", other, pattern + 2);
    } else {
        scene_text(s, out, pattern);
    }
}

static void
check_response_topic(size_t row, uint8_t qos)
{
    const uint8_t code = response_topics[row].reason_code;
    struct scene s;
    struct rig_client other;
    char inbox[INBOX_TEXT_BYTES];
    char topic[SCENE_TEXT_BYTES];

    scene_open(&s, 1, NULL, ASKER_FULL);
    s.r.broker.access = &policy;
    asker_connect(&s.r, &other, "other", ASKER_FULL, inbox);
    response_topic_of(&s, inbox, row, topic);
    ask(&s.asker, &(struct ask){.topic = "service/x",
                                .response_topic = topic,
                                .correlation = "c1",
                                .qos = qos,
                                .packet_id = qos > 0 ? 9 : 0});
    if (code == 0x82) {
        rig_expect_end(&s.asker, 0x82);
    } else {
        expect_code(&s.asker, qos, code);
        rig_expect_nothing(&s.asker); /* not even a status: it would go there as well */
        assert_int_equal(rig_stats(&s.r).rr_refused, code != 0);
    }
    assert_int_equal(rig_next(&s.responder, &(struct wire_any){0}), code == 0);
    rig_expect_nothing(&other);
    rig_client_close(&other);
    scene_close(&s);
}

static void
response_topics_of_requests(void **state)
{
    (void)state;
    for (size_t row = 0; row < sizeof(response_topics) / sizeof(response_topics[0]); row++) {
        print_message("%s\n", response_topics[row].topic);
        for (uint8_t qos = 0; qos <= 2; qos++) {
            check_response_topic(row, qos);
        }
    }
}

/* C36: who asks is named by himself, and verified. The first `__srcId` and the last are looked at
 * by different responders. */
static const struct {
    const char *names[2];
    uint64_t verifies;
    uint8_t reason_code;
    const char *status;
} source_ids[] = {
    {{"asker"}, 1, 0, NULL},
    {{"asker", "asker"}, 1, 0, NULL},
    {{"responder"}, 1, 0x87, "403"},
    {{"asker "}, 1, 0x87, "403"},
    {{""}, 1, 0x87, "403"},
    {{"responder", "asker"}, 1, 0x87, "403"},
    {{"asker", "responder"}, 1, 0x87, "403"},
    {{"responder"}, 0, 0, NULL},
    {{"responder", "asker"}, 0, 0, NULL},
};

static void
check_source_id(size_t row, uint8_t qos)
{
    struct wire_user_property users[2] = {USER("__srcId", ""), USER("__srcId", "")};
    struct settings settings = settings_default();
    struct scene s;

    settings.verify_source_id = source_ids[row].verifies;
    scene_open(&s, 2, &settings, ASKER_FULL);
    users[0].value = span_of_text(source_ids[row].names[0]);
    if (source_ids[row].names[1] != NULL) {
        users[1].value = span_of_text(source_ids[row].names[1]);
    }
    ask(&s.asker, &(struct ask){.topic = "service/x",
                                .response_topic = s.inbox,
                                .correlation = "c1",
                                .qos = qos,
                                .packet_id = qos > 0 ? 9 : 0,
                                .users = users,
                                .user_count = source_ids[row].names[1] == NULL ? 1 : 2});
    expect_code(&s.asker, qos, source_ids[row].reason_code);
    if (source_ids[row].status != NULL) {
        expect_status(&s.asker, "c1", source_ids[row].status, "rejected", "no");
    }
    rig_expect_nothing(&s.asker);
    assert_int_equal(rig_next(&s.responder, &(struct wire_any){0}),
                     source_ids[row].reason_code == 0);
    scene_close(&s);
}

static void
names_of_who_asks(void **state)
{
    (void)state;
    for (size_t row = 0; row < sizeof(source_ids) / sizeof(source_ids[0]); row++) {
        print_message("row %zu\n", row);
        for (uint8_t qos = 0; qos <= 2; qos++) {
            check_source_id(row, qos);
        }
    }
}

/* Whatever refuses a request, whoever takes status responses gets one, at every QoS. */
static const struct {
    const char *name;
    const char *topic;
    bool retain;
    uint8_t reason_code;
    const char *status;
} refusals[] = {
    {"the policy", "service/secret", false, 0x87, "403"},
    {"a topic of the broker's", "$SYS/x", false, 0x87, "403"},
    {"nobody asked that in an inbox", "$r/AAAAAAAAAAAAAAAA", false, 0x87, "403"},
    {"a topic too long", "service/0123456789012345678901234567890123456789", false, 0x90, "403"},
    {"requests are not retained", "service/x", true, 0x83, "403"},
};

static void
refused_requests(void **state)
{
    struct settings settings = settings_default();
    struct scene s;

    (void)state;
    settings.topic_bytes_max = 40;
    settings.retained_requests = 0;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        print_message("%s\n", refusals[i].name);
        for (uint8_t qos = 0; qos <= 2; qos++) {
            scene_open(&s, 1, &settings, ASKER_FULL);
            s.r.broker.access = &policy;
            ask(&s.asker, &(struct ask){.topic = refusals[i].topic,
                                        .response_topic = s.inbox,
                                        .correlation = "c1",
                                        .retain = refusals[i].retain,
                                        .qos = qos,
                                        .packet_id = qos > 0 ? 9 : 0});
            expect_code(&s.asker, qos, refusals[i].reason_code);
            expect_status(&s.asker, "c1", refusals[i].status, "rejected", "no");
            rig_expect_nothing(&s.asker);
            rig_expect_nothing(&s.responder);
            scene_close(&s);
        }
    }
}

/* T4: retained requests and responses are MQTT's, and can be switched off. */
static void
retained_requests_and_responses(void **state)
{
    static const struct {
        const char *response_topic;
        const char *correlation;
        bool is_refused; /* with retained_requests 0 */
    } rows[] = {{"answers/x", NULL, true},
                {"answers/x", "c1", true},
                {NULL, "c1", true},
                {NULL, NULL, false}};
    struct settings settings = settings_default();
    struct scene s;

    (void)state;
    for (uint64_t allowed = 0; allowed <= 1; allowed++) {
        settings.retained_requests = allowed;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            bool is_refused = rows[i].is_refused && allowed == 0;

            scene_open(&s, 1, &settings, ASKER_PLAIN);
            ask(&s.asker, &(struct ask){.topic = "service/x",
                                        .response_topic = rows[i].response_topic,
                                        .correlation = rows[i].correlation,
                                        .payload = "kept",
                                        .retain = true,
                                        .qos = 1,
                                        .packet_id = 9});
            rig_expect_ack(&s.asker, WIRE_PUBACK, 9, is_refused ? 0x83 : 0);
            assert_int_equal(rig_next(&s.responder, &(struct wire_any){0}), !is_refused);
            assert_int_equal(retained_count(s.r.broker.retained), !is_refused);
            scene_close(&s);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_grant_adds_to_the_policy),
        cmocka_unit_test(without_a_policy),
        cmocka_unit_test(a_policy_for_subscriptions),
        cmocka_unit_test(response_topics_of_requests),
        cmocka_unit_test(names_of_who_asks),
        cmocka_unit_test(refused_requests),
        cmocka_unit_test(retained_requests_and_responses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
