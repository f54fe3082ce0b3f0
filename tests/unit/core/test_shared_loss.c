/* Shared subscriptions whose members come and go (MQTT 5.0, 4.8.2): who gets a message when the
 * member that had it is lost, and who is passed over. */
#include "support/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define FILTER "$share/group/t/#"

static const char *const names[] = {"one", "two", "three"};

static void
connect_member(struct rig *r, struct rig_client *c, struct wire_connect how,
               uint16_t receive_maximum)
{
    struct wire_any connack;

    if (receive_maximum != 0) {
        how.properties.receive_maximum = receive_maximum;
        wire_properties_set(&how.properties, WIRE_RECEIVE_MAXIMUM);
    }
    rig_connect(r, c, &how, &connack);
    assert_int_equal(connack.as.connack.reason_code, 0);
}

/* What happens to the member that has the message. */
enum end {
    END_DROP,        /* its connection breaks */
    END_DROP_EXPIRE, /* and the session expires 5 seconds later */
    END_DROP_CLEAN,  /* and it comes back with Clean Start */
    END_SESSION,     /* the connection breaks, and the session ends with it */
    END_TAKEN_OVER,  /* it connects again while the last connection is there */
    END_REFUSE,      /* it answers with 0x97, then the connection breaks */
    END_ACK,         /* it answers, then the connection breaks */
};

enum receiver {
    NOBODY,
    OTHER,  /* the second member, as a first attempt */
    HOLDER, /* the first, when it comes back */
};

static const struct loss {
    const char *name;
    uint8_t qos;
    bool is_queued;  /* not sent yet: there is no quota */
    bool other_left; /* the other member has left the group */
    bool other_away; /* the other member is not connected */
    enum end end;
    enum receiver receiver;
} losses[] = {
    {.name = "U-4.8.2-2: QoS 1 sent", .qos = 1, .end = END_DROP, .receiver = OTHER},
    {.name = "QoS 1 sent, session ends", .qos = 1, .end = END_SESSION, .receiver = OTHER},
    {.name = "QoS 1 sent, session expires",
     .qos = 1,
     .other_away = true,
     .end = END_DROP_EXPIRE,
     .receiver = OTHER},
    {.name = "QoS 1 sent, Clean Start",
     .qos = 1,
     .other_away = true,
     .end = END_DROP_CLEAN,
     .receiver = OTHER},
    {.name = "QoS 1 sent, nobody there",
     .qos = 1,
     .other_away = true,
     .end = END_DROP,
     .receiver = HOLDER},
    {.name = "QoS 1 sent, nobody there, session ends",
     .qos = 1,
     .other_away = true,
     .end = END_SESSION,
     .receiver = OTHER},
    {.name = "QoS 1 sent, nobody left",
     .qos = 1,
     .other_left = true,
     .end = END_DROP,
     .receiver = HOLDER},
    {.name = "QoS 1 sent, nobody left, session ends",
     .qos = 1,
     .other_left = true,
     .end = END_SESSION,
     .receiver = NOBODY},
    {.name = "QoS 1 sent, taken over", .qos = 1, .end = END_TAKEN_OVER, .receiver = HOLDER},
    {.name = "MQTT-4.8.2-6: QoS 1 refused", .qos = 1, .end = END_REFUSE, .receiver = NOBODY},
    {.name = "QoS 1 acknowledged", .qos = 1, .end = END_ACK, .receiver = NOBODY},
    {.name = "QoS 1 queued", .qos = 1, .is_queued = true, .end = END_DROP, .receiver = OTHER},
    {.name = "QoS 1 queued, session ends",
     .qos = 1,
     .is_queued = true,
     .end = END_SESSION,
     .receiver = OTHER},
    {.name = "QoS 1 queued, nobody there",
     .qos = 1,
     .is_queued = true,
     .other_away = true,
     .end = END_DROP,
     .receiver = HOLDER},
    {.name = "QoS 1 queued, nobody there, session ends",
     .qos = 1,
     .is_queued = true,
     .other_away = true,
     .end = END_SESSION,
     .receiver = OTHER},
    {.name = "MQTT-4.8.2-4: QoS 2 sent", .qos = 2, .end = END_DROP, .receiver = HOLDER},
    {.name = "MQTT-4.8.2-5: QoS 2 sent, session ends",
     .qos = 2,
     .end = END_SESSION,
     .receiver = NOBODY},
    {.name = "MQTT-4.8.2-5: QoS 2 sent, session expires",
     .qos = 2,
     .end = END_DROP_EXPIRE,
     .receiver = NOBODY},
    {.name = "MQTT-4.8.2-6: QoS 2 refused", .qos = 2, .end = END_REFUSE, .receiver = NOBODY},
    {.name = "QoS 2 queued", .qos = 2, .is_queued = true, .end = END_DROP, .receiver = OTHER},
    {.name = "QoS 2 queued, session ends",
     .qos = 2,
     .is_queued = true,
     .other_away = true,
     .end = END_SESSION,
     .receiver = OTHER},
};

struct scene {
    struct rig r;
    struct rig_client publisher;
    struct rig_client holder;
    struct rig_client back; /* the same client, when it comes back */
    struct rig_client other;
    char holder_name[RIG_NAME_BYTES];
    char other_name[RIG_NAME_BYTES];
    uint16_t packet_id; /* of the message, at the holder */
};

static uint32_t
expiry_of(const struct loss *loss)
{
    return loss->end == END_SESSION ? 0 : loss->end == END_DROP_EXPIRE ? 5 : UINT32_MAX;
}

/* The holder has the message: it was the only member that was connected. */
static void
set_up(struct scene *s, const struct loss *loss, unsigned shards)
{
    struct wire_any packet;

    rig_open(&s->r, shards, NULL);
    rig_name_in(&s->r, 1, "holder", s->holder_name);
    rig_name_in(&s->r, 2, "other", s->other_name);
    rig_client_connect(&s->r, &s->publisher, "publisher");
    rig_resume(&s->r, &s->other, s->other_name, false);
    if (!loss->other_left) {
        rig_subscribe(&s->other, FILTER, 2);
    }
    rig_client_close(&s->other);
    connect_member(&s->r, &s->holder, rig_lasting(s->holder_name, expiry_of(loss)), 1);
    rig_subscribe(&s->holder, FILTER, 2);
    rig_subscribe(&s->holder, "plain", 1);
    if (loss->is_queued) {
        rig_publish_qos(&s->publisher, "plain", "first", 1, 1);
        rig_expect_publish(&s->holder, "first", &packet);
    }
    rig_publish_qos(&s->publisher, "t/x", "x", loss->qos, 2);
    if (!loss->is_queued) {
        rig_expect_publish(&s->holder, "x", &packet);
        s->packet_id = packet.as.publish.packet_id;
    }
    rig_expect_nothing(&s->holder);
    if (!loss->other_away) {
        rig_resume(&s->r, &s->other, s->other_name, true);
        rig_expect_nothing(&s->other);
    }
}

static void
answer(struct scene *s, const struct loss *loss, uint8_t reason_code)
{
    const struct wire_any packet = {
        .type = loss->qos == 1 ? WIRE_PUBACK : WIRE_PUBREC,
        .as.ack = {.packet_id = s->packet_id, .reason_code = reason_code},
    };

    rig_send(&s->holder, &packet);
}

static void
lose(struct scene *s, const struct loss *loss)
{
    if (loss->end == END_TAKEN_OVER) {
        return; /* as it comes back */
    }
    if (loss->end == END_REFUSE || loss->end == END_ACK) {
        answer(s, loss, loss->end == END_REFUSE ? 0x97 : 0);
    }
    rig_client_drop(&s->holder);
    rig_client_close(&s->holder);
    if (loss->end == END_DROP_EXPIRE) {
        rig_advance(&s->r, 5000);
    } else if (loss->end == END_DROP_CLEAN) {
        rig_client_connect(&s->r, &s->holder, s->holder_name);
        rig_client_close(&s->holder);
    }
}

static void
check_other(struct scene *s, const struct loss *loss)
{
    struct wire_any packet;

    if (loss->other_away) {
        rig_resume(&s->r, &s->other, s->other_name, true);
    }
    if (loss->receiver == OTHER) {
        rig_expect_publish(&s->other, "x", &packet);
        assert_int_equal(packet.as.publish.qos, loss->qos);
        assert_false(packet.as.publish.dup); /* the first time this client is sent it */
    }
    rig_expect_nothing(&s->other);
}

static void
check_holder(struct scene *s, const struct loss *loss)
{
    const bool is_there =
        loss->end != END_SESSION && loss->end != END_DROP_EXPIRE && loss->end != END_DROP_CLEAN;
    struct wire_any packet;

    rig_resume(&s->r, &s->back, s->holder_name, is_there);
    if (loss->is_queued && is_there) {
        rig_expect_publish(&s->back, "first", &packet);
    }
    if (loss->receiver == HOLDER) {
        rig_expect_publish(&s->back, "x", &packet);
        assert_int_equal(packet.as.publish.qos, loss->qos);
        assert_int_equal(packet.as.publish.dup, !loss->is_queued);
    }
    rig_expect_nothing(&s->back);
    rig_expect_nothing(&s->other);
}

static void
tear_down(struct scene *s)
{
    rig_client_close(&s->holder);
    rig_client_close(&s->back);
    rig_client_close(&s->other);
    rig_client_close(&s->publisher);
    rig_close(&s->r);
}

static void
test_losses(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(losses) / sizeof(losses[0]); i++) {
        for (unsigned shards = 1; shards <= 4; shards += 3) {
            struct scene s;

            print_message("%s, %u shards\n", losses[i].name, shards);
            memset(&s, 0, sizeof(s));
            set_up(&s, &losses[i], shards);
            lose(&s, &losses[i]);
            check_other(&s, &losses[i]);
            check_holder(&s, &losses[i]);
            tear_down(&s);
        }
    }
}

/* QoS 2 of which only the end is missing ends with the client it began with [MQTT-4.8.2-4]. */
static void
test_released_is_completed(void **state)
{
    static const struct loss loss = {.qos = 2};
    struct scene s;

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        memset(&s, 0, sizeof(s));
        set_up(&s, &loss, shards);
        answer(&s, &loss, 0);
        rig_expect_ack(&s.holder, WIRE_PUBREL, s.packet_id, 0);
        rig_client_drop(&s.holder);
        rig_resume(&s.r, &s.back, s.holder_name, true);
        rig_expect_ack(&s.back, WIRE_PUBREL, s.packet_id, 0);
        rig_ack(&s.back, WIRE_PUBCOMP, s.packet_id);
        rig_expect_nothing(&s.back);
        rig_expect_nothing(&s.other);
        tear_down(&s);
    }
}

/* Takes all PUBLISH packets, acknowledges QoS 1, and says how many there were. */
static size_t
take_all(struct rig_client *c)
{
    struct wire_any packet;
    size_t count = 0;

    while (rig_next(c, &packet)) {
        if (packet.type == WIRE_PUBLISH) {
            count++;
        }
        if (packet.type == WIRE_PUBLISH && packet.as.publish.qos == 1) {
            rig_ack(c, WIRE_PUBACK, packet.as.publish.packet_id);
        }
    }
    return count;
}

/* One member is there, one is away: of 20 requests all 20 are answered. */
static void
test_all_to_the_one_that_is_there(void **state)
{
    struct rig r;
    struct rig_client requester;
    struct rig_client member[2];
    char name[2][RIG_NAME_BYTES];

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        rig_open(&r, shards, NULL);
        rig_client_connect(&r, &requester, "requester");
        rig_subscribe(&requester, "answers", 0);
        for (unsigned i = 0; i < 2; i++) {
            rig_name_in(&r, i, names[i], name[i]);
            rig_resume(&r, &member[i], name[i], false);
            rig_subscribe(&member[i], FILTER, 1);
        }
        rig_client_drop(&member[0]);
        for (uint16_t id = 1; id <= 20; id++) {
            struct wire_any packet;

            rig_publish_qos(&requester, "t/x", "question", (uint8_t)(id % 2), id);
            if (id % 2 == 1) {
                rig_expect_ack(&requester, WIRE_PUBACK, id, 0);
            }
            assert_int_equal(take_all(&member[1]), 1);
            rig_publish(&member[1], "answers", "answer");
            rig_expect_publish(&requester, "answer", &packet);
        }
        rig_client_close(&member[0]);
        rig_resume(&r, &member[0], name[0], true);
        rig_expect_nothing(&member[0]);
        for (size_t i = 0; i < 2; i++) {
            rig_client_close(&member[i]);
        }
        rig_client_close(&requester);
        rig_close(&r);
    }
}

/* Members with Receive Maximum 1: whoever has a message is passed over while another has none; what
 * waits for one that is then lost goes to the others. */
static void
test_one_at_a_time(void **state)
{
    enum { MEMBERS = 3 };
    struct rig r;
    struct rig_client publisher;
    struct rig_client member[MEMBERS];
    struct wire_any packet[MEMBERS];

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        rig_open(&r, shards, NULL);
        rig_client_connect(&r, &publisher, "publisher");
        for (unsigned i = 0; i < MEMBERS; i++) {
            char name[RIG_NAME_BYTES];

            rig_name_in(&r, i, names[i], name);
            connect_member(&r, &member[i], rig_lasting(name, 0), 1);
            rig_subscribe(&member[i], FILTER, 1);
        }
        rig_publish_qos(&publisher, "t/1", "x", 1, 1);
        rig_publish_qos(&publisher, "t/2", "x", 1, 2);
        rig_publish_qos(&publisher, "t/3", "x", 1, 3);
        for (unsigned i = 0; i < MEMBERS; i++) {
            rig_expect_publish(&member[i], "x", &packet[i]);
            rig_expect_nothing(&member[i]);
        }
        for (unsigned i = 0; i < 7; i++) { /* the one that is done gets each of them */
            rig_ack(&member[1], WIRE_PUBACK, packet[1].as.publish.packet_id);
            rig_publish_qos(&publisher, "t/4", "y", 1, 4);
            rig_expect_publish(&member[1], "y", &packet[1]);
        }
        for (unsigned i = 0; i < 6; i++) {
            rig_publish_qos(&publisher, "t/5", "z", 1, 5);
        }
        rig_client_close(&member[0]);
        rig_client_close(&member[1]);
        rig_ack(&member[2], WIRE_PUBACK, packet[2].as.publish.packet_id);
        assert_int_equal(take_all(&member[2]), 2 + 6);
        rig_client_close(&member[2]);
        rig_client_close(&publisher);
        rig_close(&r);
    }
}

/* A member that does not read is passed over, also for QoS 0, which would be dropped. */
static void
test_one_that_does_not_read(void **state)
{
    static const char big[1200] = {[0] = 'b', [1198] = 'b'};
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client publisher;
    struct rig_client member[2];
    struct wire_any packet;

    (void)state;
    settings.output_bytes_max = 1024;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        rig_open(&r, shards, &settings);
        rig_client_connect(&r, &publisher, "publisher");
        for (unsigned i = 0; i < 2; i++) {
            char name[RIG_NAME_BYTES];

            rig_name_in(&r, i, names[i], name);
            rig_client_connect(&r, &member[i], name);
            rig_subscribe(&member[i], FILTER, 1);
        }
        rig_subscribe(&member[0], "plain", 0);
        member[0].is_stuck = true;
        packet = rig_publish_packet("plain", "", 0, 0);
        packet.as.publish.payload = span_of(big, sizeof(big));
        rig_send(&publisher, &packet);
        for (uint16_t id = 1; id <= 10; id++) {
            rig_publish_qos(&publisher, "t/x", "x", (uint8_t)(id % 2), id);
        }
        assert_int_equal(take_all(&member[1]), 10);
        member[0].is_stuck = false;
        conn_touch(&member[0].conn);
        rig_settle(&r);
        assert_int_equal(take_all(&member[0]), 1);
        for (uint16_t id = 1; id <= 10; id++) { /* it reads: it has its turn again */
            rig_publish_qos(&publisher, "t/x", "x", (uint8_t)(id % 2), id);
        }
        assert_int_equal(take_all(&member[0]), 5);
        rig_client_close(&member[0]);
        rig_client_close(&member[1]);
        rig_client_close(&publisher);
        rig_close(&r);
    }
}

/* A member whose queue is full drops nothing while another could take it. */
static void
test_one_with_a_full_queue(void **state)
{
    struct settings settings = settings_default();
    struct rig r;
    struct rig_client publisher;
    struct rig_client member[2];

    (void)state;
    settings.queued_messages_max = 2;
    rig_open(&r, 4, &settings);
    rig_client_connect(&r, &publisher, "publisher");
    for (unsigned i = 0; i < 2; i++) {
        char name[RIG_NAME_BYTES];

        rig_name_in(&r, i, names[i], name);
        connect_member(&r, &member[i], rig_lasting(name, 0), 1);
        rig_subscribe(&member[i], FILTER, 1);
    }
    rig_subscribe(&member[0], "plain", 1);
    for (uint16_t id = 1; id <= 3; id++) { /* one is sent, two wait */
        rig_publish_qos(&publisher, "plain", "p", 1, id);
    }
    for (uint16_t id = 1; id <= 3; id++) {
        rig_publish_qos(&publisher, "t/x", "x", 1, id);
    }
    assert_int_equal(take_all(&member[1]), 3);
    assert_int_equal(take_all(&member[0]), 3);
    rig_client_close(&member[0]);
    rig_client_close(&member[1]);
    rig_client_close(&publisher);
    rig_close(&r);
}

/* Feeds a message without letting any shard but the client's own run. */
static void
feed_publish(struct rig_client *c)
{
    const struct wire_any packet = rig_publish_packet("t/x", "x", 1, 1);
    uint8_t bytes[64];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    size_t len = 0;

    wire_any_encode(&w, &packet, WIRE_V5);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    conn_feed(&c->conn, span_of(bytes, len));
}

/* A member leaves while the message is on its way to its shard; its session stays or ends. */
static void
test_lost_on_the_way(void **state)
{
    struct rig r;
    struct rig_client publisher;
    struct rig_client member[2];

    (void)state;
    for (uint32_t expiry_s = 0; expiry_s <= 60; expiry_s += 60) {
        char name[RIG_NAME_BYTES];

        rig_open(&r, 4, NULL);
        rig_name_in(&r, 0, "publisher", name);
        rig_client_connect(&r, &publisher, name);
        for (unsigned i = 0; i < 2; i++) {
            rig_name_in(&r, i + 1, names[i], name);
            connect_member(&r, &member[i], rig_lasting(name, expiry_s), 0);
            rig_subscribe(&member[i], FILTER, 1);
        }
        feed_publish(&publisher);
        feed_publish(&publisher); /* one for each of them */
        conn_fini(&member[0].conn);
        member[0].is_open = false;
        rig_settle(&r);
        assert_int_equal(take_all(&member[1]), 2);
        rig_client_close(&member[0]);
        rig_client_close(&member[1]);
        rig_client_close(&publisher);
        rig_close(&r);
    }
}

/* Out of memory at each allocation while a message moves: it is with one of the two, or was dropped
 * and counted, but never with both. */
static void
test_out_of_memory(void **state)
{
    static const struct loss loss = {.qos = 1, .is_queued = true};

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        bool is_hit = true;

        for (size_t n = 1; is_hit; n++) {
            struct scene s;
            struct rig *r = &s.r;
            size_t fail_at = 0;
            uint64_t dropped = 0;

            memset(&s, 0, sizeof(s));
            set_up(&s, &loss, shards);
            fail_at = r->alloc.attempts + n;
            r->alloc.fail_at = fail_at;
            rig_client_drop(&s.holder);
            is_hit = r->alloc.attempts >= fail_at;
            r->alloc.fail_at = 0;
            rig_advance(r, 100); /* a shard tries again what it owes */
            if (rig_client_is_ended(&s.other)) {
                rig_client_close(&s.other);
                rig_resume(r, &s.other, s.other_name, true);
            }
            rig_resume(r, &s.back, s.holder_name, true);
            for (unsigned i = 0; i < shards; i++) {
                dropped += r->broker.shards[i]->stats.dropped_no_memory;
            }
            /* "first" and "x" */
            assert_int_equal(take_all(&s.other) + take_all(&s.back) + dropped, 2);
            assert_true(is_hit || dropped == 0);
            tear_down(&s);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_losses),
        cmocka_unit_test(test_released_is_completed),
        cmocka_unit_test(test_all_to_the_one_that_is_there),
        cmocka_unit_test(test_one_at_a_time),
        cmocka_unit_test(test_one_that_does_not_read),
        cmocka_unit_test(test_one_with_a_full_queue),
        cmocka_unit_test(test_lost_on_the_way),
        cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
