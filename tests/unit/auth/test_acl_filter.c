#include "broker/auth/acl_filter.h"

#include "wire/topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct {
    const char *a, *b;
    bool overlap;
} overlaps[] = {
    {"a", "a", true},         {"a", "b", false},         {"a/b", "a", false},
    {"a/+", "a/b", true},     {"a/+", "+/b", true},      {"a/+", "b/+", false},
    {"a/#", "a", true},       {"a/#", "+", true},        {"a/#", "b", false},
    {"#", "a/b/c", true},     {"#", "#", true},          {"a/#", "a/+/#", true},
    {"a/+/c", "a/b/#", true}, {"a/+/c", "a/b/d", false}, {"+/+", "a", false},
    {"#", "$SYS/#", false},   {"+/x", "$SYS/x", false},  {"$SYS/#", "$SYS/+", true},
    {"a//b", "a/+/b", true},  {"a/b/#", "a", false},
};

static void
filters_overlap(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(overlaps) / sizeof(overlaps[0]); i++) {
        struct span a = span_of_text(overlaps[i].a);
        struct span b = span_of_text(overlaps[i].b);

        if (acl_filters_overlap(a, b) != overlaps[i].overlap ||
            acl_filters_overlap(b, a) != overlaps[i].overlap) {
            fail_msg("%s and %s", overlaps[i].a, overlaps[i].b);
        }
    }
}

static const struct {
    const char *cover, *a, *b;
    bool covers;
} covers[] = {
    {"#", "a/#", "a/b", true},        {"a/#", "#", "a/b", true},
    {"a/b", "#", "a/b", true},        {"a/b", "a/+", "+/b", true},
    {"a/+", "a/+", "#", true},        {"a/+", "a/#", "a/#", false},
    {"a/b", "a/+", "a/+", false},     {"a/#", "a", "a", true},
    {"a/+/#", "a/#", "a/#", false},   {"a/+/#", "a/b/#", "#", true},
    {"#", "$SYS/#", "$SYS/a", false}, {"$SYS/#", "$SYS/a", "$SYS/+", true},
    {"+/b", "a/b", "a/b", true},      {"b", "a", "a", false},
    {"a", "a/b", "a/b", false},       {"#", "#", "#", true},
    {"+", "#", "#", false},
};

static void
a_filter_covers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(covers) / sizeof(covers[0]); i++) {
        if (acl_filter_covers(span_of_text(covers[i].cover), span_of_text(covers[i].a),
                              span_of_text(covers[i].b)) != covers[i].covers) {
            fail_msg("%s over %s and %s", covers[i].cover, covers[i].a, covers[i].b);
        }
    }
}

/* All filters of up to three levels out of few words, against all topics of them: what overlaps has
 * a topic in common, and what covers has no topic beside it. */
#define WORDS 4
static const char *const words[WORDS + 1] = {"a", "b", "+", "#", NULL};

static bool
make_filter(unsigned number, char out[16], bool is_topic)
{
    unsigned levels = 1 + number % 3;
    size_t len = 0;

    number /= 3;
    for (unsigned i = 0; i < levels; i++) {
        len +=
            (size_t)snprintf(out + len, 16 - len, "%s%s", i == 0 ? "" : "/", words[number % WORDS]);
        number /= WORDS;
    }
    return is_topic ? topic_name_is_valid(span_of_text(out))
                    : topic_filter_is_valid(span_of_text(out));
}

#define NUMBERS (3 * WORDS * WORDS * WORDS)

static void
against_all_topics(void **state)
{
    static char topics[NUMBERS][16];
    char a[16], b[16], cover[16];
    size_t topic_count = 0;

    (void)state;
    for (unsigned i = 0; i < NUMBERS; i++) {
        topic_count += make_filter(i, topics[topic_count], true);
    }
    for (unsigned i = 0; i < NUMBERS; i++) {
        for (unsigned j = 0; j < NUMBERS; j++) {
            bool common = false;

            if (!make_filter(i, a, false) || !make_filter(j, b, false)) {
                continue;
            }
            for (size_t t = 0; t < topic_count; t++) {
                struct span topic = span_of_text(topics[t]);

                common = common || (topic_matches(span_of_text(a), topic) &&
                                    topic_matches(span_of_text(b), topic));
            }
            assert_int_equal(acl_filters_overlap(span_of_text(a), span_of_text(b)), common);
            for (unsigned k = 0; common && k < NUMBERS; k += 7) {
                if (!make_filter(k, cover, false) ||
                    !acl_filter_covers(span_of_text(cover), span_of_text(a), span_of_text(b))) {
                    continue;
                }
                for (size_t t = 0; t < topic_count; t++) {
                    struct span topic = span_of_text(topics[t]);

                    if (topic_matches(span_of_text(a), topic) &&
                        topic_matches(span_of_text(b), topic)) {
                        assert_true(topic_matches(span_of_text(cover), topic));
                    }
                }
            }
        }
    }
}

static const struct {
    const char *pattern, *client_id, *user, *topic;
    bool matches;
} patterns[] = {
    {"dev/%c", "c1", "", "dev/c1", true},
    {"dev/%c", "c1", "", "dev/c2", false},
    {"dev/%c", "c1", "", "dev/c1x", false},
    {"dev/%c", "c1", "", "dev/c1/x", false},
    {"dev/%c/#", "c1", "", "dev/c1", true},
    {"dev/%c/#", "c1", "", "dev/c1/a/b", true},
    {"dev/%c/+", "c1", "", "dev/c1/a", true},
    {"dev/%c/+", "c1", "", "dev/c1/a/b", false},
    {"dev/%c/+", "c1", "", "dev/c1", false},
    {"%u/%c/x", "c", "u", "u/c/x", true},
    {"x-%c-%u/+/y", "c", "u", "x-c-u/any/y", true},
    {"x-%c-%u/+/y", "c", "u", "x-u-c/any/y", false},
    {"+/%u", "c", "u", "$SYS/u", false},
    {"#", "c", "u", "$SYS/u", false},
    {"#", "c", "u", "u", true},
    {"a/%c/b", "x/y", "", "a/x/y/b", true},
    {"100%", "c", "", "100%", true},
    {"%d/%", "c", "", "%d/%", true},
    {"+", "c", "", "a/b", false},
    {"+/+", "c", "", "a/", true},
    {"a/%c", "c", "", "a/", false},
};

static void
patterns_match(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        const struct access_subject who = {.client_id = span_of_text(patterns[i].client_id),
                                           .user = span_of_text(patterns[i].user)};
        struct buffer filter;

        if (acl_pattern_matches(span_of_text(patterns[i].pattern), &who,
                                span_of_text(patterns[i].topic)) != patterns[i].matches) {
            fail_msg("%s at %s", patterns[i].pattern, patterns[i].topic);
        }
        buffer_init(&filter, alloc_system(), 1000);
        assert_int_equal(acl_pattern_expand(&filter, span_of_text(patterns[i].pattern), &who),
                         WILCO_OK);
        assert_int_equal(topic_matches(buffer_span(&filter), span_of_text(patterns[i].topic)),
                         patterns[i].matches);
        buffer_fini(&filter);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters_overlap),
        cmocka_unit_test(a_filter_covers),
        cmocka_unit_test(against_all_topics),
        cmocka_unit_test(patterns_match),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
