#include "client/requester.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define START_MS 100U

struct bench {
    struct failing_alloc alloc;
    struct requester requester;
    struct subscription *inboxes[2];
};

static void
start(struct bench *b, size_t pending_max)
{
    for (size_t i = 0; i < 2; i++) {
        b->inboxes[i] = test_calloc(1, sizeof(*b->inboxes[i]));
        b->inboxes[i]->id = (uint32_t)i + 1;
    }
    failing_alloc_init(&b->alloc, 0);
    requester_init(&b->requester, &b->alloc.alloc, 3, pending_max, 20, START_MS);
}

static void
finish(struct bench *b)
{
    struct request *request = NULL;

    while ((request = requester_any(&b->requester)) != NULL) {
        requester_drop(&b->requester, request);
    }
    requester_fini(&b->requester);
    assert_int_equal(b->alloc.live, 0);
    assert_int_equal(b->inboxes[0]->request_count, 0);
    test_free(b->inboxes[0]);
    test_free(b->inboxes[1]);
}

static struct request *
must_add(struct bench *b, const char *correlation, uint64_t deadline_ms)
{
    struct request *request = NULL;

    assert_int_equal(requester_add(&b->requester, b->inboxes[0], span_of_text(correlation),
                                   SPAN_LITERAL("do"), deadline_ms, &request),
                     WILCO_OK);
    return request;
}

static void
end(struct bench *b, struct request *request, enum wilco_status status)
{
    requester_end(&b->requester, request, status);
    request_free(&b->requester, request);
}

static void
finds_by_inbox_and_correlation(void **state)
{
    struct bench b;
    struct request *request = NULL;

    (void)state;
    start(&b, 10);
    request = must_add(&b, "abc", 200);
    assert_ptr_equal(requester_find(&b.requester, b.inboxes[0], SPAN_LITERAL("abc")), request);
    assert_null(requester_find(&b.requester, b.inboxes[1], SPAN_LITERAL("abc")));
    assert_null(requester_find(&b.requester, b.inboxes[0], SPAN_LITERAL("ab")));
    assert_null(requester_find(&b.requester, b.inboxes[0], SPAN_EMPTY));
    assert_ptr_equal(requester_find_call(&b.requester, request->call), request);
    assert_null(requester_find_call(&b.requester, request->call + 1));
    finish(&b);
}

static void
takes_each_correlation_once(void **state)
{
    struct bench b;
    struct request *request = NULL;

    (void)state;
    start(&b, 10);
    (void)must_add(&b, "abc", 200);
    assert_int_equal(requester_add(&b.requester, b.inboxes[0], SPAN_LITERAL("abc"),
                                   SPAN_LITERAL("do"), 200, &request),
                     WILCO_EINVAL);
    assert_int_equal(requester_add(&b.requester, b.inboxes[1], SPAN_LITERAL("abc"),
                                   SPAN_LITERAL("do"), 200, &request),
                     WILCO_OK);
    finish(&b);
}

static void
bounds_what_is_pending(void **state)
{
    struct bench b;
    struct request *request = NULL;

    (void)state;
    start(&b, 2);
    (void)must_add(&b, "1", 200);
    request = must_add(&b, "2", 200);
    assert_int_equal(requester_add(&b.requester, b.inboxes[0], SPAN_LITERAL("3"),
                                   SPAN_LITERAL("do"), 200, &request),
                     WILCO_ELIMIT);
    requester_drop(&b.requester, requester_any(&b.requester));
    (void)must_add(&b, "3", 200);
    finish(&b);
}

/* Ten tries at once, and then as many as requests have paid for: five pay for one. */
static void
bounds_how_much_is_asked_again(void **state)
{
    struct bench b;

    (void)state;
    start(&b, 100);
    for (size_t i = 0; i < 10; i++) {
        assert_true(requester_take_try(&b.requester));
    }
    assert_false(requester_take_try(&b.requester));
    for (size_t i = 0; i < 4; i++) {
        end(&b, must_add(&b, "abc", 200), WILCO_OK);
    }
    assert_false(requester_take_try(&b.requester));
    end(&b, must_add(&b, "abc", 200), WILCO_OK);
    assert_true(requester_take_try(&b.requester));
    assert_false(requester_take_try(&b.requester));
    finish(&b);
}

static void
fires_deadlines_in_order_and_not_early(void **state)
{
    struct bench b;
    struct request *late = NULL;
    struct request *early = NULL;

    (void)state;
    start(&b, 10);
    late = must_add(&b, "late", START_MS + 5000);
    early = must_add(&b, "early", START_MS + 10);
    requester_advance(&b.requester, START_MS + 9);
    assert_null(requester_overdue(&b.requester));
    requester_advance(&b.requester, START_MS + 10);
    assert_ptr_equal(requester_overdue(&b.requester), early);
    assert_null(requester_overdue(&b.requester));
    end(&b, early, WILCO_ETIMEDOUT);
    requester_advance(&b.requester, START_MS + 5000);
    assert_ptr_equal(requester_overdue(&b.requester), late);
    finish(&b);
}

static void
tells_late_repeated_and_unknown_apart(void **state)
{
    static const struct {
        enum wilco_status ended; /* WILCO_AGAIN: never asked */
        uint64_t late, duplicate, unknown;
    } rows[] = {
        {WILCO_OK, 0, 1, 0},         {WILCO_EREMOTE, 0, 1, 0},      {WILCO_ETIMEDOUT, 1, 0, 0},
        {WILCO_ECANCELLED, 1, 0, 0}, {WILCO_ENORESPONDER, 1, 0, 0}, {WILCO_EREFUSED, 1, 0, 0},
        {WILCO_AGAIN, 0, 0, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bench b;

        start(&b, 10);
        if (rows[i].ended != WILCO_AGAIN) {
            end(&b, must_add(&b, "abc", 200), rows[i].ended);
        }
        requester_count_unmatched(&b.requester, b.inboxes[0], SPAN_LITERAL("abc"), false);
        assert_int_equal(b.requester.counters.responses_late, rows[i].late);
        assert_int_equal(b.requester.counters.responses_duplicate, rows[i].duplicate);
        assert_int_equal(b.requester.counters.responses_unknown, rows[i].unknown);
        finish(&b);
    }
}

/* A correlation that was used twice: the latest end counts. */
static void
remembers_the_latest_end(void **state)
{
    struct bench b;

    (void)state;
    start(&b, 10);
    end(&b, must_add(&b, "abc", 200), WILCO_OK);
    end(&b, must_add(&b, "abc", 200), WILCO_ETIMEDOUT);
    requester_count_unmatched(&b.requester, b.inboxes[0], SPAN_LITERAL("abc"), false);
    assert_int_equal(b.requester.counters.responses_late, 1);
    finish(&b);
}

static void
forgets_what_ended_long_ago(void **state)
{
    struct bench b;

    (void)state;
    start(&b, 10);
    end(&b, must_add(&b, "old", 200), WILCO_ETIMEDOUT);
    for (size_t i = 0; i < REQUESTER_ENDED_MAX; i++) {
        end(&b, must_add(&b, "new", 200), WILCO_OK);
    }
    requester_count_unmatched(&b.requester, b.inboxes[0], SPAN_LITERAL("old"), false);
    assert_int_equal(b.requester.counters.responses_unknown, 1);
    requester_count_unmatched(&b.requester, b.inboxes[0], SPAN_LITERAL("new"), false);
    assert_int_equal(b.requester.counters.responses_duplicate, 1);
    finish(&b);
}

static void
leaves_nothing_behind_without_memory(void **state)
{
    bool is_done = false;

    (void)state;
    for (size_t fail_at = 1; !is_done; fail_at++) {
        struct bench b;
        struct request *request = NULL;
        enum wilco_status st;

        start(&b, 10);
        b.alloc.fail_at = fail_at;
        st = requester_add(&b.requester, b.inboxes[0], SPAN_LITERAL("abc"), SPAN_LITERAL("do"), 200,
                           &request);
        is_done = b.alloc.attempts < fail_at;
        assert_int_equal(st, is_done ? WILCO_OK : WILCO_ENOMEM);
        assert_int_equal(requester_pending(&b.requester), is_done ? 1 : 0);
        finish(&b);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_by_inbox_and_correlation),
        cmocka_unit_test(takes_each_correlation_once),
        cmocka_unit_test(bounds_what_is_pending),
        cmocka_unit_test(bounds_how_much_is_asked_again),
        cmocka_unit_test(fires_deadlines_in_order_and_not_early),
        cmocka_unit_test(tells_late_repeated_and_unknown_apart),
        cmocka_unit_test(remembers_the_latest_end),
        cmocka_unit_test(forgets_what_ended_long_ago),
        cmocka_unit_test(leaves_nothing_behind_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
