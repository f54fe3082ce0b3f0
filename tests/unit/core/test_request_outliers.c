/* A member of a group that lets deadlines pass is left out for a while, and then tried again. */
#include "support/audit.h"
#include "support/team.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TTL_MS 100U

static const struct wire_user_property ttl = USER("rr-ttl", "100");

/* What the requester has heard. */
struct heard {
    unsigned responses;
    unsigned failures; /* 504 */
};

static void
listen_to(struct team *t, struct heard *h)
{
    struct wire_any packet;

    while (rig_next(&t->asker, &packet)) {
        struct span status = SPAN_EMPTY;

        assert_int_equal(packet.type, WIRE_PUBLISH);
        if (packet.as.publish.qos == 0) {
            h->responses++;
            continue;
        }
        status = user_of(&packet.as.publish, "__stat");
        assert_true(span_equal(status, SPAN_LITERAL("504")));
        rig_ack(&t->asker, WIRE_PUBACK, packet.as.publish.packet_id);
        h->failures++;
    }
}

static void
ask_many(struct team *t, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        team_ask(t, &ttl);
    }
}

/* What the member has will never be answered; how many that are. */
static unsigned
forget(struct team *t, unsigned i)
{
    unsigned count = team_take(t, i);

    t->held[i].count = 0;
    return count;
}

/* Member 0 lets the deadlines pass of whatever it has; how many it had. The others answer. */
static unsigned
let_pass(struct team *t)
{
    struct heard h = {0};
    unsigned count = forget(t, 0);

    team_answer_all(t);
    rig_advance(&t->r, TTL_MS);
    listen_to(t, &h);
    assert_int_equal(h.failures, count);
    return count;
}

static uint64_t
left_out(const struct team *t)
{
    return audit_count(&t->r, COUNTER(rr_left_out));
}

/* So many deadlines in a row, and it gets nothing until the pause is over, and then one at a time;
 * with an answer it is back. */
static void
test_left_out_and_tried_again(void **state)
{
    struct settings settings = settings_default();

    (void)state;
    settings.outlier_deadlines = 2;
    settings.outlier_pause_ms = 1000;
    for (unsigned shards = 1; shards <= 4; shards++) {
        struct team t;

        team_open(&t, shards, 2, &settings);
        ask_many(&t, 2);
        assert_int_equal(let_pass(&t), 1);
        assert_int_equal(left_out(&t), 0);
        ask_many(&t, 2);
        assert_int_equal(let_pass(&t), 1);
        assert_int_equal(left_out(&t), 1);
        ask_many(&t, 10);
        assert_int_equal(let_pass(&t), 0);
        rig_advance(&t.r, 1000 - TTL_MS - 1);
        ask_many(&t, 10);
        assert_int_equal(team_take(&t, 0), 0);
        team_answer_all(&t);
        rig_advance(&t.r, 1);
        ask_many(&t, 10); /* it is tried with one, and fails */
        assert_int_equal(let_pass(&t), 1);
        ask_many(&t, 10);
        assert_int_equal(team_take(&t, 0), 0);
        team_answer_all(&t);
        rig_advance(&t.r, 1000);
        ask_many(&t, 10); /* with another one, which it answers */
        assert_int_equal(team_take(&t, 0), 1);
        team_answer_all(&t);
        ask_many(&t, 10);
        assert_int_equal(team_take(&t, 0), 5);
        team_answer_all(&t);
        team_close(&t);
    }
}

/* An answer in between, and it is not in a row; and 0 is never. */
static void
test_not_left_out(void **state)
{
    struct settings settings = settings_default();

    (void)state;
    for (unsigned deadlines = 0; deadlines <= 2; deadlines += 2) {
        struct team t;

        settings.outlier_deadlines = deadlines;
        team_open(&t, 2, 2, &settings);
        for (int i = 0; i < 10; i++) {
            ask_many(&t, 2);
            assert_int_equal(let_pass(&t), 1);
            if (deadlines != 0) {
                ask_many(&t, 2);
                assert_int_equal(team_take(&t, 0), 1);
                team_answer_all(&t);
            }
        }
        assert_int_equal(left_out(&t), 0);
        team_close(&t);
    }
}

/* What waits for a member is not its fault, nor is what has no group. */
static void
test_only_what_it_was_sent(void **state)
{
    struct settings settings = settings_default();
    struct team t;
    struct heard h = {0};

    (void)state;
    settings.outlier_deadlines = 1;
    team_open(&t, 2, 1, &settings);
    rig_subscribe(&t.member[0], "plain", 0);
    ask(&t.asker, &(struct ask){.topic = "plain",
                                .response_topic = t.inbox,
                                .correlation = "0",
                                .users = &ttl,
                                .user_count = 1});
    assert_int_equal(forget(&t, 0), 1);
    rig_client_drop(&t.member[0]);
    ask(&t.asker, &(struct ask){.topic = TEAM_TOPIC,
                                .response_topic = t.inbox,
                                .correlation = "1",
                                .qos = 1,
                                .packet_id = 1,
                                .users = &ttl,
                                .user_count = 1});
    rig_expect_ack(&t.asker, WIRE_PUBACK, 1, 0);
    rig_advance(&t.r, TTL_MS);
    listen_to(&t, &h);
    assert_int_equal(h.failures, 2);
    assert_int_equal(left_out(&t), 0);
    team_close(&t);
}

/* If all are left out, they are served all the same. */
static void
test_all_left_out(void **state)
{
    struct settings settings = settings_default();
    struct team t;
    struct heard h = {0};

    (void)state;
    settings.outlier_deadlines = 1;
    settings.outlier_pause_ms = 1000;
    team_open(&t, 4, 3, &settings);
    ask_many(&t, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(forget(&t, i), 1);
    }
    rig_advance(&t.r, TTL_MS);
    listen_to(&t, &h);
    assert_int_equal(h.failures, 3);
    assert_int_equal(left_out(&t), 3);
    ask_many(&t, 6);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(team_take(&t, i), 2);
    }
    team_answer_all(&t);
    team_close(&t);
}

/* ---- one of four swallows what it gets ---- */

struct race {
    struct team t;
    struct heard heard;
    uint64_t got_ms[TEAM_MAX]; /* when the oldest became the oldest */
    unsigned got;              /* by member 0 */
    bool is_healed;
};

/* The others answer one after the other, each in 5 ms. */
static void
let_member_work(struct race *v, unsigned i)
{
    unsigned before = v->t.held[i].count;
    unsigned after = team_take(&v->t, i);

    if (i == 0) {
        v->got += after - before;
        if (!v->is_healed) {
            (void)forget(&v->t, 0);
            return;
        }
    }
    if (before == 0 && after > 0) {
        v->got_ms[i] = v->t.r.now_ms;
    }
    if (after > 0 && v->t.r.now_ms >= v->got_ms[i] + 5) {
        team_respond(&v->t, i);
        v->got_ms[i] = v->t.r.now_ms;
    }
}

/* A requester has always as many in flight. */
static struct heard
run(struct race *v, uint64_t ms)
{
    struct heard before = v->heard;

    for (uint64_t end_ms = v->t.r.now_ms + ms; v->t.r.now_ms < end_ms; rig_advance(&v->t.r, 1)) {
        struct heard last = v->heard;

        for (unsigned i = 0; i < TEAM_MAX; i++) {
            let_member_work(v, i);
        }
        listen_to(&v->t, &v->heard);
        ask_many(&v->t, v->heard.responses + v->heard.failures - last.responses - last.failures);
    }
    return (struct heard){v->heard.responses - before.responses,
                          v->heard.failures - before.failures};
}

/* Within 2 seconds less than 1 % of the requests fail, and it stays so; when the member works again
 * it has its part again after a pause. */
static void
test_one_of_four(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        for (unsigned in_flight = 1; in_flight <= 16; in_flight *= 4) {
            struct race v = {.is_healed = false};
            struct heard h;

            team_open(&v.t, shards, TEAM_MAX, NULL);
            ask_many(&v.t, in_flight);
            h = run(&v, 2000);
            print_message("%u shards, %u in flight: %u of %u fail", shards, in_flight, h.failures,
                          h.responses + h.failures);
            assert_true(h.failures >= 3);
            h = run(&v, 8000);
            print_message(", then %u of %u\n", h.failures, h.responses + h.failures);
            assert_true(h.failures * 100 < h.responses + h.failures);
            v.is_healed = true;
            (void)run(&v, 5200); /* the pause, and a request that it had already */
            v.got = 0;
            h = run(&v, 1000);
            assert_int_equal(h.failures, 0);
            assert_true(in_flight < TEAM_MAX || v.got * 8 > h.responses);
            v.is_healed = false;
            rig_advance(&v.t.r, TTL_MS);
            listen_to(&v.t, &v.heard);
            team_close(&v.t);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_left_out_and_tried_again),
        cmocka_unit_test(test_not_left_out),
        cmocka_unit_test(test_only_what_it_was_sent),
        cmocka_unit_test(test_all_left_out),
        cmocka_unit_test(test_one_of_four),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
