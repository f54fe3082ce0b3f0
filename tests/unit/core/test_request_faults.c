/* What the simulation (tests/sim) has found. */
#include "broker/core/session.h"
#include "support/asking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define INBOX_QUESTION(text_topic, text_inbox)                                                     \
    .topic = (text_topic), .response_topic = (text_inbox), .correlation = "c1"

/* Names that live in the first and in the second of two shards. */
static const char *
name_in(const struct rig *r, unsigned shard)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (broker_shard_of(&r->broker, span_of_text(names[i]))->index == shard) {
            return names[i];
        }
    }
    fail();
    return NULL;
}

/* A group of one member, who has a request and has not acknowledged it, and one who comes then. */
struct group_scene {
    struct rig r;
    struct rig_client asker;
    struct rig_client members[2]; /* each in a shard of its own */
    char inbox[INBOX_TEXT_BYTES];
    struct wire_any request; /* as the first one has it */
};

static void
set_up_group(struct group_scene *s)
{
    rig_open(&s->r, 2, NULL);
    asker_connect(&s->r, &s->asker, "asker", ASKER_FULL, s->inbox);
    for (unsigned i = 0; i < 2; i++) {
        rig_client_connect(&s->r, &s->members[i], name_in(&s->r, i));
    }
    rig_subscribe(&s->members[0], "$share/g/service", 1);
    ask(&s->asker, &(struct ask){INBOX_QUESTION("service", s->inbox), .qos = 1, .packet_id = 1});
    rig_expect_ack(&s->asker, WIRE_PUBACK, 1, 0);
    rig_subscribe(&s->members[1], "$share/g/service", 1);
    expect_request(&s->members[0], false, &s->request);
}

static void
tear_down_group(struct group_scene *s)
{
    rig_expect_nothing(&s->asker);
    for (unsigned i = 0; i < 2; i++) {
        rig_client_close(&s->members[i]);
    }
    rig_client_close(&s->asker);
    rig_close(&s->r);
}

/* It has been executed, whether that was acknowledged or not. */
static void
what_a_member_has_answered_stays_his(void **state)
{
    struct group_scene s;

    (void)state;
    set_up_group(&s);
    respond(&s.members[0], &s.request.as.publish, "answer", 0, 0);
    expect_response(&s.asker, "c1", "answer");
    rig_client_drop(&s.members[0]);
    rig_expect_nothing(&s.members[1]);
    tear_down_group(&s);
}

/* The tracking has ended, the message has no deadline: it moves on and is no request any more, so
 * nothing counts as on its way to the member that gets it. */
static void
what_moves_on_untracked_is_not_on_its_way(void **state)
{
    struct group_scene s;
    struct wire_any packet;

    (void)state;
    set_up_group(&s);
    rig_advance(&s.r, settings_default().request_deadline_ms);
    expect_status(&s.asker, "c1", "504", "delivered", "maybe");
    rig_client_drop(&s.members[0]);
    rig_expect(&s.members[1], WIRE_PUBLISH, &packet);
    assert_int_equal(s.members[1].conn.session->standing->coming, 0);
    tear_down_group(&s);
}

/* Of several responses one is too large for the requester: the others come, and no status, for the
 * request has not ended. */
static void
a_lost_part_is_no_end(void **state)
{
    static char large[500];
    struct rig r;
    struct rig_client asker;
    struct rig_client responder;
    struct wire_any request;
    struct wire_any part;
    char inbox[INBOX_TEXT_BYTES];

    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    rig_open(&r, 1, NULL);
    asker_connect(&r, &asker, "asker", ASKER_FULL, inbox);
    asker.conn.packet_bytes_max = 400;
    rig_client_connect(&r, &responder, "responder");
    rig_subscribe(&responder, "service", 1);
    ask(&asker, &(struct ask){INBOX_QUESTION("service", inbox), USERS(USER("rr-more", "2"))});
    expect_request(&responder, true, &request);
    part = rig_publish_packet(inbox, large, 0, 0);
    part.as.publish.properties = (struct wire_properties){
        .correlation_data = SPAN_LITERAL("c1"),
        .users = (const struct wire_user_property[]){USER("rr-more", "1")},
        .user_count = 1,
    };
    wire_properties_set(&part.as.publish.properties, WIRE_CORRELATION_DATA);
    wire_properties_set(&part.as.publish.properties, WIRE_USER_PROPERTY);
    rig_send(&responder, &part);
    rig_expect_nothing(&asker);
    assert_int_equal(r.broker.shards[0]->stats.rr_response_lost, 1);
    respond(&responder, &request.as.publish, "last", 0, 0);
    expect_response(&asker, "c1", "last");
    rig_expect_nothing(&asker);
    rig_client_close(&responder);
    rig_client_close(&asker);
    rig_close(&r);
}

/* A response expires while its requester does not read. That is found out when he reads again, and
 * he is told in the same turn: nothing else may happen in the shard for long. */
static void
what_reading_finds_out_is_told_at_once(void **state)
{
    static char large[1200];
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client asker;
    struct rig_client responder;
    struct wire_any packet;
    char inbox[INBOX_TEXT_BYTES];

    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    settings.output_bytes_max = 1024;
    rig_open(&r, 1, &settings);
    asker_connect(&r, &asker, "asker", ASKER_FULL, inbox);
    rig_subscribe(&asker, "bulk", 0);
    rig_client_connect(&r, &responder, "responder");
    rig_subscribe(&responder, "service", 1);
    ask(&asker, &(struct ask){INBOX_QUESTION("service", inbox), .qos = 0});
    expect_request(&responder, true, &packet);
    asker.is_stuck = true;
    rig_publish(&responder, "bulk", large);
    packet.as.publish = (struct wire_publish){.qos = 1, .packet_id = 1};
    packet.as.publish.topic = span_of_text(inbox);
    packet.as.publish.properties.correlation_data = SPAN_LITERAL("c1");
    packet.as.publish.properties.message_expiry_interval = 1;
    wire_properties_set(&packet.as.publish.properties, WIRE_CORRELATION_DATA);
    wire_properties_set(&packet.as.publish.properties, WIRE_MESSAGE_EXPIRY_INTERVAL);
    rig_send(&responder, &packet);
    rig_expect_ack(&responder, WIRE_PUBACK, 1, 0);
    rig_advance(&r, 2000);
    asker.is_stuck = false;
    conn_touch(&asker.conn);
    rig_step(&r, 0, RIG_OUTPUT);
    assert_int_equal(r.broker.shards[0]->deferred_count, 0);
    rig_expect_publish(&asker, large, &packet);
    expect_status(&asker, "c1", "504", "acked", "maybe");
    rig_client_close(&responder);
    rig_client_close(&asker);
    rig_close(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_member_has_answered_stays_his),
        cmocka_unit_test(what_moves_on_untracked_is_not_on_its_way),
        cmocka_unit_test(a_lost_part_is_no_end),
        cmocka_unit_test(what_reading_finds_out_is_told_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
