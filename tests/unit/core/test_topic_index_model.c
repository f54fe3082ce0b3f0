#include "broker/core/rcu.h"
#include "broker/core/topic_index.h"
#include "support/failing_alloc.h"
#include "support/leaving.h"
#include "wire/topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The index against the plainest model there is: an array with a place for every filter, group and
 * session that can occur. Thousands of random steps; after each some topics are matched both ways
 * [MQTT-3.3.2-3]. */

static const char *const filters[] = {
    "a",
    "b",
    "a/b",
    "a/b/c",
    "/",
    "a/",
    "/a",
    "a//b",
    "$s",
    "$s/a",
    "+",
    "+/+",
    "+/b",
    "a/+",
    "a/+/c",
    "+/b/c",
    "+/+/+",
    "a/b/+",
    "#",
    "/#",
    "a/#",
    "a/b/#",
    "a/b/c/#",
    "+/#",
    "+/b/#",
    "a/+/#",
    "+/+/#",
    "$s/#",
    "$s/+",
    "$s/+/#",
    "+/+/c/d",
    "a/b/c/d",
    "a/+/c/+",
    "b/+",
    "b/c/d/e",
    "longer/level/names/are/fine",
    "longer/+/names/#",
};
static const char *const topics[] = {
    "a",
    "b",
    "c",
    "a/b",
    "a/c",
    "b/b",
    "a/b/c",
    "a/x/c",
    "x/b/c",
    "/",
    "//",
    "a/",
    "/a",
    "a//b",
    "$s",
    "$s/a",
    "$s/a/b",
    "a/b/c/d",
    "a/b/c/d/e",
    "x/y/c/d",
    "b/c/d/e",
    "a/$s",
    "longer/level/names/are/fine",
    "longer/x/names",
    "$t/a",
};
static const char *const groups[] = {"", "g", "another group"};

#define FILTERS  (sizeof(filters) / sizeof(filters[0]))
#define TOPICS   (sizeof(topics) / sizeof(topics[0]))
#define GROUPS   (sizeof(groups) / sizeof(groups[0]))
#define SESSIONS 60U

/* The Subscription Identifier says which subscription it is, and which version of it. */
struct model {
    uint32_t identifiers[FILTERS][GROUPS][SESSIONS]; /* 0: not subscribed */
    size_t count;
    uint64_t random;
};

static struct model model;

static uint32_t
next_random(uint32_t below)
{
    model.random = model.random * UINT64_C(6364136223846793005) + 1442695040888963407U;
    return (uint32_t)(model.random >> 33) % below;
}

static void
subscribe(struct topic_index *index, size_t f, size_t g, uint32_t s, uint32_t version)
{
    struct subscription_how how = {
        .identifier = (version % 1000 + 1) * (uint32_t)FILTERS + (uint32_t)f,
        .qos = (uint8_t)(version % 3),
        .no_local = version % 5 == 0,
    };
    bool existed;

    assert_int_equal(topic_index_subscribe(index, span_of_text(filters[f]), span_of_text(groups[g]),
                                           s + 1, &how, &existed),
                     WILCO_OK);
    assert_int_equal(existed, model.identifiers[f][g][s] != 0);
    model.count += !existed;
    model.identifiers[f][g][s] = how.identifier;
}

static void
unsubscribe(struct topic_index *index, size_t f, size_t g, uint32_t s)
{
    bool existed = leave_index(index, span_of_text(filters[f]), span_of_text(groups[g]), s + 1);

    assert_int_equal(existed, model.identifiers[f][g][s] != 0);
    model.count -= existed;
    model.identifiers[f][g][s] = 0;
}

/* Takes a subscription that was found off the model's copy, where it must be. */
static size_t
strike(struct model *left, const struct topic_match *m, size_t g)
{
    size_t f = m->how.identifier % FILTERS;
    uint32_t s = (uint32_t)m->session_id - 1;

    assert_in_range(m->session_id, 1, SESSIONS);
    assert_int_equal(left->identifiers[f][g][s], m->how.identifier);
    left->identifiers[f][g][s] = 0;
    return f;
}

/* All of a group, from a random start; which group it is, its members say. */
static void
strike_group(struct model *left, struct topic_group *group)
{
    struct topic_group_cursor c = {0};
    struct topic_match m;
    size_t which = GROUPS;
    size_t first_filter = FILTERS;
    uint32_t start = next_random(1000);

    while (topic_group_next(group, start, &c, &m)) {
        size_t f = m.how.identifier % FILTERS;

        if (which == GROUPS) {
            first_filter = f;
            which =
                left->identifiers[f][1][m.session_id - 1] == m.how.identifier &&
                        span_equal(span_of(group->name, group->name_bytes), span_of_text(groups[1]))
                    ? 1
                    : 2;
        }
        assert_int_equal(f, first_filter);
        (void)strike(left, &m, which);
    }
    assert_int_not_equal(which, GROUPS); /* an empty group is not shown */
}

/* Whatever matches must have been struck off. */
static size_t
count_matching_filters(const struct model *left, const char *topic)
{
    size_t count = 0;

    for (size_t f = 0; f < FILTERS; f++) {
        bool has_any = false;

        if (!topic_matches(span_of_text(filters[f]), span_of_text(topic))) {
            continue;
        }
        for (size_t i = 0; i < GROUPS * SESSIONS; i++) {
            assert_int_equal(left->identifiers[f][i / SESSIONS][i % SESSIONS], 0);
            has_any = has_any || model.identifiers[f][i / SESSIONS][i % SESSIONS] != 0;
        }
        count += has_any;
    }
    return count;
}

static void
check(struct topic_index *index, const char *topic, struct topic_matches *out)
{
    static struct model left;

    left = model;
    rcu_read_begin();
    assert_int_equal(topic_index_match(index, span_of_text(topic), out), WILCO_OK);
    for (size_t i = 0; i < out->count; i++) {
        size_t f = strike(&left, &out->items[i], 0);

        assert_true(topic_matches(span_of_text(filters[f]), span_of_text(topic)));
    }
    for (size_t i = 0; i < out->group_count; i++) {
        strike_group(&left, out->groups[i]);
    }
    rcu_read_end();
    assert_int_equal(out->filters, count_matching_filters(&left, topic));
    assert_int_equal(topic_index_count(index), model.count);
}

/* `sessions` of them take part; of ten steps `additions` subscribe, the others unsubscribe. */
static void
steps(struct topic_index *index, struct topic_matches *out, uint32_t count, uint32_t sessions,
      uint32_t additions)
{
    for (uint32_t i = 0; i < count; i++) {
        size_t f = next_random(FILTERS);
        size_t g = next_random(GROUPS);
        uint32_t s = next_random(sessions);

        if (next_random(10) < additions) {
            subscribe(index, f, g, s, i);
        } else {
            unsubscribe(index, f, g, s);
        }
        if (i % 8 == 0) {
            check(index, topics[next_random(TOPICS)], out);
        }
    }
    for (size_t t = 0; t < TOPICS; t++) {
        check(index, topics[t], out);
    }
}

static void
behaves_like_the_model(void **state)
{
    struct failing_alloc alloc;
    struct topic_index *index;
    struct topic_matches out;

    (void)state;
    failing_alloc_init(&alloc, 0);
    for (uint64_t seed = 1; seed <= 4; seed++) {
        model = (struct model){.random = seed};
        index = topic_index_new(&alloc.alloc, seed * 77);
        assert_non_null(index);
        topic_matches_init(&out, &alloc.alloc);
        steps(index, &out, 2000, 2, 4); /* filters come and go all the time */
        steps(index, &out, 8000, SESSIONS, 7);
        steps(index, &out, 8000, SESSIONS, 5);
        steps(index, &out, 8000, SESSIONS, 2);
        topic_matches_fini(&out);
        topic_index_free(index); /* with what is left in it */
        assert_int_equal(alloc.live, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behaves_like_the_model),
    };
    int failed;

    rcu_thread_enter();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rcu_thread_leave();
    return failed;
}
