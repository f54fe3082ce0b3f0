/* One outcome for each request: with several responders, with a requester that cannot take its
 * response or is gone, with responses in parts. */
#include "support/asking.h"
#include "support/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define PARTIES_MAX 3

struct scene {
    struct rig r;
    struct rig_client asker;
    struct rig_client other; /* who publishes what has nothing to do with requests */
    struct rig_client party[PARTIES_MAX];
    char asker_name[RIG_NAME_BYTES];
    char inbox[INBOX_TEXT_BYTES];
    struct wire_any request[PARTIES_MAX]; /* as each responder got it */
    uint16_t plug_id[PARTIES_MAX];
};

static void
open_scene(struct scene *s, unsigned shards, const struct settings *settings, unsigned kind)
{
    char name[RIG_NAME_BYTES];

    memset(s, 0, sizeof(*s));
    rig_open(&s->r, shards, settings);
    rig_name_in(&s->r, 0, "asker", s->asker_name);
    rig_name_in(&s->r, 1, "other", name);
    asker_connect(&s->r, &s->asker, s->asker_name, ASKER_FULL | kind, s->inbox);
    rig_client_connect(&s->r, &s->other, name);
}

static void
close_scene(struct scene *s)
{
    for (size_t i = 0; i < PARTIES_MAX; i++) {
        rig_client_close(&s->party[i]);
    }
    rig_advance(&s->r, 100000);
    if (s->asker.is_open) {
        rig_expect_nothing(&s->asker);
    }
    audit_requests_ended(&s->r);
    rig_client_close(&s->asker);
    rig_client_close(&s->other);
    rig_close(&s->r);
}

/* A responder in a shard of its own that gets one thing at a time. */
static void
join(struct scene *s, unsigned i)
{
    static const char *const prefixes[PARTIES_MAX] = {"one", "two", "three"};
    char name[RIG_NAME_BYTES];
    struct wire_connect how;
    struct wire_any connack;

    rig_name_in(&s->r, i + 1, prefixes[i], name);
    how = rig_lasting(name, 0);
    how.properties.receive_maximum = 1;
    wire_properties_set(&how.properties, WIRE_RECEIVE_MAXIMUM);
    rig_connect(&s->r, &s->party[i], &how, &connack);
    rig_subscribe(&s->party[i], "service/+", 1);
}

/* From now on what it gets at QoS 1 waits. */
static void
plug(struct scene *s, unsigned i)
{
    struct wire_any packet;

    rig_subscribe(&s->party[i], "plug", 1);
    rig_publish_qos(&s->other, "plug", "p", 1, 9);
    rig_expect_ack(&s->other, WIRE_PUBACK, 9, 0);
    rig_expect_publish(&s->party[i], "p", &packet);
    s->plug_id[i] = packet.as.publish.packet_id;
}

static void
ask_one(struct scene *s, struct ask a)
{
    a.topic = "service/x";
    a.response_topic = s->inbox;
    a.correlation = "c1";
    a.qos = 1;
    a.packet_id = 5;
    ask(&s->asker, &a);
    rig_expect_ack(&s->asker, WIRE_PUBACK, 5, 0);
}

/* A response with one User Property. */
static void
respond_with(struct scene *s, unsigned i, const struct wire_user_property *user,
             const char *payload)
{
    const struct wire_properties *asked = &s->request[i].as.publish.properties;
    struct wire_any packet = rig_publish_packet("", payload, 0, 0);
    struct wire_properties *v = &packet.as.publish.properties;

    packet.as.publish.topic = asked->response_topic;
    v->correlation_data = asked->correlation_data;
    wire_properties_set(v, WIRE_CORRELATION_DATA);
    v->users = user;
    v->user_count = 1;
    wire_properties_set(v, WIRE_USER_PROPERTY);
    rig_send(&s->party[i], &packet);
}

/* ---- several responders ---- */

/* What becomes of each, one after the other: 'a' answers, 'r' says that it has failed, 'l' is lost
 * with the request, 'q' is lost before it got it, 'd' declines. */
static const struct {
    const char *fates;
    unsigned responses;
    const char *stage, *exec; /* of the status; NULL: none */
} fans[] = {
    {"a", 1, NULL, NULL},          {"aaa", 3, NULL, NULL},
    {"all", 1, NULL, NULL},        {"lla", 1, NULL, NULL},
    {"qqa", 1, NULL, NULL},        {"aqq", 1, NULL, NULL},
    {"dal", 1, NULL, NULL},        {"rll", 1, NULL, NULL},
    {"lll", 0, "acked", "maybe"},  {"ddd", 0, "delivered", "maybe"},
    {"qqq", 0, "queued", "no"},    {"qql", 0, "acked", "maybe"},
    {"lqq", 0, "queued", "maybe"}, {"dq", 0, "queued", "maybe"},
    {"qq", 0, "queued", "no"},
};

static void
take_request(struct scene *s, unsigned i, char fate)
{
    if (fate != 'q') {
        expect_request(&s->party[i], fate != 'd', &s->request[i]);
    }
    rig_expect_nothing(&s->party[i]);
}

static void
meet(struct scene *s, unsigned i, char fate)
{
    static const struct wire_user_property failed = USER("__stat", "500");
    const struct wire_publish *p = &s->request[i].as.publish;
    const struct wire_any refusal = {
        .type = WIRE_PUBACK,
        .as.ack = {.packet_id = p->packet_id, .reason_code = 0x97},
    };

    switch (fate) {
    case 'a': respond(&s->party[i], p, "answer", 0, 0); break;
    case 'r': respond_with(s, i, &failed, "answer"); break;
    case 'd': rig_send(&s->party[i], &refusal); break;
    default: rig_client_drop(&s->party[i]); break;
    }
}

static void
play_fan(size_t row, unsigned shards)
{
    const char *fates = fans[row].fates;
    unsigned responses = 0;
    struct scene s;

    print_message("%s, %u shards\n", fates, shards);
    open_scene(&s, shards, NULL, 0);
    for (unsigned i = 0; fates[i] != '\0'; i++) {
        join(&s, i);
        if (fates[i] == 'q') {
            plug(&s, i);
        }
    }
    ask_one(&s, (struct ask){.retain = false});
    for (unsigned i = 0; fates[i] != '\0'; i++) {
        take_request(&s, i, fates[i]);
    }
    for (unsigned i = 0; fates[i] != '\0'; i++) {
        rig_expect_nothing(&s.asker); /* nothing is said before the last of them has failed */
        meet(&s, i, fates[i]);
        if (fates[i] == 'a' || fates[i] == 'r') {
            expect_response(&s.asker, "c1", "answer");
            responses++;
        }
    }
    if (fans[row].stage != NULL) {
        expect_status(&s.asker, "c1", "503", fans[row].stage, fans[row].exec);
    }
    assert_int_equal(responses, fans[row].responses);
    assert_int_equal(audit_count(&s.r, COUNTER(rr_answered)), responses > 0);
    close_scene(&s);
}

static void
test_several_responders(void **state)
{
    (void)state;
    for (size_t row = 0; row < sizeof(fans) / sizeof(fans[0]); row++) {
        for (unsigned shards = 1; shards <= 4; shards++) {
            play_fan(row, shards);
        }
    }
}

/* ---- deadlines ---- */

/* Message Expiry counts down while a request waits [MQTT-3.3.2-6]; all else is forwarded as it was
 * [MQTT-3.3.2-17]. */
static void
test_expiry_counts_down(void **state)
{
    static const struct {
        uint64_t waits_ms;
        uint32_t left_s;
    } rows[] = {{0, 10}, {1, 10}, {999, 10}, {1000, 9}, {1500, 9}, {9999, 1}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct scene s;
        const struct wire_properties *v = NULL;

        open_scene(&s, 4, NULL, 0);
        join(&s, 0);
        plug(&s, 0);
        ask_one(&s, (struct ask){.expiry_s = 10, USERS(USER("rr-ttl", "9999999"))});
        rig_advance(&s.r, rows[i].waits_ms);
        rig_ack(&s.party[0], WIRE_PUBACK, s.plug_id[0]);
        expect_request(&s.party[0], true, &s.request[0]);
        v = &s.request[0].as.publish.properties;
        assert_int_equal(v->message_expiry_interval, rows[i].left_s);
        assert_true(
            span_equal(user_of(&s.request[0].as.publish, "rr-ttl"), SPAN_LITERAL("9999999")));
        respond(&s.party[0], &s.request[0].as.publish, "answer", 0, 0);
        expect_response(&s.asker, "c1", "answer");
        close_scene(&s);
    }
}

/* A request that waits 300 ms with 250 to live is never delivered, nor one for somebody who is
 * away; a deadline of no time at all passes at once. */
static void
test_expired_is_not_delivered(void **state)
{
    static const struct wire_user_property users[] = {USER("rr-ttl", "250"), USER("rr-ttl", "0")};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct scene s;

        open_scene(&s, 2, NULL, 0);
        join(&s, 0);
        plug(&s, 0);
        ask_one(&s, (struct ask){.users = &users[i], .user_count = 1});
        rig_advance(&s.r, 300);
        expect_status(&s.asker, "c1", "504", "queued", "no");
        rig_ack(&s.party[0], WIRE_PUBACK, s.plug_id[0]);
        rig_expect_nothing(&s.party[0]);
        ask_one(&s, (struct ask){.retain = false}); /* the next one is */
        expect_request(&s.party[0], true, &s.request[0]);
        respond(&s.party[0], &s.request[0].as.publish, "answer", 0, 0);
        expect_response(&s.asker, "c1", "answer");
        close_scene(&s);
    }
}

/* ---- a requester that cannot take its response ---- */

/* It does not read: a response at QoS 0 is dropped, and then a status says so; one at QoS 1 waits.
 */
static void
test_requester_does_not_read(void **state)
{
    static const char big[1200] = {[0] = 'b', [1198] = 'b'};
    struct settings settings = settings_default();
    struct wire_any packet;

    (void)state;
    settings.output_bytes_max = 1024;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        for (uint8_t qos = 0; qos <= 1; qos++) {
            struct scene s;

            open_scene(&s, shards, &settings, 0);
            join(&s, 0);
            rig_subscribe(&s.asker, "bulk", 0);
            ask_one(&s, (struct ask){.retain = false});
            expect_request(&s.party[0], true, &s.request[0]);
            s.asker.is_stuck = true;
            packet = rig_publish_packet("bulk", "", 0, 0);
            packet.as.publish.payload = span_of(big, sizeof(big));
            rig_send(&s.other, &packet);
            respond(&s.party[0], &s.request[0].as.publish, "answer", qos, 7);
            s.asker.is_stuck = false;
            conn_touch(&s.asker.conn);
            rig_settle(&s.r);
            rig_expect(&s.asker, WIRE_PUBLISH, &packet);
            if (qos == 0) {
                expect_status(&s.asker, "c1", "503", "acked", "maybe");
            } else {
                expect_response(&s.asker, "c1", "answer");
            }
            assert_int_equal(audit_count(&s.r, COUNTER(rr_response_lost)), qos == 0);
            close_scene(&s);
        }
    }
}

/* A response larger than the requester takes becomes a status. */
static void
test_response_too_large(void **state)
{
    static const struct wire_user_property rr = USER("rr", "1");
    char payload[301] = "";

    (void)state;
    memset(payload, 'x', sizeof(payload) - 1);
    for (uint8_t qos = 0; qos <= 2; qos++) {
        struct wire_connect how = rig_lasting("small", 0);
        struct rig_client small;
        struct wire_any connack;
        struct scene s;

        open_scene(&s, 2, NULL, 0);
        join(&s, 0);
        how.properties.maximum_packet_size = 290;
        wire_properties_set(&how.properties, WIRE_MAXIMUM_PACKET_SIZE);
        how.properties.users = &rr;
        how.properties.user_count = 1;
        wire_properties_set(&how.properties, WIRE_USER_PROPERTY);
        rig_connect(&s.r, &small, &how, &connack);
        rig_subscribe(&small, "answers", 2);
        ask(&small,
            &(struct ask){.topic = "service/x", .response_topic = "answers", .correlation = "c1"});
        expect_request(&s.party[0], false, &s.request[0]);
        respond(&s.party[0], &s.request[0].as.publish, payload, qos, 7);
        expect_status(&small, "c1", "413", "acked", "maybe");
        rig_expect_nothing(&small);
        rig_client_close(&small);
        close_scene(&s);
    }
}

/* It is away for a while: what waits for it is its response, or for STATUS_EXPIRY_S a status. */
static void
test_requester_is_away(void **state)
{
    static const struct {
        uint8_t qos; /* of the response */
        bool is_lost;
        uint64_t away_ms;
        const char *answer, *status, *exec; /* what it finds */
    } rows[] = {
        {1, false, 70000, "answer", NULL, NULL}, {0, false, 59000, NULL, "503", "maybe"},
        {0, false, 60000, NULL, NULL, NULL},     {0, true, 59000, NULL, "503", "maybe"},
        {0, true, 60000, NULL, NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char inbox[INBOX_TEXT_BYTES];
        struct scene s;

        open_scene(&s, 4, NULL, ASKER_LASTS);
        join(&s, 0);
        ask_one(&s, (struct ask){.retain = false});
        expect_request(&s.party[0], true, &s.request[0]);
        rig_client_close(&s.asker);
        if (rows[i].is_lost) {
            rig_client_drop(&s.party[0]);
        } else {
            respond(&s.party[0], &s.request[0].as.publish, "answer", rows[i].qos, 7);
        }
        rig_advance(&s.r, rows[i].away_ms);
        asker_connect(&s.r, &s.asker, s.asker_name, ASKER_FULL | ASKER_LASTS, inbox);
        assert_string_equal(inbox, s.inbox);
        if (rows[i].answer != NULL) {
            expect_response(&s.asker, "c1", rows[i].answer);
        } else if (rows[i].status != NULL) {
            expect_status(&s.asker, "c1", rows[i].status, "acked", rows[i].exec);
        }
        close_scene(&s);
    }
}

/* It is gone for good, whatever its responder does; who has its place in the table owes nothing. */
static void
test_requester_is_gone(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        for (int fate = 0; fate < 3; fate++) {
            struct rig_client next;
            char inbox[INBOX_TEXT_BYTES];
            char name[RIG_NAME_BYTES];
            struct scene s;

            open_scene(&s, shards, NULL, 0);
            join(&s, 0);
            ask_one(&s, (struct ask){.retain = false});
            expect_request(&s.party[0], true, &s.request[0]);
            rig_client_close(&s.asker);
            rig_name_in(&s.r, 0, "next", name);
            asker_connect(&s.r, &next, name, ASKER_FULL, inbox);
            if (fate == 0) {
                respond(&s.party[0], &s.request[0].as.publish, "answer", 1, 7);
                rig_expect_ack(&s.party[0], WIRE_PUBACK, 7, 0x10);
            } else if (fate == 1) {
                rig_client_drop(&s.party[0]);
            } else {
                rig_advance(&s.r, 30000);
            }
            rig_expect_nothing(&next);
            audit_requests_ended(&s.r);
            rig_client_close(&next);
            close_scene(&s);
        }
    }
}

/* ---- the permission to answer ---- */

/* Who has not yet been sent a request may not answer it, though it waits for him already; what he
 * was sent he may, even if an older one of the same name waits. */
static void
test_no_answer_before_delivery(void **state)
{
    struct ask younger = {.topic = "service/x", .correlation = "c1"};
    struct scene s;
    struct wire_properties *v = &s.request[0].as.publish.properties;

    (void)state;
    open_scene(&s, 2, NULL, 0);
    join(&s, 0);
    plug(&s, 0);
    ask_one(&s, (struct ask){.retain = false});
    v->response_topic = span_of_text(s.inbox);
    v->correlation_data = SPAN_LITERAL("c1");
    wire_properties_set(v, WIRE_CORRELATION_DATA);
    respond(&s.party[0], &s.request[0].as.publish, "a guess", 1, 7);
    rig_expect_ack(&s.party[0], WIRE_PUBACK, 7, 0x87);
    rig_expect_nothing(&s.asker);
    younger.response_topic = s.inbox; /* which overtakes the other at QoS 0 */
    ask(&s.asker, &younger);
    expect_request(&s.party[0], true, &s.request[0]);
    respond(&s.party[0], &s.request[0].as.publish, "younger", 0, 0);
    expect_response(&s.asker, "c1", "younger");
    assert_int_equal(audit_count(&s.r, COUNTER(rr_in_flight)), 1);
    rig_ack(&s.party[0], WIRE_PUBACK, s.plug_id[0]);
    expect_request(&s.party[0], true, &s.request[0]);
    respond(&s.party[0], &s.request[0].as.publish, "answer", 0, 0);
    expect_response(&s.asker, "c1", "answer");
    close_scene(&s);
}

/* Responses in parts: as many as the request allows, then the last one; or a status, if the
 * responder is lost before that. */
static void
test_parts(void **state)
{
    static const struct wire_user_property more = USER("rr-more", "1");

    (void)state;
    for (unsigned parts = 0; parts <= 4; parts++) {
        struct scene s;

        open_scene(&s, 2, NULL, 0);
        join(&s, 0);
        ask_one(&s, (struct ask){USERS(USER("rr-more", "3"))});
        expect_request(&s.party[0], true, &s.request[0]);
        for (unsigned i = 0; i < parts; i++) {
            respond_with(&s, 0, &more, "part");
            expect_response(&s.asker, "c1", "part");
        }
        rig_client_drop(&s.party[0]);
        if (parts <= 3) {
            expect_status(&s.asker, "c1", "503", "acked", "maybe");
        }
        close_scene(&s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_several_responders),
        cmocka_unit_test(test_expiry_counts_down),
        cmocka_unit_test(test_expired_is_not_delivered),
        cmocka_unit_test(test_requester_does_not_read),
        cmocka_unit_test(test_response_too_large),
        cmocka_unit_test(test_requester_is_away),
        cmocka_unit_test(test_requester_is_gone),
        cmocka_unit_test(test_no_answer_before_delivery),
        cmocka_unit_test(test_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
