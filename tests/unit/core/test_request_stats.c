#include "broker/core/request_stats.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Made when they are first asked for, by number, and found by readers from then on. */
static void
test_made_on_demand(void **state)
{
    struct failing_alloc alloc;
    struct request_stats_table t;

    (void)state;
    failing_alloc_init(&alloc, 0);
    assert_true(request_stats_table_init(&t, &alloc.alloc, 5));
    assert_null(request_stats_read(&t, 0));
    assert_null(request_stats_read(&t, 4));
    request_stats_increment(&request_stats_of(&t, 4)->requests);
    request_stats_increment(&request_stats_of(&t, 4)->requests);
    request_stats_increment(&request_stats_of(&t, 1)->failed);
    assert_int_equal(request_stats_read(&t, 4)->requests, 2);
    assert_int_equal(request_stats_read(&t, 4)->failed, 0);
    assert_int_equal(request_stats_read(&t, 1)->failed, 1);
    assert_null(request_stats_read(&t, 2));
    request_stats_table_fini(&t);
    request_stats_table_fini(&t); /* harmless */
    assert_int_equal(alloc.live, 0);
}

static void
test_out_of_memory(void **state)
{
    struct failing_alloc alloc;
    struct request_stats_table t;

    (void)state;
    failing_alloc_init(&alloc, 1);
    assert_false(request_stats_table_init(&t, &alloc.alloc, 5));
    request_stats_table_fini(&t);
    failing_alloc_init(&alloc, 2);
    assert_true(request_stats_table_init(&t, &alloc.alloc, 5));
    assert_null(request_stats_of(&t, 2));
    assert_null(request_stats_read(&t, 2));
    assert_non_null(request_stats_of(&t, 2)); /* there is memory again */
    request_stats_table_fini(&t);
    assert_int_equal(alloc.live, 0);
}

static void
test_adding(void **state)
{
    struct request_stats sum = {.requests = 1, .answered = 2, .errors = 3, .failed = 4};
    struct request_stats more = {.requests = 10, .answered = 20, .errors = 30, .failed = 40};

    (void)state;
    histogram_record(&more.queue, 5);
    histogram_record(&more.service, 6);
    histogram_record(&more.back, 7);
    histogram_record(&sum.back, 1);
    request_stats_add(&sum, &more);
    assert_int_equal(sum.requests, 11);
    assert_int_equal(sum.answered, 22);
    assert_int_equal(sum.errors, 33);
    assert_int_equal(sum.failed, 44);
    assert_int_equal(sum.queue.sum, 5);
    assert_int_equal(sum.service.sum, 6);
    assert_int_equal(sum.back.sum, 8);
    assert_int_equal(sum.back.count, 2);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made_on_demand),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_adding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
