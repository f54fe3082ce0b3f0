#include "broker/core/subscriber_set.h"

#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define SESSIONS 600U

struct fixture {
    struct failing_alloc alloc;
    struct reclaim reclaim;
    struct subscriber_set set;
    struct topic_matches out;
    uint32_t identifiers[SESSIONS + 1]; /* by session id; 0: not subscribed */
    uint32_t random;
};

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    rcu_thread_enter();
    failing_alloc_init(&f->alloc, 0);
    reclaim_init(&f->reclaim, &f->alloc.alloc);
    topic_matches_init(&f->out, &f->alloc.alloc);
    f->random = 99;
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    subscriber_set_fini(&f->set, &f->alloc.alloc);
    topic_matches_fini(&f->out);
    reclaim_fini(&f->reclaim);
    assert_int_equal(f->alloc.live, 0);
    free(f);
    rcu_thread_leave();
    return 0;
}

static uint32_t
next_random(struct fixture *f)
{
    f->random = f->random * 1664525U + 1013904223U;
    return f->random >> 8;
}

static void
put(struct fixture *f, uint64_t id, uint32_t identifier)
{
    struct subscription_how how = {.identifier = identifier};
    bool existed;

    assert_int_equal(subscriber_set_put(&f->set, &f->reclaim, id, &how, &existed), WILCO_OK);
    assert_int_equal(existed, f->identifiers[id] != 0);
    f->identifiers[id] = identifier;
}

static void
take_out(struct fixture *f, uint64_t id)
{
    assert_int_equal(subscriber_set_remove(&f->set, &f->reclaim, id), f->identifiers[id] != 0);
    f->identifiers[id] = 0;
}

static void
check_all(struct fixture *f)
{
    bool seen[SESSIONS + 1] = {false};
    size_t count = 0;

    topic_matches_clear(&f->out);
    assert_int_equal(subscriber_set_collect(&f->set, &f->out), WILCO_OK);
    for (size_t i = 0; i < f->out.count; i++) {
        uint64_t id = f->out.items[i].session_id;

        assert_in_range(id, 1, SESSIONS);
        assert_false(seen[id]);
        seen[id] = true;
        assert_int_equal(f->out.items[i].how.identifier, f->identifiers[id]);
    }
    for (size_t id = 1; id <= SESSIONS; id++) {
        count += f->identifiers[id] != 0;
    }
    assert_int_equal(f->out.count, count);
    assert_int_equal(subscriber_set_is_empty(&f->set), count == 0);
}

static void
options_survive_packing(void **state)
{
    static const struct subscription_how rows[] = {
        {0, 0, false, false, false},        {1, 1, true, false, false},
        {268435455, 2, false, true, false}, {77, 2, true, true, true},
        {268435455, 0, false, false, true}, {1, 2, false, false, false},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool existed;

        assert_int_equal(subscriber_set_put(&f->set, &f->reclaim, 5, &rows[i], &existed), WILCO_OK);
        assert_int_equal(existed, i > 0);
        topic_matches_clear(&f->out);
        assert_int_equal(subscriber_set_collect(&f->set, &f->out), WILCO_OK);
        assert_int_equal(f->out.count, 1);
        assert_int_equal(f->out.items[0].session_id, 5);
        assert_int_equal(f->out.items[0].how.identifier, rows[i].identifier);
        assert_int_equal(f->out.items[0].how.qos, rows[i].qos);
        assert_int_equal(f->out.items[0].how.no_local, rows[i].no_local);
        assert_int_equal(f->out.items[0].how.retain_as_published, rows[i].retain_as_published);
        assert_int_equal(f->out.items[0].how.is_observer, rows[i].is_observer);
    }
}

static void
the_first_needs_no_memory(void **state)
{
    struct fixture *f = *state;

    put(f, 1, 1);
    put(f, 1, 2);
    assert_int_equal(f->alloc.attempts, 0);
    check_all(f);
    take_out(f, 2);
    take_out(f, 1);
    take_out(f, 1);
    check_all(f);
}

static void
they_come_in_the_order_of_subscribing(void **state)
{
    struct fixture *f = *state;

    for (uint32_t id = SESSIONS; id > 0; id--) {
        put(f, id, id);
    }
    check_all(f);
    for (uint32_t i = 0; i < SESSIONS; i++) {
        assert_int_equal(f->out.items[i].session_id, SESSIONS - i);
    }
}

/* The place of one that left is not given away: a reader may be between its id and its options. */
static void
who_comes_later_comes_last(void **state)
{
    static const uint64_t want[] = {1, 2, 3, 5, 6, 7, 8, 9, 10, 11};
    struct fixture *f = *state;

    for (uint32_t id = 1; id <= 10; id++) {
        put(f, id, id);
    }
    take_out(f, 4);
    put(f, 11, 11);
    check_all(f);
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        assert_int_equal(f->out.items[i].session_id, want[i]);
    }
}

static void
behaves_like_a_map(void **state)
{
    static const uint32_t sizes[] = {2, 3, 9, 20, 70, SESSIONS};
    struct fixture *f = *state;

    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        for (uint32_t step = 1; step < 6000; step++) {
            uint32_t id = next_random(f) % sizes[s] + 1;

            if (next_random(f) % 5 < 2) {
                take_out(f, id);
            } else {
                put(f, id, step);
            }
            if (step < 300 || step % 100 == 0) {
                check_all(f);
            }
        }
        for (uint32_t id = 1; id <= SESSIONS; id++) {
            take_out(f, id);
        }
        check_all(f);
        assert_null(atomic_load(&f->set.more));
    }
}

static void
without_memory_nothing_changes(void **state)
{
    struct fixture *f = *state;
    struct subscription_how how = {.identifier = 9};
    size_t refused = 0;
    bool existed;

    for (uint32_t id = 1; id <= SESSIONS; id++) {
        f->alloc.fail_at = f->alloc.attempts + 1;
        if (subscriber_set_put(&f->set, &f->reclaim, id, &how, &existed) != WILCO_OK) {
            refused++;
            f->alloc.fail_at = 0;
            check_all(f);
            put(f, id, 9);
        }
        f->identifiers[id] = 9;
    }
    assert_in_range(refused, 5, 15);
    check_all(f);
    for (uint32_t id = 1; id <= SESSIONS; id++) { /* removing goes on without */
        f->alloc.fail_at = f->alloc.attempts + 1;
        take_out(f, id);
        if (id % 50 == 0) {
            f->alloc.fail_at = 0;
            check_all(f);
        }
    }
    check_all(f);
}

static void
collecting_says_when_memory_is_out(void **state)
{
    struct fixture *f = *state;

    put(f, 1, 1);
    f->alloc.fail_at = f->alloc.attempts + 1;
    assert_int_equal(subscriber_set_collect(&f->set, &f->out), WILCO_ENOMEM);
    for (uint32_t id = 2; id <= SESSIONS; id++) {
        put(f, id, id);
    }
    f->alloc.fail_at = f->alloc.attempts + 2;
    assert_int_equal(subscriber_set_collect(&f->set, &f->out), WILCO_ENOMEM);
    check_all(f);
}

/* Walks from every start; each walk comes to each member once. */
static void
check_walks(struct fixture *f, uint32_t members)
{
    for (uint32_t start = 0; start < 2 * members + 3; start++) {
        struct subscriber_cursor c = {0};
        struct topic_match m;
        bool seen[SESSIONS + 1] = {false};
        uint32_t count = 0;

        while (subscriber_set_next(&f->set, start, &c, &m)) {
            assert_false(seen[m.session_id]);
            seen[m.session_id] = true;
            assert_int_equal(m.how.identifier, f->identifiers[m.session_id]);
            count++;
        }
        assert_int_equal(count, members);
    }
}

static void
a_walk_comes_to_each_once(void **state)
{
    struct fixture *f = *state;

    check_walks(f, 0);
    for (uint32_t id = 1; id <= 40; id++) {
        put(f, id, id);
        check_walks(f, id);
    }
    for (uint32_t id = 1; id <= 40; id++) {
        take_out(f, id);
        check_walks(f, 40 - id);
    }
}

/* Small sets without those that left: every member is the first as often as the others. */
static void
starting_places_are_even(void **state)
{
    struct fixture *f = *state;

    for (uint32_t id = 1; id <= 7; id++) {
        put(f, id, id);
    }
    for (uint32_t left = 7; left > 0; left--) {
        uint32_t firsts[8] = {0};

        for (uint32_t start = 0; start < left * 10; start++) {
            struct subscriber_cursor c = {0};
            struct topic_match m;

            assert_true(subscriber_set_next(&f->set, start, &c, &m));
            firsts[m.session_id]++;
        }
        for (uint32_t id = 1; id <= 7; id++) {
            assert_int_equal(firsts[id], f->identifiers[id] == 0 ? 0 : 10);
        }
        take_out(f, (left * 3) % 7 + 1); /* in no particular order */
    }
}

static void
a_walk_goes_on_while_the_set_changes(void **state)
{
    struct fixture *f = *state;
    struct subscriber_cursor c = {0};
    struct topic_match m;

    for (uint32_t id = 1; id <= 6; id++) {
        put(f, id, id);
    }
    rcu_read_begin();
    assert_true(subscriber_set_next(&f->set, 0, &c, &m));
    assert_int_equal(m.session_id, 1);
    assert_true(subscriber_set_next(&f->set, 0, &c, &m));
    assert_int_equal(m.session_id, 2);
    take_out(f, 1);
    take_out(f, 2); /* the others move up in a new array */
    put(f, 7, 7);
    for (uint32_t id = 3; id <= 6; id++) {
        assert_true(subscriber_set_next(&f->set, 0, &c, &m));
        assert_int_equal(m.session_id, id);
    }
    assert_false(subscriber_set_next(&f->set, 0, &c, &m));
    rcu_read_end();
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(options_survive_packing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_needs_no_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(they_come_in_the_order_of_subscribing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_comes_later_comes_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(behaves_like_a_map, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_memory_nothing_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(collecting_says_when_memory_is_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_walk_comes_to_each_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(starting_places_are_even, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_walk_goes_on_while_the_set_changes, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
