#include "broker/core/inbox_filters.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define MANY 2000U

static void
add(struct inbox_filters *f, const char *filter, uint32_t identifier)
{
    const struct subscription_how how = {.identifier = identifier};

    assert_int_equal(inbox_filters_add(f, span_of_text(filter), &how), WILCO_OK);
}

/* The identifiers of those that match, added up, and how many they are. */
static size_t
match(struct inbox_filters *f, const char *topic, uint32_t *sum)
{
    struct inbox_filters_walk walk = {.topic = span_of_text(topic)};
    const struct subscription_how *how = NULL;
    size_t count = 0;

    *sum = 0;
    while ((how = inbox_filters_next(f, &walk)) != NULL) {
        *sum += how->identifier;
        count++;
    }
    return count;
}

static void
exact_ones_and_wildcards(void **state)
{
    struct failing_alloc a;
    struct inbox_filters *f = NULL;
    uint32_t sum = 0;

    (void)state;
    failing_alloc_init(&a, 0);
    f = inbox_filters_new(&a.alloc, 1);
    assert_int_equal(match(f, "$r/t/a", &sum), 0);
    add(f, "$r/t/a", 1);
    add(f, "$r/t/+", 10);
    add(f, "$r/t/#", 100);
    assert_int_equal(inbox_filters_count(f), 3);
    assert_int_equal(match(f, "$r/t/a", &sum), 3);
    assert_int_equal(sum, 111);
    assert_int_equal(match(f, "$r/t/b/c", &sum), 1);
    assert_int_equal(sum, 100);
    inbox_filters_find(f, SPAN_LITERAL("$r/t/+"))->identifier = 20;
    assert_int_equal(match(f, "$r/t/b", &sum), 2);
    assert_int_equal(sum, 120);
    assert_true(inbox_filters_remove(f, SPAN_LITERAL("$r/t/#")));
    assert_false(inbox_filters_remove(f, SPAN_LITERAL("$r/t/#")));
    assert_null(inbox_filters_find(f, SPAN_LITERAL("$r/t/#")));
    assert_int_equal(match(f, "$r/t/a", &sum), 2);
    inbox_filters_free(f);
    inbox_filters_free(NULL);
    assert_int_equal(inbox_filters_count(NULL), 0);
    assert_int_equal(a.live, 0);
}

static void
each_of_many_is_found(void **state)
{
    struct inbox_filters *f = inbox_filters_new(alloc_system(), 1);
    char text[32];
    uint32_t sum = 0;

    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        (void)snprintf(text, sizeof(text), "$r/t/%u", (unsigned)i);
        add(f, text, i);
    }
    for (uint32_t i = 0; i < MANY; i++) {
        (void)snprintf(text, sizeof(text), "$r/t/%u", (unsigned)i);
        assert_int_equal(match(f, text, &sum), 1);
        assert_int_equal(sum, i);
    }
    inbox_filters_free(f);
}

static void
every_allocation_may_fail(void **state)
{
    const struct subscription_how how = {.identifier = 1};
    struct failing_alloc a;
    size_t fail_at = 1;

    (void)state;
    do {
        struct inbox_filters *f = NULL;

        failing_alloc_init(&a, fail_at);
        f = inbox_filters_new(&a.alloc, 1);
        if (f != NULL && inbox_filters_add(f, SPAN_LITERAL("$r/t/#"), &how) != WILCO_OK) {
            assert_int_equal(inbox_filters_count(f), 0);
            assert_null(inbox_filters_find(f, SPAN_LITERAL("$r/t/#")));
        }
        inbox_filters_free(f);
        assert_int_equal(a.live, 0);
        fail_at++;
    } while (a.attempts >= fail_at - 1);
    assert_true(fail_at > 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_ones_and_wildcards),
        cmocka_unit_test(each_of_many_is_found),
        cmocka_unit_test(every_allocation_may_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
