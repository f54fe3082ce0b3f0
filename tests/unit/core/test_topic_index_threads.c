#include "broker/core/rcu.h"
#include "broker/core/topic_index.h"
#include "support/failing_alloc.h"
#include "support/leaving.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Some threads match all the time while one changes what they match. Sessions up to CONSTANT
 * subscribed before it began and stay: every match finds each of them once. REPLACED subscribes
 * again and again: every match finds it once, and never from an older round than was complete
 * before the match began. Those above come and go, each time with a higher identifier: once one is
 * gone, no match finds it. The low byte of every identifier is the session's number: no match gives
 * one the options of another. */

#define READERS  3
#define CONSTANT 5U
#define REPLACED 6U
#define COMING   7U /* from here on */
#define CHURNING 50U
#define ROUNDS   500U

static const char *const filters[] = {"a/b", "a/+", "#", "+/b/#", "x/y"};
#define FILTERS  (sizeof(filters) / sizeof(filters[0]))
#define MATCHING 4U /* of "a/b"; the last does not */

struct shared {
    struct topic_index *index;
    atomic_uint replaced; /* the last round that is complete */
    atomic_uint gone;     /* the last round whose subscriptions are gone */
    atomic_bool is_over;
    atomic_uint mistakes;
    atomic_uint matches;
};

static uint32_t
identifier_of(uint32_t round, uint64_t id)
{
    return round << 8 | (uint32_t)id;
}

static void
mistake_if(struct shared *s, bool wrong)
{
    if (wrong) {
        atomic_fetch_add(&s->mistakes, 1);
    }
}

static void
check_singles(struct shared *s, const struct topic_matches *out, uint32_t replaced, uint32_t gone)
{
    size_t seen[COMING] = {0};

    for (size_t i = 0; i < out->count; i++) {
        const struct topic_match *m = &out->items[i];
        uint32_t round = m->how.identifier >> 8;

        mistake_if(s, (m->how.identifier & 0xFF) != m->session_id);
        if (m->session_id < COMING) {
            seen[m->session_id]++;
        } else {
            mistake_if(s, round <= gone);
        }
        mistake_if(s, m->session_id == REPLACED && round < replaced);
        mistake_if(s, m->session_id <= CONSTANT && round != 0);
    }
    for (size_t id = 1; id < COMING; id++) {
        mistake_if(s, seen[id] != MATCHING);
    }
}

/* Of each constant group every walk finds the constant members once. */
static void
check_groups(struct shared *s, const struct topic_matches *out, uint32_t gone)
{
    size_t constant = 0;

    for (size_t i = 0; i < out->group_count; i++) {
        struct topic_group *g = out->groups[i];
        struct topic_group_cursor c = {0};
        struct topic_match m;
        uint32_t start = topic_group_turn(g);

        while (topic_group_next(g, start, &c, &m)) {
            constant += m.session_id <= CONSTANT;
            mistake_if(s, (m.how.identifier & 0xFF) != m.session_id);
            mistake_if(s, m.session_id >= COMING && m.how.identifier >> 8 <= gone);
        }
    }
    mistake_if(s, constant != MATCHING * CONSTANT);
}

static void *
read_all_the_time(void *argument)
{
    struct shared *s = argument;
    struct topic_matches out;

    rcu_thread_enter();
    topic_matches_init(&out, alloc_system());
    while (!atomic_load(&s->is_over)) {
        uint32_t replaced = atomic_load(&s->replaced);
        uint32_t gone = atomic_load(&s->gone);

        rcu_read_begin();
        mistake_if(s, topic_index_match(s->index, SPAN_LITERAL("a/b"), &out) != WILCO_OK);
        check_singles(s, &out, replaced, gone);
        check_groups(s, &out, gone);
        rcu_read_end();
        atomic_fetch_add(&s->matches, 1);
    }
    topic_matches_fini(&out);
    rcu_thread_leave();
    return NULL;
}

static void
subscribe(struct shared *s, const char *filter, const char *group, uint64_t id, uint32_t round)
{
    struct subscription_how how = {.identifier = identifier_of(round, id)};
    bool existed;

    assert_int_equal(topic_index_subscribe(s->index, span_of_text(filter), span_of_text(group), id,
                                           &how, &existed),
                     WILCO_OK);
}

static void
unsubscribe(struct shared *s, const char *filter, const char *group, uint64_t id)
{
    assert_true(leave_index(s->index, span_of_text(filter), span_of_text(group), id));
}

static void
subscribe_constant(struct shared *s)
{
    for (size_t f = 0; f < FILTERS; f++) {
        for (uint64_t id = 1; id <= CONSTANT; id++) {
            subscribe(s, filters[f], "", id, 0);
            subscribe(s, filters[f], "constant", id, 0);
        }
        subscribe(s, filters[f], "", REPLACED, 1);
    }
    atomic_store(&s->replaced, 1);
}

/* One round makes arrays grow and shrink, groups, nodes and tables come and go. */
static void
churn(struct shared *s, uint32_t round)
{
    char passing[32];

    (void)snprintf(passing, sizeof(passing), "a/+/%u/#", round);
    for (uint32_t i = 0; i < CHURNING; i++) {
        const char *filter = filters[(i + round) % FILTERS];

        subscribe(s, filter, "", COMING + i, round);
        subscribe(s, filter, "passing", COMING + i, round);
        subscribe(s, filter, "constant", COMING + i, round);
        subscribe(s, passing, "", COMING + i, round);
        subscribe(s, passing + 3, "", COMING + i, round);
        subscribe(s, "a/b", "", REPLACED, round);
    }
    for (size_t f = 0; f < FILTERS; f++) {
        subscribe(s, filters[f], "", REPLACED, round);
    }
    atomic_store(&s->replaced, round);
    for (uint32_t i = CHURNING; i-- > 0;) {
        const char *filter = filters[(i + round) % FILTERS];

        unsubscribe(s, filter, "", COMING + i);
        unsubscribe(s, filter, "passing", COMING + i);
        unsubscribe(s, filter, "constant", COMING + i);
        unsubscribe(s, passing, "", COMING + i);
        unsubscribe(s, passing + 3, "", COMING + i);
    }
    atomic_store(&s->gone, round);
}

static void
matching_goes_on_while_subscriptions_change(void **state)
{
    struct failing_alloc alloc;
    struct shared s = {.index = NULL};
    pthread_t readers[READERS];

    (void)state;
    failing_alloc_init(&alloc, 0);
    s.index = topic_index_new(&alloc.alloc, 4711);
    assert_non_null(s.index);
    subscribe_constant(&s);
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&readers[i], NULL, read_all_the_time, &s), 0);
    }
    for (uint32_t round = 2; round < ROUNDS || atomic_load(&s.matches) < 100; round++) {
        churn(&s, round);
    }
    atomic_store(&s.is_over, true);
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(readers[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&s.mistakes), 0);
    assert_int_equal(topic_index_count(s.index), FILTERS * (2 * CONSTANT + 1));
    topic_index_free(s.index);
    assert_int_equal(alloc.live, 0);
}

/* Two writers at their own filters, and one filter that both share. */
static void *
write_all_the_time(void *argument)
{
    struct shared *s = argument;
    uint64_t id = atomic_fetch_add(&s->replaced, 1) + 1;
    char own[32];

    rcu_thread_enter();
    (void)snprintf(own, sizeof(own), "own/%u/+", (unsigned)id);
    for (uint32_t i = 0; i < 2000; i++) {
        struct subscription_how how = {.identifier = i};
        bool existed = true;

        mistake_if(s, topic_index_subscribe(s->index, span_of_text(own), SPAN_EMPTY, id, &how,
                                            &existed) != WILCO_OK);
        mistake_if(s, existed);
        mistake_if(s, topic_index_subscribe(s->index, SPAN_LITERAL("ours"), SPAN_EMPTY, id, &how,
                                            &existed) != WILCO_OK);
        mistake_if(s, existed);
        mistake_if(s, !leave_index(s->index, span_of_text(own), SPAN_EMPTY, id));
        mistake_if(s, !leave_index(s->index, SPAN_LITERAL("ours"), SPAN_EMPTY, id));
    }
    rcu_thread_leave();
    return NULL;
}

static void
writers_wait_for_each_other(void **state)
{
    struct failing_alloc alloc;
    struct shared s = {.index = NULL};
    pthread_t writers[READERS];

    (void)state;
    failing_alloc_init(&alloc, 0);
    s.index = topic_index_new(&alloc.alloc, 4711);
    assert_non_null(s.index);
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&writers[i], NULL, write_all_the_time, &s), 0);
    }
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_join(writers[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&s.mistakes), 0);
    assert_int_equal(topic_index_count(s.index), 0);
    topic_index_free(s.index);
    assert_int_equal(alloc.live, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matching_goes_on_while_subscriptions_change),
        cmocka_unit_test(writers_wait_for_each_other),
    };
    int failed;

    rcu_thread_enter();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rcu_thread_leave();
    return failed;
}
