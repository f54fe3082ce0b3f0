/* Who of a group gets a request when the member that had it is lost or does not answer. */
#include "support/asking.h"
#include "support/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define FILTER "$share/group/service/#"
#define ASKED  "service/x"

/* ---- a member is lost ---- */

struct scene {
    struct rig r;
    struct rig_client asker;
    struct rig_client holder;
    struct rig_client back; /* the same client, when it comes back */
    struct rig_client other;
    char holder_name[RIG_NAME_BYTES];
    char inbox[INBOX_TEXT_BYTES];
    struct wire_any request; /* as the holder got it */
};

enum come { QUEUED, DELIVERED, ACKED, ANSWERED };

enum outcome {
    PASSED_ON, /* the other one answers */
    TOLD,      /* a status says so */
    WAITS,     /* the holder comes back and answers */
    NOTHING,   /* the other one gets nothing, nor does the requester (any more) */
};

#define IDEM USERS(USER("rr-idem", "1"))
#define TTL  USERS(USER("rr-ttl", "250"), USER("rr-idem", "1"))

static const struct loss {
    const char *name;
    uint8_t qos;
    enum come come;
    bool lasts;    /* the holder's session */
    bool is_alone; /* there is no other member */
    struct ask ask;
    enum outcome outcome;
    const char *stage, *exec; /* of the status */
} losses[] = {
    {"QoS 1 sent", 1, DELIVERED, false, false, {0}, PASSED_ON, NULL, NULL},
    {"QoS 1 sent", 1, DELIVERED, true, false, {0}, PASSED_ON, NULL, NULL},
    {"QoS 1 queued", 1, QUEUED, false, false, {0}, PASSED_ON, NULL, NULL},
    {"QoS 1 queued", 1, QUEUED, true, false, {0}, PASSED_ON, NULL, NULL},
    {"QoS 1 acknowledged", 1, ACKED, false, false, {0}, TOLD, "acked", "maybe"},
    {"QoS 1 acknowledged", 1, ACKED, true, false, {0}, WAITS, NULL, NULL},
    {"QoS 1 acknowledged, idempotent", 1, ACKED, false, false, {IDEM}, PASSED_ON, NULL, NULL},
    {"QoS 1 acknowledged, idempotent", 1, ACKED, true, false, {IDEM}, PASSED_ON, NULL, NULL},
    {"QoS 1 sent, idempotent", 1, DELIVERED, false, false, {IDEM}, PASSED_ON, NULL, NULL},
    {"QoS 1 sent, alone", 1, DELIVERED, false, true, {IDEM}, TOLD, "delivered", "maybe"},
    {"QoS 1 acknowledged, alone", 1, ACKED, false, true, {IDEM}, TOLD, "acked", "maybe"},
    {"QoS 1 queued, alone", 1, QUEUED, false, true, {IDEM}, TOLD, "queued", "no"},
    {"QoS 1 acknowledged, alone", 1, ACKED, true, true, {IDEM}, WAITS, NULL, NULL},
    {"QoS 1 answered, not acknowledged", 1, ANSWERED, false, false, {0}, NOTHING, NULL, NULL},
    {"QoS 1 answered, not acknowledged", 1, ANSWERED, true, false, {IDEM}, NOTHING, NULL, NULL},
    {"QoS 0", 0, DELIVERED, false, false, {0}, TOLD, "delivered", "maybe"},
    {"QoS 0", 0, DELIVERED, true, false, {0}, WAITS, NULL, NULL},
    {"QoS 0, idempotent", 0, DELIVERED, false, false, {IDEM}, PASSED_ON, NULL, NULL},
    {"QoS 0, idempotent", 0, DELIVERED, true, false, {IDEM}, PASSED_ON, NULL, NULL},
    {"MQTT-4.8.2-5", 2, DELIVERED, false, false, {IDEM}, TOLD, "delivered", "maybe"},
    {"MQTT-4.8.2-4", 2, DELIVERED, true, false, {IDEM}, WAITS, NULL, NULL},
    {"MQTT-4.8.2-5", 2, ACKED, false, false, {IDEM}, TOLD, "acked", "maybe"},
    {"MQTT-4.8.2-4", 2, ACKED, true, false, {IDEM}, WAITS, NULL, NULL},
    {"QoS 2 queued", 2, QUEUED, false, false, {0}, PASSED_ON, NULL, NULL},
    {"QoS 2 queued", 2, QUEUED, true, false, {IDEM}, PASSED_ON, NULL, NULL},
    {"too late", 1, DELIVERED, false, false, {TTL}, NOTHING, NULL, NULL},
    {"too late", 1, ACKED, true, false, {TTL}, NOTHING, NULL, NULL},
    {"too late", 1, QUEUED, true, false, {TTL}, NOTHING, NULL, NULL},
};

/* They get one thing at a time. */
static void
connect_member(struct scene *s, struct rig_client *c, const char *name, bool lasts)
{
    struct wire_connect how = rig_lasting(name, lasts ? UINT32_MAX : 0);
    struct wire_any connack;

    how.properties.receive_maximum = 1;
    wire_properties_set(&how.properties, WIRE_RECEIVE_MAXIMUM);
    rig_connect(&s->r, c, &how, &connack);
    assert_int_equal(connack.as.connack.reason_code, 0);
}

/* From now on what a member gets waits, until it acknowledges this. */
static uint16_t
plug(struct scene *s, struct rig_client *c, const char *topic)
{
    struct wire_any packet;

    rig_subscribe(c, topic, 1);
    rig_publish_qos(&s->asker, topic, "p", 1, 1);
    rig_expect_ack(&s->asker, WIRE_PUBACK, 1, 0);
    rig_expect_publish(c, "p", &packet);
    return packet.as.publish.packet_id;
}

/* Answers the request, whenever it got that. */
static void
answer(struct scene *s, struct rig_client *c, const char *payload, uint8_t qos, uint16_t packet_id)
{
    struct wire_publish request = {
        .properties = {.response_topic = span_of_text(s->inbox),
                       .correlation_data = SPAN_LITERAL("c1")},
    };

    wire_properties_set(&request.properties, WIRE_CORRELATION_DATA);
    respond(c, &request, payload, qos, packet_id);
}

/* The holder is there alone, so that it gets the request; then comes the other one. */
static void
set_up(struct scene *s, const struct loss *row, unsigned shards)
{
    char name[RIG_NAME_BYTES];

    memset(s, 0, sizeof(*s));
    rig_open(&s->r, shards, NULL);
    rig_name_in(&s->r, 1, "holder", s->holder_name);
    rig_name_in(&s->r, 2, "other", name);
    asker_connect(&s->r, &s->asker, "asker", ASKER_FULL, s->inbox);
    connect_member(s, &s->holder, s->holder_name, row->lasts);
    rig_subscribe(&s->holder, FILTER, 2);
    if (row->come == QUEUED) {
        (void)plug(s, &s->holder, "plug/holder");
    }
    connect_member(s, &s->other, name, false);
}

static void
bring(struct scene *s, const struct loss *row)
{
    struct ask a = row->ask;

    a.topic = ASKED;
    a.response_topic = s->inbox;
    a.correlation = "c1";
    a.qos = row->qos;
    a.packet_id = row->qos;
    ask(&s->asker, &a);
    if (row->qos > 0) {
        rig_expect_ack(&s->asker, row->qos == 1 ? WIRE_PUBACK : WIRE_PUBREC, row->qos, 0);
    }
    if (row->come != QUEUED) {
        expect_request(&s->holder, row->come == ACKED, &s->request);
    }
    if (row->come == ANSWERED) {
        answer(s, &s->holder, "answer", 0, 0);
        expect_response(&s->asker, "c1", "answer");
    }
    if (!row->is_alone) {
        rig_subscribe(&s->other, FILTER, 2);
    }
    if (row->ask.user_count == 2) { /* the one with a deadline */
        rig_advance(&s->r, 250);
        expect_status(&s->asker, "c1", "504",
                      row->come == QUEUED      ? "queued"
                      : row->come == DELIVERED ? "delivered"
                                               : "acked",
                      row->come == QUEUED ? "no" : "maybe");
    }
    rig_expect_nothing(&s->holder);
    rig_expect_nothing(&s->other);
}

/* The other one has got it, as a first attempt, and answers. */
static void
expect_passed_on(struct scene *s, const struct loss *row)
{
    struct wire_any request;

    expect_request(&s->other, true, &request);
    assert_int_equal(request.as.publish.qos, row->qos);
    assert_false(request.as.publish.dup);
    rig_expect_nothing(&s->asker);
    answer(s, &s->other, "answer", 0, 0);
    expect_response(&s->asker, "c1", "answer");
    assert_int_equal(audit_count(&s->r, COUNTER(passed_on)), 1);
    assert_int_equal(audit_count(&s->r, COUNTER(rr_answered)), 1);
}

/* What comes again to the holder by the rules of MQTT alone. */
static void
take_again(struct scene *s, const struct loss *row)
{
    struct wire_any packet;
    bool is_unacked = row->come == DELIVERED || row->come == ANSWERED;

    if (row->come == QUEUED) {
        rig_expect_publish(&s->back, "p", &packet);
        rig_ack(&s->back, WIRE_PUBACK, packet.as.publish.packet_id);
    } else if (row->qos > 0 && is_unacked && row->outcome != PASSED_ON) {
        expect_request(&s->back, true, &packet);
        assert_true(packet.as.publish.dup);
    }
}

/* The holder is back. It answers what it had: in time if that waits for it, else it is refused. */
static void
come_back(struct scene *s, const struct loss *row)
{
    connect_member(s, &s->back, s->holder_name, row->lasts);
    if (row->lasts) {
        take_again(s, row);
    }
    rig_expect_nothing(&s->back);
    if (row->outcome == WAITS) {
        answer(s, &s->back, "answer", 0, 0);
        expect_response(&s->asker, "c1", "answer");
    } else if (row->come != QUEUED) {
        answer(s, &s->back, "too late", 1, 9);
        rig_expect_ack(&s->back, WIRE_PUBACK, 9, 0x87);
    }
}

static void
tear_down(struct scene *s)
{
    rig_client_close(&s->asker);
    rig_client_close(&s->holder);
    rig_client_close(&s->back);
    rig_client_close(&s->other);
    rig_close(&s->r);
}

static void
test_losses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
        for (unsigned shards = 1; shards <= 4; shards++) {
            const struct loss *row = &losses[i];
            struct scene s;

            print_message("%s, session %s, %u shards\n", row->name, row->lasts ? "stays" : "ends",
                          shards);
            set_up(&s, row, shards);
            bring(&s, row);
            rig_client_drop(&s.holder);
            if (row->outcome == PASSED_ON) {
                expect_passed_on(&s, row);
            } else if (row->outcome == TOLD) {
                expect_status(&s.asker, "c1", "503", row->stage, row->exec);
            }
            rig_expect_nothing(&s.other);
            come_back(&s, row);
            rig_expect_nothing(&s.asker);
            audit_requests_ended(&s.r);
            tear_down(&s);
        }
    }
}

/* A request that is passed on has no more time than it had before. */
static void
test_deadline_goes_along(void **state)
{
    static const struct loss row = {.qos = 1, .come = DELIVERED, .lasts = true};

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards++) {
        struct scene s;
        struct wire_any request;

        set_up(&s, &row, shards);
        bring(&s, &row);
        rig_advance(&s.r, 20000);
        rig_client_drop(&s.holder);
        expect_request(&s.other, true, &request);
        rig_advance(&s.r, 9999);
        rig_expect_nothing(&s.asker);
        rig_advance(&s.r, 1);
        expect_status(&s.asker, "c1", "504", "acked", "maybe");
        rig_expect_nothing(&s.asker);
        audit_requests_ended(&s.r);
        tear_down(&s);
    }
}

/* What one member was sent may have been executed, though the next one never got it. */
static void
test_sent_once(void **state)
{
    static const struct loss row = {.qos = 1, .come = DELIVERED, .ask = {.expiry_s = 10}};

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards++) {
        for (int is_lost = 0; is_lost <= 1; is_lost++) {
            struct scene s;

            set_up(&s, &row, shards);
            (void)plug(&s, &s.other, "plug/other");
            bring(&s, &row);
            rig_client_drop(&s.holder);
            rig_expect_nothing(&s.other);
            rig_expect_nothing(&s.asker);
            if (is_lost == 1) {
                rig_client_drop(&s.other);
            } else {
                rig_advance(&s.r, 10000);
            }
            expect_status(&s.asker, "c1", is_lost == 1 ? "503" : "504", "queued", "maybe");
            rig_expect_nothing(&s.asker);
            audit_requests_ended(&s.r);
            tear_down(&s);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_losses),
        cmocka_unit_test(test_deadline_goes_along),
        cmocka_unit_test(test_sent_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
