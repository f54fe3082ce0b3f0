#include "base/buffer.h"
#include "support/failing_alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
append_and_consume_keep_the_order(void **state)
{
    struct buffer b;

    (void)state;
    buffer_init(&b, alloc_system(), 1000);
    assert_null(b.data);
    assert_int_equal(buffer_append(&b, SPAN_LITERAL("hello ")), WILCO_OK);
    assert_int_equal(buffer_append(&b, SPAN_LITERAL("world")), WILCO_OK);
    assert_true(span_equal(buffer_span(&b), SPAN_LITERAL("hello world")));
    buffer_consume(&b, 6);
    assert_true(span_equal(buffer_span(&b), SPAN_LITERAL("world")));
    buffer_consume(&b, 5);
    assert_int_equal(b.len, 0);
    buffer_fini(&b);
}

static void
empty_operations_need_no_memory(void **state)
{
    struct failing_alloc f;
    struct buffer b;

    (void)state;
    failing_alloc_init(&f, 1);
    buffer_init(&b, &f.alloc, 10);
    assert_int_equal(buffer_append(&b, SPAN_EMPTY), WILCO_OK);
    assert_int_equal(buffer_reserve(&b, 0), WILCO_OK);
    buffer_consume(&b, 0);
    buffer_fini(&b);
    assert_int_equal(f.attempts, 0);
}

static void
the_ceiling_is_exact(void **state)
{
    static const size_t ceilings[] = {0, 1, 3, 63, 64, 65, 100, 127, 128, 129, 1000};

    (void)state;
    for (size_t i = 0; i < sizeof ceilings / sizeof ceilings[0]; i++) {
        struct buffer b;

        buffer_init(&b, alloc_system(), ceilings[i]);
        for (size_t n = 0; n < ceilings[i]; n++) {
            assert_int_equal(buffer_append(&b, SPAN_LITERAL("x")), WILCO_OK);
            assert_true(b.capacity <= ceilings[i]);
        }
        assert_int_equal(buffer_append(&b, SPAN_LITERAL("x")), WILCO_ELIMIT);
        assert_int_equal(buffer_reserve(&b, SIZE_MAX), WILCO_ELIMIT);
        assert_int_equal(b.len, ceilings[i]);
        buffer_fini(&b);
    }
}

static void
a_failure_leaves_the_contents(void **state)
{
    struct failing_alloc f;
    struct buffer b;
    uint8_t big[500] = {0};

    (void)state;
    failing_alloc_init(&f, 2);
    buffer_init(&b, &f.alloc, 1000);
    assert_int_equal(buffer_append(&b, SPAN_LITERAL("kept")), WILCO_OK);
    assert_int_equal(buffer_append(&b, span_of(big, sizeof big)), WILCO_ENOMEM);
    assert_true(span_equal(buffer_span(&b), SPAN_LITERAL("kept")));
    assert_int_equal(buffer_append(&b, span_of(big, sizeof big)), WILCO_OK);
    assert_int_equal(b.len, 4 + sizeof big);
    buffer_fini(&b);
    assert_int_equal(f.live, 0);
}

static void
reserved_room_is_not_reserved_twice(void **state)
{
    struct failing_alloc f;
    struct buffer b;

    (void)state;
    failing_alloc_init(&f, 0);
    buffer_init(&b, &f.alloc, 100000);
    assert_int_equal(buffer_reserve(&b, 5000), WILCO_OK);
    for (size_t i = 0; i < 5000; i++) {
        assert_int_equal(buffer_append(&b, SPAN_LITERAL("x")), WILCO_OK);
    }
    assert_int_equal(f.attempts, 1);
    buffer_fini(&b);
}

static void
appending_is_linear(void **state)
{
    struct failing_alloc f;
    struct buffer b;

    (void)state;
    failing_alloc_init(&f, 0);
    buffer_init(&b, &f.alloc, 1 << 20);
    for (size_t i = 0; i < 1 << 20; i++) {
        assert_int_equal(buffer_append(&b, SPAN_LITERAL("x")), WILCO_OK);
    }
    assert_true(f.attempts <= 20);
    buffer_fini(&b);
    assert_int_equal(f.live, 0);
}

static void
a_finished_buffer_can_be_used_again(void **state)
{
    struct buffer b;

    (void)state;
    buffer_init(&b, alloc_system(), 8);
    assert_int_equal(buffer_append(&b, SPAN_LITERAL("12345678")), WILCO_OK);
    buffer_fini(&b);
    assert_int_equal(b.len, 0);
    assert_null(b.data);
    assert_int_equal(buffer_append(&b, SPAN_LITERAL("again")), WILCO_OK);
    assert_true(span_equal(buffer_span(&b), SPAN_LITERAL("again")));
    buffer_fini(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(append_and_consume_keep_the_order),
        cmocka_unit_test(empty_operations_need_no_memory),
        cmocka_unit_test(the_ceiling_is_exact),
        cmocka_unit_test(a_failure_leaves_the_contents),
        cmocka_unit_test(reserved_room_is_not_reserved_twice),
        cmocka_unit_test(appending_is_linear),
        cmocka_unit_test(a_finished_buffer_can_be_used_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
