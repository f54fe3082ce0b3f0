#include "client/repeats.h"

#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
init(struct repeats *t, struct repeat_budget *budget, struct failing_alloc *alloc, size_t fail_at,
     size_t bytes_max)
{
    failing_alloc_init(alloc, fail_at);
    repeats_init(t, &alloc->alloc, 5);
    *budget = (struct repeat_budget){.bytes_max = bytes_max};
    list_init(&budget->answered);
}

static struct repeat *
must_add(struct repeats *t, struct repeat_budget *budget, const char *topic,
         const char *correlation)
{
    struct repeat *r = NULL;

    assert_int_equal(repeats_add(t, budget, span_of_text(topic), span_of_text(correlation), &r),
                     WILCO_OK);
    return r;
}

static void
fini(struct repeats *t, const struct repeat_budget *budget, const struct failing_alloc *alloc)
{
    struct repeat *r = NULL;

    while ((r = repeats_any(t)) != NULL) {
        repeats_remove(t, r);
    }
    repeats_fini(t);
    assert_int_equal(budget->bytes, 0);
    assert_int_equal(alloc->live, 0);
}

/* Byte for byte, and no byte may move from one to the other. */
static void
finds_by_topic_and_correlation(void **state)
{
    static const struct {
        const char *topic, *correlation;
        bool is_there;
    } rows[] = {
        {"a/b", "c", true},  {"a/", "bc", true},  {"a/bc", "", false}, {"a/b", "d", false},
        {"a/c", "c", false}, {"a/b", "C", false}, {"", "a/bc", false},
    };
    struct failing_alloc alloc;
    struct repeat_budget budget;
    struct repeats t;

    (void)state;
    init(&t, &budget, &alloc, 0, 10000);
    (void)must_add(&t, &budget, "a/b", "c");
    (void)must_add(&t, &budget, "a/", "bc");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct span topic = span_of_text(rows[i].topic);
        struct span correlation = span_of_text(rows[i].correlation);
        struct repeat *r = repeats_find(&t, topic, correlation);

        assert_int_equal(r != NULL, rows[i].is_there);
        if (r != NULL) {
            assert_true(span_equal(repeat_topic(r), topic));
            assert_true(span_equal(repeat_correlation(r), correlation));
        }
    }
    fini(&t, &budget, &alloc);
}

static void
keeps_within_its_budget(void **state)
{
    const size_t one = repeat_bytes(SPAN_LITERAL("t"), SPAN_LITERAL("1"));
    struct failing_alloc alloc;
    struct repeat_budget budget;
    struct repeat *r[3] = {NULL};
    struct repeats t;

    (void)state;
    init(&t, &budget, &alloc, 0, 3 * one + 5);
    r[0] = must_add(&t, &budget, "t", "1");
    r[1] = must_add(&t, &budget, "t", "2");
    assert_null(repeat_budget_oldest(&budget));
    assert_true(repeats_answer(&t, r[1], SPAN_LITERAL("12345")));
    assert_ptr_equal(repeat_budget_oldest(&budget), r[1]);
    r[2] = must_add(&t, &budget, "t", "3");
    assert_false(repeats_answer(&t, r[0], SPAN_LITERAL("x"))); /* one byte too many */
    assert_null(r[0]->answer.data);
    assert_ptr_equal(repeat_budget_oldest(&budget), r[1]); /* by the time of the answer */
    assert_int_equal(budget.bytes, budget.bytes_max);
    assert_int_equal(
        repeats_add(&t, &budget, SPAN_LITERAL("t"), SPAN_LITERAL("4"), &(struct repeat *){NULL}),
        WILCO_ELIMIT);
    repeats_remove(&t, r[1]);
    assert_ptr_equal(repeat_budget_oldest(&budget), r[0]);
    (void)must_add(&t, &budget, "t", "4");
    fini(&t, &budget, &alloc);
}

static void
survives_every_failure(void **state)
{
    bool is_done = false;

    (void)state;
    for (size_t fail_at = 1; !is_done; fail_at++) {
        struct failing_alloc alloc;
        struct repeat_budget budget;
        struct repeat *r = NULL;
        struct repeats t;
        bool is_kept = false;

        init(&t, &budget, &alloc, fail_at, 10000);
        if (repeats_add(&t, &budget, SPAN_LITERAL("t"), SPAN_LITERAL("c"), &r) == WILCO_OK) {
            is_kept = repeats_answer(&t, r, SPAN_LITERAL("answer"));
            assert_non_null(repeats_find(&t, SPAN_LITERAL("t"), SPAN_LITERAL("c")));
        }
        is_done = alloc.attempts < fail_at;
        assert_int_equal(is_kept, is_done);
        fini(&t, &budget, &alloc);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_by_topic_and_correlation),
        cmocka_unit_test(keeps_within_its_budget),
        cmocka_unit_test(survives_every_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
