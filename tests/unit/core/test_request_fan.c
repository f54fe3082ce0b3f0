/* Scatter-gather (`rr-fan`=`1`): the requester knows how many have got its request, and hears of
 * each of them: an answer, or a status of its own at once. */
#include "support/asking.h"
#include "support/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define PARTIES_MAX 5

struct scene {
    struct rig r;
    struct rig_client asker;
    struct rig_client party[PARTIES_MAX];
    char inbox[INBOX_TEXT_BYTES];
    struct wire_any request[PARTIES_MAX]; /* as each responder got it */
};

static void
open_scene(struct scene *s, unsigned shards, const struct settings *settings)
{
    char name[RIG_NAME_BYTES];

    memset(s, 0, sizeof(*s));
    rig_open(&s->r, shards, settings);
    rig_name_in(&s->r, 0, "asker", name);
    asker_connect(&s->r, &s->asker, name, ASKER_FULL, s->inbox);
}

static void
close_scene(struct scene *s)
{
    for (size_t i = 0; i < PARTIES_MAX; i++) {
        rig_client_close(&s->party[i]);
    }
    rig_advance(&s->r, 100000);
    rig_expect_nothing(&s->asker);
    audit_requests_ended(&s->r);
    rig_client_close(&s->asker);
    rig_close(&s->r);
}

/* A responder, in a shard of its own as far as there are enough. */
static void
join(struct scene *s, unsigned i, const char *filter, uint32_t packet_max)
{
    char name[RIG_NAME_BYTES];
    struct wire_connect how;
    struct wire_any connack;

    rig_name_in(&s->r, i + 1, (const char[]){'p', (char)('a' + i), '\0'}, name);
    how = rig_lasting(name, 0);
    if (packet_max != 0) {
        how.properties.maximum_packet_size = packet_max;
        wire_properties_set(&how.properties, WIRE_MAXIMUM_PACKET_SIZE);
    }
    rig_connect(&s->r, &s->party[i], &how, &connack);
    rig_subscribe(&s->party[i], filter, 1);
}

/* Asks at this QoS; the acknowledgement says that so many have got it. */
static void
ask_all(struct scene *s, struct ask a, uint8_t qos, const char *count)
{
    struct wire_any packet;

    a.topic = "service/x";
    a.response_topic = s->inbox;
    a.correlation = "c";
    a.qos = qos;
    a.packet_id = qos == 0 ? 0 : 5;
    ask(&s->asker, &a);
    if (qos > 0) {
        rig_expect(&s->asker, qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, &packet);
        assert_int_equal(packet.as.ack.packet_id, 5);
        assert_int_equal(packet.as.ack.reason_code, count[0] == '0' ? 0x10 : 0);
        assert_int_equal(packet.as.ack.properties.user_count, 1);
        assert_true(wire_properties_has(&packet.as.ack.properties, WIRE_USER_PROPERTY));
        assert_true(span_equal(
            user_of(&(struct wire_publish){.properties = packet.as.ack.properties}, "rr-count"),
            span_of_text(count)));
    }
}

/* The next thing is a status about one of several responders; or, if not, about them all. */
static void
hear_status(struct scene *s, const char *status, const char *stage, const char *exec, bool of_one)
{
    struct wire_any packet;
    struct span value;

    rig_expect_publish(&s->asker, "", &packet);
    rig_ack(&s->asker, WIRE_PUBACK, packet.as.publish.packet_id);
    assert_true(span_equal(user_of(&packet.as.publish, "__stat"), span_of_text(status)));
    assert_true(span_equal(user_of(&packet.as.publish, "rr-stage"), span_of_text(stage)));
    assert_true(span_equal(user_of(&packet.as.publish, "rr-exec"), span_of_text(exec)));
    assert_int_equal(
        wire_properties_user(&packet.as.publish.properties, SPAN_LITERAL("rr-fan"), &value),
        of_one);
}

/* ---- what becomes of each ---- */

/* One after the other: 'a' answers, 'm' answers in two parts, 'l' is lost, 'd' declines, 't' cannot
 * be sent it, as it is too large, 'w' does nothing. */
static const struct {
    const char *fates;
    const char *count;
} fans[] = {
    {"a", "1"},     {"aaaaa", "5"}, {"l", "1"},   {"lll", "3"},   {"ala", "3"},
    {"aaaal", "5"}, {"dld", "3"},   {"tat", "3"}, {"mlm", "3"},   {"w", "1"},
    {"waw", "3"},   {"wlw", "3"},   {"t", "1"},   {"tttlw", "5"},
};

static void
respond_part(struct scene *s, unsigned i, bool is_last)
{
    static const struct wire_user_property more = USER("rr-more", "1");

    ask(&s->party[i], &(struct ask){.topic = s->inbox,
                                    .correlation = "c",
                                    .payload = "answer",
                                    .users = &more,
                                    .user_count = !is_last});
    expect_response(&s->asker, "c", "answer");
}

static void
meet(struct scene *s, unsigned i, char fate)
{
    struct wire_any refusal = {
        .type = WIRE_PUBACK,
        .as.ack = {.packet_id = s->request[i].as.publish.packet_id, .reason_code = 0x97},
    };

    switch (fate) {
    case 'a': respond_part(s, i, true); break;
    case 'm':
        respond_part(s, i, false);
        respond_part(s, i, true);
        break;
    case 'd':
        rig_send(&s->party[i], &refusal);
        hear_status(s, "503", "delivered", "maybe", true);
        break;
    case 'l':
        rig_client_drop(&s->party[i]);
        hear_status(s, "503", "delivered", "maybe", true);
        break;
    default: break;
    }
    rig_expect_nothing(&s->asker);
}

static unsigned
count_of(const char *fates, char fate)
{
    unsigned count = 0;

    for (; *fates != '\0'; fates++) {
        count += *fates == fate;
    }
    return count;
}

static void
play(const char *fates, const char *count, unsigned shards)
{
    struct scene s;

    print_message("%s, %u shards\n", fates, shards);
    open_scene(&s, shards, NULL);
    for (unsigned i = 0; fates[i] != '\0'; i++) {
        join(&s, i, "service/+", fates[i] == 't' ? 30 : 0);
    }
    ask_all(&s, (struct ask){USERS(USER("rr-fan", "1"), USER("rr-more", "1"))}, 1, count);
    for (unsigned i = count_of(fates, 't'); i > 0; i--) {
        hear_status(&s, "413", "queued", "no", true);
    }
    for (unsigned i = 0; fates[i] != '\0'; i++) {
        if (fates[i] != 't') {
            expect_request(&s.party[i], false, &s.request[i]);
        }
    }
    for (unsigned i = 0; fates[i] != '\0'; i++) {
        meet(&s, i, fates[i]);
    }
    rig_advance(&s.r, s.r.broker.settings.request_deadline_ms);
    for (unsigned i = count_of(fates, 'w'); i > 0; i--) {
        hear_status(&s, "504", "delivered", "maybe", true);
    }
    close_scene(&s);
}

static void
each_of_them(void **state)
{
    (void)state;
    for (size_t row = 0; row < sizeof(fans) / sizeof(fans[0]); row++) {
        for (unsigned shards = 1; shards <= 4; shards++) {
            play(fans[row].fates, fans[row].count, shards);
        }
    }
}

/* QoS 0 says nothing, QoS 2 says it in PUBREC. */
static void
at_any_qos(void **state)
{
    (void)state;
    for (uint8_t qos = 0; qos <= 2; qos++) {
        struct scene s;

        open_scene(&s, 2, NULL);
        for (unsigned i = 0; i < 3; i++) {
            join(&s, i, "service/+", 0);
        }
        ask_all(&s, (struct ask){USERS(USER("rr-fan", "1"))}, qos, "3");
        for (unsigned i = 0; i < 3; i++) {
            expect_request(&s.party[i], true, &s.request[i]);
            respond_part(&s, i, true);
        }
        close_scene(&s);
    }
}

/* A group is one, whoever of it has got the request; a member that is a subscriber as well is
 * another. */
static void
groups_count_as_one(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 4; shards++) {
        struct scene s;
        struct wire_any packet;
        unsigned got = 0;

        open_scene(&s, shards, NULL);
        for (unsigned i = 0; i < 4; i++) {
            join(&s, i, i < 2 ? "$share/g/service/+" : "$share/h/service/#", 0);
        }
        join(&s, 4, "service/x", 0);
        ask_all(&s, (struct ask){USERS(USER("rr-fan", "1"))}, 1, "3");
        for (unsigned i = 0; i < PARTIES_MAX; i++) {
            while (rig_next(&s.party[i], &packet)) {
                rig_ack(&s.party[i], WIRE_PUBACK, packet.as.publish.packet_id);
                respond_part(&s, i, true);
                got++;
            }
        }
        assert_int_equal(got, 3);
        close_scene(&s);
    }
}

/* A member that is lost before it answers: another one has it, and it is still one. */
static void
a_group_fails_over(void **state)
{
    struct scene s;

    (void)state;
    open_scene(&s, 3, NULL);
    join(&s, 0, "$share/g/service/+", 0);
    ask_all(&s, (struct ask){USERS(USER("rr-fan", "1"))}, 1, "1");
    join(&s, 1, "$share/g/service/+", 0);
    expect_request(&s.party[0], false, &s.request[0]);
    rig_client_drop(&s.party[0]);
    expect_request(&s.party[1], true, &s.request[1]);
    respond_part(&s, 1, true);
    close_scene(&s);
}

/* Nobody is there: 0, and one status, which is about nobody in particular. */
static void
nobody_is_there(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 2; shards++) {
        struct scene s;

        open_scene(&s, shards, NULL);
        ask_all(&s, (struct ask){USERS(USER("rr-fan", "1"))}, 1, "0");
        hear_status(&s, "503", "rejected", "no", false);
        close_scene(&s);
    }
}

/* The ceiling of what is tracked: who is not tracked is not asked, as nothing would be known. */
static void
not_more_than_can_be_tracked(void **state)
{
    struct settings settings = settings_default();
    struct scene s;

    (void)state;
    settings.requests_max = 1;
    open_scene(&s, 1, &settings);
    rig_subscribe(&s.asker, "mine", 1);
    join(&s, 0, "service/+", 0);
    join(&s, 1, "service/+", 0);
    (void)snprintf(s.inbox, sizeof(s.inbox), "mine"); /* no inbox: others would go on untracked */
    ask_all(&s, (struct ask){USERS(USER("rr-fan", "1"))}, 1, "2");
    hear_status(&s, "429", "queued", "no", true);
    expect_request(&s.party[0], true, &s.request[0]);
    respond_part(&s, 0, true);
    rig_expect_nothing(&s.party[1]);
    close_scene(&s);
}

/* A response that does not fit the requester stands for its responder. */
static void
a_response_is_lost(void **state)
{
    static const struct wire_user_property rr = USER("rr", "1");
    char large[301] = "";
    struct wire_connect how = rig_lasting("small", 0);
    struct wire_any packet;
    struct scene s;

    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    open_scene(&s, 2, NULL);
    rig_client_close(&s.asker);
    how.properties.maximum_packet_size = 230;
    how.properties.users = &rr;
    how.properties.user_count = 1;
    wire_properties_set(&how.properties, WIRE_MAXIMUM_PACKET_SIZE);
    wire_properties_set(&how.properties, WIRE_USER_PROPERTY);
    rig_connect(&s.r, &s.asker, &how, &packet);
    rig_subscribe(&s.asker, "mine", 1);
    (void)snprintf(s.inbox, sizeof(s.inbox), "mine");
    join(&s, 0, "service/+", 0);
    join(&s, 1, "service/+", 0);
    ask_all(&s, (struct ask){USERS(USER("rr-fan", "1"))}, 1, "2");
    expect_request(&s.party[0], true, &s.request[0]);
    respond(&s.party[0], &s.request[0].as.publish, large, 0, 0);
    hear_status(&s, "413", "acked", "maybe", true);
    expect_request(&s.party[1], true, &s.request[1]);
    respond_part(&s, 1, true);
    close_scene(&s);
}

/* ---- who is told how many ---- */

static const struct {
    bool takes_status;
    bool wants_problems; /* Request Problem Information, 1 if absent */
    uint32_t packet_max; /* 0: any */
    const char *fan;     /* NULL: not said */
    bool is_told;
} voices[] = {
    {true, true, 0, "1", true},   {true, true, 0, "0", false},  {true, true, 0, NULL, false},
    {true, false, 0, "1", false}, {false, true, 0, "1", false}, {false, false, 0, "1", false},
    {true, true, 60, "1", true},  {true, true, 15, "1", false},
};

static void
connect_voice(struct scene *s, size_t row)
{
    static const struct wire_user_property rr = USER("rr", "1");
    struct wire_connect how = rig_lasting("voice", 0);
    struct wire_properties *v = &how.properties;
    struct wire_any connack;

    rig_client_close(&s->asker);
    if (voices[row].takes_status) {
        v->users = &rr;
        v->user_count = 1;
        wire_properties_set(v, WIRE_USER_PROPERTY);
    }
    if (!voices[row].wants_problems) {
        v->request_problem_information = 0;
        wire_properties_set(v, WIRE_REQUEST_PROBLEM_INFORMATION);
    }
    rig_connect(&s->r, &s->asker, &how, &connack);
    if (voices[row].packet_max != 0) {
        s->asker.conn.packet_bytes_max = voices[row].packet_max; /* too small for a CONNACK */
    }
}

static void
who_is_told(void **state)
{
    (void)state;
    for (size_t row = 0; row < sizeof(voices) / sizeof(voices[0]); row++) {
        struct wire_user_property user = {SPAN_LITERAL("rr-fan"), span_of_text(voices[row].fan)};
        struct scene s;
        struct wire_any packet;

        open_scene(&s, 2, NULL);
        connect_voice(&s, row);
        join(&s, 0, "service/+", 0);
        ask(&s.asker, &(struct ask){.topic = "service/x",
                                    .response_topic = "answers",
                                    .correlation = "c",
                                    .qos = 1,
                                    .packet_id = 5,
                                    .users = &user,
                                    .user_count = voices[row].fan != NULL});
        rig_expect(&s.asker, WIRE_PUBACK, &packet);
        assert_int_equal(packet.as.ack.reason_code, 0);
        assert_int_equal(packet.as.ack.properties.user_count, voices[row].is_told);
        expect_request(&s.party[0], true, &s.request[0]);
        respond(&s.party[0], &s.request[0].as.publish, "answer", 0, 0);
        close_scene(&s);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_of_them),        cmocka_unit_test(at_any_qos),
        cmocka_unit_test(groups_count_as_one), cmocka_unit_test(a_group_fails_over),
        cmocka_unit_test(nobody_is_there),     cmocka_unit_test(not_more_than_can_be_tracked),
        cmocka_unit_test(a_response_is_lost),  cmocka_unit_test(who_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
