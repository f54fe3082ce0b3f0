#include "broker/auth/acl_tree.h"

#include "base/random.h"
#include "support/failing_alloc.h"
#include "wire/topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct access_subject nobody = {.client_id = SPAN_INIT("c"), .user = SPAN_INIT("u")};

static void
names_are_levels(void **state)
{
    static const struct {
        const char *filter, *topic;
        bool has_names, matches;
    } rows[] = {
        {"%c/x", "c/x", true, true},   {"%c/x", "c/x", false, false},
        {"%c/x", "%c/x", false, true}, {"%c/x", "%c/x", true, false},
        {"a/%u/#", "a/u", true, true}, {"a/%u/#", "a/v", true, false},
        {"+/%u", "x/u", true, true},   {"%c%u", "cu", true, false}, /* no whole level */
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct acl_lines line = {.read = 7};
        struct acl_lines found = {0};
        struct acl_tree t;
        struct acl_node *root = NULL;

        acl_tree_init(&t, alloc_system(), 1);
        root = acl_tree_root(&t);
        assert_int_equal(
            acl_tree_put(&t, root, span_of_text(rows[i].filter), rows[i].has_names, &line),
            WILCO_OK);
        acl_tree_collect(&t, root, span_of_text(rows[i].topic), &nobody, &found);
        assert_int_equal(found.read, rows[i].matches ? 7 : 0);
        acl_tree_fini(&t);
    }
}

/* Names that begin with "$" do not open what begins with "$", and empty ones nothing. */
static void
names_do_not_widen(void **state)
{
    const struct access_subject who = {.client_id = SPAN_LITERAL("$SYS"), .user = SPAN_EMPTY};
    const struct acl_lines line = {.read = 1};
    struct acl_lines found = {0};
    struct acl_tree t;
    struct acl_node *root = NULL;

    (void)state;
    acl_tree_init(&t, alloc_system(), 1);
    root = acl_tree_root(&t);
    assert_int_equal(acl_tree_put(&t, root, SPAN_LITERAL("%c/#"), true, &line), WILCO_OK);
    assert_int_equal(acl_tree_put(&t, root, SPAN_LITERAL("a/%u"), true, &line), WILCO_OK);
    acl_tree_collect(&t, root, SPAN_LITERAL("$SYS/x"), &who, &found);
    acl_tree_collect(&t, root, SPAN_LITERAL("a/"), &who, &found);
    assert_int_equal(found.read, 0);
    acl_tree_fini(&t);
}

#define FILTERS 60
#define TOPICS  200

static void
make(struct random_seeded *random, char out[32], bool is_filter)
{
    static const char *const words[] = {"a", "b", "", "$x", "+", "#"};
    size_t len = 0;
    uint64_t number = 0;
    unsigned levels = 0;

    assert_int_equal(random_u64(&random->source, &number), WILCO_OK);
    levels = 1 + number % 4;
    number /= 4;
    out[0] = '\0';
    for (unsigned i = 0; i < levels; i++) {
        const char *word = words[number % (is_filter ? 6 : 4)];

        number /= 8;
        if (word[0] == '#' && i + 1 < levels) {
            word = "+";
        }
        len += (size_t)snprintf(out + len, 32 - len, "%s%s", i == 0 ? "" : "/", word);
    }
    if (out[0] == '\0') {
        (void)snprintf(out, 32, "a");
    }
}

/* Two roots in one tree, each with random filters: what is found is what topic_matches() says of
 * each filter. */
static void
as_one_by_one(void **state)
{
    struct random_seeded random;

    (void)state;
    random_seeded_init(&random, 20260);
    for (unsigned round = 0; round < 20; round++) {
        char filters[2][FILTERS][32];
        struct acl_tree t;
        struct acl_node *roots[2];

        acl_tree_init(&t, alloc_system(), round);
        for (unsigned r = 0; r < 2; r++) {
            roots[r] = acl_tree_root(&t);
            for (uint32_t i = 0; i < FILTERS; i++) {
                const struct acl_lines lines = {.deny = i % 3 == 0 ? i + 1 : 0,
                                                .read = i % 3 == 1 ? i + 1 : 0,
                                                .write = i % 3 == 2 ? i + 1 : 0};

                make(&random, filters[r][i], true);
                assert_int_equal(
                    acl_tree_put(&t, roots[r], span_of_text(filters[r][i]), false, &lines),
                    WILCO_OK);
            }
        }
        for (unsigned n = 0; n < TOPICS; n++) {
            char topic[32];

            make(&random, topic, false);
            for (unsigned r = 0; r < 2; r++) {
                struct acl_lines found = {0};
                uint32_t want[3] = {0};

                for (uint32_t i = 0; i < FILTERS; i++) {
                    if (want[i % 3] == 0 &&
                        topic_matches(span_of_text(filters[r][i]), span_of_text(topic))) {
                        want[i % 3] = i + 1;
                    }
                }
                acl_tree_collect(&t, roots[r], span_of_text(topic), &nobody, &found);
                assert_int_equal(found.deny, want[0]);
                assert_int_equal(found.read, want[1]);
                assert_int_equal(found.write, want[2]);
            }
        }
        acl_tree_fini(&t);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_levels),
        cmocka_unit_test(names_do_not_widen),
        cmocka_unit_test(as_one_by_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
