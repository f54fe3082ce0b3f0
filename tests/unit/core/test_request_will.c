/* Wills that are requests (U-3.1.3-3): which are taken, and how they end. */
#include "support/scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* A CONNECT of "asker" whose will asks "service/will". */
struct testator {
    bool is_clean;
    bool retain;
    unsigned expiry_s;
    unsigned kind; /* enum asker_kind */
    const char *response_topic;
    const struct wire_user_property *users; /* of the will */
    size_t user_count;
};

static uint8_t
connect_with_will(struct rig *r, struct rig_client *c, const struct testator *t)
{
    static const struct wire_user_property rr = USER("rr", "1");
    struct wire_connect how = rig_lasting("asker", t->expiry_s);
    struct wire_properties *v = &how.will.properties;
    struct wire_any connack;

    how.clean_start = t->is_clean;
    how.has_will = true;
    how.will.topic = SPAN_LITERAL("service/will");
    how.will.payload = SPAN_LITERAL("what now?");
    how.will.qos = 1;
    how.will.retain = t->retain;
    v->response_topic = span_of_text(t->response_topic);
    v->correlation_data = SPAN_LITERAL("c1");
    v->users = t->users;
    v->user_count = t->user_count;
    wire_properties_set(v, WIRE_CORRELATION_DATA);
    if (t->response_topic[0] != '\0') {
        wire_properties_set(v, WIRE_RESPONSE_TOPIC);
    }
    if (t->user_count > 0) {
        wire_properties_set(v, WIRE_USER_PROPERTY);
    }
    if ((t->kind & ASKER_RRI) != 0) {
        how.properties.request_response_information = 1;
        wire_properties_set(&how.properties, WIRE_REQUEST_RESPONSE_INFORMATION);
    }
    if ((t->kind & ASKER_RR) != 0) {
        how.properties.users = &rr;
        how.properties.user_count = 1;
        wire_properties_set(&how.properties, WIRE_USER_PROPERTY);
    }
    rig_connect(r, c, &how, &connack);
    return connack.as.connack.reason_code;
}

/* [U-3.1.3-3]: the response goes to where the will says, and waits there for its author. */
static void
a_will_is_answered(void **state)
{
    static const char *const patterns[] = {"%s", "%s/will", "answers/x"};
    struct scene s;
    struct wire_any request;
    char topic[SCENE_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(patterns) / sizeof(patterns[0]); i++) {
        struct testator t = {.expiry_s = 60, .kind = ASKER_FULL};

        scene_open(&s, i % 2 == 0 ? 1 : 4, NULL, ASKER_FULL | ASKER_LASTS);
        rig_subscribe(&s.asker, "answers/x", 1);
        scene_text(&s, topic, patterns[i / 2]);
        t.response_topic = topic;
        rig_client_close(&s.asker);
        assert_int_equal(connect_with_will(&s.r, &s.asker, &t), 0);
        rig_client_drop(&s.asker);
        rig_client_close(&s.asker);
        expect_request(&s.responder, true, &request);
        assert_true(span_equal(request.as.publish.payload, SPAN_LITERAL("what now?")));
        respond(&s.responder, &request.as.publish, "go on", 1, 9);
        rig_expect_ack(&s.responder, WIRE_PUBACK, 9, 0);
        rig_resume(&s.r, &s.asker, "asker", true);
        expect_response(&s.asker, "c1", "go on");
        rig_expect_nothing(&s.asker);
        scene_close(&s);
    }
}

static void
a_will_gets_a_status(void **state)
{
    struct scene s;
    struct testator t = {.expiry_s = 60, .kind = ASKER_FULL};
    struct wire_any request;

    (void)state;
    for (unsigned nobody = 0; nobody <= 1; nobody++) {
        scene_open(&s, 2, NULL, ASKER_FULL | ASKER_LASTS);
        t.response_topic = s.inbox;
        rig_client_close(&s.asker);
        assert_int_equal(connect_with_will(&s.r, &s.asker, &t), 0);
        if (nobody == 1) {
            rig_client_drop(&s.responder);
        }
        rig_client_drop(&s.asker);
        rig_client_close(&s.asker);
        if (nobody == 0) {
            expect_request(&s.responder, true, &request);
            rig_client_drop(&s.responder);
        }
        rig_resume(&s.r, &s.asker, "asker", true);
        if (nobody == 1) {
            expect_status(&s.asker, "c1", "503", "rejected", "no");
        } else {
            expect_status(&s.asker, "c1", "503", "acked", "maybe");
        }
        rig_expect_nothing(&s.asker);
        scene_close(&s);
    }
}

/* The session ends with the connection: there is nobody left to answer, or to tell. */
static void
a_will_of_a_session_that_ends(void **state)
{
    struct scene s;
    struct testator t = {.response_topic = "answers/x", .is_clean = true, .kind = ASKER_FULL};
    struct wire_any request;

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        scene_open(&s, shards, NULL, ASKER_PLAIN);
        rig_client_close(&s.asker);
        assert_int_equal(connect_with_will(&s.r, &s.asker, &t), 0);
        rig_client_drop(&s.asker);
        expect_request(&s.responder, true, &request);
        respond(&s.responder, &request.as.publish, "too late", 1, 9);
        rig_expect_ack(&s.responder, WIRE_PUBACK, 9, 0x10);
        assert_int_equal(rig_stats(&s.r).rr_in_flight, 0);
        scene_close(&s);
    }
}

static const struct wire_user_property forged = USER("__srcId", "someone else");
static const struct wire_user_property own = USER("__srcId", "asker");
static const struct wire_user_property nonsense = USER("rr-ttl", "soon");

/* What CONNECT says to it. "%s" is the inbox of the session that the client had before; "$r/..."
 * that of nobody. */
static const struct {
    const char *name;
    const char *response_topic; /* "": none, and the will no request */
    const struct wire_user_property *user;
    bool is_clean;
    uint8_t reason_code; /* 0x82: a protocol error */
} wills[] = {
    {"to a topic", "answers/x", NULL, false, 0},
    {"to the client's inbox", "%s", NULL, false, 0},
    {"to an inbox that ends here", "%s", NULL, true, 0x87},
    {"to nobody's inbox", "$r/AAAAAAAAAAAAAAAA", NULL, false, 0x87},
    {"to all inboxes", "$r", NULL, true, 0x87},
    {"to a group", "$share/g/a", NULL, true, 0x87},
    {"to the broker's topics", "$SYS/x", NULL, true, 0x87},
    {"with a wildcard", "answers/#", NULL, true, 0x82}, /* [MQTT-3.3.2-14] */
    {"in its own name", "answers/x", &own, true, 0},
    {"in another's name", "answers/x", &forged, true, 0x87},
    {"with nonsense in it", "answers/x", &nonsense, true, 0x83},
    {"no request, in another's name", "", &forged, true, 0},
    {"no request, with nonsense in it", "", &nonsense, true, 0},
};

static void
which_wills_are_taken(void **state)
{
    struct scene s;
    char topic[SCENE_TEXT_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(wills) / sizeof(wills[0]); i++) {
        struct testator t = {.is_clean = wills[i].is_clean,
                             .expiry_s = 60,
                             .users = wills[i].user,
                             .user_count = wills[i].user != NULL};

        print_message("%s\n", wills[i].name);
        scene_open(&s, 2, NULL, ASKER_FULL | ASKER_LASTS);
        scene_text(&s, topic, wills[i].response_topic);
        t.response_topic = topic;
        rig_client_close(&s.asker);
        assert_int_equal(connect_with_will(&s.r, &s.asker, &t), wills[i].reason_code);
        assert_int_equal(rig_client_is_ended(&s.asker), wills[i].reason_code != 0);
        scene_close(&s);
    }
}

/* A session that ends when it is taken over takes its inbox along; what answers the will of the new
 * one would come to a session without any. */
static void
the_inbox_of_a_session_taken_over(void **state)
{
    struct scene s;
    struct rig_client again;
    struct testator t = {.expiry_s = 60};
    struct wire_any request;
    uint8_t reason_code = 0;

    (void)state;
    scene_open(&s, 1, NULL, ASKER_FULL); /* it does not last */
    t.response_topic = s.inbox;
    reason_code = connect_with_will(&s.r, &again, &t);
    if (reason_code == 0) {
        rig_client_drop(&again);
        expect_request(&s.responder, true, &request);
        respond(&s.responder, &request.as.publish, "to nowhere", 1, 9);
    }
    assert_int_equal(reason_code, 0x87);
    rig_client_close(&again);
    scene_close(&s);
}

/* C37: it would be retained once it is published. */
static void
a_will_that_is_retained(void **state)
{
    struct settings settings = settings_default();
    struct scene s;
    struct testator t = {.response_topic = "answers/x", .is_clean = true, .retain = true};

    (void)state;
    for (uint64_t allowed = 0; allowed <= 1; allowed++) {
        settings.retained_requests = allowed;
        scene_open(&s, 1, &settings, ASKER_PLAIN);
        rig_client_close(&s.asker);
        assert_int_equal(connect_with_will(&s.r, &s.asker, &t), allowed == 0 ? 0x83 : 0);
        scene_close(&s);
    }
}

/* An Authentication Method that lets everybody in, at the second packet. */
static enum wilco_status
start(void *context, const struct auth_claim *claim, void **exchange, struct auth_verdict *out)
{
    (void)claim;
    *exchange = context;
    *out = (struct auth_verdict){.outcome = AUTH_CONTINUES};
    return WILCO_OK;
}

static void
step(void *exchange, struct auth_data answer, struct auth_verdict *out)
{
    (void)exchange;
    (void)answer;
    *out = (struct auth_verdict){.outcome = AUTH_SUCCEEDED, .user = SPAN_LITERAL("anybody")};
}

static void
finish(void *exchange)
{
    (void)exchange;
}

static char context[] = "";
static const struct auth_method slow = {
    .name = "SLOW", .context = context, .start = start, .step = step, .finish = finish};

/* While a client with such a will authenticates, its session and the inbox in it end, and another
 * user's takes their place: what is judged is what there is when it is known who the client is. */
static void
an_inbox_that_ends_meanwhile(void **state)
{
    struct rig r;
    struct rig_client c;
    struct rig_client again;
    struct rig_client responder;
    char inbox[INBOX_TEXT_BYTES];
    struct wire_connect how = rig_lasting("asker", 60);
    struct wire_any packet;

    (void)state;
    rig_open_with_methods(&r, 1, &slow, 1);
    rig_client_connect(&r, &responder, "responder");
    rig_subscribe(&responder, "service/will", 1);
    asker_connect(&r, &c, "asker", ASKER_FULL | ASKER_LASTS, inbox);
    rig_client_close(&c);
    how.has_will = true;
    how.will.topic = SPAN_LITERAL("service/will");
    how.will.properties.response_topic = span_of_text(inbox);
    wire_properties_set(&how.will.properties, WIRE_RESPONSE_TOPIC);
    how.properties.authentication_method = span_of_text(slow.name);
    wire_properties_set(&how.properties, WIRE_AUTHENTICATION_METHOD);
    rig_client_open(&r, &c, "asker", WIRE_V5);
    packet = (struct wire_any){.type = WIRE_CONNECT, .as.connect = how};
    rig_send(&c, &packet);
    rig_expect(&c, WIRE_AUTH, &packet);

    rig_client_connect(&r, &again, "asker"); /* Clean Start */
    rig_client_close(&again);
    rig_resume(&r, &again, "asker", false); /* and no inbox */
    rig_client_close(&again);

    packet = (struct wire_any){.type = WIRE_AUTH, .as.disconnect = {.reason_code = 0x18}};
    packet.as.disconnect.properties.authentication_method = span_of_text(slow.name);
    wire_properties_set(&packet.as.disconnect.properties, WIRE_AUTHENTICATION_METHOD);
    rig_send(&c, &packet);
    rig_expect(&c, WIRE_CONNACK, &packet);
    assert_int_equal(packet.as.connack.reason_code, WIRE_REASON_NOT_AUTHORIZED);
    rig_expect_nothing(&responder);
    rig_client_close(&c);
    rig_client_close(&responder);
    rig_close(&r);
}

/* With request_tracking 0 a will is a will. */
static void
a_will_that_is_not_tracked(void **state)
{
    struct settings settings = settings_default();
    struct scene s;
    struct testator t = {
        .response_topic = "answers/x", .is_clean = true, .users = &nonsense, .user_count = 1};
    struct wire_any request;

    (void)state;
    settings.request_tracking = 0;
    scene_open(&s, 1, &settings, ASKER_PLAIN);
    rig_client_close(&s.asker);
    assert_int_equal(connect_with_will(&s.r, &s.asker, &t), 0);
    rig_client_drop(&s.asker);
    expect_request(&s.responder, true, &request);
    assert_int_equal(rig_stats(&s.r).rr_in_flight, 0);
    scene_close(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_will_is_answered),
        cmocka_unit_test(a_will_gets_a_status),
        cmocka_unit_test(a_will_of_a_session_that_ends),
        cmocka_unit_test(which_wills_are_taken),
        cmocka_unit_test(the_inbox_of_a_session_taken_over),
        cmocka_unit_test(a_will_that_is_retained),
        cmocka_unit_test(an_inbox_that_ends_meanwhile),
        cmocka_unit_test(a_will_that_is_not_tracked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
