/* Requests from one end to the other: an inbox, a request, its response, and what the broker says
 * when there is none. */
#include "support/asking.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct scene {
    struct rig r;
    struct rig_client asker;
    struct rig_client responder;
    char inbox[INBOX_TEXT_BYTES];
};

static void
set_up(struct scene *s, unsigned shards, unsigned kind, uint8_t qos)
{
    rig_open(&s->r, shards, NULL);
    asker_connect(&s->r, &s->asker, "asker", kind, s->inbox);
    rig_client_connect(&s->r, &s->responder, "responder");
    rig_subscribe(&s->responder, "service/+", qos);
}

static void
tear_down(struct scene *s)
{
    rig_client_close(&s->asker);
    rig_client_close(&s->responder);
    rig_close(&s->r);
}

static uint64_t
in_flight(const struct rig *r)
{
    uint64_t count = 0;

    for (unsigned i = 0; i < r->broker.shard_count; i++) {
        count += r->broker.shards[i]->stats.rr_in_flight;
    }
    return count;
}

/* C2: CONNECT, CONNACK, PUBLISH, PUBLISH, and no SUBSCRIBE. */
static void
an_exchange_without_subscribe(void **state)
{
    struct scene s;
    struct wire_any request;

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards++) {
        for (uint8_t qos = 0; qos <= 2; qos++) {
            set_up(&s, shards, ASKER_FULL, qos);
            assert_int_equal(strlen(s.inbox), 3 + 16);
            ask(&s.asker, &(struct ask){.topic = "service/x",
                                        .response_topic = s.inbox,
                                        .correlation = "c1",
                                        .qos = 0,
                                        .packet_id = 0});
            expect_request(&s.responder, true, &request);
            assert_int_equal(in_flight(&s.r), 1);
            respond(&s.responder, &request.as.publish, "answer", 0, 0);
            expect_response(&s.asker, "c1", "answer");
            assert_int_equal(in_flight(&s.r), 0);
            rig_expect_nothing(&s.asker);
            tear_down(&s);
        }
    }
}

/* C21: nobody there, at every QoS. */
static void
nobody_there(void **state)
{
    struct scene s;

    (void)state;
    for (uint8_t qos = 0; qos <= 2; qos++) {
        set_up(&s, 1, ASKER_FULL, 1);
        ask(&s.asker, &(struct ask){.topic = "nowhere",
                                    .response_topic = s.inbox,
                                    .correlation = "c1",
                                    .qos = qos,
                                    .packet_id = qos});
        if (qos > 0) {
            rig_expect_ack(&s.asker, qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, qos, 0x10);
        }
        expect_status(&s.asker, "c1", "503", "rejected", "no");
        rig_expect_nothing(&s.asker);
        tear_down(&s);
    }
}

static void
a_lost_responder(void **state)
{
    struct scene s;
    struct wire_any request;

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards++) {
        set_up(&s, shards, ASKER_FULL, 1);
        ask(&s.asker, &(struct ask){.topic = "service/x",
                                    .response_topic = s.inbox,
                                    .correlation = "c1",
                                    .qos = 1,
                                    .packet_id = 1});
        rig_expect_ack(&s.asker, WIRE_PUBACK, 1, 0);
        expect_request(&s.responder, true, &request);
        rig_client_drop(&s.responder);
        expect_status(&s.asker, "c1", "503", "acked", "maybe");
        rig_expect_nothing(&s.asker);
        assert_int_equal(in_flight(&s.r), 0);
        tear_down(&s);
    }
}

static void
a_deadline(void **state)
{
    struct scene s;
    struct wire_any request;

    (void)state;
    set_up(&s, 2, ASKER_FULL, 1);
    ask(&s.asker, &(struct ask){.topic = "service/x",
                                .response_topic = s.inbox,
                                .correlation = "c1",
                                .expiry_s = 1,
                                USERS(USER("rr-ttl", "250"))});
    expect_request(&s.responder, false, &request);
    rig_advance(&s.r, 249);
    rig_expect_nothing(&s.asker);
    rig_advance(&s.r, 1);
    expect_status(&s.asker, "c1", "504", "delivered", "maybe");
    respond(&s.responder, &request.as.publish, "late", 1, 9);
    rig_expect_ack(&s.responder, WIRE_PUBACK, 9, 0x87);
    rig_expect_nothing(&s.asker);
    tear_down(&s);
}

/* A status that was not made by the broker does not get into an inbox. */
static void
nobody_speaks_for_the_broker(void **state)
{
    static const struct wire_user_property broker = USER("rr-src", "broker");
    struct scene s;
    struct wire_any request;
    struct wire_any forged;

    (void)state;
    set_up(&s, 1, ASKER_FULL, 1);
    ask(&s.asker,
        &(struct ask){.topic = "service/x", .response_topic = s.inbox, .correlation = "c1"});
    expect_request(&s.responder, true, &request);
    forged = rig_publish_packet(s.inbox, "", 1, 5);
    forged.as.publish.properties.correlation_data = span_of_text("c1");
    wire_properties_set(&forged.as.publish.properties, WIRE_CORRELATION_DATA);
    forged.as.publish.properties.users = &broker;
    forged.as.publish.properties.user_count = 1;
    wire_properties_set(&forged.as.publish.properties, WIRE_USER_PROPERTY);
    rig_send(&s.responder, &forged);
    rig_expect_ack(&s.responder, WIRE_PUBACK, 5, 0x87);
    rig_expect_nothing(&s.asker);
    respond(&s.responder, &request.as.publish, "answer", 1, 6);
    rig_expect_ack(&s.responder, WIRE_PUBACK, 6, 0);
    expect_response(&s.asker, "c1", "answer");
    tear_down(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exchange_without_subscribe),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(a_lost_responder),
        cmocka_unit_test(a_deadline),
        cmocka_unit_test(nobody_speaks_for_the_broker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
