/* Which member of a group gets a request. */
#include "support/team.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- the best one ---- */

/* One is there, one is away. */
static void
test_to_the_one_that_is_there(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 4; shards++) {
        struct team s;

        team_open(&s, shards, 2, NULL);
        rig_client_drop(&s.member[0]);
        for (int i = 0; i < 20; i++) {
            assert_int_equal(team_ask_whom(&s, NULL), 1);
            team_answer(&s, 1);
        }
        team_close(&s);
    }
}

/* Whoever has fewest in flight, whatever shard he is in. */
static void
test_fewest_in_flight(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 4; shards++) {
        struct team s;

        team_open(&s, shards, 3, NULL);
        for (unsigned round = 1; round <= 4; round++) {
            for (unsigned i = 0; i < 3; i++) {
                team_ask(&s, NULL);
            }
            for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(team_take(&s, i), round);
            }
        }
        for (unsigned i = 0; i < 4; i++) {
            team_answer(&s, 1);
        }
        for (unsigned i = 0; i < 4; i++) { /* until it has as many as the others */
            assert_int_equal(team_ask_whom(&s, NULL), 1);
        }
        assert_int_equal(team_take(&s, 0) + team_take(&s, 2), 8);
        team_answer_all(&s);
        team_close(&s);
    }
}

/* Of those with equally many, who has answered fastest of late. */
static void
test_lowest_latency(void **state)
{
    static const uint64_t takes_ms[3] = {10, 2, 20};

    (void)state;
    for (unsigned shards = 1; shards <= 4; shards++) {
        unsigned got[3] = {0};
        struct team s;

        team_open(&s, shards, 3, NULL);
        for (unsigned i = 0; i < 3 + 50; i++) {
            unsigned whom = team_ask_whom(&s, NULL);

            rig_advance(&s.r, takes_ms[whom]);
            team_answer(&s, whom);
            got[whom]++;
        }
        assert_int_equal(got[0], 1); /* nothing was known of them at first */
        assert_int_equal(got[2], 1);
        rig_client_drop(&s.member[1]);
        assert_int_equal(team_ask_whom(&s, NULL), 0);
        team_answer(&s, 0);
        rig_advance(&s.r, 300000); /* what was slow long ago has its chance again */
        for (unsigned i = 0; i < 2; i++) {
            team_ask(&s, NULL);
        }
        assert_int_equal(team_take(&s, 0), 1);
        assert_int_equal(team_take(&s, 2), 1);
        team_answer_all(&s);
        team_close(&s);
    }
}

/* What other shards have sent a member counts before it has arrived there. */
static void
feed(struct team *s)
{
    struct wire_any packet = rig_publish_packet(TEAM_TOPIC, "", 0, 0);
    struct wire_properties *v = &packet.as.publish.properties;
    char correlation[16];
    uint8_t bytes[128];
    struct wire_writer w = wire_writer_init(bytes, sizeof(bytes));
    size_t len = 0;

    (void)snprintf(correlation, sizeof(correlation), "%u", ++s->asked);
    v->response_topic = span_of_text(s->inbox);
    v->correlation_data = span_of_text(correlation);
    wire_properties_set(v, WIRE_RESPONSE_TOPIC);
    wire_properties_set(v, WIRE_CORRELATION_DATA);
    wire_any_encode(&w, &packet, WIRE_V5);
    assert_int_equal(wire_writer_finish(&w, &len), WILCO_OK);
    conn_feed(&s->asker.conn, span_of(bytes, len));
}

static void
test_on_the_way(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 4; shards++) {
        struct team s;
        unsigned whom = 0;

        team_open(&s, shards, 2, NULL);
        whom = team_ask_whom(&s, NULL);
        for (int i = 0; i < 5; i++) { /* in one turn of the requester's shard */
            feed(&s);
        }
        rig_settle(&s.r);
        assert_int_equal(team_take(&s, whom), 3);
        assert_int_equal(team_take(&s, 1 - whom), 3);
        team_answer_all(&s);
        team_close(&s);
    }
}

/* ---- a slow one ---- */

/* Each member answers one request after the other, member 0 ten times as slowly as the others. A
 * requester always has `in_flight` of them. */
struct race {
    struct team s;
    uint64_t free_ms[TEAM_MAX]; /* when the member will have answered the oldest */
    unsigned got[TEAM_MAX];
    unsigned answered;
};

static void
let_member_work(struct race *v, unsigned i)
{
    uint64_t now_ms = v->s.r.now_ms;
    uint64_t takes_ms = i == 0 ? 100 : 10;
    unsigned before = v->s.held[i].count;
    unsigned after = team_take(&v->s, i);

    v->got[i] += after - before;
    if (before == 0 && after > 0) {
        v->free_ms[i] = now_ms + takes_ms;
    }
    if (after > 0 && now_ms >= v->free_ms[i]) {
        team_answer(&v->s, i);
        v->answered++;
        v->free_ms[i] = now_ms + takes_ms;
        team_ask(&v->s, NULL);
    }
}

static void
test_slow_member(void **state)
{
    (void)state;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        for (unsigned in_flight = 1; in_flight <= 32; in_flight *= 2) {
            struct race v = {.answered = 0};

            team_open(&v.s, shards, TEAM_MAX, NULL);
            for (unsigned i = 0; i < in_flight; i++) {
                team_ask(&v.s, NULL);
            }
            while (v.answered < 1000) {
                for (unsigned i = 0; i < TEAM_MAX; i++) {
                    let_member_work(&v, i);
                }
                rig_advance(&v.s.r, 1);
            }
            print_message("%u shards, %u in flight: %u of 1000\n", shards, in_flight, v.got[0]);
            assert_true(v.got[0] < 100);
            assert_true(v.got[0] > 0);
            team_answer_all(&v.s);
            team_close(&v.s);
        }
    }
}

/* ---- always the same one ---- */

#define KEYS 200U

/* Whom each key goes to. */
static void
chart(struct team *s, unsigned whom[KEYS])
{
    for (unsigned key = 0; key < KEYS; key++) {
        char text[16];
        const struct wire_user_property user = {
            .name = SPAN_LITERAL("$partition"),
            .value = span_of(text, (size_t)snprintf(text, sizeof(text), "key%u", key)),
        };

        whom[key] = team_ask_whom(s, &user);
        assert_int_equal(team_ask_whom(s, &user), whom[key]); /* though it has one already */
    }
    team_answer_all(s);
}

/* The same member for the same $partition, whatever it has in flight; when one is lost, only what
 * it had goes elsewhere, and comes back with it. */
static void
test_partition(void **state)
{
    struct settings settings = settings_default();

    (void)state;
    settings.group_strategy = 1;
    for (unsigned shards = 1; shards <= 4; shards += 3) {
        unsigned before[KEYS];
        unsigned after[KEYS];
        unsigned keys_of[TEAM_MAX] = {0};
        unsigned heirs[TEAM_MAX] = {0};
        struct team s;

        team_open(&s, shards, TEAM_MAX, &settings);
        chart(&s, before);
        rig_client_drop(&s.member[2]);
        chart(&s, after);
        for (unsigned key = 0; key < KEYS; key++) {
            keys_of[before[key]]++;
            assert_int_not_equal(after[key], 2);
            if (before[key] == 2) {
                heirs[after[key]]++;
            } else {
                assert_int_equal(after[key], before[key]);
            }
        }
        for (unsigned i = 0; i < TEAM_MAX; i++) {
            assert_in_range(keys_of[i], KEYS / TEAM_MAX / 2, KEYS / TEAM_MAX * 2);
            assert_int_equal(heirs[i] > 0, i != 2);
        }
        rig_client_close(&s.member[2]);
        rig_resume(&s.r, &s.member[2], s.names[2], true);
        chart(&s, after);
        assert_memory_equal(after, before, sizeof(after));
        team_close(&s);
    }
}

/* A request without a $partition goes to the best one. */
static void
test_without_partition(void **state)
{
    struct settings settings = settings_default();
    struct team s;

    (void)state;
    settings.group_strategy = 1;
    team_open(&s, 2, TEAM_MAX, &settings);
    for (unsigned i = 0; i < TEAM_MAX * 2; i++) {
        team_ask(&s, NULL);
    }
    for (unsigned i = 0; i < TEAM_MAX; i++) {
        assert_int_equal(team_take(&s, i), 2);
    }
    team_answer_all(&s);
    team_close(&s);
}

/* The same member for the same requester; all members are somebody's. */
static void
test_sticky(void **state)
{
    const struct wire_user_property partition = USER("$partition", "p"); /* means nothing here */
    struct settings settings = settings_default();
    unsigned askers_of[TEAM_MAX] = {0};
    struct team s;

    (void)state;
    settings.group_strategy = 2;
    team_open(&s, 4, TEAM_MAX, &settings);
    rig_client_close(&s.asker);
    for (unsigned n = 0; n < 40; n++) {
        char name[16];
        unsigned whom = 0;

        (void)snprintf(name, sizeof(name), "asker%u", n);
        asker_connect(&s.r, &s.asker, name, ASKER_FULL, s.inbox);
        whom = team_ask_whom(&s, NULL);
        assert_int_equal(team_ask_whom(&s, &partition), whom);
        assert_int_equal(team_ask_whom(&s, NULL), whom);
        team_answer_all(&s);
        askers_of[whom]++;
        rig_client_close(&s.asker);
    }
    for (unsigned i = 0; i < TEAM_MAX; i++) {
        assert_in_range(askers_of[i], 2, 25);
    }
    team_close(&s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_to_the_one_that_is_there),
        cmocka_unit_test(test_fewest_in_flight),
        cmocka_unit_test(test_lowest_latency),
        cmocka_unit_test(test_on_the_way),
        cmocka_unit_test(test_slow_member),
        cmocka_unit_test(test_partition),
        cmocka_unit_test(test_without_partition),
        cmocka_unit_test(test_sticky),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
