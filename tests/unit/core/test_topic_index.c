#include "broker/core/topic_index.h"

#include "broker/core/rcu.h"
#include "support/failing_alloc.h"
#include "support/leaving.h"
#include "wire/topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SEED UINT64_C(42)

struct fixture {
    struct failing_alloc alloc;
    struct topic_index *index;
    struct topic_matches out;
};

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    failing_alloc_init(&f->alloc, 0);
    f->index = topic_index_new(&f->alloc.alloc, SEED);
    assert_non_null(f->index);
    topic_matches_init(&f->out, alloc_system());
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;

    topic_matches_fini(&f->out);
    topic_index_free(f->index);
    assert_int_equal(f->alloc.live, 0);
    free(f);
    return 0;
}

static void
subscribe(struct fixture *f, const char *filter, const char *group, uint64_t id,
          uint32_t identifier)
{
    struct subscription_how how = {.identifier = identifier, .qos = 1};
    bool existed;

    assert_int_equal(topic_index_subscribe(f->index, span_of_text(filter), span_of_text(group), id,
                                           &how, &existed),
                     WILCO_OK);
    assert_false(existed);
}

static bool
unsubscribe(struct fixture *f, const char *filter, const char *group, uint64_t id)
{
    return leave_index(f->index, span_of_text(filter), span_of_text(group), id);
}

static void
match(struct fixture *f, const char *topic)
{
    assert_int_equal(topic_index_match(f->index, span_of_text(topic), &f->out), WILCO_OK);
}

static const struct {
    const char *filter, *topic;
    bool matches;
} rows[] = {
    {"a", "a", true},
    {"a", "A", false},
    {"a", "b", false},
    {"a", "a/", false},
    {"a/", "a/", true},
    {"/a", "a", false},
    {"a/b", "a/b", true},
    {"a/b", "a", false},
    {"a/b", "a/b/c", false},
    {"/", "/", true},
    {"//", "/", false},
    {"+", "a", true},
    {"+", "a/b", false},
    {"+", "/", false},
    {"+/+", "/", true},
    {"/+", "/a", true},
    {"+", "/a", false},
    {"a/+", "a", false},
    {"a/+", "a/", true},
    {"a/+", "a/b", true},
    {"a/+", "a/b/c", false},
    {"+/b", "a/b", true},
    {"+/b", "a/c", false},
    {"a/+/c", "a/b/c", true},
    {"a/+/c", "a//c", true},
    {"a/+/c", "a/b/d", false},
    {"+/+/+", "a/b/c", true},
    {"+/+/+", "a/b", false},
    {"#", "a", true},
    {"#", "/", true},
    {"#", "a/b/c", true},
    {"a/#", "a", true},
    {"a/#", "a/", true},
    {"a/#", "a/b/c", true},
    {"a/#", "ab", false},
    {"a/#", "b/a", false},
    {"/#", "/", true},
    {"/#", "a", false},
    {"+/#", "a", true},
    {"+/#", "a/b/c", true},
    {"a/+/#", "a", false},
    {"a/+/#", "a/b", true},
    {"a/+/#", "a/b/c/d", true},
    {"#", "$SYS/uptime", false}, /* [MQTT-4.7.2-1] */
    {"#", "$", false},
    {"+/uptime", "$SYS/uptime", false},
    {"+/#", "$SYS/uptime", false},
    {"$SYS/#", "$SYS/uptime", true},
    {"$SYS/#", "$SYS", true},
    {"$SYS/+", "$SYS/uptime", true},
    {"$SYS/uptime", "$SYS/uptime", true},
    {"a/#", "a/$b", true},
    {"+/+", "a/$b", true},
};

static void
filters_match_as_the_standard_says(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        subscribe(f, rows[i].filter, "", 7, 9);
        match(f, rows[i].topic);
        assert_int_equal(f->out.count, rows[i].matches);
        assert_int_equal(f->out.filters, rows[i].matches);
        if (rows[i].matches) {
            assert_int_equal(f->out.items[0].session_id, 7);
            assert_int_equal(f->out.items[0].how.identifier, 9);
            assert_int_equal(f->out.items[0].how.qos, 1);
        }
        assert_true(unsubscribe(f, rows[i].filter, "", 7));
        match(f, rows[i].topic);
        assert_int_equal(f->out.count, 0);
        assert_int_equal(f->out.filters, 0);
    }
}

static void
an_empty_index_matches_nothing_and_needs_nothing(void **state)
{
    struct fixture *f = *state;

    match(f, "a/b");
    assert_int_equal(f->out.count, 0);
    assert_int_equal(f->alloc.live, 1);
    assert_int_equal(topic_index_count(f->index), 0);
    assert_false(unsubscribe(f, "a/b", "", 1));
    assert_false(unsubscribe(f, "a/+", "", 1));
    assert_false(unsubscribe(f, "a/b", "g", 1));
}

static void
subscribing_again_replaces(void **state) /* [MQTT-3.8.4-3] */
{
    static const char *const filters[] = {"a/b", "a/+"};
    struct fixture *f = *state;

    for (size_t i = 0; i < 2; i++) {
        struct subscription_how how = {.identifier = 2, .no_local = true};
        bool existed;

        subscribe(f, filters[i], "", 7, 1);
        assert_int_equal(topic_index_subscribe(f->index, span_of_text(filters[i]), SPAN_EMPTY, 7,
                                               &how, &existed),
                         WILCO_OK);
        assert_true(existed);
        assert_int_equal(topic_index_count(f->index), 1);
        match(f, "a/b");
        assert_int_equal(f->out.count, 1);
        assert_int_equal(f->out.items[0].how.identifier, 2);
        assert_true(f->out.items[0].how.no_local);
        assert_true(unsubscribe(f, filters[i], "", 7));
        assert_false(unsubscribe(f, filters[i], "", 7));
    }
}

static void
every_matching_filter_counts(void **state)
{
    struct fixture *f = *state;

    subscribe(f, "a/b", "", 1, 0);
    subscribe(f, "a/+", "", 1, 0);
    subscribe(f, "a/+", "", 2, 0);
    subscribe(f, "#", "", 3, 0);
    subscribe(f, "a/b/#", "g", 4, 0);
    subscribe(f, "b", "", 5, 0);
    match(f, "a/b");
    assert_int_equal(f->out.count, 4);
    assert_int_equal(f->out.group_count, 1);
    assert_int_equal(f->out.filters, 4);
}

static void
groups_are_apart_by_name_and_filter(void **state)
{
    struct fixture *f = *state;
    bool seen[4] = {false};

    subscribe(f, "a/b", "g", 1, 1);
    subscribe(f, "a/b", "h", 1, 2);
    subscribe(f, "a/+", "g", 1, 3);
    subscribe(f, "a/b", "", 1, 0);
    match(f, "a/b");
    assert_int_equal(f->out.count, 1);
    assert_int_equal(f->out.group_count, 3);
    for (size_t i = 0; i < 3; i++) {
        struct topic_group_cursor c = {0};
        struct topic_match m;

        assert_true(topic_group_next(f->out.groups[i], 5, &c, &m));
        assert_false(seen[m.how.identifier]);
        seen[m.how.identifier] = true;
        assert_false(topic_group_next(f->out.groups[i], 5, &c, &m));
    }
    assert_true(unsubscribe(f, "a/b", "g", 1));
    assert_false(unsubscribe(f, "a/b", "g", 1));
    assert_false(unsubscribe(f, "a/b", "i", 1));
    match(f, "a/b");
    assert_int_equal(f->out.group_count, 2);
    assert_int_equal(topic_index_count(f->index), 3);
}

static void
members_take_turns(void **state)
{
    struct fixture *f = *state;
    unsigned chosen[6] = {0};

    for (uint64_t id = 1; id <= 5; id++) {
        subscribe(f, "work", "g", id, 0);
    }
    match(f, "work");
    for (unsigned i = 0; i < 50; i++) {
        struct topic_group *g = f->out.groups[0];
        struct topic_group_cursor c = {0};
        struct topic_match m;

        assert_true(topic_group_next(g, topic_group_turn(g), &c, &m));
        chosen[m.session_id]++;
    }
    for (uint64_t id = 1; id <= 5; id++) {
        assert_int_equal(chosen[id], 10);
    }
}

/* Settles until only the index itself is left: what is taken out during a grace period waits for
 * the next. */
static void
assert_is_bare(struct fixture *f)
{
    assert_int_equal(topic_index_count(f->index), 0);
    for (int i = 0; i < 3 && f->alloc.live > 1; i++) {
        rcu_settle();
    }
    assert_int_equal(f->alloc.live, 1);
}

static void
memory_goes_back(void **state)
{
    static const char *const filters[] = {"a", "a/b", "a/+", "a/#", "#", "+/+/#", "a/b/c/+/d/e/f"};
    struct fixture *f = *state;

    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
            for (uint64_t id = 1; id <= 40; id++) {
                subscribe(f, filters[i], id % 3 == 0 ? "g" : id % 3 == 1 ? "h" : "", id, 0);
            }
        }
        for (size_t i = sizeof(filters) / sizeof(filters[0]); i-- > 0;) {
            for (uint64_t id = 1; id <= 40; id++) {
                assert_true(unsubscribe(f, filters[i],
                                        id % 3 == 0   ? "g"
                                        : id % 3 == 1 ? "h"
                                                      : "",
                                        id));
            }
        }
        assert_is_bare(f);
    }
}

/* Takes minutes when any step is linear in the number of subscribers. */
static void
many_subscribers_of_one_filter(void **state)
{
    enum { MANY = 100000 };
    static const char *const groups[] = {"", "g"};
    struct fixture *f = *state;

    for (size_t g = 0; g < 2; g++) {
        for (uint64_t id = 1; id <= MANY; id++) {
            subscribe(f, "all/of/us", groups[g], id, 0);
        }
        match(f, "all/of/us");
        assert_int_equal(f->out.count, g == 0 ? MANY : 0);
        assert_int_equal(topic_index_count(f->index), MANY);
        for (uint64_t id = 1; id <= MANY; id++) {
            assert_true(unsubscribe(f, "all/of/us", groups[g], id));
        }
        assert_is_bare(f);
    }
}

static void
many_filters(void **state)
{
    enum { MANY = 50000 };
    static const char *const shapes[][2] = {
        {"device/", "/state"}, {"device/", "/+"}, {"+/", "/state/#"}};
    struct fixture *f = *state;
    char text[40];

    for (size_t s = 0; s < 3; s++) {
        for (unsigned i = 0; i < MANY; i++) {
            (void)snprintf(text, sizeof(text), "%s%u%s", shapes[s][0], i, shapes[s][1]);
            subscribe(f, text, "", i + 1, (uint32_t)s);
        }
    }
    for (unsigned i = 0; i < MANY; i += 7) {
        (void)snprintf(text, sizeof(text), "device/%u/state", i);
        match(f, text);
        assert_int_equal(f->out.count, 3);
        for (size_t s = 0; s < 3; s++) {
            assert_int_equal(f->out.items[s].session_id, i + 1);
        }
    }
    for (size_t s = 0; s < 3; s++) {
        for (unsigned i = 0; i < MANY; i++) {
            (void)snprintf(text, sizeof(text), "%s%u%s", shapes[s][0], i, shapes[s][1]);
            assert_true(unsubscribe(f, text, "", i + 1));
        }
    }
    assert_is_bare(f);
}

/* A text of `levels` times `level`, separated. */
static char *
deep(const char *level, size_t levels)
{
    char *text = calloc(levels, strlen(level) + 1);

    assert_non_null(text);
    for (size_t i = 0, at = 0; i < levels; i++) {
        if (i > 0) {
            text[at++] = '/';
        }
        memcpy(text + at, level, strlen(level));
        at += strlen(level);
    }
    return text;
}

static void
depth_is_no_danger(void **state)
{
    static const size_t depths[] = {1, 2, 127, 128, 129, 1000, 30000};
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(depths) / sizeof(depths[0]); i++) {
        char *topic = deep("a", depths[i]);
        char *filter = deep("+", depths[i]);
        char *longer = deep("+", depths[i] + 1);

        subscribe(f, filter, "", 1, 0);
        subscribe(f, topic, "", 2, 0);
        subscribe(f, "#", "", 3, 0);
        subscribe(f, longer, "", 4, 0);
        match(f, topic);
        assert_int_equal(f->out.count, 3);
        assert_true(unsubscribe(f, filter, "", 1));
        assert_true(unsubscribe(f, topic, "", 2));
        assert_true(unsubscribe(f, "#", "", 3));
        assert_true(unsubscribe(f, longer, "", 4));
        free(topic);
        free(filter);
        free(longer);
    }
    assert_is_bare(f);
}

/* Both ways at every level: the most a filter set of this depth can branch. */
static void
branching_at_every_level(void **state)
{
    enum { DEPTH = 10 };
    struct fixture *f = *state;

    for (uint32_t mask = 0; mask < 1U << DEPTH; mask++) {
        char *filter = deep("a", DEPTH);

        for (size_t i = 0; i < DEPTH; i++) {
            filter[2 * i] = (mask >> i & 1U) != 0 ? '+' : 'a';
        }
        subscribe(f, filter, "", mask + 1, 0);
        free(filter);
    }
    match(f, "a/a/a/a/a/a/a/a/a/a");
    assert_int_equal(f->out.count, 1U << DEPTH);
    assert_int_equal(f->out.filters, 1U << DEPTH);
    match(f, "a/a/a/a/b/a/a/a/a/a");
    assert_int_equal(f->out.count, 1U << (DEPTH - 1));
}

/* Those at just this filter, and in just this group. */
static void
subscribers_of_a_filter_are_listed(void **state)
{
    static const struct {
        const char *filter, *group;
        size_t count;
    } cases[] = {
        {"a/b", "", 2},  {"a/b", "g", 1}, {"a/b", "h", 0}, {"a/+", "", 1},
        {"a/+", "g", 0}, {"a", "", 0},    {"a/c", "g", 0}, {"+/b", "", 0},
    };
    struct fixture *f = *state;

    subscribe(f, "a/b", "", 1, 0);
    subscribe(f, "a/b", "", 2, 0);
    subscribe(f, "a/b", "g", 3, 0);
    subscribe(f, "a/+", "", 4, 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(topic_index_list(f->index, span_of_text(cases[i].filter),
                                          span_of_text(cases[i].group), &f->out),
                         WILCO_OK);
        assert_int_equal(f->out.count, cases[i].count);
    }
    assert_int_equal(topic_index_list(f->index, SPAN_LITERAL("a/b"), SPAN_LITERAL("g"), &f->out),
                     WILCO_OK);
    assert_int_equal(f->out.items[0].session_id, 3);
    for (uint64_t id = 1; id <= 4; id++) {
        assert_true(unsubscribe(f, id == 4 ? "a/+" : "a/b", id == 3 ? "g" : "", id));
    }
}

/* One subscription of each kind that allocates differently. */
static const struct {
    const char *filter, *group;
    uint64_t id;
} steps[] = {
    {"a/b", "", 1},       {"a/b", "", 2},       {"a/b", "", 3},     {"a/b", "", 4},
    {"a/b", "g", 1},      {"a/b", "g", 2},      {"a/b", "g", 3},    {"a/b", "h", 1},
    {"c", "h", 1},        {"#", "", 1},         {"+/b", "", 1},     {"+/b/x/y/#", "", 1},
    {"a/#", "g", 1},      {"a/b/+/d", "", 1},   {"a/b/+/d", "", 2}, {"a/b/+", "", 2},
    {"e/f/g/h/+", "", 2}, {"e/f/g/h/+", "", 3}, {"q/+", "k", 3},    {"i/j/+", "", 3},
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

static void
assert_has_steps(struct fixture *f, size_t count)
{
    static const char *const topics[] = {"a/b",   "c",         "x/b/x/y", "a/b/c/d",
                                         "a/b/c", "e/f/g/h/i", "q/1",     "i/j/k"};

    assert_int_equal(topic_index_count(f->index), count);
    for (size_t t = 0; t < sizeof(topics) / sizeof(topics[0]); t++) {
        size_t singles = 0;
        size_t members = 0;

        for (size_t i = 0; i < count; i++) {
            if (topic_matches(span_of_text(steps[i].filter), span_of_text(topics[t]))) {
                singles += steps[i].group[0] == '\0';
                members += steps[i].group[0] != '\0';
            }
        }
        match(f, topics[t]);
        assert_int_equal(f->out.count, singles);
        for (size_t g = 0; g < f->out.group_count; g++) {
            struct topic_group_cursor c = {0};
            struct topic_match m;

            while (topic_group_next(f->out.groups[g], 0, &c, &m)) {
                members--;
            }
        }
        assert_int_equal(members, 0);
    }
}

/* Subscribes to all with one allocation failing: that one changes nothing, and succeeds the next
 * time. */
static size_t
subscribe_with_failure(struct fixture *f)
{
    size_t failures = 0;

    for (size_t i = 0; i < STEPS; i++) {
        struct subscription_how how = {.identifier = 1};
        bool existed;

        if (topic_index_subscribe(f->index, span_of_text(steps[i].filter),
                                  span_of_text(steps[i].group), steps[i].id, &how,
                                  &existed) == WILCO_ENOMEM) {
            failures++;
            assert_has_steps(f, i);
            subscribe(f, steps[i].filter, steps[i].group, steps[i].id, 1);
        }
        assert_has_steps(f, i + 1);
    }
    return failures;
}

static void
without_memory_nothing_changes(void **state)
{
    size_t fail_at = 0;
    size_t attempts;

    do {
        void *each = NULL;
        struct fixture *f;

        fail_at++;
        assert_int_equal(set_up(&each), 0);
        f = each;
        f->alloc.fail_at = fail_at + 1; /* the index itself is there */
        assert_in_range(subscribe_with_failure(f), 0, 1);
        for (size_t i = STEPS; i-- > 0;) {
            assert_true(unsubscribe(f, steps[i].filter, steps[i].group, steps[i].id));
        }
        assert_is_bare(f);
        attempts = f->alloc.attempts;
        assert_int_equal(tear_down(&each), 0);
    } while (fail_at < attempts);
    (void)state;
}

static void
an_index_without_memory_is_none(void **state)
{
    struct failing_alloc f;

    (void)state;
    failing_alloc_init(&f, 1);
    assert_null(topic_index_new(&f.alloc, SEED));
    topic_index_free(NULL);
}

/* Matches with each allocation failing in turn; the first that none was needed for. */
static size_t
match_without_memory(const struct fixture *f, struct span topic)
{
    struct failing_alloc a;
    enum wilco_status st;
    size_t fail_at = 0;

    do {
        struct topic_matches out;

        failing_alloc_init(&a, ++fail_at);
        topic_matches_init(&out, &a.alloc);
        st = topic_index_match(f->index, topic, &out);
        assert_int_equal(st, a.attempts < fail_at ? WILCO_OK : WILCO_ENOMEM);
        topic_matches_fini(&out);
        assert_int_equal(a.live, 0);
    } while (st != WILCO_OK);
    return fail_at;
}

static void
a_match_says_when_memory_is_out(void **state)
{
    struct fixture *f = *state;

    for (uint64_t id = 1; id <= 20; id++) {
        subscribe(f, "a/b", "", id, 0);
        subscribe(f, "+/b", "g", id, 0);
    }
    subscribe(f, "a/+", "", 1, 0);
    assert_in_range(match_without_memory(f, SPAN_LITERAL("a/b")), 4, 20);
    subscribe(f, "#", "", 1, 0); /* the first that the walk comes by */
    assert_in_range(match_without_memory(f, SPAN_LITERAL("x/y/z")), 4, 20);
}

static void
a_steady_state_allocates_nothing(void **state)
{
    struct fixture *f = *state;
    struct topic_matches out;
    size_t attempts;

    subscribe(f, "a/b", "", 1, 0);
    subscribe(f, "+/b", "", 2, 0);
    subscribe(f, "a/#", "g", 2, 0);
    topic_matches_init(&out, &f->alloc.alloc);
    assert_int_equal(topic_index_match(f->index, SPAN_LITERAL("a/b"), &out), WILCO_OK);
    attempts = f->alloc.attempts;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(topic_index_match(f->index, SPAN_LITERAL("a/b"), &out), WILCO_OK);
        assert_int_equal(out.count, 2);
        assert_int_equal(out.group_count, 1);
    }
    assert_int_equal(f->alloc.attempts, attempts);
    topic_matches_fini(&out);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(filters_match_as_the_standard_says),
        TEST(an_empty_index_matches_nothing_and_needs_nothing),
        TEST(subscribing_again_replaces),
        TEST(every_matching_filter_counts),
        TEST(groups_are_apart_by_name_and_filter),
        TEST(members_take_turns),
        TEST(memory_goes_back),
        TEST(many_subscribers_of_one_filter),
        TEST(many_filters),
        TEST(depth_is_no_danger),
        TEST(branching_at_every_level),
        TEST(subscribers_of_a_filter_are_listed),
        TEST(a_match_says_when_memory_is_out),
        TEST(a_steady_state_allocates_nothing),
        cmocka_unit_test(without_memory_nothing_changes),
        cmocka_unit_test(an_index_without_memory_is_none),
    };
    int failed;

    rcu_thread_enter();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rcu_thread_leave();
    return failed;
}
