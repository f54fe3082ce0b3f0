#include "base/alloc.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
system_allocator_gives_usable_memory(void **state)
{
    const struct wilco_alloc *a = alloc_system();
    unsigned char *bytes = mem_zalloc(a, 32);

    (void)state;
    assert_non_null(bytes);
    for (size_t i = 0; i < 32; i++) {
        assert_int_equal(bytes[i], 0);
        bytes[i] = (unsigned char)i;
    }
    bytes = mem_realloc(a, bytes, 4096);
    assert_non_null(bytes);
    for (size_t i = 0; i < 32; i++) {
        assert_int_equal(bytes[i], i);
    }
    mem_free(a, bytes);
}

static void
freeing_nothing_does_not_reach_the_allocator(void **state)
{
    /* An allocator without functions: any call would crash. */
    const struct wilco_alloc none = {.context = NULL};

    (void)state;
    mem_free(&none, NULL);
}

static void
failing_alloc_fails_once_where_told(void **state)
{
    struct failing_alloc f;
    void *first, *third;

    (void)state;
    failing_alloc_init(&f, 2);
    first = mem_alloc(&f.alloc, 1);
    assert_non_null(first);
    assert_null(mem_alloc(&f.alloc, 1));
    third = mem_zalloc(&f.alloc, 1);
    assert_non_null(third);
    assert_int_equal(f.attempts, 3);
    assert_int_equal(f.live, 2);
    mem_free(&f.alloc, first);
    mem_free(&f.alloc, third);
    assert_int_equal(f.live, 0);
}

static void
failing_alloc_counts_reallocation(void **state)
{
    struct failing_alloc f;
    void *memory;

    (void)state;
    failing_alloc_init(&f, 3);
    memory = mem_realloc(&f.alloc, NULL, 8);
    memory = mem_realloc(&f.alloc, memory, 16);
    assert_non_null(memory);
    assert_int_equal(f.live, 1);
    assert_null(mem_realloc(&f.alloc, memory, 32)); /* and `memory` is still ours */
    assert_int_equal(f.live, 1);
    mem_free(&f.alloc, memory);
    assert_int_equal(f.live, 0);
}

static void
failing_alloc_zero_never_fails(void **state)
{
    struct failing_alloc f;

    (void)state;
    failing_alloc_init(&f, 0);
    for (size_t i = 0; i < 100; i++) {
        void *memory = mem_alloc(&f.alloc, 1);

        assert_non_null(memory);
        mem_free(&f.alloc, memory);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(system_allocator_gives_usable_memory),
        cmocka_unit_test(freeing_nothing_does_not_reach_the_allocator),
        cmocka_unit_test(failing_alloc_fails_once_where_told),
        cmocka_unit_test(failing_alloc_counts_reallocation),
        cmocka_unit_test(failing_alloc_zero_never_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
