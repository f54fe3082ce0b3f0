#include "base/span.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    const char *name;
    struct span a, b;
    bool want;
} rows[] = {
    {"both empty", SPAN_INIT(""), SPAN_INIT(""), true},
    {"nowhere and empty", {NULL, 0}, SPAN_INIT(""), true},
    {"same bytes", SPAN_INIT("abc"), SPAN_INIT("abc"), true},
    {"a prefix", SPAN_INIT("abc"), SPAN_INIT("ab"), false},
    {"last byte differs", SPAN_INIT("abc"), SPAN_INIT("abd"), false},
    {"zero bytes count", SPAN_INIT("a\0b"), SPAN_INIT("a\0c"), false},
    {"empty and not", SPAN_INIT(""), SPAN_INIT("a"), false},
};

static void
equal_means_the_same_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (span_equal(rows[i].a, rows[i].b) != rows[i].want ||
            span_equal(rows[i].b, rows[i].a) != rows[i].want) {
            fail_msg("%s", rows[i].name);
        }
    }
}

static void
parts_are_where_they_should_be(void **state)
{
    struct span s = SPAN_LITERAL("topic/level");

    (void)state;
    assert_true(span_equal(span_first(s, 5), SPAN_LITERAL("topic")));
    assert_true(span_equal(span_skip(s, 6), SPAN_LITERAL("level")));
    assert_int_equal(span_first(s, 0).len, 0);
    assert_int_equal(span_skip(s, s.len).len, 0);
    assert_ptr_equal(span_skip(s, 3).data, s.data + 3);
    assert_null(span_skip(SPAN_EMPTY, 0).data);
}

static void
text_has_no_terminating_zero(void **state)
{
    (void)state;
    assert_int_equal(span_of_text("abc").len, 3);
    assert_int_equal(span_of_text("").len, 0);
    assert_int_equal(span_of_text(NULL).len, 0);
    assert_null(span_of_text(NULL).data);
    assert_int_equal(SPAN_LITERAL("a\0b").len, 3);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_means_the_same_bytes),
        cmocka_unit_test(parts_are_where_they_should_be),
        cmocka_unit_test(text_has_no_terminating_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
