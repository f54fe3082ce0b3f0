#include "broker/core/service_table.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Names that must not be taken for one another. */
static const struct {
    const char *group, *filter;
} names[] = {
    {"", "a/b"}, {"", "a/+"}, {"", "a"}, {"g", "a/b"}, {"ga", "/b"}, {"h", "a/b"}, {"a/b", "a/b"},
};
#define NAMES (sizeof(names) / sizeof(names[0]))

static uint32_t
number_of(struct service_table *t, size_t i)
{
    return service_table_number(t, span_of_text(names[i].group), span_of_text(names[i].filter));
}

static void
test_numbers_stay(void **state)
{
    struct failing_alloc alloc;
    struct service_table *t = NULL;
    uint32_t numbers[NAMES];

    (void)state;
    failing_alloc_init(&alloc, 0);
    t = service_table_new(&alloc.alloc, 1, 100);
    assert_non_null(t);
    assert_int_equal(service_table_capacity(t), 102);
    assert_int_equal(service_table_end(t), SERVICE_OTHER + 1);
    for (size_t i = 0; i < NAMES; i++) {
        numbers[i] = number_of(t, i);
        assert_true(numbers[i] > SERVICE_OTHER);
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(numbers[i], numbers[j]);
        }
    }
    assert_int_equal(service_table_end(t), SERVICE_OTHER + 1 + NAMES);
    for (size_t i = 0; i < NAMES; i++) {
        struct service_name name = service_table_name(t, numbers[i]);

        assert_int_equal(number_of(t, i), numbers[i]);
        assert_true(span_equal(name.group, span_of_text(names[i].group)));
        assert_true(span_equal(name.filter, span_of_text(names[i].filter)));
    }
    assert_int_equal(service_table_name(t, SERVICE_OTHER).filter.len, 0);
    service_table_free(t);
    service_table_free(NULL);
    assert_int_equal(alloc.live, 0);
}

/* Beyond the bound all share one number; those that were there before keep theirs. */
static void
test_bound(void **state)
{
    struct failing_alloc alloc;
    struct service_table *t = NULL;

    (void)state;
    failing_alloc_init(&alloc, 0);
    t = service_table_new(&alloc.alloc, 1, 2);
    assert_non_null(t);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(number_of(t, 0), SERVICE_OTHER + 1);
        assert_int_equal(number_of(t, 1), SERVICE_OTHER + 2);
        assert_int_equal(number_of(t, 2), SERVICE_OTHER);
        assert_int_equal(number_of(t, 3), SERVICE_OTHER);
    }
    assert_int_equal(service_table_end(t), service_table_capacity(t));
    service_table_free(t);
    assert_int_equal(alloc.live, 0);
}

/* A name for which there was no memory gets its number when there is. */
static void
test_out_of_memory(void **state)
{
    (void)state;
    for (size_t fail_at = 1; fail_at <= 4; fail_at++) {
        struct failing_alloc alloc;
        struct service_table *t = NULL;

        failing_alloc_init(&alloc, fail_at);
        t = service_table_new(&alloc.alloc, 1, 2);
        assert_int_equal(t == NULL, fail_at == 1);
        if (t != NULL) { /* then its text, then the map */
            assert_int_equal(number_of(t, 0), SERVICE_OTHER + (fail_at == 4));
            assert_int_equal(number_of(t, 0), SERVICE_OTHER + 1);
            assert_int_equal(service_table_end(t), SERVICE_OTHER + 2);
        }
        service_table_free(t);
        assert_int_equal(alloc.live, 0);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_stay),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
